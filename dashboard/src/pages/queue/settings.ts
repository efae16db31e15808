import type { Permission } from "@/api/types";
import type { Key } from "@/i18n/translate";

/** Every setting of a queue, in groups; an empty field is the built-in default. */
export type Kind = "count" | "seconds" | "number" | "days" | "yes" | "full" | "policy" | "strategy" | "queue" | "receivers" | "ends";
export interface Setting {
  name: string;
  kind: Kind;
}

interface Group {
  title: Key;
  settings: Setting[];
  /** To whom something can be told is not for everybody to know. */
  needs?: Permission;
}

export const GROUPS: Group[] = [
  {
    title: "settings_group.limits",
    settings: [
      { name: "max_concurrent_jobs", kind: "count" },
      { name: "rate_limit", kind: "count" },
    ],
  },
  {
    title: "settings_group.attempts",
    settings: [
      { name: "max_retries", kind: "count" },
      { name: "timeout_seconds", kind: "seconds" },
      { name: "heartbeat_timeout", kind: "seconds" },
      { name: "retry_delay_seconds", kind: "seconds" },
      { name: "max_retry_delay_seconds", kind: "seconds" },
      { name: "backoff_multiplier", kind: "number" },
      { name: "dead_letter_queue_id", kind: "queue" },
    ],
  },
  {
    title: "settings_group.order",
    settings: [
      { name: "aging_seconds", kind: "count" },
      { name: "priority_delays", kind: "yes" },
      { name: "strategy", kind: "strategy" },
      { name: "policy", kind: "policy" },
    ],
  },
  {
    title: "settings_group.bounds",
    settings: [
      { name: "max_length", kind: "count" },
      { name: "max_age_seconds", kind: "seconds" },
      { name: "on_full", kind: "full" },
    ],
  },
  {
    title: "settings_group.telling",
    needs: "alert:read",
    settings: [
      { name: "notify", kind: "receivers" },
      { name: "notify_on", kind: "ends" },
    ],
  },
  {
    title: "settings_group.keeping",
    settings: [
      { name: "keep_succeeded_days", kind: "days" },
      { name: "keep_cancelled_days", kind: "days" },
      { name: "keep_failed_days", kind: "days" },
    ],
  },
];

const KNOWN = new Set(GROUPS.flatMap((group) => group.settings.map((setting) => setting.name)));

/** Settings that this page does not know by name: a newer server has them. */
export const unknownSettings = (settings: Record<string, unknown>) => Object.keys(settings).filter((name) => !KNOWN.has(name));

export function written(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** What was typed as the value that the server takes; null is the default. */
export function typed(kind: Kind, text: string): unknown {
  if (text.trim() === "") return null;
  if (kind === "yes") return text === "true";
  if (kind === "receivers" || kind === "ends") return JSON.parse(text);
  return kind === "full" || kind === "policy" || kind === "strategy" || kind === "queue" ? text : Number(text);
}
