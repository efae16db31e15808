import { Link } from "@tanstack/react-router";
import { createColumnHelper, flexRender, getCoreRowModel, type RowSelectionState, useReactTable } from "@tanstack/react-table";
import { useEffect, useMemo, useRef } from "react";

import type { Job } from "@/api/types";
import { Status, statusOf } from "@/components/Status";
import { Cell, Head, NameCell, Row, Table } from "@/components/Table";
import { Running, Time } from "@/components/Time";
import { shortId } from "@/format/numbers";
import { between, duration } from "@/format/time";
import { type Translate, useTranslate } from "@/i18n/translate";
import { useColumns } from "./columns";

interface Props {
  jobs: Job[];
  selection: RowSelectionState;
  onSelect: (selection: RowSelectionState) => void;
  isSelectable: boolean;
  at: number;
}

const column = createColumnHelper<Job>();
const NUMBERS = new Set(["attempt", "priority", "wait", "duration", "created", "due", "ended"]);

const columnsOf = (t: Translate) => [
  column.display({ id: "status", header: t("job.status"), cell: ({ row }) => <Status of={statusOf(row.original)} /> }),
  column.display({ id: "task", header: t("job.task"), cell: ({ row }) => <JobLink job={row.original} /> }),
  column.display({
    id: "queue",
    header: t("job.queue"),
    cell: ({ row }) => (
      <Link to="/queues/$queueId" params={{ queueId: row.original.queue_id }} className="untrusted block max-w-56 truncate text-muted hover:text-ink hover:underline">
        {row.original.queue_name}
      </Link>
    ),
  }),
  column.display({
    id: "attempt",
    header: t("job.attempt"),
    cell: ({ row }) => `${row.original.attempt_count}/${row.original.max_attempts}`,
  }),
  column.accessor("priority", { id: "priority", header: t("job.priority") }),
  column.display({ id: "wait", header: t("job.wait"), cell: ({ row }) => duration(waitOf(row.original)) }),
  column.display({ id: "duration", header: t("job.duration"), cell: ({ row }) => <Took job={row.original} /> }),
  column.display({ id: "created", header: t("job.created"), cell: ({ row }) => <Time at={row.original.created_at} /> }),
  column.display({ id: "due", header: t("job.scheduled_for"), cell: ({ row }) => <Time at={row.original.scheduled_for} /> }),
  column.display({ id: "ended", header: t("job.completed"), cell: ({ row }) => <Time at={row.original.completed_at} /> }),
  column.display({ id: "tags", header: t("job.tags"), cell: ({ row }) => <Words of={row.original.tags} /> }),
  column.display({ id: "key", header: t("job.key"), cell: ({ row }) => <Words of={row.original.key === null ? [] : [row.original.key]} /> }),
];

function Words({ of: words }: { of: string[] }) {
  if (words.length === 0) return <span className="text-muted">—</span>;
  return <span className="untrusted block max-w-56 truncate">{words.join(", ")}</span>;
}

export function JobsTable({ jobs, selection, onSelect, isSelectable, at }: Props) {
  const t = useTranslate();
  const chosen = useColumns();
  const shown = chosen.join();
  const columns = useMemo(() => columnsOf(t).filter(({ id }) => id === "status" || id === "task" || chosen.some((name) => name === id)), [t, shown]);
  const table = useReactTable({
    data: jobs,
    columns,
    state: { rowSelection: selection },
    getRowId: (job) => job.id,
    enableRowSelection: isSelectable,
    onRowSelectionChange: (change) => onSelect(typeof change === "function" ? change(selection) : change),
    getCoreRowModel: getCoreRowModel(),
  });
  const place = useRef<HTMLDivElement>(null);
  const last = useRef(-1);
  /** With Shift all rows from the one before up to this one. */
  const choose = (index: number, isOn: boolean, isRange: boolean) => {
    const from = isRange && last.current >= 0 ? last.current : index;
    const ids = jobs.slice(Math.min(from, index), Math.max(from, index) + 1).map((job) => [job.id, isOn]);
    last.current = index;
    onSelect({ ...selection, ...Object.fromEntries(ids) });
  };
  useEffect(() => {
    if (at >= 0) place.current?.querySelector(`[data-place="${at}"]`)?.scrollIntoView({ block: "nearest" });
  }, [at]);

  return (
    <div ref={place}>
      <Table label={t("nav.jobs")}>
        <thead>
          {table.getHeaderGroups().map((group) => (
            <tr key={group.id}>
              {isSelectable && (
                <Head className="w-8 pr-0!">
                  <input
                    type="checkbox"
                    aria-label={t("jobs.select_all")}
                    className="size-4 align-middle accent-accent"
                    checked={table.getIsAllRowsSelected()}
                    onChange={table.getToggleAllRowsSelectedHandler()}
                  />
                </Head>
              )}
              {group.headers.map((header) => (
                <Head key={header.id} isNumber={NUMBERS.has(header.id)}>
                  {flexRender(header.column.columnDef.header, header.getContext())}
                </Head>
              ))}
            </tr>
          ))}
        </thead>
        <tbody>
          {table.getRowModel().rows.map((row, index) => (
            <Row key={row.id} isChosen={row.getIsSelected()}>
              {isSelectable && (
                <Cell className={`w-8 pr-0! ${index === at ? "shadow-[inset_3px_0_var(--accent)]" : ""}`} data-place={index}>
                  <input
                    type="checkbox"
                    aria-label={t("jobs.select", { id: shortId(row.id) })}
                    className="size-4 align-middle accent-accent"
                    checked={row.getIsSelected()}
                    onChange={(event) => choose(index, event.target.checked, (event.nativeEvent as MouseEvent).shiftKey)}
                  />
                </Cell>
              )}
              {row.getVisibleCells().map((cell) => {
                const shown = flexRender(cell.column.columnDef.cell, cell.getContext());
                if (cell.column.id === "task") return <NameCell key={cell.id}>{shown}</NameCell>;
                return (
                  <Cell key={cell.id} isNumber={NUMBERS.has(cell.column.id)}>
                    {shown}
                  </Cell>
                );
              })}
            </Row>
          ))}
        </tbody>
      </Table>
    </div>
  );
}

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
  return <>{duration(between(job.processed_at, job.completed_at))}</>;
}
