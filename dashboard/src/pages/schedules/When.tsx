import type { Schedule } from "@/api/types";
import { absolute } from "@/format/time";
import { useTranslate } from "@/i18n/translate";

/** When it is due: in words, with the expression and the zone below. */
export function When({ schedule }: { schedule: Schedule }) {
  const t = useTranslate();
  const words = schedule.trigger_in_words ?? (schedule.run_at ? t("schedules.once", { at: absolute(schedule.run_at) }) : schedule.trigger);
  return (
    <span className="flex min-w-44 flex-col in-[dd]:min-w-0 py-1 whitespace-normal">
      <span className="first-letter:uppercase">{words}</span>
      <span className="flex flex-wrap gap-x-2 text-xs text-muted">
        {schedule.cron && <code className="untrusted font-mono">{schedule.cron}</code>}
        {schedule.interval_seconds === null && <span className="untrusted">{schedule.timezone}</span>}
      </span>
    </span>
  );
}
