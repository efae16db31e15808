import { type FormEvent, useState } from "react";

import { api, data } from "@/api/client";
import { ApiProblem } from "@/api/problem";
import { useQueues } from "@/api/queries";
import type { Policy, Queue, Simulation } from "@/api/types";
import { Asked } from "@/components/Asked";
import { Button } from "@/components/Button";
import { Field } from "@/components/Field";
import { NamedOptions } from "@/components/NamedOptions";
import { Empty } from "@/components/Notices";
import { Panel } from "@/components/Page";
import { type Key, useTranslate } from "@/i18n/translate";
import { PolicyNumbers, type Texts, written } from "./PolicyNumbers";
import { usePolicies } from "./queries";
import { Replay } from "./Replay";
import { EXAMPLE, parseTrace } from "./trace";

const HOURS = [1, 6, 24] as const;
const FLEET = { slots: "10", startup: "5", interval: "10", work: "1" };
const FLEET_FIELDS = Object.keys(FLEET) as (keyof typeof FLEET)[];

interface Props {
  chosen: string | undefined;
  onChoose: (queue: string) => void;
}

/** A policy on arrivals of the past, or of one's own: how many workers there would have been, how long jobs had waited. */
export function Simulator({ chosen, onChoose }: Props) {
  const t = useTranslate();
  const queues = useQueues();
  const policies = usePolicies();
  return (
    <Asked query={queues}>
      {(found) => {
        const queue = found.find((one) => one.id === chosen) ?? found.find((one) => policies.data?.some((policy) => policy.queue_id === one.id)) ?? found[0];
        if (queue === undefined) return <Empty title={t("queues.none")} />;
        const policy = policies.data?.find((one) => one.queue_id === queue.id);
        return <Experiment key={queue.id} queue={queue} queues={found} policy={policy} onChoose={onChoose} />;
      }}
    </Asked>
  );
}

function Experiment({ queue, queues, policy, onChoose }: { queue: Queue; queues: Queue[]; policy: Policy | undefined; onChoose: (queue: string) => void }) {
  const t = useTranslate();
  const [source, setSource] = useState("6");
  const [trace, setTrace] = useState(EXAMPLE);
  const [texts, setTexts] = useState<Texts>({});
  const [fleet, setFleet] = useState(FLEET);
  const [isBusy, setBusy] = useState(false);
  const [fault, setFault] = useState<ApiProblem | null>(null);
  const [shown, setShown] = useState<{ now: Simulation; before: Simulation | null } | null>(null);
  const isOwn = source === "own";
  const parsed = isOwn ? parseTrace(trace) : [];
  const faultOf = (name: string) => fault?.errors.find((one) => one.pointer?.endsWith(`/${name}`))?.detail;

  async function replay(event: FormEvent) {
    event.preventDefault();
    if (typeof parsed === "number") return;
    setBusy(true);
    setFault(null);
    const numbers = Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, text === "" ? null : Number(text)]));
    const workers = Object.fromEntries(FLEET_FIELDS.map((name) => [name, Number(fleet[name] || FLEET[name])]));
    const body = { policy: numbers, ...workers, ...(isOwn ? { arrivals: parsed } : { hours: Number(source) }) };
    try {
      const found = await data(api.POST("/api/v1/scaling-policies/{queue_id}/simulate", { params: { path: { queue_id: queue.id } }, body }));
      setShown((before) => ({ now: found, before: before?.now ?? null }));
    } catch (error) {
      setFault(error instanceof ApiProblem ? error : new ApiProblem(0, "unknown", String(error)));
    } finally {
      setBusy(false);
    }
  }

  return (
    <div className="grid items-start gap-4 xl:grid-cols-[26rem_minmax(0,1fr)]">
      <Panel title={t("simulator.title")}>
        <form onSubmit={(event) => void replay(event)} className="flex flex-col gap-4">
          <p className="text-[13px] text-muted">{t("simulator.note")}</p>
          <Field label={t("job.queue")} hint={policy === undefined ? t("simulator.no_policy") : t("simulator.policy")}>
            <select className="field" value={queue.id} onChange={(event) => onChoose(event.target.value)}>
              <NamedOptions of={queues} />
            </select>
          </Field>
          <Field label={t("simulator.arrivals")} error={faultOf("hours")}>
            <select className="field" value={source} onChange={(event) => setSource(event.target.value)}>
              {HOURS.map((hours) => (
                <option key={hours} value={hours}>
                  {t(`insights.last_${hours}`)}
                </option>
              ))}
              <option value="own">{t("simulator.own")}</option>
            </select>
          </Field>
          {isOwn && (
            <Field
              label={t("simulator.trace")}
              hint={t("simulator.trace_hint")}
              error={typeof parsed === "number" ? t("simulator.trace_wrong", { line: parsed }) : faultOf("arrivals")}
            >
              <textarea className="field min-h-24 py-1.5 font-mono text-xs" rows={5} spellCheck={false} value={trace} onChange={(event) => setTrace(event.target.value)} />
            </Field>
          )}
          <PolicyNumbers texts={texts} onChange={setTexts} valueOf={(name) => written(policy, name)} placeholderOf={() => t("choice.default")} faultOf={faultOf} />
          <div className="fields grid grid-cols-2 gap-3">
            {FLEET_FIELDS.filter((name) => isOwn || name !== "work").map((name) => (
              <Field key={name} label={t(`simulator.${name}` as Key)} error={faultOf(name)}>
                <input className="field min-w-0" type="number" min={0} step="any" value={fleet[name]} onChange={(event) => setFleet({ ...fleet, [name]: event.target.value })} />
              </Field>
            ))}
          </div>
          {fault && (
            <p role="alert" className="untrusted text-[13px] text-failed">
              {fault.message} {fault.hint}
            </p>
          )}
          <Button type="submit" kind="primary" disabled={isBusy || typeof parsed === "number"}>
            {t("simulator.replay")}
          </Button>
        </form>
      </Panel>
      <div aria-live="polite" className="flex min-w-0 flex-col gap-4">
        {shown === null ? (
          <Panel>
            <Empty title={t("simulator.nothing_yet")}>{t("simulator.teach")}</Empty>
          </Panel>
        ) : (
          <Replay found={shown.now} before={shown.before} />
        )}
      </div>
    </div>
  );
}
