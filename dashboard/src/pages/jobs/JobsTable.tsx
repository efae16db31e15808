import { Link } from "@tanstack/react-router";
import { type Dispatch, memo, type ReactNode, type SetStateAction, useCallback, useEffect, useRef } from "react";

import type { Job } from "@/api/types";
import { Status, statusOf } from "@/components/Status";
import { Cell, Head, NameCell, Row, Table } from "@/components/Table";
import { Running, Time } from "@/components/Time";
import { shortId } from "@/format/numbers";
import { between, took } from "@/format/time";
import { useTranslate } from "@/i18n/translate";
import { type ColumnName, NAMES, useColumns } from "./columns";

/** By the ids of jobs. */
export type Selection = Record<string, boolean>;

interface Props {
  jobs: Job[];
  selection: Selection;
  onSelect: Dispatch<SetStateAction<Selection>>;
  isSelectable: boolean;
  at: number;
}

const CELLS: Record<ColumnName, (job: Job) => ReactNode> = {
  queue: (job) => (
    <Link to="/queues/$queueId" params={{ queueId: job.queue_id }} className="untrusted block max-w-56 truncate text-muted hover:text-ink hover:underline">
      {job.queue_name}
    </Link>
  ),
  attempt: (job) => `${job.attempt_count}/${job.max_attempts}`,
  priority: (job) => job.priority,
  wait: (job) => took(waitOf(job)),
  duration: (job) => <Took job={job} />,
  created: (job) => <Time at={job.created_at} />,
  due: (job) => <Time at={job.scheduled_for} />,
  ended: (job) => <Time at={job.completed_at} />,
  tags: (job) => <Words of={job.tags} />,
  key: (job) => <Words of={job.key === null ? [] : [job.key]} />,
};
const NUMBERS = new Set<ColumnName>(["attempt", "priority", "wait", "duration", "created", "due", "ended"]);

function Words({ of: words }: { of: string[] }) {
  if (words.length === 0) return <span className="text-muted">—</span>;
  return <span className="untrusted block max-w-56 truncate">{words.join(", ")}</span>;
}

export function JobsTable({ jobs, selection, onSelect, isSelectable, at }: Props) {
  const t = useTranslate();
  const columns = useColumns();
  const place = useRef<HTMLDivElement>(null);
  const last = useRef(-1);
  const shown = useRef(jobs);
  shown.current = jobs;
  /** With Shift all rows from the one before up to this one. */
  const choose = useCallback(
    (index: number, isOn: boolean, isRange: boolean) => {
      const from = isRange && last.current >= 0 ? last.current : index;
      const ids = shown.current.slice(Math.min(from, index), Math.max(from, index) + 1).map((job) => [job.id, isOn]);
      last.current = index;
      onSelect((selection) => ({ ...selection, ...Object.fromEntries(ids) }));
    },
    [onSelect],
  );
  useEffect(() => {
    if (at >= 0) place.current?.querySelector(`[data-place="${at}"]`)?.scrollIntoView({ block: "nearest" });
  }, [at]);

  return (
    <div ref={place}>
      <Table label={t("nav.jobs")}>
        <thead>
          <tr>
            {isSelectable && (
              <Head className="w-8 pr-0!">
                <input
                  type="checkbox"
                  aria-label={t("jobs.select_all")}
                  className="size-4 align-middle accent-accent"
                  checked={jobs.every((job) => selection[job.id])}
                  onChange={(event) => onSelect(event.target.checked ? Object.fromEntries(jobs.map((job) => [job.id, true])) : {})}
                />
              </Head>
            )}
            <Head>{t("job.status")}</Head>
            <Head>{t("job.task")}</Head>
            {columns.map((name) => (
              <Head key={name} isNumber={NUMBERS.has(name)}>
                {t(NAMES[name])}
              </Head>
            ))}
          </tr>
        </thead>
        <tbody>
          {jobs.map((job, index) => (
            <JobRow
              key={job.id}
              job={job}
              index={index}
              columns={columns}
              isChosen={selection[job.id] ?? false}
              isAt={index === at}
              onChoose={isSelectable ? choose : null}
            />
          ))}
        </tbody>
      </Table>
    </div>
  );
}

interface RowProps {
  job: Job;
  index: number;
  columns: ColumnName[];
  isChosen: boolean;
  isAt: boolean;
  /** Null for those who cannot select. */
  onChoose: ((index: number, isOn: boolean, isRange: boolean) => void) | null;
}

/** Shown anew when something of it has changed: another filter's rows come without the present ones being made again. */
const JobRow = memo(function JobRow({ job, index, columns, isChosen, isAt, onChoose }: RowProps) {
  const t = useTranslate();
  return (
    <Row isChosen={isChosen}>
      {onChoose && (
        <Cell className={`w-8 pr-0! ${isAt ? "shadow-[inset_3px_0_var(--accent)]" : ""}`} data-place={index}>
          <input
            type="checkbox"
            aria-label={t("jobs.select", { id: shortId(job.id) })}
            className="size-4 align-middle accent-accent"
            checked={isChosen}
            onChange={(event) => onChoose(index, event.target.checked, (event.nativeEvent as MouseEvent).shiftKey)}
          />
        </Cell>
      )}
      <Cell>
        <Status of={statusOf(job)} />
      </Cell>
      <NameCell>
        <JobLink job={job} />
      </NameCell>
      {columns.map((name) => (
        <Cell key={name} isNumber={NUMBERS.has(name)}>
          {CELLS[name](job)}
        </Cell>
      ))}
    </Row>
  );
});

function JobLink({ job }: { job: Job }) {
  return (
    <Link to="/jobs/$jobId" params={{ jobId: job.id }} className="group flex max-w-[26rem] min-w-40 items-baseline gap-2">
      <span className="untrusted truncate font-medium group-hover:underline">{job.job_type}</span>
      <span className="font-mono text-xs text-muted">{shortId(job.id)}</span>
    </Link>
  );
}

function waitOf(job: Job): number | null {
  const due = job.scheduled_for ?? job.created_at;
  return between(due > job.created_at ? due : job.created_at, job.processed_at);
}

function Took({ job }: { job: Job }) {
  if (job.status === "processing" && job.processed_at) return <Running since={job.processed_at} />;
  return <>{took(between(job.processed_at, job.completed_at))}</>;
}
