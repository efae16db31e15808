import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { Plus } from "lucide-react";

import { api, whole } from "@/api/client";
import { FIGURES_MS, useTasks } from "@/api/queries";
import { useSession } from "@/api/session";
import type { Task } from "@/api/types";
import { Asked } from "@/components/Asked";
import { Button } from "@/components/Button";
import { Empty } from "@/components/Notices";
import { Page, Panel } from "@/components/Page";
import { ActionsHead, Cell, Head, Row, Table } from "@/components/Table";
import { percent } from "@/format/numbers";
import { duration } from "@/format/time";
import { formatNumber, useTranslate } from "@/i18n/translate";
import { Breakers } from "@/pages/breakers/Breakers";
import { PauseJobs, Pauses } from "@/pages/pauses/Pauses";
import { useProject } from "@/shell/project";
import { EnqueueDialog } from "./EnqueueDialog";
import { parametersOf } from "./schema";

const route = getRouteApi("/tasks");

export function Tasks() {
  const t = useTranslate();
  const { may } = useSession();
  const tasks = useTasks();
  const { enqueue } = route.useSearch();
  const navigate = route.useNavigate();
  const choose = (name: string | undefined) => void navigate({ search: (before) => ({ ...before, enqueue: name }), replace: true });
  return (
    <Page title={t("nav.tasks")} note={t("tasks.note")} actions={<PauseJobs />}>
      <Pauses />
      <Panel isFlush>
        <Asked query={tasks} lines={8}>
          {(found) => (found.length === 0 ? <Empty title={t("tasks.none")}>{t("tasks.none_hint")}</Empty> : <TaskTable tasks={found} onEnqueue={choose} />)}
        </Asked>
      </Panel>
      <Breakers />
      <EnqueueDialog isOpen={enqueue !== undefined && may("job:write")} chosen={enqueue} onClose={() => choose(undefined)} />
    </Page>
  );
}

function TaskTable({ tasks, onEnqueue }: { tasks: Task[]; onEnqueue: (name: string) => void }) {
  const t = useTranslate();
  const { id } = useProject();
  const { may } = useSession();
  const figures = useQuery({
    queryKey: ["figures", id, "job types"],
    queryFn: () => whole((page) => api.GET("/api/v1/metrics/job-types", { params: { query: { project_id: id, hours: 24, ...page } } })),
    refetchInterval: FIGURES_MS,
    placeholderData: keepPreviousData,
  });
  const figuresOf = new Map((figures.data ?? []).map((one) => [one.job_type, one]));
  return (
    <Table label={t("nav.tasks")}>
      <thead>
        <tr>
          <Head>{t("job.task")}</Head>
          <Head>{t("job.queue")}</Head>
          <Head isNumber>{t("tasks.ended_day")}</Head>
          <Head isNumber>{t("queues.success")}</Head>
          <Head isNumber>{t("tasks.p50")}</Head>
          <Head isNumber>{t("queues.p95_duration")}</Head>
          <ActionsHead />
        </tr>
      </thead>
      <tbody>
        {tasks.map((task) => {
          const found = figuresOf.get(task.name);
          return (
            <Row key={task.name}>
              <Cell className="max-w-[32rem]">
                <Link to="/jobs" search={{ type: task.name }} className="untrusted font-medium hover:underline">
                  {task.name}
                </Link>
                <span className="ml-1 font-mono text-xs text-muted">({parametersOf(task.schema).map((one) => one.name).join(", ")})</span>
                {task.description && <p className="untrusted line-clamp-1 text-xs text-muted">{task.description}</p>}
              </Cell>
              <Cell className="untrusted text-muted">{task.queue}</Cell>
              <Cell isNumber>{found ? formatNumber(found.total_executions) : "—"}</Cell>
              <Cell isNumber>{found && found.total_executions > 0 ? percent(found.success_rate / 100) : "—"}</Cell>
              <Cell isNumber>{duration(found?.p50_duration)}</Cell>
              <Cell isNumber>{duration(found?.p95_duration)}</Cell>
              <Cell className="text-right">
                <PauseJobs task={task.name} />
                {may("job:write") && (
                  <Button kind="quiet" icon={Plus} onClick={() => onEnqueue(task.name)}>
                    {t("enqueue.open")}
                  </Button>
                )}
              </Cell>
            </Row>
          );
        })}
      </tbody>
    </Table>
  );
}
