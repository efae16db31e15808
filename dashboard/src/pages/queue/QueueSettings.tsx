import { type FormEvent, useState } from "react";

import { api, done } from "@/api/client";
import { ApiProblem } from "@/api/problem";
import { useAction, useQueues } from "@/api/queries";
import { useSession } from "@/api/session";
import type { Queue } from "@/api/types";
import { Button } from "@/components/Button";
import { Choices } from "@/components/Choices";
import { Field } from "@/components/Field";
import { Json } from "@/components/Json";
import { Panel } from "@/components/Page";
import { type Translate, useTranslate, word } from "@/i18n/translate";
import { ReceiverChoices } from "@/pages/alerts/ReceiverChoices";
import { useHold } from "@/shell/live";
import { GROUPS, type Setting, typed, unknownSettings, written } from "./settings";

interface Props {
  queue: Queue;
  mayWrite: boolean;
}

/** Every setting; only what was changed is sent, against the version that was seen. */
export function QueueSettings({ queue, mayWrite }: Props) {
  const t = useTranslate();
  const action = useAction();
  const [texts, setTexts] = useState<Record<string, string>>({});
  const [priority, setPriority] = useState(queue.priority);
  const [fault, setFault] = useState<ApiProblem | null>(null);
  const kinds = new Map(GROUPS.flatMap((group) => group.settings.map((setting) => [setting.name, setting.kind] as const)));
  const changed = Object.entries(texts).filter(([name, text]) => text !== written(queue.settings[name]));
  const isChanged = changed.length > 0 || priority !== queue.priority;
  useHold(isChanged);
  const { may } = useSession();
  const others = unknownSettings(queue.settings);
  const faultOf = (name: string) => fault?.errors.find((one) => one.pointer.endsWith(`/${name}`))?.detail;
  const groups = GROUPS.filter((group) => group.needs === undefined || may(group.needs));

  async function save(event: FormEvent) {
    event.preventDefault();
    setFault(null);
    const settings = Object.fromEntries(changed.map(([name, text]) => [name, typed(kinds.get(name) ?? "number", text)]));
    const body = { ...(changed.length > 0 ? { settings } : {}), ...(priority === queue.priority ? {} : { priority }) };
    await action(async () => {
      try {
        await done(api.PATCH("/api/v1/queues/{queue_id}", { params: { path: { queue_id: queue.id } }, body }));
      } catch (error) {
        if (error instanceof ApiProblem) setFault(error);
        throw error;
      }
    }, t("queue.saved"));
  }

  return (
    <Panel title={t("queue.settings")}>
      <form onSubmit={(event) => void save(event)}>
        <fieldset disabled={!mayWrite} className="flex flex-col gap-5">
          <Field label={t("queues.priority")} hint={t("queues.priority_hint")}>
            <input className="field max-w-24" type="number" min={0} max={9} value={priority} onChange={(event) => setPriority(Number(event.target.value))} />
          </Field>
          {groups.map((group) => (
            <section key={group.title} className="flex flex-col gap-2">
              <h3 className="text-xs font-semibold text-muted">{t(group.title)}</h3>
              <div className="grid gap-3 sm:grid-cols-2">
                {group.settings.map((setting) => {
                  const text = texts[setting.name] ?? written(queue.settings[setting.name]);
                  const given = { text, onChange: (changed: string) => setTexts({ ...texts, [setting.name]: changed }) };
                  const error = faultOf(setting.name);
                  if (setting.kind === "receivers" || setting.kind === "ends") return <Several key={setting.name} setting={setting} error={error} {...given} />;
                  return (
                    <Field key={setting.name} label={word("setting", setting.name)} error={error}>
                      <Input setting={setting} t={t} self={queue.id} {...given} />
                    </Field>
                  );
                })}
              </div>
            </section>
          ))}
          {others.length > 0 && <Json value={Object.fromEntries(others.map((name) => [name, queue.settings[name]]))} />}
          {mayWrite && (
            <div className="flex gap-2">
              <Button type="submit" kind="primary" disabled={!isChanged}>
                {t("action.save")}
              </Button>
              {isChanged && (
                <Button
                  onClick={() => {
                    setTexts({});
                    setPriority(queue.priority);
                  }}
                >
                  {t("action.discard")}
                </Button>
              )}
            </div>
          )}
        </fieldset>
      </form>
    </Panel>
  );
}

type SeveralProps = Pick<InputProps, "setting" | "text" | "onChange"> & { error?: string };

/** A setting that is a list: nothing chosen is the built-in default. */
function Several({ setting, text, onChange, error }: SeveralProps) {
  const t = useTranslate();
  const legend = word("setting", setting.name);
  const chosen = text === "" ? [] : (JSON.parse(text) as string[]);
  const set = (values: string[]) => onChange(values.length === 0 ? "" : JSON.stringify(values));
  if (setting.kind === "receivers") return <ReceiverChoices legend={legend} chosen={chosen} onChange={set} error={error} />;
  const ends = ENDS.map((end) => ({ value: end, label: word("status", end) }));
  return <Choices legend={legend} options={ends} chosen={chosen} onChange={set} hint={t("queue.notify_on_hint")} error={error} />;
}

const ENDS = ["succeeded", "failed", "cancelled"] as const;
const STRATEGIES = ["weighted", "least_loaded", "first_free"] as const;

interface InputProps {
  setting: Setting;
  text: string;
  onChange: (text: string) => void;
  t: Translate;
  self: string;
}

function Input({ setting, text, onChange, t, self }: InputProps) {
  const queues = useQueues();
  const choices: Record<string, [string, string][]> = {
    yes: [
      ["true", t("choice.yes")],
      ["false", t("choice.no")],
    ],
    full: [
      ["reject", t("choice.reject")],
      ["drop_oldest", t("choice.drop_oldest")],
    ],
    policy: [
      ["aged", t("choice.aged")],
      ["fair", t("choice.fair")],
    ],
    strategy: STRATEGIES.map((strategy) => [strategy, word("strategy", strategy)]),
    queue: (queues.data ?? []).filter((queue) => queue.id !== self).map((queue) => [queue.id, queue.name]),
  };
  const found = choices[setting.kind];
  if (found !== undefined) {
    return (
      <select className="field" value={text} onChange={(event) => onChange(event.target.value)}>
        <option value="">{t("choice.default")}</option>
        {found.map(([value, label]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
    );
  }
  return (
    <input
      className="field"
      type="number"
      step={setting.kind === "count" ? 1 : "any"}
      min={0}
      placeholder={t("choice.default")}
      value={text}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}
