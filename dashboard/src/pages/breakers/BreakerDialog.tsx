import { useState } from "react";

import { api, data, done } from "@/api/client";
import { ApiProblem } from "@/api/problem";
import { useAction, useTasks } from "@/api/queries";
import type { Breaker } from "@/api/types";
import { FormDialog } from "@/components/Dialog";
import { Field } from "@/components/Field";
import { useTranslate, word } from "@/i18n/translate";
import { useProject } from "@/shell/project";
import { at, useBreakers } from "./queries";

const NUMBERS = ["failure_rate", "minimum_attempts", "window_seconds", "open_seconds", "probes"] as const;
type Name = (typeof NUMBERS)[number];

/** A breaker for a task, or other settings for one; an empty field goes back to its default. The rate is in per cent. */
export function BreakerDialog({ breaker, onClose }: { breaker: Breaker | null; onClose: () => void }) {
  const t = useTranslate();
  const action = useAction();
  const { id } = useProject();
  const taken = new Set((useBreakers().data ?? []).map((one) => one.job_type));
  const tasks = (useTasks().data ?? []).filter((task) => !taken.has(task.name));
  const [task, setTask] = useState("");
  const [texts, setTexts] = useState<Partial<Record<Name, string>>>({});
  const [fault, setFault] = useState<ApiProblem | null>(null);
  const faultOf = (name: string) => fault?.errors.find((one) => one.pointer === `/${name}`)?.detail;
  const written = (name: Name) => (breaker === null ? "" : String(name === "failure_rate" ? Math.round(breaker.failure_rate * 1e4) / 100 : breaker[name]));
  const meant = (name: string, text: string) => (text === "" ? null : name === "failure_rate" ? Number(text) / 100 : Number(text));

  const save = () =>
    action(
      async () => {
        setFault(null);
        const body = Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, meant(name, text)]));
        try {
          if (breaker === null) await data(api.POST("/api/v1/breakers", { params: { query: { project_id: id } }, body: { job_type: task, ...body } }));
          else await done(api.PATCH("/api/v1/breakers/{breaker_id}", { ...at(breaker), body }));
        } catch (error) {
          if (error instanceof ApiProblem) setFault(error);
          throw error;
        }
      },
      t("breakers.saved"),
    );

  return (
    <FormDialog title={breaker === null ? t("breakers.new") : t("breakers.edit", { task: breaker.job_type })} isOpen onClose={onClose} submit={t("action.save")} isDisabled={breaker === null && task === ""} save={save}>
      <p className="text-[13px] text-muted">{t("breakers.note")}</p>
      {breaker === null && (
        <Field label={t("job.task")} error={faultOf("job_type")}>
          <select className="field" value={task} onChange={(event) => setTask(event.target.value)}>
            <option value="">{t("breakers.choose")}</option>
            {tasks.map((one) => (
              <option key={one.name}>{one.name}</option>
            ))}
          </select>
        </Field>
      )}
      <div className="fields grid grid-cols-2 gap-3">
        {NUMBERS.map((name) => (
          <Field key={name} label={word("breaker", name)} error={faultOf(name)}>
            <input
              className="field min-w-0"
              type="number"
              min={name === "failure_rate" ? 0 : 1}
              step={name === "failure_rate" ? "any" : 1}
              placeholder={t("choice.default")}
              value={texts[name] ?? written(name)}
              onChange={(event) => setTexts({ ...texts, [name]: event.target.value })}
            />
          </Field>
        ))}
      </div>
    </FormDialog>
  );
}
