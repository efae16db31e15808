import { Link } from "@tanstack/react-router";

import { useWorkers } from "@/api/queries";
import { Asked } from "@/components/Asked";
import { buttonClass } from "@/components/Button";
import { Load } from "@/components/Load";
import { Code, Empty } from "@/components/Notices";
import { Panel } from "@/components/Page";
import { Status } from "@/components/Status";
import { useTranslate } from "@/i18n/translate";

export function WorkersNow() {
  const t = useTranslate();
  const workers = useWorkers();
  return (
    <Panel
      title={t("nav.workers")}
      isFlush
      actions={
        <Link to="/workers" className={buttonClass("quiet")}>
          {t("action.show_all")}
          <span className="sr-only">: {t("nav.workers")}</span>
        </Link>
      }
    >
      <Asked query={workers}>
        {(found) =>
          found.length === 0 ? (
            <Empty title={t("workers.none")}>
              <Code>taskforge worker APP</Code>
            </Empty>
          ) : (
            <ul>
              {found.slice(0, 8).map((worker) => (
                <li key={worker.id} className="flex items-center gap-3 border-b border-line/60 px-4 py-2 last:border-0">
                  <Link to="/workers/$workerId" params={{ workerId: worker.id }} className="untrusted min-w-0 flex-1 truncate font-medium hover:underline">
                    {worker.name}
                  </Link>
                  <Status of={worker.status} />
                  <Load used={worker.active_jobs} most={worker.max_concurrent_jobs} />
                </li>
              ))}
            </ul>
          )
        }
      </Asked>
    </Panel>
  );
}
