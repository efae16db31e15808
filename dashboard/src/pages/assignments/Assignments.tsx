import { getRouteApi, Link } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import { useState } from "react";

import { useMatrix } from "@/api/queries";
import { useSession } from "@/api/session";
import type { Assignment, Matrix, MatrixQueue, MatrixWorker } from "@/api/types";
import { Asked } from "@/components/Asked";
import { Button } from "@/components/Button";
import { Load } from "@/components/Load";
import { Empty } from "@/components/Notices";
import { Page, Panel } from "@/components/Page";
import { Parts } from "@/components/Parts";
import { Status } from "@/components/Status";
import { Cell, Head, NameCell, Row, Table } from "@/components/Table";
import { percent } from "@/format/numbers";
import { useTranslate, word } from "@/i18n/translate";
import { AssignDialog } from "./AssignDialog";
import { Weight } from "./Weight";

const route = getRouteApi("/assignments");

export function Assignments() {
  const t = useTranslate();
  const { may } = useSession();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const matrix = useMatrix();
  const assign = (queue: string | undefined, worker = "") => void navigate({ search: ({ project }) => ({ project, queue, worker: worker || undefined }), replace: true });
  return (
    <Page
      title={t("nav.assignments")}
      note={t("assignments.note")}
      actions={
        may("assignment:write") && (
          <Button kind="primary" icon={Plus} onClick={() => assign("")}>
            {t("assignments.new")}
          </Button>
        )
      }
    >
      <Asked query={matrix} lines={8}>
        {(found) => (
          <>
            <Panel isFlush>{found.queues.length === 0 ? <Empty title={t("queues.none")}>{t("assignments.none_hint")}</Empty> : <Grid matrix={found} onAssign={assign} />}</Panel>
            <Patterns matrix={found} />
          </>
        )}
      </Asked>
      {search.queue !== undefined && may("assignment:write") && matrix.data && <AssignDialog queues={matrix.data.queues} workers={matrix.data.workers} queue={search.queue} worker={search.worker ?? ""} onClose={() => assign(undefined)} />}
    </Page>
  );
}

/** Queues down, workers across; in each place what is said of the two, and who takes what part of the queue's jobs. */
function Grid({ matrix, onAssign }: { matrix: Matrix; onAssign: (queue: string, worker?: string) => void }) {
  const t = useTranslate();
  const [filter, setFilter] = useState("");
  const wanted = filter.trim().toLowerCase();
  const queues = matrix.queues.filter((queue) => queue.name.toLowerCase().includes(wanted));
  return (
    <>
      {matrix.queues.length > 8 && (
        <div className="border-b border-line p-2">
          <input data-filter type="search" aria-label={t("assignments.filter")} placeholder={t("assignments.filter")} className="field w-full text-[13px]" value={filter} onChange={(event) => setFilter(event.target.value)} />
        </div>
      )}
      <Parts items={queues}>
        {(part) => (
          <Table label={t("nav.assignments")}>
            <thead>
              <tr>
                <Head>{t("job.queue")}</Head>
                {matrix.workers.map((worker) => (
                  <Head key={worker.id} className="py-2 align-bottom">
                    <WorkerHead worker={worker} />
                  </Head>
                ))}
                {matrix.workers.length === 0 && <Head>{t("workers.none")}</Head>}
              </tr>
            </thead>
            <tbody>
              {part.map((queue) => (
                <Row key={queue.id}>
                  <NameCell>
                    <QueueHead queue={queue} />
                  </NameCell>
                  {matrix.workers.map((worker) => (
                    <Cell key={worker.id}>
                      <Place matrix={matrix} queue={queue} worker={worker} onAssign={() => onAssign(queue.name, worker.name)} />
                    </Cell>
                  ))}
                  {matrix.workers.length === 0 && <Cell />}
                </Row>
              ))}
            </tbody>
          </Table>
        )}
      </Parts>
    </>
  );
}

