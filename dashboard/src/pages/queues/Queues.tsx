import { useQuery, keepPreviousData } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import { useState } from "react";

import { api, data, whole } from "@/api/client";
import { FIGURES_MS, useDepths, useQueues, useServants } from "@/api/queries";
import { useSession } from "@/api/session";
import type { Queue } from "@/api/types";
import { Asked } from "@/components/Asked";
import { Button } from "@/components/Button";
import { Empty } from "@/components/Notices";
import { Page, Panel } from "@/components/Page";
import { Parts } from "@/components/Parts";
import { Status } from "@/components/Status";
import { ActionsHead, Cell, Head, NameCell, Row, Table } from "@/components/Table";
import { deep, percent } from "@/format/numbers";
import { duration } from "@/format/time";
import { formatNumber, useTranslate } from "@/i18n/translate";
import { OpenBreakers } from "@/pages/breakers/Breakers";
import { Pauses } from "@/pages/pauses/Pauses";
import { useProject } from "@/shell/project";
import { NewQueue } from "./NewQueue";
import { PauseButton } from "./PauseButton";
import { Spark } from "./Spark";

export function Queues() {
  const t = useTranslate();
  const { may } = useSession();
  const queues = useQueues();
  const [isMaking, setMaking] = useState(false);
  return (
    <Page
      title={t("nav.queues")}
      actions={
        may("queue:write") && (
          <Button kind="primary" icon={Plus} onClick={() => setMaking(true)}>
            {t("queues.new")}
          </Button>
        )
      }
    >
      <OpenBreakers />
      <Pauses />
      <Panel isFlush>
        <Asked query={queues} lines={8}>
          {(found) => (found.length === 0 ? <Empty title={t("queues.none")}>{t("queues.none_hint")}</Empty> : <Found queues={found} />)}
        </Asked>
      </Panel>
      <NewQueue isOpen={isMaking} onClose={() => setMaking(false)} />
    </Page>
  );
}

function useQueueFigures() {
  const { id } = useProject();
  const { may } = useSession();
  return useQuery({
    queryKey: ["figures", id, "queues"],
    queryFn: () => whole((page) => api.GET("/api/v1/metrics/queues", { params: { query: { project_id: id, hours: 1, ...page } } })),
    enabled: may("job:read"),
    refetchInterval: FIGURES_MS,
    placeholderData: keepPreviousData,
  });
}

function useTrends() {
  const { id } = useProject();
  const { may } = useSession();
  return useQuery({
    queryKey: ["figures", id, "trends"],
    queryFn: () => data(api.GET("/api/v1/metrics/trends", { params: { query: { project_id: id } } })),
    enabled: may("job:read"),
    refetchInterval: 3 * FIGURES_MS,
    placeholderData: keepPreviousData,
  });
}

/** Where there are many, those with a text in their names. */
function Found({ queues }: { queues: Queue[] }) {
  const t = useTranslate();
  const [text, setText] = useState("");
  const wanted = text.trim().toLowerCase();
  const found = wanted === "" ? queues : queues.filter((queue) => queue.name.toLowerCase().includes(wanted));
  return (
    <>
      {queues.length > FEW && (
        <div className="flex flex-wrap items-center gap-3 border-b border-line p-3">
          <input data-filter type="search" aria-label={t("assignments.filter")} placeholder={t("assignments.filter")} className="field min-w-0 flex-1" value={text} onChange={(event) => setText(event.target.value)} />
          <span className="text-xs text-muted" aria-live="polite">
            {t("queues.shown", { shown: found.length, all: queues.length })}
          </span>
        </div>
      )}
      {found.length === 0 ? <Empty title={t("queues.none_match")} /> : <Parts items={found}>{(part) => <QueueTable queues={part} />}</Parts>}
    </>
  );
}

/** So many are seen at a glance. */
const FEW = 15;

function QueueTable({ queues }: { queues: Queue[] }) {
  const t = useTranslate();
  const trends = useTrends();
  const trendOf = new Map((trends.data ?? []).map((one) => [one.queue_id, one]));
  const depths = useDepths();
  const servantsOf = useServants();
  const figures = useQueueFigures();
  const depthOf = new Map((depths.data ?? []).map((one) => [one.queue_id, one]));
  const figuresOf = new Map((figures.data ?? []).map((one) => [one.queue_id, one]));
  return (
    <Table label={t("nav.queues")}>
      <thead>
        <tr>
          <Head>{t("queues.name")}</Head>
          <Head>{t("queues.state")}</Head>
          <Head isNumber className="max-sm:hidden">
            {t("queues.priority")}
          </Head>
          <Head isNumber className="max-sm:hidden">
            {t("nav.workers")}
          </Head>
          <Head isNumber>{t("status.pending")}</Head>
          <Head isNumber>{t("status.scheduled")}</Head>
          <Head isNumber>{t("status.processing")}</Head>
          <Head isNumber>{t("queues.oldest")}</Head>
          <Head>{t("queues.trend")}</Head>
          <Head isNumber>{t("queues.ended_hour")}</Head>
          <Head isNumber>{t("queues.success")}</Head>
          <Head isNumber>{t("queues.p95_wait")}</Head>
          <Head isNumber>{t("queues.p95_duration")}</Head>
          <ActionsHead />
        </tr>
      </thead>
      <tbody>
        {queues.map((queue) => {
          const depth = depthOf.get(queue.id);
          const found = figuresOf.get(queue.id);
          const waiting = (depth?.ready ?? 0) + (depth?.held ?? 0);
          const servants = servantsOf(queue.id);
          return (
            <Row key={queue.id}>
              <NameCell>
                <span className="flex flex-col items-start">
                  <Link
                    to="/queues/$queueId"
                    params={{ queueId: queue.id }}
                    title={queue.name}
                    className="untrusted block max-w-72 truncate font-medium hover:underline max-sm:max-w-36"
                  >
                    {queue.name}
                  </Link>
                  {servants === 0 && waiting > 0 && <span className="text-xs text-failed">{t("attention.unserved")}</span>}
                </span>
              </NameCell>
              <Cell>
                <span title={queue.pause_reason ?? undefined}>
                  <Status of={queue.state} />
                </span>
              </Cell>
              <Cell isNumber className="max-sm:hidden">
                {queue.priority}
              </Cell>
              <Cell isNumber className={`max-sm:hidden ${servants === 0 ? (waiting > 0 ? "text-failed" : "text-muted") : ""}`}>
                {servants === undefined ? "—" : servants === 0 ? t("queues.no_workers") : formatNumber(servants)}
              </Cell>
              <Cell isNumber>{depth ? deep(depth.ready, depth.held) : "…"}</Cell>
              <Cell isNumber>{depth ? deep(depth.scheduled) : "…"}</Cell>
              <Cell isNumber>{depth ? deep(depth.processing) : "…"}</Cell>
              <Cell isNumber>{depth && depth.latency_seconds > 0 ? duration(depth.latency_seconds * 1000) : "—"}</Cell>
              <Cell>{trends.data ? <Spark trend={trendOf.get(queue.id)} /> : "…"}</Cell>
              <Cell isNumber>{found ? formatNumber(found.total_executions) : "…"}</Cell>
              <Cell isNumber>{found && found.total_executions > 0 ? percent(found.success_rate / 100) : "—"}</Cell>
              <Cell isNumber>{duration(found?.p95_wait)}</Cell>
              <Cell isNumber>{duration(found?.p95_duration)}</Cell>
              <Cell className="text-right">
                <PauseButton queue={queue} />
              </Cell>
            </Row>
          );
        })}
      </tbody>
    </Table>
  );
}
