import { useState } from "react";

import { api, done } from "@/api/client";
import { useAction } from "@/api/queries";
import { useSession } from "@/api/session";
import type { Rule } from "@/api/types";
import { Collection } from "@/components/Collection";
import { Switch } from "@/components/Switch";
import { shortId } from "@/format/numbers";
import { duration } from "@/format/time";
import { useTranslate, word } from "@/i18n/translate";
import { figure } from "./figures";
import { useReceivers, useRules } from "./queries";
import { RuleDialog } from "./RuleDialog";

const pathOf = (rule: Rule) => ({ params: { path: { rule_id: rule.id } } });

/** What is watched, and from when on it is bad. */
export function Rules() {
  const t = useTranslate();
  const { may } = useSession();
  const [edited, setEdited] = useState<Rule | "new" | null>(null);
  const names = new Map((useReceivers().data ?? []).map((one) => [one.id, one.name]));
  return (
    <>
      <Collection
        label={t("alerts.tab_rules")}
        note={t("rules.note")}
        none={t("rules.none")}
        noneHint={t("rules.none_hint")}
        items={useRules()}
        idOf={(rule) => rule.id}
        columns={[
          { name: t("schedules.enabled"), of: (rule) => <Enabled rule={rule} /> },
          { name: t("queues.name"), of: (rule) => <Name rule={rule} />, className: "wraps" },
          { name: t("rules.kind"), of: (rule) => word("rule_kind", rule.kind) },
          { name: t("rules.about"), of: (rule) => rule.queue ?? t("rules.each"), className: "untrusted" },
          { name: t("rules.fires"), of: (rule) => <Fires rule={rule} /> },
          { name: t("rules.receivers"), of: (rule) => rule.receivers.map((id) => names.get(id) ?? shortId(id)).join(", ") || t("rules.nobody"), className: "untrusted" },
        ]}
        edit={may("alert:write") ? { make: t("rules.new"), onMake: () => setEdited("new"), change: t("action.edit"), onChange: setEdited } : null}
        removal={{
          button: t("action.delete"),
          title: t("rules.delete"),
          hint: t("rules.delete_hint"),
          said: t("rules.deleted"),
          typed: (rule) => rule.name,
          remove: (rule) => done(api.DELETE("/api/v1/alerts/rules/{rule_id}", pathOf(rule))),
        }}
      />
      {edited !== null && <RuleDialog rule={edited === "new" ? null : edited} onClose={() => setEdited(null)} />}
    </>
  );
}

function Enabled({ rule }: { rule: Rule }) {
  const t = useTranslate();
  const action = useAction();
  const { may } = useSession();
  const set = (enabled: boolean) => action(() => done(api.PATCH("/api/v1/alerts/rules/{rule_id}", { ...pathOf(rule), body: { enabled } })), t("rules.saved"));
  return <Switch label={t("schedules.enabled_of", { name: rule.name })} isOn={rule.enabled} isDisabled={!may("alert:write")} onChange={(isOn) => void set(isOn)} />;
}

function Name({ rule }: { rule: Rule }) {
  return (
    <span className="untrusted flex min-w-32 flex-col py-1">
      <span className="font-medium">{rule.name}</span>
      {rule.description && <span className="text-xs text-muted">{rule.description}</span>}
      {rule.fault && <span className="text-xs text-failed">{rule.fault}</span>}
    </span>
  );
}

function Fires({ rule }: { rule: Rule }) {
  const t = useTranslate();
  return (
    <span>
      {t("rules.above", { threshold: figure(rule.kind, rule.threshold) })}
      {rule.for_seconds > 0 && <span className="text-muted"> · {t("rules.for", { time: duration(rule.for_seconds * 1000) })}</span>}
    </span>
  );
}
