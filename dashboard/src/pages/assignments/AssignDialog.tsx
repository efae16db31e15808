import { useState } from "react";

import { api, data } from "@/api/client";
import { useAction } from "@/api/queries";
import type { MatrixQueue, MatrixWorker } from "@/api/types";
import { FormDialog } from "@/components/Dialog";
import { Field } from "@/components/Field";
import { useTranslate } from "@/i18n/translate";
import { useProject } from "@/shell/project";

interface Props {
  queues: MatrixQueue[];
  workers: MatrixWorker[];
  queue: string;
  worker: string;
  onClose: () => void;
}

export function AssignDialog({ queues, workers, queue, worker, onClose }: Props) {
  const t = useTranslate();
  const action = useAction();
  const { id } = useProject();
  const [queueName, setQueue] = useState(queue || (queues[0]?.name ?? ""));
  const [workerName, setWorker] = useState(worker);
  const [weight, setWeight] = useState("1");
  const isFirst = queues.find((one) => one.name === queueName)?.is_open ?? false;
  const save = () =>
    action(
      () =>
        data(
          api.POST("/api/v1/assignments", {
            params: { query: { project_id: id } },
            body: { queue_name: queueName, worker_name: workerName.trim(), weight: Number(weight), is_active: true },
          }),
        ),
      t("assignments.saved"),
    );
  return (
    <FormDialog title={t("assignments.new")} isOpen onClose={onClose} submit={t("assignments.assign")} isDisabled={workerName.trim() === "" || weight === ""} save={save}>
      {isFirst && <p className="text-[13px] text-retrying">{t("assignments.first_hint")}</p>}
      <Field label={t("job.queue")}>
        <select className="field" value={queueName} onChange={(event) => setQueue(event.target.value)}>
          {queues.map((one) => (
            <option key={one.id}>{one.name}</option>
          ))}
        </select>
      </Field>
      <Field label={t("assignments.who")} hint={t("assignments.who_hint")}>
        <input className="field" list="worker-names" maxLength={100} value={workerName} onChange={(event) => setWorker(event.target.value)} />
        <datalist id="worker-names">
          {workers.map((one) => (
            <option key={one.id} value={one.name} />
          ))}
        </datalist>
      </Field>
      <Field label={t("assignments.weight")} hint={t("assignments.weight_hint")}>
        <input className="field max-w-28" type="number" min={1} max={100} value={weight} onChange={(event) => setWeight(event.target.value)} />
      </Field>
    </FormDialog>
  );
}
