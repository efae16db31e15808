import { getRouteApi, Link } from "@tanstack/react-router";
import { ChevronDown, ChevronRight } from "lucide-react";
import { useState } from "react";

import type { Run } from "@/api/types";
import { Asked } from "@/components/Asked";
import { Deeper } from "@/components/Deeper";
import { Block, Json } from "@/components/Json";
import { Empty } from "@/components/Notices";
import { Fact, Facts, Panel } from "@/components/Page";
import { Status } from "@/components/Status";
import { Time } from "@/components/Time";
import { shortId } from "@/format/numbers";
import { absolute, duration, took } from "@/format/time";
import { useTranslate, word } from "@/i18n/translate";
import { type Kind, useHistory } from "@/pages/schedules/queries";
import { fate } from "@/pages/schedules/Strip";

const route = getRouteApi("/schedules/$name");
const KINDS: Kind[] = ["all", "well", "badly", "missed", "skipped"];

/** Every due time that has come, and what became of it. */
export function History({ name }: { name: string }) {
  const t = useTranslate();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const kind = KINDS.find((one) => one === search.kind) ?? "all";
  const { cursor } = search;
  const runs = useHistory(name, kind, cursor);
  return (
    <Panel
      title={t("history.title")}
      isFlush
      actions={
        <select
          aria-label={t("history.filter")}
          className="field text-[13px]"
          value={kind}
          onChange={(event) => void navigate({ search: ({ project }) => ({ project, kind: event.target.value === "all" ? undefined : event.target.value }) })}
        >
          {KINDS.map((one) => (
            <option key={one} value={one}>
              {t(`history.${one}`)}
            </option>
          ))}
        </select>
      }
    >
      <Asked query={runs} lines={8}>
        {({ data: found, meta }) =>
          found.length === 0 ? (
            <Empty title={t(kind === "all" ? "history.none" : "history.none_match")} />
          ) : (
            <>
              <ul>
                {found.map((run) => (
                  <Entry key={run.id} run={run} />
                ))}
              </ul>
              <Deeper place={cursor} next={meta.next_cursor} onGo={(next) => void navigate({ search: (before) => ({ ...before, cursor: next }) })} />
            </>
          )
        }
      </Asked>
    </Panel>
  );
}

function Entry({ run }: { run: Run }) {
  const t = useTranslate();
  const [isOpen, setOpen] = useState(false);
  return (
    <li className="border-b border-line/60 last:border-0">
      <button type="button" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)} className="row flex w-full items-center gap-3 px-4 py-1 text-left text-[13px] hover:bg-hover">
        {isOpen ? <ChevronDown aria-hidden className="size-4 shrink-0" /> : <ChevronRight aria-hidden className="size-4 shrink-0" />}
        <span className="w-28 shrink-0 max-sm:w-auto">
          <Status of={fate(run)} />
        </span>
        <span className="untrusted min-w-0 flex-1 truncate text-muted max-sm:hidden">
          {run.reason !== null ? word("tick_reason", run.reason) : (run.message ?? "")}
        </span>
        {run.cause !== "due" && <span className="text-xs text-muted">{word("tick_cause", run.cause)}</span>}
        <span className="w-16 shrink-0 text-right text-muted max-sm:ml-auto max-sm:w-auto">{run.duration_seconds === null ? "" : took(run.duration_seconds * 1000)}</span>
        <span className="w-24 shrink-0 text-right text-xs text-muted max-sm:w-auto">
          <Time at={run.due_at} />
        </span>
      </button>
      {isOpen && (
        <div className="flex flex-col gap-3 border-t border-line/60 bg-panel p-4">
          <Facts>
            <Fact name={t("history.due_at")}>{absolute(run.due_at)}</Fact>
            {run.missed_until && <Fact name={t("history.missed_until")}>{absolute(run.missed_until)}</Fact>}
            <Fact name={t("history.cause")}>{word("tick_cause", run.cause)}</Fact>
            {run.reason !== null && <Fact name={t("history.reason")}>{word("tick_reason", run.reason)}</Fact>}
            <Fact name={t("history.late")}>{duration(run.late_seconds * 1000)}</Fact>
            {run.started_at && <Fact name={t("history.started_at")}>{absolute(run.started_at)}</Fact>}
            {run.finished_at && <Fact name={t("history.finished_at")}>{absolute(run.finished_at)}</Fact>}
            {run.duration_seconds !== null && <Fact name={t("job.duration")}>{took(run.duration_seconds * 1000)}</Fact>}
            {run.attempts !== null && <Fact name={t("job.tab_attempts")}>{run.attempts}</Fact>}
            {run.success !== null && <Fact name={t("history.success")}>{t(run.success ? "choice.yes" : "choice.no")}</Fact>}
            {run.message && <Fact name={t("history.message")}>{run.message}</Fact>}
            {run.error_type && <Fact name={t("history.error")}>{run.error_type}</Fact>}
            {run.queue_job_id && (
              <Fact name={t("palette.job")}>
                <Link to="/jobs/$jobId" params={{ jobId: run.queue_job_id }} className="text-accent hover:underline">
                  {shortId(run.queue_job_id)}
                </Link>
              </Fact>
            )}
          </Facts>
          {run.error_trace && <Block text={run.error_trace} />}
          {run.result_data !== null && <Json value={run.result_data} />}
        </div>
      )}
    </li>
  );
}
