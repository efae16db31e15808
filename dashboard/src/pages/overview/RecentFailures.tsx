import { Link } from "@tanstack/react-router";

import { buttonClass } from "@/components/Button";
import { Asked } from "@/components/Asked";
import { Empty } from "@/components/Notices";
import { Panel } from "@/components/Page";
import { Status, statusOf } from "@/components/Status";
import { Time } from "@/components/Time";
import { useTranslate } from "@/i18n/translate";
import { useResult } from "@/pages/job/queries";
import { useRecentFailures } from "./queries";

export function RecentFailures() {
  const t = useTranslate();
  const failures = useRecentFailures();
  return (
    <Panel
      title={t("failures.title")}
      isFlush
      actions={
        <Link to="/jobs" search={{ status: "failed" }} className={buttonClass("quiet")}>
          {t("action.show_all")}
        </Link>
      }
    >
      <Asked query={failures}>
        {(jobs) =>
          jobs.length === 0 ? (
            <Empty title={t("failures.none")} />
          ) : (
            <ul>
              {jobs.map((job) => (
                <li key={job.id} className="flex flex-col border-b border-line/60 px-4 py-2 last:border-0">
                  <div className="flex items-center gap-3">
                    <Link to="/jobs/$jobId" params={{ jobId: job.id }} className="untrusted min-w-0 flex-1 truncate font-medium hover:underline">
                      {job.job_type}
                    </Link>
                    <Status of={statusOf(job)} />
                    <span className="text-xs text-muted">
                      <Time at={job.completed_at} />
                    </span>
                  </div>
                  <Reason jobId={job.id} />
                </li>
              ))}
            </ul>
          )
        }
      </Asked>
    </Panel>
  );
}

function Reason({ jobId }: { jobId: string }) {
  const { data } = useResult(jobId, true);
  const said = [data?.error_type, data?.error_message].filter(Boolean).join(": ");
  return <span className="untrusted truncate text-[13px] text-muted">{said || "\u00a0"}</span>;
}
