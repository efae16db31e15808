import { useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";

import { api, data } from "@/api/client";
import { useQueues, useTasks } from "@/api/queries";
import { useSession } from "@/api/session";
import type { Task } from "@/api/types";
import { Dialog, DialogForm } from "@/components/Dialog";
import { Field } from "@/components/Field";
import { JsonField, parseJson } from "@/components/JsonField";
import { useTranslate } from "@/i18n/translate";
import { ReceiverChoices } from "@/pages/alerts/ReceiverChoices";
import { useProject } from "@/shell/project";
import { toast } from "@/shell/toasts";
import { ParameterField } from "./ParameterField";
import { parametersOf, startText, valueOf } from "./schema";

interface Props {
  isOpen: boolean;
  onClose: () => void;
  chosen?: string;
}

export function EnqueueDialog({ isOpen, onClose, chosen }: Props) {
  const t = useTranslate();
  return (
    <Dialog title={t("enqueue.title")} isOpen={isOpen} onClose={onClose}>
      <EnqueueForm chosen={chosen} onClose={onClose} />
    </Dialog>
  );
}

function EnqueueForm({ chosen, onClose }: { chosen: string | undefined; onClose: () => void }) {
  const t = useTranslate();
  const tasks = useTasks();
  const queues = useQueues();
  const { id } = useProject();
  const navigate = useNavigate();
  const [name, setName] = useState(chosen ?? "");
  const [texts, setTexts] = useState<Record<string, string>>({});
  const [raw, setRaw] = useState("{}");
  const [queue, setQueue] = useState("");
  const [priority, setPriority] = useState("");
  const [delay, setDelay] = useState("");
  const [told, setTold] = useState<string[]>([]);
  const { may } = useSession();
  const [fault, setFault] = useState<string | null>(null);
  const task = tasks.data?.find((one) => one.name === name);
  const parameters = parametersOf(task?.schema);
  useEffect(() => {
    setTexts(Object.fromEntries(parametersOf(task?.schema).map((one) => [one.name, startText(one)])));
  }, [task?.name, task?.schema]);

  function payload(): unknown {
    if (parameters.length === 0) return parseJson(raw).value;
    const given = parameters.filter((one) => one.isRequired || (texts[one.name] ?? "") !== startText(one));
    return Object.fromEntries(given.map((one) => [one.name, valueOf(one, texts[one.name] ?? "")]));
  }

  async function send() {
    setFault(null);
    try {
      const job = {
        job_type: name,
        payload: payload(),
        ...(queue && { queue_name: queue }),
        ...(priority !== "" && { priority: Number(priority) }),
        ...(told.length > 0 && { notify: told }),
        ...(delay !== "" && { delay_ms: Math.round(Number(delay) * 1000) }),
      };
      const made = await data(api.POST("/api/v1/jobs", { params: { query: { project_id: id } }, body: job }));
      toast(t("enqueue.done"));
      onClose();
      void navigate({ to: "/jobs/$jobId", params: { jobId: made.id } });
    } catch (error) {
      setFault(error instanceof SyntaxError ? t("enqueue.bad_value", { text: error.message }) : error instanceof Error ? error.message : String(error));
    }
  }

  return (
    <DialogForm submit={t("enqueue.submit")} isDisabled={name === ""} onCancel={onClose} onSubmit={send}>
      <Field label={t("job.task")}>
        <select className="field" value={name} onChange={(event) => setName(event.target.value)}>
          <option value="">{t("enqueue.choose")}</option>
          {(tasks.data ?? []).map((one: Task) => (
            <option key={one.name} value={one.name}>
              {one.name}
            </option>
          ))}
        </select>
      </Field>
      {task?.description && <p className="untrusted line-clamp-3 text-[13px] text-muted">{task.description}</p>}
      {parameters.map((parameter) => (
        <ParameterField
          key={parameter.name}
          parameter={parameter}
          text={texts[parameter.name] ?? ""}
          onChange={(text) => setTexts({ ...texts, [parameter.name]: text })}
        />
      ))}
      {name !== "" && parameters.length === 0 && <JsonField label={t("job.payload")} value={raw} onChange={setRaw} />}
      <div className="grid grid-cols-3 gap-3">
        <Field label={t("job.queue")}>
          <select className="field w-full" value={queue} onChange={(event) => setQueue(event.target.value)}>
            <option value="">{task?.queue ?? t("choice.default")}</option>
            {(queues.data ?? []).map((one) => (
              <option key={one.id} value={one.name}>
                {one.name}
              </option>
            ))}
          </select>
        </Field>
        <Field label={t("job.priority")}>
          <input className="field w-full" type="number" min={0} max={9} placeholder={t("choice.default")} value={priority} onChange={(event) => setPriority(event.target.value)} />
        </Field>
        <Field label={t("enqueue.delay")}>
          <input className="field w-full" type="number" min={0} step="any" placeholder="0" value={delay} onChange={(event) => setDelay(event.target.value)} />
        </Field>
      </div>
      {may("alert:read") && <ReceiverChoices legend={t("setting.notify")} chosen={told} onChange={setTold} isOptional />}
      {fault !== null && (
        <p role="alert" className="untrusted text-[13px] text-failed">
          {fault}
        </p>
      )}
    </DialogForm>
  );
}
