import { getRouteApi, Link } from "@tanstack/react-router";
import { useState } from "react";

import { api, data, done } from "@/api/client";
import { useAction } from "@/api/queries";
import { useSession } from "@/api/session";
import type { Decision, Policy, Recommendation } from "@/api/types";
import { Asked } from "@/components/Asked";
import { Button, buttonClass } from "@/components/Button";
import { Deeper } from "@/components/Deeper";
import { Collection } from "@/components/Collection";
import { Confirm } from "@/components/Dialog";
import { Empty } from "@/components/Notices";
import { Page, Panel } from "@/components/Page";
import { Status } from "@/components/Status";
import { Switch } from "@/components/Switch";
import { Tabs } from "@/components/Tabs";
import { Time } from "@/components/Time";
import { duration } from "@/format/time";
import { type Translate, useTranslate, word } from "@/i18n/translate";
import { Arrow } from "./Arrow";
import { PolicyDialog } from "./PolicyDialog";
import { useDecisions, usePolicies, useRecommendations } from "./queries";
import { Simulator } from "./Simulator";

const route = getRouteApi("/scaling");
const pathOf = (policy: Policy) => ({ params: { path: { queue_id: policy.queue_id } } });

export function Scaling() {
  const t = useTranslate();
  const { tab = "policies", queue } = route.useSearch();
  const navigate = route.useNavigate();
  return (
    <Page title={t("nav.scaling")} note={t("scaling.note")}>
      <Tabs
        label={t("nav.scaling")}
        chosen={tab}
        onChoose={(name) => void navigate({ search: ({ project }) => ({ project, tab: name === "simulator" ? name : undefined }) })}
        tabs={[
          { name: "policies", label: t("scaling.policies") },
          { name: "simulator", label: t("simulator.title") },
        ]}
      />
      {tab === "policies" ? (
        <>
          <Policies />
          <Decisions />
        </>
      ) : (
        <Simulator chosen={queue} onChoose={(name) => void navigate({ search: (before) => ({ ...before, queue: name }), replace: true })} />
      )}
    </Page>
  );
}

function Policies() {
  const t = useTranslate();
  const { may } = useSession();
  const policies = usePolicies();
  const [edited, setEdited] = useState<Policy | "new" | null>(null);
  const recommendations = useRecommendations();
  const recommendedFor = new Map((recommendations.data ?? []).map((one) => [one.queue_id, one]));
  return (
    <Panel isFlush>
      <Collection
        label={t("scaling.policies")}
        note={t("scaling.policies_note")}
        none={t("scaling.none")}
        noneHint={t("scaling.none_hint")}
        items={policies}
        idOf={(policy) => policy.id}
        columns={[
          { name: t("schedules.enabled"), of: (policy) => <Enabled policy={policy} /> },
          {
            name: t("job.queue"),
            of: (policy) => (
              <Link to="/queues/$queueId" params={{ queueId: policy.queue_id }} className="untrusted font-medium hover:underline">
                {policy.queue_name}
              </Link>
            ),
          },
          { name: t("scaling.bounds"), of: (policy) => `${policy.min_workers}–${policy.max_workers}` },
          { name: t("scaling.targets"), of: (policy) => <Targets policy={policy} />, className: "wraps" },
          { name: t("scaling.now"), of: (policy) => <Now found={recommendedFor.get(policy.queue_id)} />, className: "wraps" },
          { name: t("scaling.provisioner"), of: (policy) => word("provisioner", policy.provisioner) },
          {
            name: null,
            of: (policy) => (
              <>
                <Link to="/scaling" search={{ tab: "simulator", queue: policy.queue_id }} className={buttonClass("quiet")}>
                  {t("simulator.try")}
                </Link>
                {may("scaling:write") && <Execute policy={policy} found={recommendedFor.get(policy.queue_id)} />}
              </>
            ),
            className: "text-right",
          },
        ]}
        edit={may("scaling:write") ? { make: t("scaling.new"), onMake: () => setEdited("new"), change: t("action.edit"), onChange: setEdited } : null}
        removal={{
          button: t("action.delete"),
          title: t("scaling.delete"),
          hint: t("scaling.delete_hint"),
          said: t("scaling.deleted"),
          typed: (policy) => policy.queue_name,
          remove: (policy) => done(api.DELETE("/api/v1/scaling-policies/{queue_id}", pathOf(policy))),
        }}
      />
      {edited !== null && <PolicyDialog policy={edited === "new" ? null : edited} onClose={() => setEdited(null)} />}
    </Panel>
  );
}

function Enabled({ policy }: { policy: Policy }) {
  const t = useTranslate();
  const action = useAction();
  const { may } = useSession();
  const set = (enabled: boolean) => action(() => done(api.PATCH("/api/v1/scaling-policies/{queue_id}", { ...pathOf(policy), body: { enabled } })), t("scaling.saved"));
  return <Switch label={t("scaling.enabled_of", { queue: policy.queue_name })} isOn={policy.enabled} isDisabled={!may("scaling:write")} onChange={(isOn) => void set(isOn)} />;
}

