import { getRouteApi } from "@tanstack/react-router";
import { useMemo } from "react";

import { useSession } from "@/api/session";
import type { Throughput } from "@/api/types";
import { Asked } from "@/components/Asked";
import { Figure } from "@/components/Figure";
import { LazyChart } from "@/components/LazyChart";
import { Page, Panel } from "@/components/Page";
import { ThroughputChart } from "@/components/ThroughputChart";
import { percent } from "@/format/numbers";
import { duration } from "@/format/time";
import { formatNumber, useTranslate } from "@/i18n/translate";
import { CsvButton } from "./CsvButton";
import { useThroughput, useTotals } from "./queries";
import { RangePicker } from "./RangePicker";
import type { InsightsSearch } from "./range";
import { ByQueue, ByTask, ByWorker } from "./tables";

const route = getRouteApi("/insights");

export function Insights() {
  const t = useTranslate();
  const { may } = useSession();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  return (
    <Page
      title={t("nav.insights")}
      note={t("insights.note")}
      actions={<RangePicker search={search} onChange={(change) => void navigate({ search: ({ project }) => ({ project, ...change }) })} />}
    >
      <Totals search={search} />
      <Charts search={search} />
      <ByTask search={search} />
      <ByQueue search={search} />
      {may("worker:read") && <ByWorker search={search} />}
    </Page>
  );
}

function Totals({ search }: { search: InsightsSearch }) {
  const t = useTranslate();
  const found = useTotals(search).data;
  const ended = found ? found.successful_executions + found.failed_executions : 0;
  return (
    <div className="grid grid-cols-2 gap-3 lg:grid-cols-4">
      <Figure name={t("insights.ended")} value={found ? formatNumber(found.total_executions) : "…"} note={t("insights.cancelled", { count: found?.cancelled_executions ?? 0 })} />
      <Figure
        name={t("overview.failure_rate")}
        value={found ? (ended === 0 ? "—" : percent(found.failed_executions / ended)) : "…"}
        note={t("overview.failed", { count: found?.failed_executions ?? 0 })}
        isBad={ended > 0 && (found?.failed_executions ?? 0) / ended > 0.1}
      />
      <Figure name={t("queue.wait")} value={found ? duration(found.p95_wait) : "…"} note={t("queue.percentiles", { p50: duration(found?.p50_wait), p99: duration(found?.p99_wait) })} />
      <Figure name={t("queue.duration")} value={found ? duration(found.p95_duration) : "…"} note={t("queue.percentiles", { p50: duration(found?.p50_duration), p99: duration(found?.p99_duration) })} />
    </div>
  );
}

function Charts({ search }: { search: InsightsSearch }) {
  const t = useTranslate();
  const throughput = useThroughput(search);
  return (
    <div className="grid items-start gap-4 xl:grid-cols-2">
      <Panel title={t("throughput.title")} actions={throughput.data && <ThroughputCsv points={throughput.data} />}>
        <Asked query={throughput} lines={6}>
          {(points) => (isEmpty(points) ? <p className="text-muted">{t("insights.none")}</p> : <ThroughputChart points={points} />)}
        </Asked>
      </Panel>
      <Panel title={t("insights.percentiles")}>
        <Asked query={throughput} lines={6}>
          {(points) => (isEmpty(points) ? <p className="text-muted">{t("insights.none")}</p> : <Percentiles points={points} />)}
        </Asked>
      </Panel>
    </div>
  );
}

const isEmpty = (points: Throughput[]) => points.every((point) => point.succeeded + point.failed + point.cancelled === 0);

function Percentiles({ points }: { points: Throughput[] }) {
  const t = useTranslate();
  const times = useMemo(() => points.map((point) => new Date(point.starts_at).getTime() / 1000), [points]);
  const lines = useMemo(
    () => [
      { name: t("insights.p95_wait"), colour: "scheduled", values: points.map((point) => point.p95_wait), isDashed: true },
      { name: t("insights.p95_duration"), colour: "processing", values: points.map((point) => point.p95_duration) },
    ],
    [points, t],
  );
  return <LazyChart label={t("insights.percentiles")} times={times} lines={lines} format={duration} />;
}

function ThroughputCsv({ points }: { points: Throughput[] }) {
  return (
    <CsvButton
      name="throughput"
      head={["starts_at", "succeeded", "failed", "cancelled", "failure_rate", "avg_duration_ms", "p95_duration_ms", "p95_wait_ms"]}
      rows={() => points.map((one) => [one.starts_at, one.succeeded, one.failed, one.cancelled, one.failure_rate, one.avg_duration, one.p95_duration, one.p95_wait])}
    />
  );
}
