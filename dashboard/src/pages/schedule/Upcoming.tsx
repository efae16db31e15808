import type { ScheduleDetail } from "@/api/types";
import { Asked } from "@/components/Asked";
import { Panel } from "@/components/Page";
import { Time } from "@/components/Time";
import { moments } from "@/format/formats";
import { useTranslate, word } from "@/i18n/translate";
import { useUpcoming } from "@/pages/schedules/queries";

/** The next due times by the clock of the schedule's zone, and what a change of that clock does to them. */
export function Upcoming({ schedule }: { schedule: ScheduleDetail }) {
  const t = useTranslate();
  const upcoming = useUpcoming(schedule.job_id, schedule.version);
  const local = (at: string) =>
    moments({ weekday: "short", day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZone: schedule.timezone }).format(new Date(at));
  return (
    <Panel title={t("upcoming.title", { zone: schedule.timezone })} isFlush>
      <Asked query={upcoming}>
        {(found) =>
          found.length === 0 ? (
            <p className="p-4 text-muted">{t("upcoming.none")}</p>
          ) : (
            <ol>
              {found.map((due) => (
                <li key={due.due_at} className="flex flex-col border-b border-line/60 px-4 py-1.5 text-[13px] last:border-0">
                  <span className="flex flex-wrap justify-between gap-x-3">
                    <span className={due.rests ? "text-muted line-through" : ""}>{local(due.due_at)}</span>
                    <span className="text-xs text-muted">
                      <Time at={due.due_at} />
                    </span>
                  </span>
                  {due.note && <span className="text-xs text-retrying">{word("due_note", due.note)}</span>}
                  {due.rests && <span className="text-xs text-retrying">{word("due_rests", schedule.on_holiday)}</span>}
                </li>
              ))}
            </ol>
          )
        }
      </Asked>
    </Panel>
  );
}