function Targets({ policy }: { policy: Policy }) {
  const t = useTranslate();
  return (
    <span className="flex flex-wrap gap-x-3 text-muted">
      <span>{t("scaling.target_length", { count: policy.target_queue_length })}</span>
      <span>{t("scaling.target_utilization", { share: policy.target_worker_utilization })}</span>
      {policy.target_age_seconds !== null && <span>{t("scaling.target_age", { seconds: policy.target_age_seconds })}</span>}
    </span>
  );
}

/** What the policy says now: how many there are, how many there should be, and why. */
function Now({ found }: { found: Recommendation | undefined }) {
  const t = useTranslate();
  if (found === undefined) return <span className="text-muted">…</span>;
  return (
    <span className="flex min-w-48 flex-col py-1">
      <span className="flex items-center gap-1.5 font-medium">
        <Arrow action={found.action} />
        {found.action === null ? t("scaling.workers", { count: found.current_workers }) : `${found.current_workers} → ${found.desired_workers}`}
      </span>
      <span className="text-xs text-muted" title={seen(found.figures, t)}>
        {word("scaling_reason", found.reason)}
        {found.not_before && (
          <>
            {" "}
            (<Time at={found.not_before} />)
          </>
        )}
      </span>
    </span>
  );
}

/** What was looked at, in the chosen language; the server's own sentence is English. */
function seen(figures: Recommendation["figures"], t: Translate): string {
  const number = (name: string) => (typeof figures[name] === "number" ? figures[name] : 0);
  return t("scaling.seen", {
    jobs: number("queue_length"),
    oldest: duration(number("oldest_seconds") * 1000),
    active: number("active_jobs"),
    slots: number("slots"),
    workers: number("online_workers"),
  });
}

/** Carries out now what the policy recommends. */
function Execute({ policy, found }: { policy: Policy; found: Recommendation | undefined }) {
  const t = useTranslate();
  const action = useAction();
  const [isOpen, setOpen] = useState(false);
  if (found === undefined || found.action === null) return null;
  const execute = () => action(() => data(api.POST("/api/v1/scaling-policies/{queue_id}/execute", pathOf(policy))), t("scaling.executed"));
  return (
    <>
      <Button kind="quiet" onClick={() => setOpen(true)}>
        {t("scaling.execute")}
      </Button>
      <Confirm title={t("scaling.execute")} isOpen={isOpen} onClose={() => setOpen(false)} submit={t("scaling.execute")} onConfirm={async () => void (await execute())}>
        <p className="text-left">{t("scaling.execute_will", { queue: policy.queue_name, from: found.current_workers, to: found.desired_workers, by: word("provisioner", policy.provisioner) })}</p>
        <p className="text-left text-muted">{seen(found.figures, t)}</p>
      </Confirm>
    </>
  );
}

function Decisions() {
  const t = useTranslate();
  const { cursor } = route.useSearch();
  const navigate = route.useNavigate();
  const decisions = useDecisions(cursor);
  return (
    <Panel title={t("scaling.decisions")} isFlush>
      <Asked query={decisions} lines={6}>
        {({ data: found, meta }) =>
          found.length === 0 ? (
            <Empty title={t("scaling.no_decisions")}>{t("scaling.no_decisions_hint")}</Empty>
          ) : (
            <>
              <ol>
                {found.map((decision) => (
                  <Made key={decision.id} decision={decision} />
                ))}
              </ol>
              <Deeper place={cursor} next={meta.next_cursor} onGo={(next) => void navigate({ search: (before) => ({ ...before, cursor: next }) })} />
            </>
          )
        }
      </Asked>
    </Panel>
  );
}

function Made({ decision }: { decision: Decision }) {
  const t = useTranslate();
  return (
    <li className="flex flex-wrap items-start gap-x-4 gap-y-1 border-b border-line/60 px-4 py-2 text-[13px] last:border-0">
      <span className="flex w-40 shrink-0 items-center gap-1.5 font-medium">
        <Arrow action={decision.action} />
        <span className="untrusted truncate">{decision.queue_name}</span>
        <span className="shrink-0">
          {decision.from_workers} → {decision.to_workers}
        </span>
      </span>
      <span className="flex min-w-0 flex-1 basis-64 flex-col">
        <span>{word("scaling_reason", decision.reason)}</span>
        <span className="text-xs text-muted">{seen(decision.figures, t)}</span>
        {decision.detail && <span lang="en" className="untrusted text-xs text-failed">{decision.detail}</span>}
      </span>
      <Status of={decision.outcome} />
      <span className="untrusted w-32 shrink-0 text-right text-xs text-muted max-sm:w-auto max-sm:text-left">
        {t("queue.by", { who: decision.actor })}
        <br />
        <Time at={decision.created_at} />
      </span>
    </li>
  );
}
