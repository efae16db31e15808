import { getRouteApi } from "@tanstack/react-router";

import { useSession } from "@/api/session";
import type { Job } from "@/api/types";
import { AskedPage } from "@/components/AskedPage";
import { Copy } from "@/components/Copy";
import { Page, Panel } from "@/components/Page";
import { Status, statusOf } from "@/components/Status";
import { Tabs } from "@/components/Tabs";
import { formatNumber, useTranslate } from "@/i18n/translate";
import { Actions } from "./Actions";
import { Attempts } from "./Attempts";
import { Details } from "./Details";
import { ErrorBox } from "./ErrorBox";
import { Log } from "./Log";
import { Progress } from "./Progress";
import { useExecutions, useJob } from "./queries";
import { Raw } from "./Raw";
import { Timeline } from "./Timeline";
import { Values } from "./Values";
import { WhyNot } from "./WhyNot";

const route = getRouteApi("/jobs/$jobId");
const TABS = ["values", "attempts", "log", "raw"] as const;

export function JobPage() {
  const { jobId } = route.useParams();
  const job = useJob(jobId);
  return <AskedPage query={job}>{(found) => <Shown job={found} />}</AskedPage>;
}

function Shown({ job }: { job: Job }) {
  const t = useTranslate();
  const { may } = useSession();
  const navigate = route.useNavigate();
  const search = route.useSearch();
  const executions = useExecutions(job.id);
  const tab = TABS.find((one) => one === search.tab) ?? "values";
  const isWaiting = job.status === "pending" || job.status === "scheduled";
  return (
    <Page
      title={`${job.job_type} ${job.id.slice(-8)}`}
      heading={
        <>
          <span className="untrusted">{job.job_type}</span>
          <Status of={statusOf(job)} />
        </>
      }
      note={
        <span className="flex items-center gap-1 font-mono text-xs">
          {job.id} <Copy text={job.id} />
        </span>
      }
      actions={<Actions job={job} />}
    >
      <Timeline job={job} executions={executions.data?.data ?? []} attempts={executions.data?.meta.total_items ?? 0} />
      {isWaiting && <WhyNot jobId={job.id} />}
      {job.status === "processing" && <Progress job={job} />}
      {(job.status === "failed" || (isWaiting && job.attempt_count > 0)) && (
        <ErrorBox execution={executions.data?.data.find((one) => one.error_type !== null)} failure={job.failure} />
      )}
      <div className="grid gap-4 xl:grid-cols-[minmax(0,1fr)_22rem]">
        <Panel isFlush>
          <Tabs
            label={t("job.parts")}
            chosen={tab}
            onChoose={(name) => void navigate({ search: ({ project }) => ({ project, tab: name === "values" ? undefined : name }), replace: true })}
            tabs={TABS.filter((name) => name !== "log" || may("payload:read")).map((name) => ({
              name,
              label: t(`job.tab_${name}`),
              count: name === "attempts" && executions.data ? formatNumber(executions.data.meta.total_items ?? executions.data.data.length) : null,
            }))}
          />
          <div className="p-4">
            {tab === "values" && <Values job={job} />}
            {tab === "attempts" && <Attempts jobId={job.id} page={search.page ?? 1} onGo={(page) => void navigate({ search: (before) => ({ ...before, page: page > 1 ? page : undefined }) })} />}
            {tab === "log" && <Log job={job} />}
            {tab === "raw" && <Raw job={job} />}
          </div>
        </Panel>
        <Details job={job} />
      </div>
    </Page>
  );
}
