import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ChevronDown, ChevronRight, RotateCw } from "lucide-react";
import { useState } from "react";

import { api, body, data, done } from "@/api/client";
import { useAction, useQueues } from "@/api/queries";
import { useSession } from "@/api/session";
import type { DeadLetterGroup, Job } from "@/api/types";
import { Asked } from "@/components/Asked";
import { Button } from "@/components/Button";
import { Confirm } from "@/components/Dialog";
import { Empty } from "@/components/Notices";
import { Page, Panel } from "@/components/Page";
import { Time } from "@/components/Time";
import { shortId } from "@/format/numbers";
import { formatNumber, useTranslate } from "@/i18n/translate";
import { useProject } from "@/shell/project";

export function DeadLetters() {
  const t = useTranslate();
  const { id } = useProject();
  const queues = useQueues();
  const groups = useQuery({
    queryKey: ["job", id, "dead letter groups"],
    queryFn: () => data(api.GET("/api/v1/dead-letters/groups", { params: { query: { project_id: id, limit: 200 } } })),
    placeholderData: keepPreviousData,
  });
  const names = new Map((queues.data ?? []).map((queue) => [queue.id, queue.name]));
  return (
    <Page title={t("nav.dead_letters")} note={t("dead.note")}>
      <Panel isFlush>
        <Asked query={groups} lines={8}>
          {(found) =>
            found.length === 0 ? (
              <Empty title={t("dead.none")}>{t("dead.none_hint")}</Empty>
            ) : (
              <ul>
                {found.map((group) => (
                  <Group key={`${group.queue_id} ${group.job_type} ${group.error_type}`} group={group} queue={names.get(group.queue_id) ?? shortId(group.queue_id)} />
                ))}
              </ul>
            )
          }
        </Asked>
      </Panel>
    </Page>
  );
}

function Group({ group, queue }: { group: DeadLetterGroup; queue: string }) {
  const t = useTranslate();
  const [isOpen, setOpen] = useState(false);
  return (
    <li className="border-b border-line last:border-0">
      <div className="flex flex-wrap items-start gap-x-3 gap-y-1 px-4 py-3">
        <button
          type="button"
          aria-expanded={isOpen}
          onClick={() => setOpen(!isOpen)}
          className="flex min-w-0 flex-1 basis-64 items-start gap-2 text-left"
        >
          {isOpen ? <ChevronDown aria-hidden className="mt-0.5 size-4 shrink-0" /> : <ChevronRight aria-hidden className="mt-0.5 size-4 shrink-0" />}
          <span className="flex min-w-0 flex-col">
            <span className="untrusted font-medium">
              <span className="text-failed">{group.error_type || t("dead.no_error")}</span> · {group.job_type}
            </span>
            <span className="untrusted line-clamp-2 text-[13px] text-muted">{group.example}</span>
          </span>
        </button>
        <span className="flex flex-col text-right text-[13px]">
          <span className="font-semibold">{t("dead.count", { count: group.count })}</span>
          <span className="text-xs text-muted">
            {queue} · <Time at={group.last_at} />
          </span>
        </span>
      </div>
      {isOpen && <Members group={group} />}
    </li>
  );
}

const MOST = 50;

function Members({ group }: { group: DeadLetterGroup }) {
  const t = useTranslate();
  const action = useAction();
  const { may } = useSession();
  const [isAsking, setAsking] = useState(false);
  const members = useQuery({
    queryKey: ["job", group.queue_id, "dead letters", group.job_type, group.error_type],
    queryFn: () =>
      body(
        api.GET("/api/v1/dead-letters", {
          params: {
            query: { queue_id: group.queue_id, job_type: group.job_type, error: group.error_type || undefined, limit: MOST },
          },
        }),
      ),
    placeholderData: keepPreviousData,
  });
  const redrive = (jobs: Job[]) =>
    action(
      async () => {
        for (const job of jobs) await done(api.POST("/api/v1/dead-letters/{job_id}/redrive", { params: { path: { job_id: job.id } } }));
      },
      t("dead.redriven", { count: jobs.length }),
    );
  return (
    <div className="border-t border-line/60 bg-panel px-4 py-2">
      <Asked query={members}>
        {({ data: jobs, meta }) => (
          <div className="flex flex-col">
            <div className="flex items-center gap-2 py-1 text-[13px] text-muted">
              <span className="flex-1">
                {t("dead.shown", { count: formatNumber(jobs.length), total: formatNumber(meta.total_items ?? jobs.length) })}
              </span>
              {may("job:write") && jobs.length > 0 && (
                <Button icon={RotateCw} onClick={() => setAsking(true)}>
                  {t("dead.redrive_shown", { count: jobs.length })}
                </Button>
              )}
            </div>
            {jobs.map((job) => (
              <div key={job.id} className="row flex items-center gap-3 text-[13px]">
                <Link to="/jobs/$jobId" params={{ jobId: job.id }} className="min-w-0 flex-1 truncate hover:underline">
                  <span className="font-mono text-xs">{shortId(job.id)}</span> <span className="untrusted text-muted">{job.queue_name}</span>
                </Link>
                <span className="text-xs text-muted">
                  <Time at={job.dead_lettered_at} />
                </span>
                {may("job:write") && (
                  <Button kind="quiet" icon={RotateCw} onClick={() => void redrive([job])}>
                    {t("dead.redrive")}
                  </Button>
                )}
              </div>
            ))}
            <Confirm
              title={t("dead.redrive")}
              isOpen={isAsking}
              onClose={() => setAsking(false)}
              submit={t("dead.redrive")}
              onConfirm={async () => void (await redrive(jobs))}
            >
              <p>{t("dead.redrive_will", { count: formatNumber(jobs.length) })}</p>
            </Confirm>
          </div>
        )}
      </Asked>
    </div>
  );
}
