import { useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";

import { api, data, done } from "@/api/client";
import { useAction } from "@/api/queries";
import { useSession } from "@/api/session";
import type { Job } from "@/api/types";
import { Dialog, DialogForm } from "@/components/Dialog";
import { JsonField, parseJson } from "@/components/JsonField";
import { editable } from "@/format/json";
import { useTranslate } from "@/i18n/translate";
import { hiddenIn } from "./redaction";

/** The same job with another payload; a succeeded one stays, and a new one like it is made. */
export function RetryChanged({ job, isOpen, onClose }: { job: Job; isOpen: boolean; onClose: () => void }) {
  const t = useTranslate();
  const action = useAction();
  const { caller } = useSession();
  const navigate = useNavigate();
  const [text, setText] = useState("");
  const isNew = job.status === "succeeded";
  useEffect(() => {
    if (isOpen) setText(editable(job.payload));
  }, [isOpen, job.payload]);

  async function send() {
    const parsed = parseJson(text);
    if (parsed.fault !== null) return;
    const isDone = await action(async () => {
      if (!isNew) {
        const change = { params: { path: { job_id: job.id } }, body: { payload: parsed.value } };
        return done(api.POST("/api/v1/jobs/{job_id}/retry", change));
      }
      const copy = { job_type: job.job_type, queue_id: job.queue_id, payload: parsed.value, priority: job.priority, tags: job.tags };
      const made = await data(api.POST("/api/v1/jobs", { params: { query: { project_id: job.project_id } }, body: copy }));
      void navigate({ to: "/jobs/$jobId", params: { jobId: made.id } });
    }, t(isNew ? "enqueue.done" : "job.retried"));
    if (isDone) onClose();
  }

  return (
    <Dialog title={t(isNew ? "retry.again" : "retry.title")} isOpen={isOpen} onClose={onClose} isWide>
      <DialogForm submit={t(isNew ? "enqueue.submit" : "action.retry")} isDisabled={parseJson(text).fault !== null} onCancel={onClose} onSubmit={send}>
        <p className="text-muted">{t(isNew ? "retry.again_hint" : "retry.hint")}</p>
        {hiddenIn(job.payload, caller).length > 0 && <p className="text-muted">{t("retry.redacted")}</p>}
        <JsonField label={t("job.payload")} value={text} onChange={setText} rows={16} />
      </DialogForm>
    </Dialog>
  );
}
