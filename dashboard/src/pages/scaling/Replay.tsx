import { useMemo } from "react";

import type { Simulation } from "@/api/types";
import { Figure } from "@/components/Figure";
import { LazyChart } from "@/components/LazyChart";
import { Panel } from "@/components/Page";
import { Parts } from "@/components/Parts";
import { Cell, Head, Row, Table } from "@/components/Table";
import { compact } from "@/format/numbers";
import { duration } from "@/format/time";
import { formatNumber, useTranslate } from "@/i18n/translate";
import { Arrow } from "./Arrow";

const elapsed = (seconds: number) => duration(seconds * 1000);

/** What a replay came to, beside the one before it. */
export function Replay({ found, before }: { found: Simulation; before: Simulation | null }) {
  const t = useTranslate();
  const was = (say: (one: Simulation) => string) => (before === null ? undefined : t("simulator.before", { value: say(before) }));
  const workers = (one: Simulation) => formatNumber(one.most_workers);
  const hours = (one: Simulation) => formatNumber(Math.round(one.worker_hours * 100) / 100);
  const wait = (one: Simulation) => elapsed(one.p95_wait);
  const backlog = (one: Simulation) => formatNumber(one.most_backlog);
  return (
    <>
      <div className="grid grid-cols-2 gap-3 lg:grid-cols-4">
        <Figure name={t("simulator.p95_wait")} value={wait(found)} note={was(wait) ?? t("simulator.longest", { wait: elapsed(found.longest_wait) })} />
        <Figure name={t("simulator.most_backlog")} value={backlog(found)} note={was(backlog) ?? t("simulator.of_jobs", { count: found.jobs })} />
        <Figure name={t("simulator.most_workers")} value={workers(found)} note={was(workers)} />
        <Figure name={t("simulator.worker_hours")} value={hours(found)} note={was(hours)} />
      </div>
      <Panel title={t("scaling.bounds")}>
        <Over found={found} name={t("scaling.bounds")} colour="processing" of="workers" />
      </Panel>
      <Panel title={t("simulator.backlog")}>
        <Over found={found} name={t("simulator.backlog")} colour="retrying" of="backlog" />
      </Panel>
      <Panel title={t("simulator.oldest")}>
        <Over found={found} name={t("simulator.oldest")} colour="failed" of="wait" format={elapsed} />
      </Panel>
      <Panel title={t("scaling.decisions")} isFlush>
        {found.changes.length === 0 ? (
          <p className="p-4 text-muted">{t("simulator.no_changes")}</p>
        ) : (
          <Parts items={found.changes}>
            {(part) => (
              <Table label={t("scaling.decisions")}>
                <thead>
                  <tr>
                    <Head isNumber>{t("simulator.after")}</Head>
                    <Head>{t("scaling.bounds")}</Head>
                    <Head>{t("simulator.why")}</Head>
                  </tr>
                </thead>
                <tbody>
                  {part.map((change, index) => (
                    <Row key={index}>
                      <Cell isNumber>{elapsed(change.at)}</Cell>
                      <Cell>
                        <span className="flex items-center gap-1.5 font-medium">
                          <Arrow action={change.action} />
                          {change.workers} → {change.desired}
                        </span>
                      </Cell>
                      <Cell lang="en" className="untrusted wraps text-muted">{change.message}</Cell>
                    </Row>
                  ))}
                </tbody>
              </Table>
            )}
          </Parts>
        )}
      </Panel>
    </>
  );
}

interface OverProps {
  found: Simulation;
  name: string;
  colour: string;
  of: "workers" | "backlog" | "wait";
  format?: (value: number) => string;
}

/** One figure over the time of the replay. */
function Over({ found, name, colour, of, format = compact }: OverProps) {
  const times = useMemo(() => found.points.map((point) => point.at), [found]);
  const lines = useMemo(() => [{ name, colour, values: found.points.map((point) => point[of]) }], [found, name, colour, of]);
  return <LazyChart label={name} times={times} lines={lines} height={120} format={format} formatTime={elapsed} isStepped />;
}
