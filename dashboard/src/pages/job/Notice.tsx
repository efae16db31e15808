import { useState } from "react";

import { api, done } from "@/api/client";
import { useAction } from "@/api/queries";
import type { Job } from "@/api/types";
import { FormDialog } from "@/components/Dialog";
import { useTranslate } from "@/i18n/translate";
import { ReceiverChoices } from "@/pages/alerts/ReceiverChoices";

/** Who is told when this job ends, beside those whom its queue tells. */
export function Notice({ job, onClose }: { job: Job; onClose: () => void }) {
  const t = useTranslate();
  const action = useAction();
  const [chosen, setChosen] = useState<string[]>([]);
  const change = { params: { path: { job_id: job.id } }, body: { receivers: chosen } };
  const save = () => action(() => done(api.PUT("/api/v1/alerts/notices/{job_id}", change)), t("notice.saved"));
  return (
    <FormDialog title={t("notice.title")} isOpen onClose={onClose} submit={t("notice.submit")} isDisabled={chosen.length === 0} save={save}>
      <p className="text-[13px] text-muted">{t("notice.hint")}</p>
      <ReceiverChoices legend={t("rules.receivers")} chosen={chosen} onChange={setChosen} />
    </FormDialog>
  );
}
