import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { FilePenLine, History as Past, Trash2 } from "lucide-react";
import { useState } from "react";

import { api, done } from "@/api/client";
import { useAction } from "@/api/queries";
import { useSession } from "@/api/session";
import type { ScheduleDetail } from "@/api/types";
import { AskedPage } from "@/components/AskedPage";
import { Button } from "@/components/Button";
import { Confirm } from "@/components/Dialog";
import { Figure } from "@/components/Figure";
import { Json } from "@/components/Json";
import { Operations } from "@/components/Operations";
import { Fact, Facts, Page, Panel } from "@/components/Page";
import { Status } from "@/components/Status";
import { Time } from "@/components/Time";
import { percent } from "@/format/numbers";
import { absolute, duration, took } from "@/format/time";
import { useTranslate, word } from "@/i18n/translate";
import { Enabled, RunNow } from "@/pages/schedules/acts";
import { useAt, useRunStats, useSchedule } from "@/pages/schedules/queries";
import { ScheduleDialog } from "@/pages/schedules/ScheduleDialog";
import { fate } from "@/pages/schedules/Strip";
import { When } from "@/pages/schedules/When";
import { Backfill } from "./Backfill";
import { Drift } from "./Drift";
import { History } from "./History";
import { Upcoming } from "./Upcoming";

const route = getRouteApi("/schedules/$name");

export function SchedulePage() {
  const { name } = route.useParams();
  const schedule = useSchedule(name);
  return <AskedPage query={schedule}>{(found) => <Shown schedule={found} />}</AskedPage>;
}

function Shown({ schedule }: { schedule: ScheduleDetail }) {
  const t = useTranslate();
  const { may } = useSession();
  const [open, setOpen] = useState<"edit" | "backfill" | null>(null);
  const state = schedule.paused_at !== null ? "resting" : schedule.enabled ? "enabled" : "disabled";
  return (
    <Page
      title={schedule.job_id}
      heading={
        <>
          <span className="untrusted">{schedule.job_id}</span>
          <Status of={state} />
        </>
      }
      note={schedule.description && <span className="untrusted">{schedule.description}</span>}
      actions={
        <>
          <Enabled schedule={schedule} />
          <RunNow schedule={schedule} kind="primary" />
          {may("schedule:execute") && (
            <Button icon={Past} onClick={() => setOpen("backfill")}>
              {t("backfill.open")}
            </Button>
          )}
          {may("schedule:write") && (
            <>
              <Button icon={FilePenLine} onClick={() => setOpen("edit")}>
                {t("action.edit")}
              </Button>
              <DeleteButton schedule={schedule} />
            </>
          )}
        </>
      }
    >
      <Operations />
      <Figures schedule={schedule} />
      <Drift schedule={schedule} />
      <div className="grid items-start gap-4 xl:grid-cols-[minmax(0,1fr)_24rem]">
        <History name={schedule.job_id} />
        <div className="flex min-w-0 flex-col gap-4 max-xl:grid max-xl:items-start lg:max-xl:grid-cols-2">
          <Upcoming schedule={schedule} />
          <Rules schedule={schedule} />
        </div>
      </div>
      {open === "edit" && <ScheduleDialog schedule={schedule} onClose={() => setOpen(null)} />}
      {open === "backfill" && <Backfill schedule={schedule} onClose={() => setOpen(null)} />}
    </Page>
  );
}

