import { Link } from "@tanstack/react-router";

import { useDepths, useQueues, useServants } from "@/api/queries";
import { Asked } from "@/components/Asked";
import { Empty, Skeleton } from "@/components/Notices";
import { Panel } from "@/components/Page";
import { Status } from "@/components/Status";
import { deep } from "@/format/numbers";
import { duration } from "@/format/time";
import { useTranslate } from "@/i18n/translate";

const SLOW_SECONDS = 60;
const SHOWN = 8;

/** Queues in which something waits that should not. */
export function Attention() {
  const t = useTranslate();
  const queues = useQueues();
  const depths = useDepths();
  const servantsOf = useServants();
  const depthOf = new Map((depths.data ?? []).map((depth) => [depth.queue_id, depth]));
  return (
    <Panel title={t("attention.title")} isFlush>
      <Asked query={queues}>
        {(all) => {
          if (depths.data === undefined && !depths.isError) return <Skeleton />;
          const found = all.flatMap((queue) => {
            const depth = depthOf.get(queue.id);
            const waiting = (depth?.ready ?? 0) + (depth?.held ?? 0);
            const isUnserved = waiting > 0 && servantsOf(queue.id) === 0;
            const isSlow = (depth?.latency_seconds ?? 0) > SLOW_SECONDS;
            return queue.state !== "active" || isUnserved || isSlow ? [{ queue, depth, isUnserved, latency: depth?.latency_seconds ?? 0 }] : [];
          });
          if (found.length === 0) return <Empty title={t("attention.none")} />;
          return (
            <>
              <ul>
                {found.slice(0, SHOWN).map(({ queue, depth, isUnserved, latency }) => (
                  <li key={queue.id} className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-line/60 px-4 py-2 last:border-0">
                    <Link to="/queues/$queueId" params={{ queueId: queue.id }} className="untrusted min-w-0 flex-1 truncate font-medium hover:underline">
                      {queue.name}
                    </Link>
                    {queue.state !== "active" && <Status of={queue.state} />}
                    {isUnserved && <span className="text-[13px] text-failed">{t("attention.unserved")}</span>}
                    <span className="text-[13px] text-muted">
                      {t("overview.waiting", { count: deep(depth?.ready ?? 0, depth?.held ?? 0) })}
                      {latency > 0 && ` · ${duration(latency * 1000)}`}
                    </span>
                  </li>
                ))}
              </ul>
              {found.length > SHOWN && (
                <p className="border-t border-line px-4 py-2 text-[13px]">
                  <Link to="/queues" className="text-accent hover:underline">
                    {t("attention.more", { count: found.length - SHOWN })}
                  </Link>
                </p>
              )}
            </>
          );
        }}
      </Asked>
    </Panel>
  );
}
