import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { Eraser, Trash2 } from "lucide-react";
import { useMemo, useState } from "react";

import { api, data, done } from "@/api/client";
import { FIGURES_MS, useAction, useDepths, useWorkers } from "@/api/queries";
import { useSession } from "@/api/session";
import type { Queue } from "@/api/types";
import { Asked } from "@/components/Asked";
import { AskedPage } from "@/components/AskedPage";
import { Button } from "@/components/Button";
import { Confirm } from "@/components/Dialog";
import { Figure } from "@/components/Figure";
import { LazyChart } from "@/components/LazyChart";
import { Operations } from "@/components/Operations";
import { Page, Panel } from "@/components/Page";
import { Status } from "@/components/Status";
import { ThroughputChart } from "@/components/ThroughputChart";
import { Time } from "@/components/Time";
import { atLeast, deep, percent } from "@/format/numbers";
import { duration } from "@/format/time";
import { formatNumber, useTranslate, word } from "@/i18n/translate";
import { JOB_STATUSES } from "@/api/types";
import { PauseButton } from "@/pages/queues/PauseButton";
import { QueueSettings } from "./QueueSettings";

const route = getRouteApi("/queues/$queueId");
const HOURS = 1;

export function QueuePage() {
  const { queueId } = route.useParams();
  const queue = useQuery({
    queryKey: ["queue", queueId],
    queryFn: () => data(api.GET("/api/v1/queues/{queue_id}", { params: { path: { queue_id: queueId } } })),
  });
  return <AskedPage query={queue}>{(found) => <Shown queue={found} />}</AskedPage>;
}

function Shown({ queue }: { queue: Queue }) {
  const t = useTranslate();
  const { may } = useSession();
  return (
    <Page
      title={queue.name}
      heading={
        <>
          <span className="untrusted">{queue.name}</span>
          <Status of={queue.state} />
        </>
      }
      note={queue.description && <span className="untrusted">{queue.description}</span>}
      actions={
        <>
          <PauseButton queue={queue} />
          {may("queue:write") && (
            <>
              <PurgeButton queue={queue} />
              <DeleteButton queue={queue} />
            </>
          )}
        </>
      }
    >
      {queue.state !== "active" && <Paused queue={queue} />}
      <Operations />
      {may("job:read") && <Figures queue={queue} />}
      <div className="grid items-start gap-4 xl:grid-cols-2">
        {may("job:read") && <Charts queue={queue} />}
        <QueueSettings key={queue.updated_at} queue={queue} mayWrite={may("queue:write")} />
      </div>
      {may("worker:read") && <p className="text-[13px] text-muted">{t("queue.served_by")} <Serving queue={queue} /></p>}
    </Page>
  );
}

function Paused({ queue }: { queue: Queue }) {
  const t = useTranslate();
  return (
    <div className="flex flex-wrap gap-x-2 rounded-lg border border-retrying/40 bg-retrying/8 px-4 py-2.5 text-[13px]">
      <span className="font-medium">{word("status", queue.state)}</span>
      {queue.paused_at && <Time at={queue.paused_at} />}
      {queue.paused_by && <span className="untrusted">{t("queue.by", { who: queue.paused_by })}</span>}
      {queue.pause_reason && <span className="untrusted">— {queue.pause_reason}</span>}
    </div>
  );
}

function Figures({ queue }: { queue: Queue }) {
  const t = useTranslate();
  const path = { path: { queue_id: queue.id } };
  const stats = useQuery({
    queryKey: ["job", queue.id, "stats"],
    queryFn: () => data(api.GET("/api/v1/queues/{queue_id}/stats", { params: path })),
  });
  const figures = useQuery({
    queryKey: ["figures", queue.id, "queue"],
    queryFn: () => data(api.GET("/api/v1/queues/{queue_id}/metrics", { params: { ...path, query: { hours: HOURS } } })),
    refetchInterval: FIGURES_MS,
  });
  const depth = useDepths().data?.find((one) => one.queue_id === queue.id);
  const found = figures.data;
  return (
    <>
      <div className="grid grid-cols-2 gap-3 lg:grid-cols-4">
        <Figure name={t("queues.oldest")} value={depth && depth.latency_seconds > 0 ? duration(depth.latency_seconds * 1000) : "—"} note={t("overview.waiting", { count: depth ? deep(depth.ready, depth.held) : 0 })} />
        <Figure
          name={t("queues.success")}
          value={found && found.total_executions > 0 ? percent(found.success_rate / 100) : "—"}
          note={t("queue.attempts_hour", { count: found?.total_executions ?? 0 })}
        />
        <Figure name={t("queue.wait")} value={duration(found?.p95_wait)} note={t("queue.percentiles", { p50: duration(found?.p50_wait), p99: duration(found?.p99_wait) })} />
        <Figure
          name={t("queue.duration")}
          value={duration(found?.p95_duration)}
          note={t("queue.percentiles", { p50: duration(found?.p50_duration), p99: duration(found?.p99_duration) })}
        />
      </div>
      <div className="flex flex-wrap gap-2">
        {JOB_STATUSES.map((status) => (
          <Link key={status} to="/jobs" search={{ queue: queue.name, status }} className="flex items-center gap-2 rounded-md border border-line px-2 py-1 text-[13px] hover:bg-hover">
            <Status of={status} />
            <span className="font-medium">{stats.data ? atLeast(stats.data[`${status}_count`], stats.data.at_least.includes(status)) : "…"}</span>
          </Link>
        ))}
        {stats.data && stats.data.dead_letter_count > 0 && (
          <Link to="/dead-letters" className="flex items-center gap-2 rounded-md border border-line px-2 py-1 text-[13px] hover:bg-hover">
            <Status of="dead" />
            <span className="font-medium">{formatNumber(stats.data.dead_letter_count)}</span>
          </Link>
        )}
      </div>
    </>
  );
}

