import { getRouteApi, Link } from "@tanstack/react-router";

import type { ErrorRecord } from "@/api/types";
import { AskedPage } from "@/components/AskedPage";
import { Figure } from "@/components/Figure";
import { Block } from "@/components/Json";
import { Operations } from "@/components/Operations";
import { Fact, Facts, Page, Panel } from "@/components/Page";
import { Status } from "@/components/Status";
import { Time } from "@/components/Time";
import { shortId } from "@/format/numbers";
import { absolute } from "@/format/time";
import { formatNumber, useTranslate } from "@/i18n/translate";
import { ErrorActions } from "@/pages/errors/acts";
import { Hours } from "@/pages/errors/Hours";
import { useErrorGroup } from "@/pages/errors/queries";

const route = getRouteApi("/errors/$errorId");

export function ErrorPage() {
  const { errorId } = route.useParams();
  const group = useErrorGroup(errorId);
  return <AskedPage query={group}>{(found) => <Shown group={found} />}</AskedPage>;
}

function Shown({ group }: { group: ErrorRecord }) {
  const t = useTranslate();
  return (
    <Page
      title={group.error_type}
      heading={
        <>
          <span className="untrusted">{group.error_type}</span>
          <Status of={group.status} />
        </>
      }
      note={<Said group={group} />}
      actions={<ErrorActions group={group} />}
    >
      <Operations />
      <div className="grid grid-cols-2 gap-3 lg:grid-cols-4">
        <Figure name={t("errors.count")} value={formatNumber(group.count)} />
        <Figure name={t("errors.last_seen")} value={<Time at={group.last_seen} />} note={absolute(group.last_seen)} />
        <Figure name={t("errors.first_seen")} value={<Time at={group.first_seen} />} note={absolute(group.first_seen)} />
        <Figure name={t("errors.day")} value={<Hours hours={group.hours} />} note={t("errors.in_a_day", { count: recent(group) })} />
      </div>
      <div className="grid items-start gap-4 xl:grid-cols-[minmax(0,1fr)_22rem]">
        <Panel title={t("errors.sample")}>
          <div className="flex flex-col gap-3">
            {group.message === null ? <p className="text-muted">{t("job.hidden")}</p> : <p className="untrusted font-medium whitespace-pre-wrap">{group.message}</p>}
            {group.traceback !== null && <Block text={group.traceback} maxHeight="32rem" />}
          </div>
        </Panel>
        <Panel title={t("errors.affected")}>
          <Facts>
            <Fact name={t("nav.tasks")}>
              <Counts of={group.tasks} link={(name) => ({ type: name, status: "failed" })} />
            </Fact>
            <Fact name={t("nav.queues")}>
              <Counts of={group.queues} link={(name) => ({ queue: name, status: "failed" })} />
            </Fact>
            {group.tags.length > 0 && (
              <Fact name={t("job.tags")}>
                <Counts of={group.tags} link={(name) => ({ tag: name, status: "failed" })} />
              </Fact>
            )}
            {group.tenants.length > 0 && (
              <Fact name={t("errors.tenants")}>
                <Counts of={group.tenants} />
              </Fact>
            )}
            <Fact name={t("errors.latest_job")}>
              <Link to="/jobs/$jobId" params={{ jobId: group.job_id }} className="text-accent hover:underline">
                {shortId(group.job_id)}
              </Link>
              {" · "}
              <Link to="/jobs" search={{ group: group.fingerprint }} className="text-accent hover:underline">
                {t("errors.its_jobs")}
              </Link>
            </Fact>
            {group.frames.length > 0 && (
              <Fact name={t("errors.frames")}>
                <ol className="flex flex-col font-mono text-xs">
                  {group.frames.map((frame, index) => (
                    <li key={index}>{frame}</li>
                  ))}
                </ol>
              </Fact>
            )}
          </Facts>
        </Panel>
      </div>
    </Page>
  );
}

const recent = (group: ErrorRecord) => group.hours.filter((one) => Date.parse(one.starts_at) > Date.now() - 86_400_000).reduce((sum, one) => sum + one.count, 0);

function Said({ group }: { group: ErrorRecord }) {
  const t = useTranslate();
  return (
    <span className="untrusted">
      {group.status_by !== null && (
        <>
          {t("queue.by", { who: group.status_by })} · <Time at={group.status_at} />
        </>
      )}
      {group.returned_at !== null && (
        <>
          {" "}
          {t("errors.returned")} <Time at={group.returned_at} />
        </>
      )}
    </span>
  );
}

interface CountsProps {
  of: { name: string; count: number }[];
  /** To its jobs, where a list of jobs can be had for it. */
  link?: (name: string) => { type?: string; queue?: string; tag?: string; status: "failed" };
}

function Counts({ of: found, link }: CountsProps) {
  return (
    <ul className="flex flex-col">
      {found.map((one) => (
        <li key={one.name} className="flex items-center justify-between gap-2">
          {link === undefined ? (
            <span className="untrusted truncate py-1">{one.name}</span>
          ) : (
            <Link to="/jobs" search={link(one.name)} className="untrusted truncate py-1 text-accent hover:underline">
              {one.name}
            </Link>
          )}
          <span className="text-muted">{formatNumber(one.count)}</span>
        </li>
      ))}
    </ul>
  );
}
