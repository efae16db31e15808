import { useState } from "react";

import { api, data } from "@/api/client";
import { useAction } from "@/api/queries";
import { FormDialog } from "@/components/Dialog";
import { Field } from "@/components/Field";
import { NamedOptions } from "@/components/NamedOptions";
import { useTranslate } from "@/i18n/translate";
import { useProject } from "@/shell/project";
import { useRules } from "./queries";

const HOURS = [1, 4, 24, 168] as const;

/** Nobody is told for a while. */
export function SilenceDialog({ rule = "", subject = "", onClose }: { rule?: string; subject?: string; onClose: () => void }) {
  const t = useTranslate();
  const action = useAction();
  const { id } = useProject();
  const rules = useRules();
  const [ruleId, setRule] = useState(rule);
  const [about, setAbout] = useState(subject);
  const [hours, setHours] = useState<number>(1);
  const [reason, setReason] = useState("");
  const save = () =>
    action(
      () =>
        data(
          api.POST("/api/v1/alerts/silences", {
            params: { query: { project_id: id } },
            body: { rule_id: ruleId || null, subject: (ruleId && about) || null, ends_at: new Date(Date.now() + hours * 3_600_000).toISOString(), reason: reason || null },
          }),
        ),
      t("silences.made"),
    );
  return (
    <FormDialog title={t("silences.new")} isOpen onClose={onClose} submit={t("silences.open")} save={save}>
      <p className="text-[13px] text-muted">{t("silences.hint")}</p>
      <Field label={t("silences.rule")}>
        <select className="field" value={ruleId} onChange={(event) => setRule(event.target.value)}>
          <option value="">{t("silences.all_rules")}</option>
          <NamedOptions of={rules.data} />
        </select>
      </Field>
      {ruleId && (
        <Field label={t("silences.subject")} hint={t("silences.subject_hint")}>
          <input className="field" value={about} onChange={(event) => setAbout(event.target.value)} />
        </Field>
      )}
      <Field label={t("silences.for")}>
        <select className="field" value={hours} onChange={(event) => setHours(Number(event.target.value))}>
          {HOURS.map((one) => (
            <option key={one} value={one}>
              {t(`silences.hours_${one}`)}
            </option>
          ))}
        </select>
      </Field>
      <Field label={t("silences.reason")}>
        <input className="field" maxLength={1000} value={reason} onChange={(event) => setReason(event.target.value)} />
      </Field>
    </FormDialog>
  );
}
