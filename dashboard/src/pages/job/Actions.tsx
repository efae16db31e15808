import { Ban, BellPlus, Ellipsis, FilePenLine, RotateCw, Trash2 } from "lucide-react";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { useAction } from "@/api/queries";
import { useSession } from "@/api/session";
import type { Job } from "@/api/types";
import { Button } from "@/components/Button";
import { Confirm } from "@/components/Dialog";
import { shortId } from "@/format/numbers";
import { useTranslate } from "@/i18n/translate";
import { allows, cancel, remove, retry } from "@/pages/jobs/acts";
import { useShortcuts } from "@/shell/shortcuts";
import { Notice } from "./Notice";
import { hiddenIn } from "./redaction";
import { RetryChanged } from "./RetryChanged";

export function Actions({ job }: { job: Job }) {
  const t = useTranslate();
  const action = useAction();
  const navigate = useNavigate();
  const { caller, may } = useSession();
  const [open, setOpen] = useState<"change" | "delete" | "cancel" | "notice" | null>(null);
  const mayWrite = may("job:write");
  const again = () => action(() => retry(job), t("job.retried"));
  const stop = () => action(() => cancel(job), t("job.cancelled"), job.status === "processing" ? {} : { undo: () => void again() });
  useShortcuts(
    mayWrite
      ? {
          ...(allows("retry", job) && { r: () => void again() }),
          ...(allows("cancel", job) && { c: () => setOpen("cancel") }),
        }
      : {},
  );
  if (!mayWrite) return null;
  const close = () => setOpen(null);
  return (
    <>
      {allows("retry", job) && (
        <>
          <Button kind="primary" icon={RotateCw} onClick={() => void again()}>
            {t("action.retry")}
          </Button>
          {may("payload:read") && (
            <Button icon={FilePenLine} onClick={() => setOpen("change")}>
              {t("retry.open")}
            </Button>
          )}
        </>
      )}
      {allows("cancel", job) && (
        <Button icon={Ban} disabled={job.cancel_requested_at !== null} onClick={() => (job.status === "processing" ? setOpen("cancel") : void stop())}>
          {job.cancel_requested_at === null ? t("action.cancel_job") : t("job.cancel_asked")}
        </Button>
      )}
      {allows("cancel", job) && may("alert:read") && (
        <Button icon={BellPlus} onClick={() => setOpen("notice")}>
          {t("notice.open")}
        </Button>
      )}
      {allows("delete", job) && (
        <Button kind="danger" icon={Trash2} onClick={() => setOpen("delete")}>
          {t("action.delete")}
        </Button>
      )}
      {job.status === "succeeded" && may("payload:read") && hiddenIn(job.payload, caller).length === 0 && (
        <Button icon={Ellipsis} onClick={() => setOpen("change")}>
          {t("retry.again")}
        </Button>
      )}
      {open === "notice" && <Notice job={job} onClose={close} />}
      <RetryChanged job={job} isOpen={open === "change"} onClose={close} />
      <Confirm
        title={t("action.cancel_job")}
        isOpen={open === "cancel"}
        onClose={close}
        submit={t("action.cancel_job")}
        onConfirm={async () => void (await stop())}
      >
        <p>{t(job.status === "processing" ? "job.cancel_running" : "job.cancel_waiting")}</p>
      </Confirm>
      <Confirm
        title={t("job.delete_title")}
        isOpen={open === "delete"}
        onClose={close}
        submit={t("action.delete")}
        typed={shortId(job.id)}
        onConfirm={async () => {
          if (await action(() => remove(job), t("job.deleted"))) void navigate({ to: "/jobs" });
        }}
      >
        <p>{t("job.delete_hint")}</p>
      </Confirm>
    </>
  );
}
