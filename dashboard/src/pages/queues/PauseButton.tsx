import { Pause, Play } from "lucide-react";
import { useState } from "react";

import { api, done } from "@/api/client";
import { useAction } from "@/api/queries";
import { useSession } from "@/api/session";
import type { Queue } from "@/api/types";
import { Button } from "@/components/Button";
import { FormDialog } from "@/components/Dialog";
import { Field } from "@/components/Field";
import { useTranslate } from "@/i18n/translate";

/** Pauses with a reason, which everybody sees who asks why nothing runs. */
export function PauseButton({ queue }: { queue: Queue }) {
  const t = useTranslate();
  const action = useAction();
  const { may } = useSession();
  const [isOpen, setOpen] = useState(false);
  const [reason, setReason] = useState("");
  const path = { params: { path: { queue_id: queue.id } } };
  const resume = () => action(() => done(api.POST("/api/v1/queues/{queue_id}/resume", path)), t("queues.resumed", { name: queue.name }));
  const pause = () =>
    action(
      () => done(api.PATCH("/api/v1/queues/{queue_id}", { ...path, body: { state: "paused", ...(reason ? { reason } : {}) } })),
      t("queues.paused", { name: queue.name }),
      { undo: () => void resume() },
    );
  if (!may("queue:write")) return null;
  if (queue.state !== "active") {
    return (
      <Button kind="quiet" icon={Play} onClick={() => void resume()}>
        {t("queues.resume")}
      </Button>
    );
  }
  return (
    <>
      <Button kind="quiet" icon={Pause} onClick={() => setOpen(true)}>
        {t("queues.pause")}
      </Button>
      <FormDialog title={t("queues.pause_title", { name: queue.name })} isOpen={isOpen} onClose={() => setOpen(false)} submit={t("queues.pause")} save={pause}>
        <p className="text-left text-muted">{t("queues.pause_hint")}</p>
        <Field label={t("queues.pause_reason")}>
          <input className="field" maxLength={1000} value={reason} onChange={(event) => setReason(event.target.value)} />
        </Field>
      </FormDialog>
    </>
  );
}
