import { useState } from "react";

import { api, data } from "@/api/client";
import { useAction, useQueues } from "@/api/queries";
import { Dialog, DialogForm } from "@/components/Dialog";
import { Field } from "@/components/Field";
import { NamedOptions } from "@/components/NamedOptions";
import { useTranslate } from "@/i18n/translate";
import { useProject } from "@/shell/project";
import { useRoleNames } from "./queries";

interface Props {
  onClose: () => void;
  onMade: (text: string) => void;
}

export function NewKey({ onClose, onMade }: Props) {
  const t = useTranslate();
  const action = useAction();
  const roles = useRoleNames();
  const queues = useQueues();
  const { id, all } = useProject();
  const [name, setName] = useState("");
  const [role, setRole] = useState("developer");
  const [project, setProject] = useState(id ?? "");
  const [days, setDays] = useState("90");
  const [queueId, setQueueId] = useState("");
  async function make() {
    const expires = days === "" ? null : new Date(Date.now() + Number(days) * 86_400_000).toISOString();
    const body = { name, role, project_id: project || null, expires_at: expires, queue_ids: queueId && project === id ? [queueId] : null };
    await action(async () => onMade((await data(api.POST("/api/v1/keys", { body }))).key ?? ""));
  }
  return (
    <Dialog title={t("keys.new")} isOpen onClose={onClose}>
      <DialogForm submit={t("keys.new")} isDisabled={name.trim() === ""} onCancel={onClose} onSubmit={make}>
        <Field label={t("queues.name")} hint={t("keys.name_hint")}>
          <input className="field" maxLength={100} value={name} onChange={(event) => setName(event.target.value)} />
        </Field>
        <div className="grid grid-cols-2 gap-3">
          <Field label={t("users.role")}>
            <select className="field" value={role} onChange={(event) => setRole(event.target.value)}>
              {roles.map((one) => (
                <option key={one}>{one}</option>
              ))}
            </select>
          </Field>
          <Field label={t("project.switch")}>
            <select className="field" value={project} onChange={(event) => setProject(event.target.value)}>
              <option value="">{t("project.all")}</option>
              <NamedOptions of={all} />
            </select>
          </Field>
          <Field label={t("job.queue")}>
            <select className="field" disabled={project !== id} value={queueId} onChange={(event) => setQueueId(event.target.value)}>
              <option value="">{t("keys.all_queues")}</option>
              <NamedOptions of={queues.data} />
            </select>
          </Field>
          <Field label={t("keys.days")} hint={t("keys.days_hint")}>
            <input className="field" type="number" min={1} value={days} onChange={(event) => setDays(event.target.value)} />
          </Field>
        </div>
      </DialogForm>
    </Dialog>
  );
}
