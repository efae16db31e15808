import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { UseQueryResult } from "@tanstack/react-query";

import type { QueueMetrics, TypeMetrics, Worker, WorkerMetrics } from "@/api/types";
import { Asked } from "@/components/Asked";
import { Panel } from "@/components/Page";
import { Parts } from "@/components/Parts";
import { Cell, Head, NameCell, Row, Table } from "@/components/Table";
import { bytes, percent } from "@/format/numbers";
import { duration } from "@/format/time";
import { formatNumber, useTranslate } from "@/i18n/translate";
import { CsvButton } from "./CsvButton";
import { useByQueue, useByTask, useByWorker, useEveryWorker, useTotals } from "./queries";
import type { InsightsSearch } from "./range";

type Figures = Pick<TypeMetrics, "total_executions" | "failed_executions" | "successful_executions" | "p50_wait" | "p95_wait" | "p50_duration" | "p95_duration" | "p99_duration">;

const FIGURES = ["total_executions", "successful_executions", "failed_executions", "p50_wait", "p95_wait", "p50_duration", "p95_duration", "p99_duration"] as const;

/** A panel with a table of figures, the ones with most failures first. */
function FigureTable<Item extends Figures>({ title, file, query, nameOf, link, head }: { title: string; file: string; query: UseQueryResult<Item[]>; nameOf: (item: Item) => string; link: (item: Item) => ReactNode; head: string }) {
  const t = useTranslate();
  const sorted = [...(query.data ?? [])].sort((one, other) => other.failed_executions - one.failed_executions || other.total_executions - one.total_executions);
  return (
    <Panel
      title={title}
      isFlush
      actions={
        <CsvButton name={file} head={[file, ...FIGURES.map((name) => (name.includes("executions") ? name : `${name}_ms`))]} rows={() => sorted.map((one) => [nameOf(one), ...FIGURES.map((name) => one[name])])} />
      }
    >
      <Asked query={query}>
        {() =>
          sorted.length === 0 ? (
            <p className="p-4 text-muted">{t("insights.none")}</p>
          ) : (
            <Parts items={sorted}>
              {(part) => (
                <Table label={title}>
                  <thead>
                    <tr>
                      <Head>{head}</Head>
                      <Head isNumber>{t("insights.ended")}</Head>
                      <Head isNumber>{t("throughput.failed")}</Head>
                      <Head>{t("overview.failure_rate")}</Head>
                      <Head isNumber>{t("insights.wait_p50")}</Head>
                      <Head isNumber>{t("queues.p95_wait")}</Head>
                      <Head isNumber>{t("tasks.p50")}</Head>
                      <Head isNumber>{t("queues.p95_duration")}</Head>
                      <Head isNumber>{t("insights.duration_p99")}</Head>
                    </tr>
                  </thead>
                  <tbody>
                    {part.map((one) => (
                      <Row key={nameOf(one)}>
                        <NameCell className="untrusted font-medium!">{link(one)}</NameCell>
                        <Cell isNumber>{formatNumber(one.total_executions)}</Cell>
                        <Cell isNumber>{formatNumber(one.failed_executions)}</Cell>
                        <Cell>
                          <Share part={one.failed_executions} of={one.successful_executions + one.failed_executions} colour="bg-failed" />
                        </Cell>
                        <Cell isNumber>{duration(one.p50_wait)}</Cell>
                        <Cell isNumber>{duration(one.p95_wait)}</Cell>
                        <Cell isNumber>{duration(one.p50_duration)}</Cell>
                        <Cell isNumber>{duration(one.p95_duration)}</Cell>
                        <Cell isNumber>{duration(one.p99_duration)}</Cell>
                      </Row>
                    ))}
                  </tbody>
                </Table>
              )}
            </Parts>
          )
        }
      </Asked>
    </Panel>
  );
}

/** A part of a whole, as a bar and in per cent. */
function Share({ part, of, colour }: { part: number; of: number; colour: string }) {
  if (of <= 0) return <span className="text-muted">—</span>;
  const share = Math.min(1, part / of);
  return (
    <span className="inline-flex items-center gap-2">
      <span aria-hidden className="h-1.5 w-16 overflow-hidden rounded-full bg-line">
        <span className={`block h-full ${colour}`} style={{ width: `${share * 100}%` }} />
      </span>
      {percent(share)}
    </span>
  );
}

