import { useState } from "react";

import { api, data, done } from "@/api/client";
import { ApiProblem } from "@/api/problem";
import { useAction, useQueues } from "@/api/queries";
import type { Policy } from "@/api/types";
import { FormDialog } from "@/components/Dialog";
import { Field } from "@/components/Field";
import { NamedOptions } from "@/components/NamedOptions";
import { useTranslate, word } from "@/i18n/translate";
import { useProject } from "@/shell/project";
import { PolicyNumbers, type Texts, written } from "./PolicyNumbers";

const PROVISIONERS = ["none", "local", "kubernetes", "webhook"] as const;

/** A policy for a queue, or another content for one; an empty field goes back to its default. */
export function PolicyDialog({ policy, onClose }: { policy: Policy | null; onClose: () => void }) {
  const t = useTranslate();
  const action = useAction();
  const { id } = useProject();
  const queues = useQueues();
  const [queue, setQueue] = useState(policy?.queue_id ?? "");
  const [texts, setTexts] = useState<Texts>({});
  const [provisioner, setProvisioner] = useState(policy?.provisioner ?? "none");
  const [target, setTarget] = useState(policy?.target ?? "");
  const [fault, setFault] = useState<ApiProblem | null>(null);
  const faultOf = (name: string) => fault?.errors.find((one) => one.pointer === `/${name}`)?.detail;

  const save = () =>
    action(
      async () => {
        setFault(null);
        const numbers = Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, text === "" ? null : Number(text)]));
        const body = { ...numbers, provisioner, target: target || null };
        try {
          if (policy === null) await data(api.POST("/api/v1/scaling-policies", { params: { query: { project_id: id } }, body: { queue_id: queue, ...body } }));
          else await done(api.PATCH("/api/v1/scaling-policies/{queue_id}", { params: { path: { queue_id: policy.queue_id } }, body }));
        } catch (error) {
          if (error instanceof ApiProblem) setFault(error);
          throw error;
        }
      },
      t("scaling.saved"),
    );

  return (
    <FormDialog title={policy === null ? t("scaling.new") : t("scaling.edit", { queue: policy.queue_name })} isOpen isWide onClose={onClose} submit={t("action.save")} isDisabled={queue === ""} save={save}>
      {policy === null && (
        <Field label={t("job.queue")} error={faultOf("queue_id")}>
          <select className="field" value={queue} onChange={(event) => setQueue(event.target.value)}>
            <option value="">{t("scaling.choose_queue")}</option>
            <NamedOptions of={queues.data} />
          </select>
        </Field>
      )}
      <PolicyNumbers texts={texts} onChange={setTexts} valueOf={(name) => written(policy, name)} placeholderOf={() => t("choice.default")} faultOf={faultOf} />
      <div className="grid gap-3 sm:grid-cols-2">
        <Field label={t("scaling.provisioner")} error={faultOf("provisioner")}>
          <select className="field" value={provisioner} onChange={(event) => setProvisioner(event.target.value as Policy["provisioner"])}>
            {PROVISIONERS.map((one) => (
              <option key={one} value={one}>
                {word("provisioner", one)}
              </option>
            ))}
          </select>
        </Field>
        {provisioner !== "none" && (
          <Field label={t("scaling.target")} hint={t("scaling.target_hint")} error={faultOf("target")}>
            <input className="field min-w-0" value={target} onChange={(event) => setTarget(event.target.value)} />
          </Field>
        )}
      </div>
    </FormDialog>
  );
}
