import { useState } from "react";

import { api, data } from "@/api/client";
import { useAction, useQueues } from "@/api/queries";
import type { ErrorGroup } from "@/api/types";
import { FormDialog } from "@/components/Dialog";
import { Field } from "@/components/Field";
import { formatNumber, useTranslate } from "@/i18n/translate";

const MINUTE = 60;

/** Redrives a group, so many a minute if wanted: what failed together need not come back together. */
export function RedriveDialog({ group, isPart, onClose }: { group: ErrorGroup; isPart: boolean; onClose: () => void }) {
  const t = useTranslate();
  const action = useAction();
  const queues = useQueues();
  const [rate, setRate] = useState("");
  const [target, setTarget] = useState("");
  const begin = () =>
    action(
      () =>
        data(
          api.POST("/api/v1/dead-letters/redrive", {
            body: {
              queue_id: group.queue_id,
              job_type: group.job_type,
              error: group.error_type || null,
              target_queue_id: target || null,
              per_second: rate === "" ? null : Math.max(1, Math.round(Number(rate) / MINUTE)),
            },
          }),
        ),
      t("dead.begun"),
    );
  return (
    <FormDialog title={t("dead.redrive_group")} isOpen onClose={onClose} submit={t("dead.redrive")} save={begin}>
      <p>{t("dead.redrive_will", { count: `${formatNumber(group.count)}${isPart ? "+" : ""}`, task: group.job_type, error: group.error_type || t("dead.no_error") })}</p>
      <Field label={t("dead.target")}>
        <select className="field" value={target} onChange={(event) => setTarget(event.target.value)}>
          <option value="">{t("dead.origin")}</option>
          {(queues.data ?? []).map((queue) => (
            <option key={queue.id} value={queue.id}>
              {queue.name}
            </option>
          ))}
        </select>
      </Field>
      <Field label={t("dead.rate")} hint={t("bulk.rate_hint")}>
        <input className="field" type="number" min={MINUTE} step={MINUTE} value={rate} onChange={(event) => setRate(event.target.value)} />
      </Field>
    </FormDialog>
  );
}
