import { getRouteApi, Link } from "@tanstack/react-router";
import { CirclePause, CirclePlay, Plus } from "lucide-react";
import { useState } from "react";

import { api, data } from "@/api/client";
import { useAction } from "@/api/queries";
import { useSession } from "@/api/session";
import type { Schedule } from "@/api/types";
import { Asked } from "@/components/Asked";
import { Button } from "@/components/Button";
import { Confirm } from "@/components/Dialog";
import { Block } from "@/components/Json";
import { Empty } from "@/components/Notices";
import { Page, Panel } from "@/components/Page";
import { Pager } from "@/components/Pager";
import { ActionsHead, Cell, Head, Row, Table } from "@/components/Table";
import { Tabs } from "@/components/Tabs";
import { Time } from "@/components/Time";
import { useTranslate } from "@/i18n/translate";
import { useProject } from "@/shell/project";
import { Enabled, RunNow } from "./acts";
import { Calendars } from "./Calendars";
import { useLatest, useSchedules } from "./queries";
import { ScheduleDialog } from "./ScheduleDialog";
import { Strip } from "./Strip";
import { When } from "./When";

const route = getRouteApi("/schedules");
const LIMIT = 50;
const PROGRAM = `@app.task(cron="30 0 * * *", timezone="Asia/Jakarta")
def nightly() -> None: ...`;

export function Schedules() {
  const t = useTranslate();
  const { may } = useSession();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const [isMaking, setMaking] = useState(false);
  const isCalendars = search.tab === "calendars";
  return (
    <Page
      title={t("nav.schedules")}
      note={t("schedules.note")}
      actions={
        may("schedule:write") && (
          <>
            <RestAll />
            <Button kind="primary" icon={Plus} onClick={() => setMaking(true)}>
              {t("schedules.new")}
            </Button>
          </>
        )
      }
    >
      <Panel isFlush>
        <Tabs
          label={t("nav.schedules")}
          chosen={isCalendars ? "calendars" : "schedules"}
          onChoose={(name) => void navigate({ search: ({ project }) => ({ project, tab: name === "calendars" ? name : undefined }) })}
          tabs={[
            { name: "schedules", label: t("nav.schedules") },
            { name: "calendars", label: t("calendars.title") },
          ]}
        />
        {isCalendars ? <Calendars /> : <List page={search.page ?? 1} />}
      </Panel>
      {isMaking && <ScheduleDialog schedule={null} onClose={() => setMaking(false)} />}
    </Page>
  );
}

function List({ page }: { page: number }) {
  const t = useTranslate();
  const navigate = route.useNavigate();
  const schedules = useSchedules(page, LIMIT);
  const latest = useLatest(page, LIMIT);
  const runsOf = new Map((latest.data ?? []).map((one) => [one.job_id, one.executions]));
  return (
    <Asked query={schedules} lines={8}>
      {({ data: found, meta }) =>
        found.length === 0 ? (
          <Empty title={t("schedules.none")}>
            <p>{t("schedules.none_hint")}</p>
            <div className="w-full max-w-xl text-left">
              <Block text={PROGRAM} />
            </div>
          </Empty>
        ) : (
          <>
            <Table label={t("nav.schedules")}>
              <thead>
                <tr>
                  <Head>{t("schedules.enabled")}</Head>
                  <Head>{t("queues.name")}</Head>
                  <Head>{t("schedules.when")}</Head>
                  <Head isNumber>{t("schedules.next")}</Head>
                  <Head>{t("schedules.last")}</Head>
                  <Head>{t("job.queue")}</Head>
                  <ActionsHead />
                </tr>
              </thead>
              <tbody>
                {found.map((schedule) => (
                  <Row key={schedule.id}>
                    <Cell>
                      <Enabled schedule={schedule} />
                    </Cell>
                    <Cell>
                      <Name schedule={schedule} />
                    </Cell>
                    <Cell>
                      <When schedule={schedule} />
                    </Cell>
                    <Cell isNumber>{schedule.paused_at ? t("schedules.resting") : <Time at={schedule.next_run} />}</Cell>
                    <Cell>
                      <Strip runs={latest.data && (runsOf.get(schedule.job_id) ?? [])} />
                    </Cell>
                    <Cell className="untrusted text-muted">{schedule.queue}</Cell>
                    <Cell className="text-right">
                      <RunNow schedule={schedule} />
                    </Cell>
                  </Row>
                ))}
              </tbody>
            </Table>
            <Pager page={page} hasMore={meta.has_more} onGo={(next) => void navigate({ search: (before) => ({ ...before, page: next > 1 ? next : undefined }) })} />
          </>
        )
      }
    </Asked>
  );
}

function Name({ schedule }: { schedule: Schedule }) {
  const t = useTranslate();
  return (
    <span className="flex max-w-[22rem] min-w-40 flex-col py-1">
      <span className="flex items-center gap-2">
        <Link to="/schedules/$name" params={{ name: schedule.job_id }} className="untrusted truncate font-medium hover:underline">
          {schedule.job_id}
        </Link>
        {Object.keys(schedule.drift).length > 0 && <span className="rounded bg-retrying/10 px-1.5 text-xs text-retrying">{t("schedules.changed")}</span>}
      </span>
      <span className="untrusted truncate text-xs text-muted">{schedule.description || schedule.task}</span>
    </span>
  );
}

/** Lets all of them rest, or go on. */
function RestAll() {
  const t = useTranslate();
  const action = useAction();
  const { id } = useProject();
  const [isOpen, setOpen] = useState(false);
  const schedules = useSchedules(1, LIMIT);
  const params = { query: { project_id: id } };
  const isResting = schedules.data?.data.some((schedule) => schedule.paused_at !== null) ?? false;
  const resume = () => action(() => data(api.POST("/api/v1/scheduled-jobs/resume", { params })), t("schedules.all_resumed"));
  const pause = () => action(() => data(api.POST("/api/v1/scheduled-jobs/pause", { params })), t("schedules.all_paused"), { undo: () => void resume() });
  if (schedules.data === undefined || schedules.data.data.length === 0) return null;
  if (isResting) {
    return (
      <Button icon={CirclePlay} onClick={() => void resume()}>
        {t("schedules.resume_all")}
      </Button>
    );
  }
  return (
    <>
      <Button icon={CirclePause} onClick={() => setOpen(true)}>
        {t("schedules.pause_all")}
      </Button>
      <Confirm title={t("schedules.pause_all")} isOpen={isOpen} onClose={() => setOpen(false)} submit={t("schedules.pause_all")} onConfirm={async () => void (await pause())}>
        <p>{t("schedules.pause_all_hint")}</p>
      </Confirm>
    </>
  );
}
