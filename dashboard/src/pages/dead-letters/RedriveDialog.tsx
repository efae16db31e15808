import { api, data } from "@/api/client";
import { useAction } from "@/api/queries";
import type { ErrorGroup } from "@/api/types";
import { FormDialog } from "@/components/Dialog";
import { useRedrive } from "@/components/redrive";
import { formatNumber, useTranslate } from "@/i18n/translate";

/** Redrives a group of dead letters. */
export function RedriveDialog({ group, isPart, onClose }: { group: ErrorGroup; isPart: boolean; onClose: () => void }) {
  const t = useTranslate();
  const action = useAction();
  const { fields, queueId, perSecond } = useRedrive();
  const begin = () =>
    action(
      () =>
        data(
          api.POST("/api/v1/dead-letters/redrive", {
            body: {
              queue_id: group.queue_id,
              job_type: group.job_type,
              error: group.error_type || null,
              target_queue_id: queueId,
              per_second: perSecond,
            },
          }),
        ),
      t("dead.begun"),
    );
  return (
    <FormDialog title={t("dead.redrive_group")} isOpen onClose={onClose} submit={t("dead.redrive")} save={begin}>
      <p>{t("dead.redrive_will", { count: `${formatNumber(group.count)}${isPart ? "+" : ""}`, task: group.job_type, error: group.error_type || t("dead.no_error") })}</p>
      {fields}
    </FormDialog>
  );
}
