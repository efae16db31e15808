import { useState } from "react";

import { useDepths } from "@/api/queries";
import { useSession } from "@/api/session";
import { Asked } from "@/components/Asked";
import { Figure } from "@/components/Figure";
import { Page, Panel } from "@/components/Page";
import { ThroughputChart } from "@/components/ThroughputChart";
import { deep, percent } from "@/format/numbers";
import { duration } from "@/format/time";
import { formatNumber, useTranslate } from "@/i18n/translate";
import { Attention } from "./Attention";
import { FirstRun } from "./FirstRun";
import { PERIODS, useFigures, useIsQuiet, useThroughput } from "./queries";
import { NextRuns } from "./NextRuns";
import { RecentFailures } from "./RecentFailures";
import { WorkersNow } from "./WorkersNow";
import { useCounts } from "@/pages/jobs/queries";

export function Overview() {
  const t = useTranslate();
  const { may } = useSession();
  const [hours, setHours] = useState<(typeof PERIODS)[number]>(1);
  const throughput = useThroughput(hours);
  const isQuiet = useIsQuiet(hours);
  const counts = useCounts(isQuiet);
  const isNew = counts.data !== undefined && Object.values(counts.data.counts).every((count) => count === 0);
  return (
    <Page
      title={t("nav.overview")}
      actions={
        <select aria-label={t("overview.period")} className="field text-[13px]" value={hours} onChange={(event) => setHours(PERIODS.find((period) => String(period) === event.target.value) ?? 1)}>
          {PERIODS.map((period) => (
            <option key={period} value={period}>
              {t(`overview.last_${period}`)}
            </option>
          ))}
        </select>
      }
    >
      {isNew ? (
        <FirstRun />
      ) : (
        <>
          <Figures hours={hours} />
          <Panel title={t("throughput.title")}>
            <Asked query={throughput} lines={6}>
              {(points) => <ThroughputChart points={points} />}
            </Asked>
          </Panel>
          <div className="grid items-start gap-4 lg:grid-cols-2">
            <div className="flex min-w-0 flex-col gap-4">
              {may("queue:read") && <Attention />}
              {may("worker:read") && <WorkersNow />}
              {may("schedule:read") && <NextRuns />}
            </div>
            <RecentFailures />
          </div>
        </>
      )}
    </Page>
  );
}

function Figures({ hours }: { hours: (typeof PERIODS)[number] }) {
  const t = useTranslate();
  const figures = useFigures(hours);
  const depths = useDepths();
  const found = figures.data;
  const ended = found ? found.successful_executions + found.failed_executions : 0;
  const oldest = [...(depths.data ?? [])].sort((one, other) => other.latency_seconds - one.latency_seconds)[0];
  const waiting = deep(...(depths.data ?? []).flatMap((depth) => [depth.ready, depth.held]));
  const held = (depths.data ?? []).reduce((sum, depth) => sum + depth.held, 0);
  const many = t("overview.waiting", { count: waiting });
  const period = t(`overview.last_${hours}`);
  return (
    <div className="grid grid-cols-2 gap-3 lg:grid-cols-4">
      <Figure
        name={t("overview.throughput")}
        value={found ? t("overview.per_minute", { count: perMinute(ended, found.period_start, found.period_end) }) : "…"}
        note={t("overview.ended", { count: formatNumber(ended), period })}
      />
      <Figure
        name={t("overview.failure_rate")}
        value={found ? (ended === 0 ? "—" : percent(found.failed_executions / ended)) : "…"}
        note={t("overview.failed", { count: found?.failed_executions ?? 0 })}
        isBad={ended > 0 && (found?.failed_executions ?? 0) / ended > 0.1}
      />
      <Figure name={t("overview.wait")} value={found ? duration(found.p95_wait) : "…"} note={t("overview.wait_note", { median: duration(found?.p50_wait) })} />
      <Figure
        name={t("overview.oldest")}
        value={depths.data ? (oldest && oldest.latency_seconds > 0 ? duration(oldest.latency_seconds * 1000) : "—") : "…"}
        note={depths.data === undefined ? undefined : `${oldest && oldest.latency_seconds > 0 ? t("overview.oldest_note", { queue: oldest.queue_name, count: waiting }) : many}${held > 0 ? `, ${t("overview.held", { count: formatNumber(held) })}` : ""}`}
      />
    </div>
  );
}

function perMinute(count: number, start: string, end: string): string {
  const minutes = Math.max(1, (new Date(end).getTime() - new Date(start).getTime()) / 60_000);
  const rate = count / minutes;
  return formatNumber(rate >= 100 ? Math.round(rate) : Math.round(rate * 10) / 10);
}