function Figures({ schedule }: { schedule: ScheduleDetail }) {
  const t = useTranslate();
  const stats = useRunStats(schedule.job_id).data;
  const latest = schedule.latest_execution;
  const ended = stats ? stats.successful_runs + stats.failed_runs : 0;
  return (
    <div className="grid grid-cols-2 gap-3 lg:grid-cols-4">
      <Figure name={t("schedules.next")} value={<Time at={schedule.next_run} />} note={schedule.next_run ? absolute(schedule.next_run) : t(schedule.enabled ? "schedules.no_next" : "schedules.no_next_disabled")} />
      <Figure
        name={t("schedules.latest")}
        value={latest ? word("status", fate(latest)) : "—"}
        note={latest && <Time at={latest.due_at} />}
        isBad={latest !== null && (fate(latest) === "failed" || latest.outcome === "missed")}
      />
      <Figure name={t("schedules.success_week")} value={stats ? (ended === 0 ? "—" : percent(stats.success_rate / 100)) : "…"} note={t("schedules.runs", { count: stats?.total_runs ?? 0 })} />
      <Figure name={t("schedules.average")} value={stats ? (stats.avg_duration === null ? "—" : took(stats.avg_duration * 1000)) : "…"} note={t("overview.last_168")} />
    </div>
  );
}

function Rules({ schedule }: { schedule: ScheduleDetail }) {
  const t = useTranslate();
  return (
    <Panel title={t("schedules.rules")}>
      <Facts>
        <Fact name={t("schedules.when")}>
          <When schedule={schedule} />
        </Fact>
        {schedule.starts_at && <Fact name={t("schedules.starts_at")}>{absolute(schedule.starts_at)}</Fact>}
        {schedule.ends_at && <Fact name={t("schedules.ends_at")}>{absolute(schedule.ends_at)}</Fact>}
        {schedule.jitter_seconds > 0 && <Fact name={t("schedules.jitter")}>{duration(schedule.jitter_seconds * 1000)}</Fact>}
        <Fact name={t("schedules.missed")}>{word("missed", schedule.missed)}</Fact>
        <Fact name={t("schedules.late")}>{t("schedules.catch_up_said", { time: duration(schedule.catch_up_seconds * 1000), count: schedule.catch_up_limit })}</Fact>
        <Fact name={t("schedules.overlap")}>{word("overlap", schedule.overlap)}</Fact>
        {schedule.calendars.length > 0 && (
          <>
            <Fact name={t("calendars.title")}>
              <Link to="/schedules" search={{ tab: "calendars" }} className="text-accent hover:underline">
                {schedule.calendars.join(", ")}
              </Link>
            </Fact>
            <Fact name={t("schedules.on_holiday")}>{word("on_holiday", schedule.on_holiday)}</Fact>
          </>
        )}
        <Fact name={t("job.task")}>
          <Link to="/jobs" search={{ type: schedule.task }} className="text-accent hover:underline">
            {schedule.task}
          </Link>
        </Fact>
        <Fact name={t("job.queue")}>{schedule.queue}</Fact>
        {schedule.priority !== null && <Fact name={t("job.priority")}>{schedule.priority}</Fact>}
        {schedule.max_attempts !== null && <Fact name={t("schedules.max_attempts")}>{schedule.max_attempts}</Fact>}
        {schedule.timeout_seconds !== null && <Fact name={t("setting.timeout_seconds")}>{duration(schedule.timeout_seconds * 1000)}</Fact>}
        <Fact name={t("schedules.origin")}>{word("origin", schedule.origin)}</Fact>
        <Fact name={t("schedules.arguments")}>
          <Json value={schedule.arguments} maxHeight="12rem" />
        </Fact>
      </Facts>
    </Panel>
  );
}

function DeleteButton({ schedule }: { schedule: ScheduleDetail }) {
  const t = useTranslate();
  const action = useAction();
  const navigate = useNavigate();
  const params = useAt(schedule.job_id);
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <Button kind="danger" icon={Trash2} onClick={() => setOpen(true)}>
        {t("action.delete")}
      </Button>
      <Confirm
        title={t("schedules.delete")}
        isOpen={isOpen}
        onClose={() => setOpen(false)}
        submit={t("action.delete")}
        typed={schedule.job_id}
        onConfirm={async () => {
          if (await action(() => done(api.DELETE("/api/v1/scheduled-jobs/{schedule_name}", { params })), t("schedules.deleted"))) void navigate({ to: "/schedules" });
        }}
      >
        <p>{t(schedule.origin === "code" ? "schedules.delete_code_hint" : "schedules.delete_hint")}</p>
      </Confirm>
    </>
  );
}