function Charts({ queue }: { queue: Queue }) {
  const t = useTranslate();
  const path = { path: { queue_id: queue.id }, query: { hours: HOURS } };
  const asked = { refetchInterval: FIGURES_MS, placeholderData: keepPreviousData };
  const throughput = useQuery({
    queryKey: ["figures", queue.id, "throughput"],
    queryFn: () => data(api.GET("/api/v1/queues/{queue_id}/throughput", { params: path })),
    ...asked,
  });
  const depths = useQuery({
    queryKey: ["figures", queue.id, "depths"],
    queryFn: () => data(api.GET("/api/v1/queues/{queue_id}/depths", { params: path })),
    ...asked,
  });
  const depth = useDepths().data?.find((one) => one.queue_id === queue.id);
  const holds = depth !== undefined && depth.ready + depth.held + depth.scheduled + depth.processing > 0;
  const times = useMemo(() => (depths.data ?? []).map((point) => new Date(point.starts_at).getTime() / 1000), [depths.data]);
  const lines = useMemo(
    () => [
      { name: t("status.pending"), colour: "pending", values: (depths.data ?? []).map((point) => point.ready + point.held) },
      { name: t("status.processing"), colour: "processing", values: (depths.data ?? []).map((point) => point.processing), isDashed: true },
    ],
    [depths.data, t],
  );
  return (
    <div className="flex min-w-0 flex-col gap-4">
      <Panel title={t("throughput.title")}>
        <Asked query={throughput}>{(points) => <ThroughputChart points={points} />}</Asked>
      </Panel>
      <Panel title={t("queue.depth")}>
        {times.length === 0 ? <p className="text-muted">{t(holds ? "queue.not_sampled" : "queue.was_empty")}</p> : <LazyChart label={t("queue.depth")} times={times} lines={lines} height={140} />}
      </Panel>
    </div>
  );
}

function Serving({ queue }: { queue: Queue }) {
  const t = useTranslate();
  const workers = useWorkers();
  const found = (workers.data ?? []).filter((worker) => worker.queues.includes(queue.name));
  if (found.length === 0) return <span className="text-failed">{t("attention.unserved")}</span>;
  return found.map((worker, index) => (
    <span key={worker.id}>
      {index > 0 && ", "}
      <Link to="/workers/$workerId" params={{ workerId: worker.id }} className="untrusted text-accent underline">
        {worker.name}
      </Link>
    </span>
  ));
}

function PurgeButton({ queue }: { queue: Queue }) {
  const t = useTranslate();
  const action = useAction();
  const [isOpen, setOpen] = useState(false);
  const path = { params: { path: { queue_id: queue.id } } };
  return (
    <>
      <Button icon={Eraser} onClick={() => setOpen(true)}>
        {t("queue.purge")}
      </Button>
      <Confirm
        title={t("queue.purge_title")}
        isOpen={isOpen}
        onClose={() => setOpen(false)}
        submit={t("queue.purge")}
        typed={queue.name}
        onConfirm={async () => void (await action(() => data(api.POST("/api/v1/queues/{queue_id}/purge", path)), t("queue.purged")))}
      >
        <p>{t("queue.purge_hint")}</p>
      </Confirm>
    </>
  );
}

function DeleteButton({ queue }: { queue: Queue }) {
  const t = useTranslate();
  const action = useAction();
  const navigate = useNavigate();
  const [isOpen, setOpen] = useState(false);
  const path = { params: { path: { queue_id: queue.id } } };
  return (
    <>
      <Button kind="danger" icon={Trash2} onClick={() => setOpen(true)}>
        {t("action.delete")}
      </Button>
      <Confirm
        title={t("queue.delete_title")}
        isOpen={isOpen}
        onClose={() => setOpen(false)}
        submit={t("action.delete")}
        typed={queue.name}
        onConfirm={async () => {
          if (await action(() => done(api.DELETE("/api/v1/queues/{queue_id}", path)), t("queue.deleted"))) void navigate({ to: "/queues" });
        }}
      >
        <p>{t("queue.delete_hint")}</p>
      </Confirm>
    </>
  );
}
