import { Send } from "lucide-react";
import { useState } from "react";

import { api, data, done } from "@/api/client";
import { useAction } from "@/api/queries";
import { useSession } from "@/api/session";
import type { Receiver, ReceiverKind } from "@/api/types";
import { Button } from "@/components/Button";
import { Collection } from "@/components/Collection";
import { Dialog, FormDialog } from "@/components/Dialog";
import { Field } from "@/components/Field";
import { Block } from "@/components/Json";
import { Switch } from "@/components/Switch";
import { Time } from "@/components/Time";
import { useTranslate, word } from "@/i18n/translate";
import { useProject } from "@/shell/project";
import { useReceivers } from "./queries";

const KINDS: ReceiverKind[] = ["webhook", "slack", "email"];
const pathOf = (receiver: Receiver) => ({ params: { path: { receiver_id: receiver.id } } });

/** Who is told. */
export function Receivers() {
  const t = useTranslate();
  const { may } = useSession();
  const [isMaking, setMaking] = useState(false);
  const [secret, setSecret] = useState<string | null>(null);
  return (
    <>
      <Collection
        label={t("alerts.tab_receivers")}
        note={t("receivers.note")}
        none={t("receivers.none")}
        noneHint={t("receivers.none_hint")}
        items={useReceivers()}
        idOf={(receiver) => receiver.id}
        columns={[
          { name: t("schedules.enabled"), of: (receiver) => <Enabled receiver={receiver} /> },
          { name: t("queues.name"), of: (receiver) => receiver.name, className: "untrusted font-medium" },
          { name: t("receivers.kind"), of: (receiver) => word("receiver_kind", receiver.kind) },
          { name: t("receivers.address"), of: (receiver) => receiver.address, className: "untrusted max-w-80 truncate text-muted" },
          { name: t("job.created"), of: (receiver) => <Time at={receiver.created_at} /> },
          { name: null, of: (receiver) => <Test receiver={receiver} />, className: "text-right" },
        ]}
        edit={may("alert:write") ? { make: t("receivers.new"), onMake: () => setMaking(true) } : null}
        removal={{
          button: t("action.delete"),
          title: t("receivers.delete"),
          hint: t("receivers.delete_hint"),
          said: t("receivers.deleted"),
          typed: (receiver) => receiver.name,
          remove: (receiver) => done(api.DELETE("/api/v1/alerts/receivers/{receiver_id}", pathOf(receiver))),
        }}
      />
      {isMaking && <NewReceiver onClose={() => setMaking(false)} onSecret={setSecret} />}
      <Dialog title={t("receivers.secret")} isOpen={secret !== null} onClose={() => setSecret(null)}>
        <div className="flex flex-col gap-3">
          <p>{t("receivers.secret_once")}</p>
          <Block text={secret ?? ""} />
        </div>
      </Dialog>
    </>
  );
}

function Enabled({ receiver }: { receiver: Receiver }) {
  const t = useTranslate();
  const action = useAction();
  const set = (enabled: boolean) => action(() => done(api.PATCH("/api/v1/alerts/receivers/{receiver_id}", { ...pathOf(receiver), body: { enabled } })), t("receivers.saved"));
  return <Switch label={t("schedules.enabled_of", { name: receiver.name })} isOn={receiver.enabled} onChange={(isOn) => void set(isOn)} />;
}

function Test({ receiver }: { receiver: Receiver }) {
  const t = useTranslate();
  const action = useAction();
  return (
    <Button kind="quiet" icon={Send} onClick={() => void action(() => data(api.POST("/api/v1/alerts/receivers/{receiver_id}/test", pathOf(receiver))), t("receivers.tested"))}>
      {t("receivers.test")}
    </Button>
  );
}

function NewReceiver({ onClose, onSecret }: { onClose: () => void; onSecret: (secret: string) => void }) {
  const t = useTranslate();
  const action = useAction();
  const { id } = useProject();
  const [name, setName] = useState("");
  const [kind, setKind] = useState<ReceiverKind>("webhook");
  const [address, setAddress] = useState("");
  const save = () =>
    action(async () => {
      const where = kind === "email" ? { to: address.split(/[\s,;]+/).filter(Boolean) } : { url: address.trim() };
      const made = await data(api.POST("/api/v1/alerts/receivers", { params: { query: { project_id: id } }, body: { name: name.trim(), kind, ...where } }));
      if (made.secret !== null) onSecret(made.secret);
    }, t("receivers.saved"));
  return (
    <FormDialog title={t("receivers.new")} isOpen onClose={onClose} submit={t("action.save")} isDisabled={name.trim() === "" || address.trim() === ""} save={save}>
      <Field label={t("queues.name")}>
        <input className="field" maxLength={100} value={name} onChange={(event) => setName(event.target.value)} />
      </Field>
      <Field label={t("receivers.kind")}>
        <select className="field" value={kind} onChange={(event) => setKind(event.target.value as ReceiverKind)}>
          {KINDS.map((one) => (
            <option key={one} value={one}>
              {word("receiver_kind", one)}
            </option>
          ))}
        </select>
      </Field>
      <Field label={t("receivers.address")} hint={t(kind === "email" ? "receivers.email_hint" : "receivers.url_hint")}>
        <input className="field" maxLength={2000} value={address} onChange={(event) => setAddress(event.target.value)} />
      </Field>
    </FormDialog>
  );
}
