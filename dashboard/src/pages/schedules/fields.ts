import type { Schedule } from "@/api/types";

export type Trigger = "cron" | "interval_seconds" | "run_at";
export const TRIGGERS: Trigger[] = ["cron", "interval_seconds", "run_at"];

export const MISSED = ["skip", "one", "all"] as const;
export const OVERLAP = ["skip", "queue_one", "allow", "cancel_previous"] as const;
export const ON_HOLIDAY = ["skip", "next_business_day"] as const;

/** Everything of a schedule that the form asks for, as text. */
export interface Texts {
  job_id: string;
  task: string;
  description: string;
  trigger: Trigger;
  cron: string;
  interval_seconds: string;
  run_at: string;
  timezone: string;
  queue: string;
  arguments: string;
  priority: string;
  max_attempts: string;
  timeout_seconds: string;
  missed: string;
  catch_up_seconds: string;
  overlap: string;
  calendars: string[];
  on_holiday: string;
}

const number = (value: number | null) => (value === null ? "" : String(value));

export function textsOf(schedule: Schedule | null, argumentsText: string): Texts {
  return {
    job_id: schedule?.job_id ?? "",
    task: schedule?.task ?? "",
    description: schedule?.description ?? "",
    trigger: schedule === null || schedule.cron !== null ? "cron" : schedule.run_at !== null ? "run_at" : "interval_seconds",
    cron: schedule?.cron ?? (schedule === null ? "0 9 * * 1-5" : ""),
    interval_seconds: number(schedule?.interval_seconds ?? null),
    run_at: schedule?.run_at ?? "",
    timezone: schedule?.timezone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
    queue: schedule?.queue ?? "",
    arguments: argumentsText,
    priority: number(schedule?.priority ?? null),
    max_attempts: number(schedule?.max_attempts ?? null),
    timeout_seconds: number(schedule?.timeout_seconds ?? null),
    missed: schedule?.missed ?? "one",
    catch_up_seconds: number(schedule?.catch_up_seconds ?? null),
    overlap: schedule?.overlap ?? "skip",
    calendars: schedule?.calendars ?? [],
    on_holiday: schedule?.on_holiday ?? "skip",
  };
}

const NUMBERS = new Set(["priority", "max_attempts", "timeout_seconds", "catch_up_seconds"]);
const SEPARATE = new Set(["job_id", "trigger", ...TRIGGERS, "arguments"]);

/** What the form changed, as the API takes it. An emptied field goes back to what code says, or to the default. */
export function changesOf(before: Texts, after: Texts, isNew: boolean): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(after)) {
    if (SEPARATE.has(name) || (String(value) === String(before[name as keyof Texts]) && !(isNew && value.length > 0))) continue;
    found[name] = Array.isArray(value) ? value : value === "" ? null : NUMBERS.has(name) ? seconds(value) : value;
  }
  const due = after[after.trigger];
  if (isNew || after.trigger !== before.trigger || due !== before[after.trigger]) found[after.trigger] = after.trigger === "interval_seconds" ? seconds(due) : due;
  if (after.arguments !== before.arguments || (isNew && after.arguments !== "{}")) found.arguments = JSON.parse(after.arguments);
  if (isNew) found.job_id = after.job_id.trim();
  return found;
}

/** A number, or a duration such as 1h30m, which the server reads. */
const seconds = (text: string) => (Number.isNaN(Number(text)) ? text : Number(text));
