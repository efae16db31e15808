import { BellOff, Check, RotateCw, Undo2 } from "lucide-react";
import { useState } from "react";

import { api, data, done } from "@/api/client";
import { useAction, useQueues } from "@/api/queries";
import { useSession } from "@/api/session";
import type { ErrorRecord } from "@/api/types";
import { Button } from "@/components/Button";
import { FormDialog } from "@/components/Dialog";
import { Field } from "@/components/Field";
import { useTranslate } from "@/i18n/translate";

const MINUTE = 60;

/** What is to be done about a group: mended, known, new again; its jobs run once more. */
export function ErrorActions({ group }: { group: ErrorRecord }) {
  const t = useTranslate();
  const action = useAction();
  const { may } = useSession();
  const [isRedriving, setRedriving] = useState(false);
  const path = { params: { path: { error_id: group.id } } };
  if (!may("job:write")) return null;
  const reopen = () => action(() => done(api.POST("/api/v1/errors/{error_id}/reopen", path)), t("errors.reopened"));
  const undo = { undo: () => void reopen() };
  const resolve = () => action(() => done(api.POST("/api/v1/errors/{error_id}/resolve", path)), t("errors.resolved"), undo);
  const mute = () => action(() => done(api.POST("/api/v1/errors/{error_id}/mute", path)), t("errors.muted"), undo);
  const isOpen = group.status === "new" || group.status === "returned";
  return (
    <>
      <Button kind="primary" icon={RotateCw} onClick={() => setRedriving(true)}>
        {t("dead.redrive")}
      </Button>
      {isOpen ? (
        <>
          <Button icon={Check} onClick={() => void resolve()}>
            {t("errors.resolve")}
          </Button>
          <Button icon={BellOff} onClick={() => void mute()}>
            {t("errors.mute")}
          </Button>
        </>
      ) : (
        <Button icon={Undo2} onClick={() => void reopen()}>
          {t("errors.reopen")}
        </Button>
      )}
      {isRedriving && <Redrive group={group} onClose={() => setRedriving(false)} />}
    </>
  );
}

function Redrive({ group, onClose }: { group: ErrorRecord; onClose: () => void }) {
  const t = useTranslate();
  const action = useAction();
  const queues = useQueues();
  const [rate, setRate] = useState("");
  const [target, setTarget] = useState("");
  const begin = () =>
    action(
      () =>
        data(
          api.POST("/api/v1/errors/{error_id}/redrive", {
            params: { path: { error_id: group.id } },
            body: { per_second: rate === "" ? null : Math.max(1, Math.round(Number(rate) / MINUTE)), queue_id: target || null },
          }),
        ),
      t("dead.begun"),
    );
  return (
    <FormDialog title={t("errors.redrive")} isOpen onClose={onClose} submit={t("dead.redrive")} save={begin}>
      <p>{t("errors.redrive_will")}</p>
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
