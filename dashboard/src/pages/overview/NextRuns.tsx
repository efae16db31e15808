import { Link } from "@tanstack/react-router";

import { buttonClass } from "@/components/Button";
import { Panel } from "@/components/Page";
import { Time } from "@/components/Time";
import { useTranslate } from "@/i18n/translate";
import { useSchedules } from "@/pages/schedules/queries";

const SHOWN = 6;
/** Some of them may be paused. */
const ASKED = 50;

/** What schedules will run next. */
export function NextRuns() {
  const t = useTranslate();
  const schedules = useSchedules(1, ASKED, "next_due_at").data?.data ?? [];
  const next = schedules
    .flatMap((schedule) => (schedule.next_run === null || schedule.paused_at !== null ? [] : [{ name: schedule.job_id, at: schedule.next_run, words: schedule.trigger_in_words }]))
    .sort((one, other) => Date.parse(one.at) - Date.parse(other.at));
  if (next.length === 0) return null;
  return (
    <Panel
      title={t("schedules.next_runs")}
      isFlush
      actions={
        <Link to="/schedules" className={buttonClass("quiet")}>
          {t("action.show_all")}
          <span className="sr-only">: {t("schedules.next_runs")}</span>
        </Link>
      }
    >
      <ul>
        {next.slice(0, SHOWN).map((one) => (
          <li key={one.name} className="flex items-center gap-3 border-b border-line/60 px-4 py-2 last:border-0">
            <Link to="/schedules/$name" params={{ name: one.name }} className="untrusted min-w-0 flex-1 truncate font-medium hover:underline">
              {one.name}
            </Link>
            <span className="hidden min-w-0 truncate text-[13px] text-muted sm:inline">{one.words}</span>
            <span className="shrink-0 text-[13px]">
              <Time at={one.at} />
            </span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