export function ByTask({ search }: { search: InsightsSearch }) {
  const t = useTranslate();
  return (
    <FigureTable<TypeMetrics>
      title={t("insights.by_task")}
      file="task"
      query={useByTask(search)}
      head={t("job.task")}
      nameOf={(one) => one.job_type}
      link={(one) => (
        <Link to="/jobs" search={{ type: one.job_type, status: "failed" }} className="hover:underline">
          {one.job_type}
        </Link>
      )}
    />
  );
}

export function ByQueue({ search }: { search: InsightsSearch }) {
  const t = useTranslate();
  return (
    <FigureTable<QueueMetrics>
      title={t("insights.by_queue")}
      file="queue"
      query={useByQueue(search)}
      head={t("job.queue")}
      nameOf={(one) => one.queue_name}
      link={(one) => (
        <Link to="/queues/$queueId" params={{ queueId: one.queue_id }} className="hover:underline">
          {one.queue_name}
        </Link>
      )}
    />
  );
}

/** How busy each worker was: the time its jobs took, of the time that its slots were there. */
export function ByWorker({ search }: { search: InsightsSearch }) {
  const t = useTranslate();
  const workers = useByWorker(search);
  const every = useEveryWorker().data ?? [];
  const period = useTotals(search).data;
  const busyOf = (one: WorkerMetrics) => {
    const there = period ? slotMilliseconds(every.filter((worker) => worker.name === one.worker_name), period.period_start, period.period_end) : 0;
    return { busy: (one.avg_processing_time ?? 0) * one.jobs_processed, there };
  };
  return (
    <Panel
      title={t("insights.by_worker")}
      isFlush
      actions={
        <CsvButton
          name="workers"
          head={["worker", "jobs_processed", "busy_share", "cpu_percent", "memory_percent", "p95_duration_ms"]}
          rows={() =>
            (workers.data ?? []).map((one) => {
              const { busy, there } = busyOf(one);
              return [one.worker_name, one.jobs_processed, there > 0 ? Math.min(1, busy / there) : null, one.cpu_usage, one.memory_usage, one.p95_duration];
            })
          }
        />
      }
    >
      <Asked query={workers}>
        {(found) =>
          found.length === 0 ? (
            <p className="p-4 text-muted">{t("insights.none")}</p>
          ) : (
            <Table label={t("insights.by_worker")}>
              <thead>
                <tr>
                  <Head>{t("workers.name")}</Head>
                  <Head>{t("insights.busy")}</Head>
                  <Head isNumber>{t("insights.ended")}</Head>
                  <Head isNumber>{t("queues.success")}</Head>
                  <Head isNumber>{t("queues.p95_duration")}</Head>
                  <Head isNumber>{t("workers.cpu")}</Head>
                  <Head isNumber>{t("workers.memory")}</Head>
                  <Head isNumber>{t("insights.peak")}</Head>
                </tr>
              </thead>
              <tbody>
                {found.map((one) => {
                  const { busy, there } = busyOf(one);
                  return (
                    <Row key={one.worker_id}>
                      <Cell className="untrusted font-medium">
                        <Link to="/workers/$workerId" params={{ workerId: one.worker_id }} className="hover:underline">
                          {one.worker_name}
                        </Link>
                      </Cell>
                      <Cell>
                        <Share part={busy} of={there} colour="bg-processing" />
                      </Cell>
                      <Cell isNumber>{formatNumber(one.jobs_processed)}</Cell>
                      <Cell isNumber>{one.total_executions > 0 ? percent(one.success_rate / 100) : "—"}</Cell>
                      <Cell isNumber>{duration(one.p95_duration)}</Cell>
                      <Cell isNumber>{one.cpu_usage === null ? "—" : `${Math.round(one.cpu_usage)} %`}</Cell>
                      <Cell isNumber>{one.memory_usage === null ? "—" : `${one.memory_usage.toFixed(1)} %`}</Cell>
                      <Cell isNumber>{bytes(one.peak_memory_bytes)}</Cell>
                    </Row>
                  );
                })}
              </tbody>
            </Table>
          )
        }
      </Asked>
    </Panel>
  );
}

/** For how long slots of these incarnations were there within a period. */
function slotMilliseconds(workers: Worker[], start: string, end: string): number {
  const moment = (text: string) => new Date(text).getTime();
  return workers.reduce((sum, worker) => {
    const last = worker.stopped_at ?? (worker.status === "offline" ? worker.last_heartbeat : null) ?? end;
    const lived = Math.min(moment(end), moment(last)) - Math.max(moment(start), moment(worker.registered_at));
    return sum + Math.max(0, lived) * worker.max_concurrent_jobs;
  }, 0);
}
