import type { ErrorRecord } from "@/api/types";
import { absolute } from "@/format/time";
import { useTranslate } from "@/i18n/translate";

const HOURS = 24;
const HOUR_MS = 3_600_000;

/** How often it failed in each of the last hours, the present one on the right. */
export function Hours({ hours }: { hours: ErrorRecord["hours"] }) {
  const t = useTranslate();
  const now = Math.floor(Date.now() / HOUR_MS);
  const counts = new Map(hours.map((one) => [Math.floor(Date.parse(one.starts_at) / HOUR_MS), one.count]));
  const bars = Array.from({ length: HOURS }, (_, index) => now - HOURS + 1 + index).map((hour) => ({ hour, count: counts.get(hour) ?? 0 }));
  const most = Math.max(1, ...bars.map((bar) => bar.count));
  const sum = bars.reduce((total, bar) => total + bar.count, 0);
  return (
    <span role="img" aria-label={t("errors.in_a_day", { count: sum })} title={t("errors.in_a_day", { count: sum })} className="inline-flex h-6 items-end gap-px">
      {bars.map(({ hour, count }) => (
        <span key={hour} title={`${absolute(new Date(hour * HOUR_MS))}: ${count}`} className={`w-1 ${count > 0 ? "bg-failed" : "bg-line"}`} style={{ height: count > 0 ? `${20 + (80 * count) / most}%` : "2px" }} />
      ))}
    </span>
  );
}
