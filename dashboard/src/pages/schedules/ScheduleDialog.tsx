import { useNavigate } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";

import { api, data, done } from "@/api/client";
import { ApiProblem } from "@/api/problem";
import { useAction, useQueues, useTasks } from "@/api/queries";
import type { NewSchedule, Schedule } from "@/api/types";
import { Choices } from "@/components/Choices";
import { FormDialog } from "@/components/Dialog";
import { Field } from "@/components/Field";
import { JsonField, parseJson } from "@/components/JsonField";
import { editable } from "@/format/json";
import { useTranslate, word } from "@/i18n/translate";
import { useProject } from "@/shell/project";
import { changesOf, MISSED, ON_HOLIDAY, OVERLAP, type Texts, textsOf, TRIGGERS } from "./fields";
import { type Change, useAt, useCalendars } from "./queries";

const ZONES = Intl.supportedValuesOf("timeZone");

/** A new schedule, or another content for one. Only what was changed is sent: the rest stays with the code. */
export function ScheduleDialog({ schedule, onClose }: { schedule: Schedule | null; onClose: () => void }) {
  const t = useTranslate();
  const action = useAction();
  const navigate = useNavigate();
  const { id } = useProject();
  const [before] = useState(() => textsOf(schedule, schedule === null ? "{}" : editable(schedule.arguments)));
  const [texts, setTexts] = useState(before);
  const [fault, setFault] = useState<ApiProblem | null>(null);
  const isNew = schedule === null;
  const params = useAt(schedule?.job_id ?? "");
  const set = (change: Partial<Texts>) => setTexts({ ...texts, ...change });
  const faultOf = (name: string) => fault?.errors.find((one) => one.pointer === `/${name}`)?.detail;
  const text = (name: keyof Texts, more: { placeholder?: string; list?: string } = {}) => (
    <input className="field min-w-0" value={String(texts[name])} onChange={(event) => set({ [name]: event.target.value })} {...more} />
  );
  const choice = (name: "missed" | "overlap" | "on_holiday", values: readonly string[]) => (
    <select className="field" value={texts[name]} onChange={(event) => set({ [name]: event.target.value })}>
      {values.map((value) => (
        <option key={value} value={value}>
          {word(name, value)}
        </option>
      ))}
    </select>
  );

  async function save(): Promise<boolean> {
    setFault(null);
    const isDone = await action(
      async () => {
        try {
          const changes = changesOf(before, texts, isNew);
          if (isNew) await data(api.POST("/api/v1/scheduled-jobs", { params: { query: { project_id: id } }, body: changes as unknown as NewSchedule }));
          else await done(api.PATCH("/api/v1/scheduled-jobs/{schedule_name}", { params, body: changes as Change }));
        } catch (error) {
          if (error instanceof ApiProblem) setFault(error);
          throw error;
        }
      },
      t("schedules.saved"),
    );
    if (isDone && isNew) void navigate({ to: "/schedules/$name", params: { name: texts.job_id.trim() } });
    return isDone;
  }

  return (
    <FormDialog
      title={isNew ? t("schedules.new") : t("schedules.edit", { name: schedule.job_id })}
      isOpen
      isWide
      onClose={onClose}
      submit={t("action.save")}
      isDisabled={texts.job_id.trim() === "" || texts.task === "" || parseJson(texts.arguments).fault !== null}
      save={save}
    >
      {!isNew && schedule.origin === "code" && <p className="text-[13px] text-muted">{t("schedules.edit_hint")}</p>}
      <div className="grid gap-3 sm:grid-cols-2">
        {isNew && (
          <Field label={t("queues.name")} error={faultOf("job_id")}>
            {text("job_id")}
          </Field>
        )}
        <Task texts={texts} set={set} isNew={isNew} fault={faultOf("task")} />
        <Field label={t("queues.description")}>{text("description")}</Field>
      </div>
      <div className="grid gap-3 sm:grid-cols-3">
        <Field label={t("schedules.trigger")}>
          <select className="field" value={texts.trigger} onChange={(event) => set({ trigger: event.target.value as Texts["trigger"] })}>
            {TRIGGERS.map((trigger) => (
              <option key={trigger} value={trigger}>
                {word("schedule_trigger", trigger)}
              </option>
            ))}
          </select>
        </Field>
        <Field label={word("schedule_trigger", texts.trigger)} hint={t(`schedules.hint_${texts.trigger}`)} error={faultOf(texts.trigger)}>
          {text(texts.trigger)}
        </Field>
        <Field label={t("schedules.zone")} error={faultOf("timezone")}>
          {text("timezone", { list: "zones" })}
          <datalist id="zones">
            {ZONES.map((zone) => (
              <option key={zone} value={zone} />
            ))}
          </datalist>
        </Field>
        <Field label={t("schedules.missed")}>{choice("missed", MISSED)}</Field>
        <Field label={t("schedules.catch_up")} hint={t("schedules.catch_up_hint")} error={faultOf("catch_up_seconds")}>
          {text("catch_up_seconds", { placeholder: "86400" })}
        </Field>
        <Field label={t("schedules.overlap")}>{choice("overlap", OVERLAP)}</Field>
      </div>
      <Holidays texts={texts} set={set} choice={choice("on_holiday", ON_HOLIDAY)} />
      <JsonField label={t("schedules.arguments")} value={texts.arguments} onChange={(value) => set({ arguments: value })} rows={4} />
      <div className="grid grid-cols-2 gap-3 sm:grid-cols-4">
        <Queue texts={texts} set={set} fault={faultOf("queue")} />
        <Field label={t("job.priority")} error={faultOf("priority")}>
          {text("priority", { placeholder: t("choice.default") })}
        </Field>
        <Field label={t("schedules.max_attempts")} error={faultOf("max_attempts")}>
          {text("max_attempts", { placeholder: t("choice.default") })}
        </Field>
        <Field label={t("setting.timeout_seconds")} error={faultOf("timeout_seconds")}>
          {text("timeout_seconds", { placeholder: t("choice.default") })}
        </Field>
      </div>
    </FormDialog>
  );
}

