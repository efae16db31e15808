import { Link } from "@tanstack/react-router";

import { useQueues } from "@/api/queries";
import type { ErrorGroup } from "@/api/types";
import { Asked } from "@/components/Asked";
import { buttonClass } from "@/components/Button";
import { Empty } from "@/components/Notices";
import { Panel } from "@/components/Page";
import { Time } from "@/components/Time";
import { shortId } from "@/format/numbers";
import { useTranslate, word } from "@/i18n/translate";
import { useFailures } from "./queries";

/** What failed last, by error: a thousand failures of one kind are one line. */
export function RecentFailures() {
  const t = useTranslate();
  const failures = useFailures();
  const queues = useQueues();
  const names = new Map((queues.data ?? []).map((queue) => [queue.id, queue.name]));
  return (
    <Panel
      title={t("failures.title")}
      isFlush
      actions={
        <Link to="/jobs" search={{ status: "failed" }} className={buttonClass("quiet")}>
          {t("action.show_all")}
          <span className="sr-only">: {t("failures.title")}</span>
        </Link>
      }
    >
      <Asked query={failures}>
        {(groups) =>
          groups.length === 0 ? (
            <Empty title={t("failures.none")} />
          ) : (
            <ul>
              {groups.map((group) => (
                <Failure key={`${group.queue_id} ${group.job_type} ${group.error_type}`} group={group} queue={names.get(group.queue_id)} />
              ))}
            </ul>
          )
        }
      </Asked>
    </Panel>
  );
}

function Failure({ group, queue }: { group: ErrorGroup; queue: string | undefined }) {
  const t = useTranslate();
  const error = group.example === null ? word("failure", group.error_type) : group.error_type;
  const same = { status: "failed", type: group.job_type, queue, error: group.example === null ? undefined : group.error_type } as const;
  return (
    <li className="flex items-start gap-3 border-b border-line/60 px-4 py-2 last:border-0">
      <Link to="/jobs" search={same} className="group flex min-w-0 flex-1 flex-col">
        <span className="untrusted font-medium group-hover:underline">
          <span className="text-failed">{error || t("dead.no_error")}</span> · {group.job_type}
        </span>
        <span className="untrusted line-clamp-2 text-[13px] text-muted">{group.example}</span>
      </Link>
      <span className="flex shrink-0 flex-col text-right text-[13px]">
        <span className="font-semibold">{t("dead.count", { count: group.count })}</span>
        <span className="text-xs text-muted">
          {queue ?? shortId(group.queue_id)} · <Time at={group.last_at} />
        </span>
      </span>
    </li>
  );
}
