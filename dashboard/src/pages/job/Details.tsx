import { Link } from "@tanstack/react-router";

import type { Job } from "@/api/types";
import { Fact, Facts, Panel } from "@/components/Page";
import { Time } from "@/components/Time";
import { WorkerLink } from "@/components/WorkerLink";
import { useTranslate, word } from "@/i18n/translate";

export function Details({ job }: { job: Job }) {
  const t = useTranslate();
  return (
    <Panel title={t("job.details")} className="self-start">
      <Facts>
        <Fact name={t("job.queue")}>
          <Link to="/queues/$queueId" params={{ queueId: job.queue_id }} className="text-accent hover:underline">
            {job.queue_name}
          </Link>
        </Fact>
        <Fact name={t("job.task")}>
          <Link to="/jobs" search={{ type: job.job_type }} className="text-accent hover:underline">
            {job.job_type}
          </Link>
        </Fact>
        <Fact name={t("job.attempt")}>
          {job.attempt_count} / {job.max_attempts}
        </Fact>
        <Fact name={t("job.priority")}>{job.priority}</Fact>
        {job.losses > 0 && <Fact name={t("job.losses")}>{job.losses}</Fact>}
        {job.failure !== null && <Fact name={t("job.failure")}>{word("failure", job.failure)}</Fact>}
        {job.worker_id !== null && (
          <Fact name={t("job.worker")}>
            <WorkerLink id={job.worker_id} />
          </Fact>
        )}
        <Fact name={t("job.created")}>
          <Time at={job.created_at} />
        </Fact>
        {job.scheduled_for !== null && (
          <Fact name={t("job.scheduled_for")}>
            <Time at={job.scheduled_for} />
          </Fact>
        )}
        {job.completed_at !== null && (
          <Fact name={t("job.completed")}>
            <Time at={job.completed_at} />
          </Fact>
        )}
        {job.expires_at !== null && (
          <Fact name={t("job.expires")}>
            <Time at={job.expires_at} />
          </Fact>
        )}
        {job.timeout_at !== null && (
          <Fact name={t("job.deadline")}>
            <Time at={job.timeout_at} />
          </Fact>
        )}
        {job.key !== null && <Fact name={t("job.key")}>{job.key}</Fact>}
        {job.concurrency_key !== null && (
          <Fact name={t("job.concurrency_key")}>
            {job.concurrency_key} ({job.concurrency_limit})
          </Fact>
        )}
        {job.tags.length > 0 && (
          <Fact name={t("job.tags")}>
            <span className="flex flex-wrap gap-1">
              {job.tags.map((tag) => (
                <Link key={tag} to="/jobs" search={{ tag }} className="untrusted rounded bg-hover px-1.5 text-xs hover:underline">
                  {tag}
                </Link>
              ))}
            </span>
          </Fact>
        )}
      </Facts>
    </Panel>
  );
}
