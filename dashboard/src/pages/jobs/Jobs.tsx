import { getRouteApi } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import { useEffect, useState } from "react";

import { useAction } from "@/api/queries";
import { useSession } from "@/api/session";
import { type Job, JOB_STATUSES, type JobStatus } from "@/api/types";
import { Asked } from "@/components/Asked";
import { Button } from "@/components/Button";
import { Confirm } from "@/components/Dialog";
import { Code, Empty } from "@/components/Notices";
import { Operations } from "@/components/Operations";
import { Page, Panel } from "@/components/Page";
import { Tabs } from "@/components/Tabs";
import { useTranslate, word } from "@/i18n/translate";
import { compact, shortId } from "@/format/numbers";
import { EnqueueDialog } from "@/pages/tasks/EnqueueDialog";
import { useHold } from "@/shell/live";
import { cancel } from "./acts";
import { BulkBar } from "./BulkBar";
import { ColumnsButton } from "./columns";
import { FilterBar } from "./FilterBar";
import { chipsOf, withChip } from "./filters";
import { JobsTable, type Selection } from "./JobsTable";
import { Pages } from "./Pages";
import { useCounts, useJobs } from "./queries";
import { SavedViews } from "./SavedViews";
import { isFiltered, type JobsSearch } from "./search";
import { useRowShortcuts } from "./rowShortcuts";

const route = getRouteApi("/jobs");

export function Jobs() {
  const t = useTranslate();
  const { may } = useSession();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const jobs = useJobs(search);
  const [selection, setSelection] = useState<Selection>({});
  const [isEnqueuing, setEnqueuing] = useState(false);
  const [stopped, setStopped] = useState<Job | null>(null);
  const action = useAction();
  const shown = jobs.data?.data ?? [];
  const selected = shown.filter((job) => selection[job.id]);
  const at = useRowShortcuts(shown, selection, setSelection, setStopped);
  useHold(selected.length > 0);
  const filterKey = JSON.stringify(search);
  useEffect(() => setSelection({}), [filterKey]);

  const change = (part: JobsSearch) => void navigate({ search: (before) => ({ ...before, ...part }) });
  const clear = () => void navigate({ search: ({ project }) => ({ project }) });

  return (
    <Page
      title={t("nav.jobs")}
      actions={
        may("job:write") && (
          <Button kind="primary" icon={Plus} onClick={() => setEnqueuing(true)}>
            {t("enqueue.open")}
          </Button>
        )
      }
    >
      <StatusTabs search={search} total={jobs.data?.meta.total_items ?? null} onChoose={(status) => change({ status, page: undefined, cursor: undefined })} />
      <div className="flex flex-wrap items-start gap-2">
        <FilterBar
          chips={chipsOf(search)}
          onChange={(name, text) => change(withChip(name, text))}
          onJob={(jobId) => void navigate({ to: "/jobs/$jobId", params: { jobId } })}
        />
        <SavedViews search={search} onChoose={(view) => void navigate({ search: ({ project }) => ({ project, ...view }) })} />
        <ColumnsButton />
      </div>
      <BulkBar
        selected={selected}
        shown={shown.length}
        search={search}
        total={jobs.data?.meta.total_items ?? null}
        isCapped={jobs.data?.meta.total_capped ?? false}
        onDone={() => setSelection({})}
      />
      <Operations />
      <Panel isFlush>
        <Asked query={jobs} lines={12}>
          {({ data, meta }) =>
            data.length === 0 && meta.next_cursor ? (
              <Empty title={t("jobs.none_so_far")}>
                <p>{t("jobs.none_so_far_hint")}</p>
                <Button onClick={() => change({ page: undefined, cursor: meta.next_cursor ?? undefined })}>{t("jobs.look_further")}</Button>
              </Empty>
            ) : data.length === 0 ? (
              <NoJobs isFiltered={isFiltered(search) || search.status !== undefined} onClear={clear} />
            ) : (
              <>
                <JobsTable jobs={data} selection={selection} onSelect={setSelection} isSelectable={may("job:write")} at={at} />
                <Pages search={search} meta={meta} onGo={change} />
              </>
            )
          }
        </Asked>
      </Panel>
      <Confirm
        title={t("action.cancel_job")}
        isOpen={stopped !== null}
        onClose={() => setStopped(null)}
        submit={t("action.cancel_job")}
        onConfirm={async () => void (stopped && (await action(() => cancel(stopped), t("job.cancelled"))))}
      >
        <p>
          <span className="untrusted font-medium">{stopped?.job_type}</span> {stopped && shortId(stopped.id)}
        </p>
        <p>{t("job.cancel_running")}</p>
      </Confirm>
      <EnqueueDialog isOpen={isEnqueuing} onClose={() => setEnqueuing(false)} />
    </Page>
  );
}

interface TabsProps {
  search: JobsSearch;
  total: number | null;
  onChoose: (status: JobStatus | undefined) => void;
}

function StatusTabs({ search, total, onChoose }: TabsProps) {
  const t = useTranslate();
  const counts = useCounts();
  function count(status: JobStatus | undefined): string | null {
    if (isFiltered(search)) return search.status === status && total !== null ? compact(total) : null;
    if (counts.data === undefined) return null;
    const { bounded } = counts.data;
    if (status !== undefined) return `${compact(counts.data.counts[status] ?? 0)}${bounded.includes(status) ? "+" : ""}`;
    const all = Object.values(counts.data.counts).reduce((sum, one) => sum + one, 0);
    return `${compact(all)}${bounded.length > 0 ? "+" : ""}`;
  }
  return (
    <Tabs
      label={t("job.status")}
      chosen={search.status ?? "all"}
      onChoose={(name) => onChoose(name === "all" ? undefined : name)}
      tabs={[
        { name: "all" as const, label: t("jobs.all"), count: count(undefined) },
        ...JOB_STATUSES.map((status) => ({ name: status, label: word("status", status), count: count(status) })),
      ]}
    />
  );
}

function NoJobs({ isFiltered, onClear }: { isFiltered: boolean; onClear: () => void }) {
  const t = useTranslate();
  if (isFiltered) {
    return (
      <Empty title={t("jobs.none_match")}>
        <Button onClick={onClear}>{t("filter.clear")}</Button>
      </Empty>
    );
  }
  return (
    <Empty title={t("jobs.none")}>
      <p>{t("jobs.none_hint")}</p>
      <Code>taskforge run TASK ARGS</Code>
    </Empty>
  );
}
