import type { RuleKind } from "@/api/types";
import { percent } from "@/format/numbers";
import { duration } from "@/format/time";
import { formatNumber } from "@/i18n/translate";

/** A value of a rule as it is read: a share, a time, or a count. */
export function figure(kind: RuleKind, value: number): string {
  if (kind === "failure_rate") return percent(value / 100);
  if (kind === "oldest_waiting" || kind === "breaker_open") return duration(value * 1000);
  return formatNumber(value);
}
