import { useState } from "react";

import { api, data, done } from "@/api/client";
import { ApiProblem } from "@/api/problem";
import { useAction, useQueues } from "@/api/queries";
import type { Rule, RuleKind } from "@/api/types";
import { FormDialog } from "@/components/Dialog";
import { Field } from "@/components/Field";
import { useTranslate, word } from "@/i18n/translate";
import { useProject } from "@/shell/project";
import { ReceiverChoices } from "./ReceiverChoices";

const KINDS: RuleKind[] = ["failure_rate", "oldest_waiting", "queue_length", "dead_letters", "no_worker", "missed_tick", "worker_unhealthy", "error_group", "scaling_at_maximum", "breaker_open"];
const NUMBERS = ["threshold", "for_seconds", "recovery_seconds", "window_seconds", "min_attempts"] as const;

/** A rule; an empty number is the kind's own. */
export function RuleDialog({ rule, onClose }: { rule: Rule | null; onClose: () => void }) {
  const t = useTranslate();
  const action = useAction();
  const { id } = useProject();
  const queues = useQueues();
  const [name, setName] = useState(rule?.name ?? "");
  const [kind, setKind] = useState<RuleKind>(rule?.kind ?? "failure_rate");
  const [description, setDescription] = useState(rule?.description ?? "");
  const [queue, setQueue] = useState(rule?.queue ?? "");
  const [chosen, setChosen] = useState<string[]>(rule?.receivers ?? []);
  const [texts, setTexts] = useState<Record<string, string>>({});
  const [fault, setFault] = useState<ApiProblem | null>(null);
  const faultOf = (field: string) => fault?.errors.find((one) => one.pointer === `/${field}`)?.detail;
  const written = (field: (typeof NUMBERS)[number]) => (rule?.[field] == null ? "" : String(rule[field]));

  const save = () =>
    action(
      async () => {
        setFault(null);
        const numbers = Object.fromEntries(Object.entries(texts).map(([field, text]) => [field, text === "" ? null : Number(text)]));
        const body = { name: name.trim(), description: description || null, queue: queue || null, receivers: chosen, ...numbers };
        try {
          if (rule === null) await data(api.POST("/api/v1/alerts/rules", { params: { query: { project_id: id } }, body: { ...body, kind, enabled: true } }));
          else await done(api.PATCH("/api/v1/alerts/rules/{rule_id}", { params: { path: { rule_id: rule.id } }, body }));
        } catch (error) {
          if (error instanceof ApiProblem) setFault(error);
          throw error;
        }
      },
      t("rules.saved"),
    );

  return (
    <FormDialog title={t(rule === null ? "rules.new" : "rules.edit")} isOpen isWide onClose={onClose} submit={t("action.save")} isDisabled={name.trim() === ""} save={save}>
      <div className="grid gap-3 sm:grid-cols-2">
        <Field label={t("queues.name")} error={faultOf("name")}>
          <input className="field min-w-0" maxLength={100} value={name} onChange={(event) => setName(event.target.value)} />
        </Field>
        <Field label={t("rules.kind")} error={faultOf("kind")}>
          <select className="field min-w-0" disabled={rule !== null} value={kind} onChange={(event) => setKind(event.target.value as RuleKind)}>
            {KINDS.map((one) => (
              <option key={one} value={one}>
                {word("rule_kind", one)}
              </option>
            ))}
          </select>
        </Field>
        <Field label={t("rules.about")} error={faultOf("queue")}>
          <select className="field min-w-0" value={queue} onChange={(event) => setQueue(event.target.value)}>
            <option value="">{t("rules.each")}</option>
            {(queues.data ?? []).map((one) => (
              <option key={one.id}>{one.name}</option>
            ))}
          </select>
        </Field>
        <Field label={t("queues.description")}>
          <input className="field min-w-0" maxLength={1000} value={description} onChange={(event) => setDescription(event.target.value)} />
        </Field>
      </div>
      <div className="fields grid grid-cols-2 gap-3 sm:grid-cols-3">
        {NUMBERS.map((field) => (
          <Field key={field} label={word("rule", field)} error={faultOf(field)}>
            <input
              className="field min-w-0"
              type="number"
              min={0}
              step="any"
              placeholder={t("choice.default")}
              value={texts[field] ?? written(field)}
              onChange={(event) => setTexts({ ...texts, [field]: event.target.value })}
            />
          </Field>
        ))}
      </div>
      <ReceiverChoices legend={t("rules.receivers")} chosen={chosen} onChange={setChosen} error={faultOf("receivers")} />
    </FormDialog>
  );
}