function WorkerHead({ worker }: { worker: MatrixWorker }) {
  return (
    <span className="flex flex-col items-start gap-1">
      <Link to="/workers/$workerId" params={{ workerId: worker.id }} className="untrusted max-w-40 truncate text-[13px] text-ink hover:underline">
        {worker.name}
      </Link>
      <span className="flex items-center gap-2">
        <Status of={worker.status} />
        <Load used={worker.active_jobs} most={worker.max_concurrent_jobs} />
      </span>
    </span>
  );
}

function QueueHead({ queue }: { queue: MatrixQueue }) {
  const t = useTranslate();
  return (
    <span className="flex flex-col py-1">
      <Link to="/queues/$queueId" params={{ queueId: queue.id }} className="untrusted max-w-56 truncate font-medium hover:underline">
        {queue.name}
      </Link>
      <span className="text-xs text-muted">{queue.is_open ? t("assignments.open") : word("strategy", queue.strategy)}</span>
    </span>
  );
}

function Place({ matrix, queue, worker, onAssign }: { matrix: Matrix; queue: MatrixQueue; worker: MatrixWorker; onAssign: () => void }) {
  const t = useTranslate();
  const { may } = useSession();
  const assigned = matrix.assignments[queue.id] ?? [];
  const serving = matrix.serving[queue.id] ?? [];
  const serves = serving.find((one) => one.worker_id === worker.id);
  const own = assigned.find((one) => !one.is_pattern && one.worker_name === worker.name);
  const pattern = own === undefined ? assigned.find((one) => one.is_pattern && matches(one, worker.name)) : undefined;
  const found = own ?? pattern;
  if (found !== undefined) {
    const total = serving.reduce((sum, one) => sum + one.weight, 0);
    return (
      <span className="flex flex-col gap-0.5 py-1">
        <Weight assignment={found} />
        <span className="text-xs text-muted">
          {!found.is_active ? t("assignments.inactive") : serves && total > 0 ? t("assignments.share", { share: percent(serves.weight / total, 0) }) : t("assignments.not_serving")}
        </span>
      </span>
    );
  }
  if (queue.is_open) return <span className={serves ? "text-[13px] text-succeeded" : "text-muted"}>{serves ? t("assignments.serves") : "—"}</span>;
  if (!may("assignment:write")) return <span className="text-muted">—</span>;
  return (
    <Button kind="quiet" icon={Plus} aria-label={t("assignments.assign_to", { worker: worker.name, queue: queue.name })} onClick={onAssign}>
      {t("assignments.assign")}
    </Button>
  );
}

/** As the server compares a pattern with the name of a worker: * is anything, ? is one character. */
function matches(assignment: Assignment, name: string): boolean {
  const pattern = assignment.worker_name.replace(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*").replaceAll("?", ".");
  return new RegExp(`^${pattern}$`, "s").test(name);
}

/** Assignments whose worker is not there now, and those of patterns: they are in no column, or in many. */
function Patterns({ matrix }: { matrix: Matrix }) {
  const t = useTranslate();
  const names = new Set(matrix.workers.map((worker) => worker.name));
  const others = Object.values(matrix.assignments).flat().filter((one) => one.is_pattern || !names.has(one.worker_name));
  if (others.length === 0) return null;
  return (
    <Panel title={t("assignments.others")} isFlush>
      <Table label={t("assignments.others")}>
        <thead>
          <tr>
            <Head>{t("job.queue")}</Head>
            <Head>{t("assignments.who")}</Head>
            <Head>{t("assignments.weight")}</Head>
            <Head>{t("job.status")}</Head>
          </tr>
        </thead>
        <tbody>
          {others.map((one) => (
            <Row key={one.id}>
              <Cell className="untrusted font-medium">{one.queue_name}</Cell>
              <Cell className="untrusted">{one.worker_name}</Cell>
              <Cell>
                <Weight assignment={one} />
              </Cell>
              <Cell className="text-muted">{!one.is_active ? t("assignments.inactive") : one.is_pattern ? t("assignments.pattern") : t("assignments.away")}</Cell>
            </Row>
          ))}
        </tbody>
      </Table>
    </Panel>
  );
}
