import type { Obstacle } from "@/api/types";
import { atLeast, shortId } from "@/format/numbers";
import { absolute } from "@/format/time";
import { type Translate, type Values, word } from "@/i18n/translate";

const MOMENTS = new Set(["since", "scheduled_for", "next_start_at", "claimed_at", "expires_at", "timeout_at", "probe_at"]);
/** Parts of sentences that are said where there is something to say. */
const PARTS = ["since", "by", "reason", "leaving"] as const;

/** What stands in a job's way, said in the chosen language from its code and details. */
export function sentence(obstacle: Obstacle, t: Translate, now = Date.now()): string {
  const { details } = obstacle;
  const values: Values = Object.fromEntries(Object.entries(details).map(([name, value]) => [name, shown(name, value, details)]));
  for (const part of PARTS) values[part] = values[part] ? ` ${t(`why_part.${part}`, values)}` : "";
  return t(`why_said.${variant(obstacle, now)}`, values);
}

function variant({ code, details }: Obstacle, now: number) {
  if (code === "scheduled" && Date.parse(String(details.scheduled_for)) <= now) return "scheduled_past";
  if (code === "concurrency_key" && isEmpty(details.jobs)) return "concurrency_key_free";
  if (code === "expires" && isSooner(details.timeout_at, details.expires_at)) return "expires_ended";
  if (code === "breaker_open" && details.state === "half_open") return "breaker_open_trying";
  if (code === "breaker_open" && !details.probe_at) return "breaker_open_by_hand";
  return code;
}

function shown(name: string, value: unknown, details: Obstacle["details"]): string | number {
  if (value === null || value === undefined) return "";
  if (Array.isArray(value)) return value.map((one) => (name === "jobs" ? shortId(String(one)) : String(one))).join(", ");
  if (MOMENTS.has(name)) return absolute(String(value));
  if (name === "kind") return word("pause_kind", String(value));
  if (typeof value !== "number") return String(value);
  return details.or_more === true && value > 0 ? atLeast(value, true) : value;
}

const isEmpty = (value: unknown) => !Array.isArray(value) || value.length === 0;

function isSooner(one: unknown, other: unknown): boolean {
  return typeof one === "string" && (typeof other !== "string" || Date.parse(one) < Date.parse(other));
}