interface PartProps {
  texts: Texts;
  set: (change: Partial<Texts>) => void;
  fault?: string;
}

function Task({ texts, set, isNew, fault }: PartProps & { isNew: boolean }) {
  const t = useTranslate();
  const tasks = useTasks();
  const names = [...new Set([texts.task, ...(tasks.data ?? []).map((task) => task.name)])].filter(Boolean);
  return (
    <Field label={t("job.task")} error={fault}>
      <select className="field min-w-0" disabled={!isNew} value={texts.task} onChange={(event) => set({ task: event.target.value })}>
        <option value="">{t("enqueue.choose")}</option>
        {names.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </Field>
  );
}

function Queue({ texts, set, fault }: PartProps) {
  const t = useTranslate();
  const queues = useQueues();
  return (
    <Field label={t("job.queue")} error={fault}>
      <select className="field min-w-0" value={texts.queue} onChange={(event) => set({ queue: event.target.value })}>
        <option value="">{t("choice.default")}</option>
        {[...new Set([texts.queue, ...(queues.data ?? []).map((queue) => queue.name)])].filter(Boolean).map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </Field>
  );
}

function Holidays({ texts, set, choice }: PartProps & { choice: ReactNode }) {
  const t = useTranslate();
  const calendars = useCalendars();
  const names = [...new Set([...(calendars.data ?? []).map((calendar) => calendar.name), ...texts.calendars])];
  if (names.length === 0) return null;
  return (
    <div className="grid gap-3 sm:grid-cols-[2fr_1fr]">
      <Choices
        legend={t("calendars.title")}
        options={names.map((name) => ({ value: name, label: name }))}
        chosen={texts.calendars}
        onChange={(calendars) => set({ calendars })}
      />
      <Field label={t("schedules.on_holiday")}>{choice}</Field>
    </div>
  );
}
