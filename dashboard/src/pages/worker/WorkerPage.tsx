import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";

import { api, data, whole } from "@/api/client";
import { FIGURES_MS } from "@/api/queries";
import { useSession } from "@/api/session";
import type { Worker } from "@/api/types";
import { Asked } from "@/components/Asked";
import { AskedPage } from "@/components/AskedPage";
import { Figure } from "@/components/Figure";
import { Json } from "@/components/Json";
import { Empty } from "@/components/Notices";
import { Fact, Facts, Page, Panel } from "@/components/Page";
import { Parts } from "@/components/Parts";
import { Status } from "@/components/Status";
import { Running, Time } from "@/components/Time";
import { bytes, percent, shortId } from "@/format/numbers";
import { duration } from "@/format/time";
import { formatNumber, useTranslate, word } from "@/i18n/translate";
import { DrainButton } from "@/pages/workers/DrainButton";

const route = getRouteApi("/workers/$workerId");

export function WorkerPage() {
  const { workerId } = route.useParams();
  const worker = useQuery({
    queryKey: ["worker", workerId],
    queryFn: () => data(api.GET("/api/v1/workers/{worker_id}", { params: { path: { worker_id: workerId } } })),
    refetchInterval: FIGURES_MS,
  });
  return <AskedPage query={worker}>{(found) => <Shown worker={found} />}</AskedPage>;
}

function Shown({ worker }: { worker: Worker }) {
  const t = useTranslate();
  const { may } = useSession();
  return (
    <Page
      title={worker.name}
      heading={
        <>
          <span className="untrusted">{worker.name}</span>
          <Status of={worker.status} />
        </>
      }
      note={<span className="font-mono text-xs">{worker.id}</span>}
      actions={may("worker:write") && <DrainButton worker={worker} />}
    >
      <Figures worker={worker} />
      <div className="grid items-start gap-4 lg:grid-cols-2">
        {may("job:read") && <RunningJobs worker={worker} />}
        <Panel title={t("job.details")}>
          <Facts>
            <Fact name={t("workers.type")}>{word("worker_type", worker.worker_type)}</Fact>
            <Fact name={t("workers.host")}>
              {worker.host} · pid {worker.pid}
            </Fact>
            <Fact name={t("workers.version")}>{worker.version}</Fact>
            <Fact name={t("workers.registered")}>
              <Time at={worker.registered_at} />
            </Fact>
            <Fact name={t("workers.heartbeat")}>
              <Time at={worker.last_heartbeat} />
            </Fact>
            {worker.stopped_at !== null && (
              <Fact name={t("workers.stopped")}>
                <Time at={worker.stopped_at} />
              </Fact>
            )}
            <Fact name={t("nav.queues")}>{worker.queues.join(", ")}</Fact>
            <Fact name={t("nav.tasks")}>{worker.job_types.join(", ")}</Fact>
            {Object.keys(worker.capabilities).length > 0 && (
              <Fact name={t("workers.capabilities")}>
                <Json value={worker.capabilities} />
              </Fact>
            )}
          </Facts>
        </Panel>
      </div>
    </Page>
  );
}

function Figures({ worker }: { worker: Worker }) {
  const t = useTranslate();
  const metrics = useQuery({
    queryKey: ["figures", worker.id, "worker"],
    queryFn: () =>
      data(api.GET("/api/v1/workers/{worker_id}/metrics", { params: { path: { worker_id: worker.id }, query: { hours: 1 } } })),
    refetchInterval: FIGURES_MS,
  });
  const found = metrics.data;
  return (
    <div className="grid grid-cols-2 gap-3 lg:grid-cols-5">
      <Figure name={t("workers.load")} value={`${worker.active_jobs} / ${worker.max_concurrent_jobs}`} note={t("workers.slots")} />
      <Figure
        name={t("workers.processed")}
        value={found ? formatNumber(found.jobs_processed) : "…"}
        note={found && found.total_executions > 0 ? t("workers.succeeded", { share: percent(found.success_rate / 100) }) : undefined}
      />
      <Figure name={t("workers.cpu")} value={found?.cpu_usage == null ? "—" : percent(found.cpu_usage / 100)} note={t("workers.cpu_note")} />
      <Figure
        name={t("workers.memory")}
        value={found?.memory_usage == null ? "—" : percent(found.memory_usage / 100, 2)}
        note={found ? t("workers.peak", { size: bytes(found.peak_memory_bytes) }) : undefined}
      />
      <Figure name={t("queue.duration")} value={duration(found?.p95_duration)} note={t("queue.percentiles", { p50: duration(found?.p50_duration), p99: duration(found?.p99_duration) })} />
    </div>
  );
}

function RunningJobs({ worker }: { worker: Worker }) {
  const t = useTranslate();
  const running = useQuery({
    queryKey: ["job", worker.id, "running"],
    queryFn: () => whole((page) => api.GET("/api/v1/executions/active", { params: { query: { project_id: worker.project_id, worker_id: worker.id, ...page } } })),
    refetchInterval: FIGURES_MS,
  });
  return (
    <Panel title={t("workers.running")} isFlush>
      <Asked query={running}>
        {(own) => {
          if (own.length === 0) return <Empty title={t("workers.idle")} />;
          return (
            <Parts items={own}>
              {(part) => (
                <ul>
                  {part.map((execution) => (
                    <li key={execution.id} className="flex items-center gap-3 border-b border-line/60 px-4 py-2 text-[13px] last:border-0">
                      <Link to="/jobs/$jobId" params={{ jobId: execution.job_id }} className="untrusted min-w-0 flex-1 truncate font-medium hover:underline">
                        {execution.job_type} <span className="font-mono text-xs text-muted">{shortId(execution.job_id)}</span>
                      </Link>
                      <Status of={execution.status} />
                      <span className="text-muted">
                        <Running since={execution.started_at ?? execution.created_at} />
                      </span>
                    </li>
                  ))}
                </ul>
              )}
            </Parts>
          );
        }}
      </Asked>
    </Panel>
  );
}
