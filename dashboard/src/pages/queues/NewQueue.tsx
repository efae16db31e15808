import { useState } from "react";

import { api, data } from "@/api/client";
import { useAction } from "@/api/queries";
import { FormDialog } from "@/components/Dialog";
import { Field } from "@/components/Field";
import { useTranslate } from "@/i18n/translate";
import { useProject } from "@/shell/project";

export function NewQueue({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const t = useTranslate();
  const action = useAction();
  const { id } = useProject();
  const [name, setName] = useState("");
  const [priority, setPriority] = useState(0);
  const [description, setDescription] = useState("");
  const make = () =>
    action(
      () =>
        data(
          api.POST("/api/v1/queues", {
            params: { query: { project_id: id } },
            body: { name, priority, description: description || null, settings: {}, is_active: true },
          }),
        ),
      t("queues.made", { name }),
    );
  return (
    <FormDialog title={t("queues.new")} isOpen={isOpen} onClose={onClose} submit={t("queues.make")} isDisabled={name.trim() === ""} save={make}>
      <Field label={t("queues.name")}>
        <input className="field" maxLength={100} value={name} onChange={(event) => setName(event.target.value)} />
      </Field>
      <Field label={t("queues.priority")} hint={t("queues.priority_hint")}>
        <input className="field" type="number" min={0} max={9} value={priority} onChange={(event) => setPriority(Number(event.target.value))} />
      </Field>
      <Field label={t("queues.description")}>
        <input className="field" maxLength={2000} value={description} onChange={(event) => setDescription(event.target.value)} />
      </Field>
    </FormDialog>
  );
}
