import { getRouteApi, Link } from "@tanstack/react-router";

import { useWorkers } from "@/api/queries";
import { useSession } from "@/api/session";
import type { Worker } from "@/api/types";
import { Asked } from "@/components/Asked";
import { Load } from "@/components/Load";
import { Code, Empty } from "@/components/Notices";
import { Page, Panel } from "@/components/Page";
import { Parts } from "@/components/Parts";
import { Status } from "@/components/Status";
import { ActionsHead, Cell, Head, NameCell, Row, Table } from "@/components/Table";
import { Time } from "@/components/Time";
import { percent } from "@/format/numbers";
import { useTranslate, word } from "@/i18n/translate";
import { DrainButton } from "./DrainButton";
import { useUsage } from "./queries";

const route = getRouteApi("/workers");

export function Workers() {
  const t = useTranslate();
  const { stopped = false } = route.useSearch();
  const navigate = route.useNavigate();
  const workers = useWorkers(stopped);
  return (
    <Page
      title={t("nav.workers")}
      actions={
        <label className="flex items-center gap-2 text-[13px]">
          <input
            type="checkbox"
            className="size-4 accent-accent"
            checked={stopped}
            onChange={(event) => void navigate({ search: (before) => ({ ...before, stopped: event.target.checked || undefined }) })}
          />
          {t("workers.with_stopped")}
        </label>
      }
    >
      <Panel isFlush>
        <Asked query={workers} lines={8}>
          {(found) =>
            found.length === 0 ? (
              <Empty title={t("workers.none")}>
                <p>{t("workers.none_hint")}</p>
                <Code>taskforge worker APP</Code>
              </Empty>
            ) : (
              <Parts items={found}>{(part) => <WorkerTable workers={part} />}</Parts>
            )
          }
        </Asked>
      </Panel>
    </Page>
  );
}

function WorkerTable({ workers }: { workers: Worker[] }) {
  const t = useTranslate();
  const { may } = useSession();
  const usage = useUsage();
  const usageOf = new Map((usage.data ?? []).map((one) => [one.worker_id, one]));
  return (
    <Table label={t("nav.workers")}>
      <thead>
        <tr>
          <Head>{t("workers.name")}</Head>
          <Head>{t("job.status")}</Head>
          <Head>{t("workers.load")}</Head>
          <Head>{t("nav.queues")}</Head>
          <Head isNumber>{t("workers.cpu")}</Head>
          <Head isNumber>{t("workers.memory")}</Head>
          <Head>{t("workers.type")}</Head>
          <Head>{t("workers.host")}</Head>
          <Head isNumber>{t("workers.heartbeat")}</Head>
          <ActionsHead />
        </tr>
      </thead>
      <tbody>
        {workers.map((worker) => {
          const used = usageOf.get(worker.id);
          return (
            <Row key={worker.id}>
              <NameCell>
                <Link to="/workers/$workerId" params={{ workerId: worker.id }} className="untrusted font-medium hover:underline">
                  {worker.name}
                </Link>
              </NameCell>
              <Cell>
                <Status of={worker.status} />
              </Cell>
              <Cell>
                <Load used={worker.active_jobs} most={worker.max_concurrent_jobs} />
              </Cell>
              <Cell className="untrusted max-w-56 truncate text-muted">{worker.queues.join(", ")}</Cell>
              <Cell isNumber>{used?.cpu_usage == null ? "—" : percent(used.cpu_usage / 100, 0)}</Cell>
              <Cell isNumber>{used?.memory_usage == null ? "—" : percent(used.memory_usage / 100)}</Cell>
              <Cell className="text-muted">{word("worker_type", worker.worker_type)}</Cell>
              <Cell className="untrusted text-muted">
                {worker.host} · {worker.pid}
              </Cell>
              <Cell isNumber>
                <Time at={worker.last_heartbeat} />
              </Cell>
              <Cell className="text-right">{may("worker:write") && <DrainButton worker={worker} />}</Cell>
            </Row>
          );
        })}
      </tbody>
    </Table>
  );
}
