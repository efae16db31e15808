import { useState } from "react";

import { api, data } from "@/api/client";
import { useAction } from "@/api/queries";
import type { ScheduleDetail } from "@/api/types";
import { FormDialog } from "@/components/Dialog";
import { Field } from "@/components/Field";
import { inputMoment, momentOf, zone } from "@/format/time";
import { useTranslate } from "@/i18n/translate";
import { useAt } from "@/pages/schedules/queries";

const DAY_MS = 86_400_000;

/** Runs the due times of a past span that have not run. */
export function Backfill({ schedule, onClose }: { schedule: ScheduleDetail; onClose: () => void }) {
  const t = useTranslate();
  const action = useAction();
  const params = useAt(schedule.job_id);
  const [since, setSince] = useState(() => inputMoment(new Date(Date.now() - DAY_MS)));
  const [until, setUntil] = useState(() => inputMoment(new Date()));
  const begin = () =>
    action(
      () => data(api.POST("/api/v1/scheduled-jobs/{schedule_name}/backfill", { params, body: { since: momentOf(since), until: momentOf(until) } })),
      t("backfill.begun"),
    );
  return (
    <FormDialog title={t("backfill.title", { name: schedule.job_id })} isOpen onClose={onClose} submit={t("backfill.submit")} isDisabled={!since || !until || since >= until} save={begin}>
      <p className="text-[13px] text-muted">{t("backfill.hint")}</p>
      <div className="grid gap-3 sm:grid-cols-2">
        <Field label={t("backfill.since")} hint={zone() ?? Intl.DateTimeFormat().resolvedOptions().timeZone}>
          <input className="field" type="datetime-local" value={since} onChange={(event) => setSince(event.target.value)} />
        </Field>
        <Field label={t("backfill.until")}>
          <input className="field" type="datetime-local" value={until} onChange={(event) => setUntil(event.target.value)} />
        </Field>
      </div>
    </FormDialog>
  );
}
