import { BellOff, Check, RotateCw, Undo2 } from "lucide-react";
import { useState } from "react";

import { api, data, done } from "@/api/client";
import { useAction } from "@/api/queries";
import { useSession } from "@/api/session";
import type { ErrorRecord } from "@/api/types";
import { Button } from "@/components/Button";
import { FormDialog } from "@/components/Dialog";
import { useRedrive } from "@/components/redrive";
import { useTranslate } from "@/i18n/translate";

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
  const { fields, queueId, perSecond } = useRedrive();
  const begin = () =>
    action(
      () =>
        data(
          api.POST("/api/v1/errors/{error_id}/redrive", {
            params: { path: { error_id: group.id } },
            body: { per_second: perSecond, queue_id: queueId },
          }),
        ),
      t("dead.begun"),
    );
  return (
    <FormDialog title={t("errors.redrive")} isOpen onClose={onClose} submit={t("dead.redrive")} save={begin}>
      <p>{t("errors.redrive_will")}</p>
      {fields}
    </FormDialog>
  );
}
