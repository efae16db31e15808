import type { Execution } from "@/api/types";
import { Asked } from "@/components/Asked";
import { Empty } from "@/components/Notices";
import { Pager } from "@/components/Pager";
import { Status } from "@/components/Status";
import { Running, Time } from "@/components/Time";
import { WorkerLink } from "@/components/WorkerLink";
import { took } from "@/format/time";
import { useTranslate, word } from "@/i18n/translate";
import { Trace } from "./ErrorBox";
import { useExecutions } from "./queries";

interface Props {
  jobId: string;
  page: number;
  onGo: (page: number) => void;
}

/** Every attempt, the latest first. */
export function Attempts({ jobId, page, onGo }: Props) {
  const executions = useExecutions(jobId, page);
  return (
    <Asked query={executions}>
      {({ data, meta }) => (
        <>
          <List executions={data} />
          <Pager page={page} hasMore={meta.has_more} onGo={onGo} />
        </>
      )}
    </Asked>
  );
}

function List({ executions }: { executions: Execution[] }) {
  const t = useTranslate();
  if (executions.length === 0) return <Empty title={t("attempts.none")} />;
  return (
    <ol className="flex flex-col gap-3">
      {executions.map((execution) => (
        <li key={execution.id} className="flex flex-col gap-2 rounded-md border border-line p-3">
          <div className="flex flex-wrap items-center gap-x-3 gap-y-1 text-[13px]">
            <span className="font-semibold">{t("attempts.number", { number: execution.attempt_number })}</span>
            <Status of={execution.status} />
            {execution.reason !== null && <span className="text-muted">{word("reason", execution.reason)}</span>}
            <span className="flex-1" />
            <span className="text-muted">
              {execution.finished_at === null ? <Running since={execution.started_at ?? execution.created_at} /> : took(execution.duration_ms)}
            </span>
            <Time at={execution.started_at ?? execution.created_at} />
            {execution.worker_id !== null && (
              <span className="text-muted">
                {t("attempts.worker")} <WorkerLink id={execution.worker_id} />
              </span>
            )}
          </div>
          {execution.error_type !== null && (
            <>
              <span className="untrusted font-mono text-xs text-failed">{execution.error_type}</span>
              <Trace execution={execution} />
            </>
          )}
        </li>
      ))}
    </ol>
  );
}
