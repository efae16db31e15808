import { Unplug, Zap } from "lucide-react";
import { useState } from "react";

import { api, done } from "@/api/client";
import { useAction } from "@/api/queries";
import { useSession } from "@/api/session";
import type { Breaker } from "@/api/types";
import { Button } from "@/components/Button";
import { FormDialog } from "@/components/Dialog";
import { Field } from "@/components/Field";
import { useTranslate } from "@/i18n/translate";
import { at } from "./queries";

/** Opens a breaker by hand, or closes it, with a reason. */
export function Turn({ breaker }: { breaker: Breaker }) {
  const t = useTranslate();
  const action = useAction();
  const { may } = useSession();
  const [turning, setTurning] = useState<"open" | "close" | null>(null);
  const [reason, setReason] = useState("");
  const [seconds, setSeconds] = useState("");
  if (!may("queue:write")) return null;
  const why = reason.trim() ? { reason: reason.trim() } : {};
  const save = () =>
    turning === "open"
      ? action(() => done(api.POST("/api/v1/breakers/{breaker_id}/open", { ...at(breaker), body: { ...why, ...(seconds ? { seconds: Number(seconds) } : {}) } })), t("breakers.opened", { task: breaker.job_type }))
      : action(() => done(api.POST("/api/v1/breakers/{breaker_id}/close", { ...at(breaker), body: why })), t("breakers.closed", { task: breaker.job_type }));
  return (
    <>
      {breaker.state !== "open" && (
        <Button kind="quiet" icon={Unplug} onClick={() => setTurning("open")}>
          {t("breakers.open")}
        </Button>
      )}
      {breaker.state !== "closed" && (
        <Button kind="quiet" icon={Zap} onClick={() => setTurning("close")}>
          {t("breakers.close")}
        </Button>
      )}
      {turning !== null && (
        <FormDialog title={t(`breakers.${turning}_title`, { task: breaker.job_type })} isOpen onClose={() => setTurning(null)} submit={t(`breakers.${turning}`)} save={save}>
          <p className="text-[13px] text-muted">{t(`breakers.${turning}_hint`)}</p>
          <Field label={t("queues.pause_reason")}>
            <input className="field" maxLength={1000} value={reason} onChange={(event) => setReason(event.target.value)} />
          </Field>
          {turning === "open" && (
            <Field label={t("breakers.seconds")} hint={t("breakers.seconds_hint")}>
              <input className="field" type="number" min={1} max={86_400} value={seconds} onChange={(event) => setSeconds(event.target.value)} />
            </Field>
          )}
        </FormDialog>
      )}
    </>
  );
}
