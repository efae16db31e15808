import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";

import { api, data, done } from "@/api/client";
import { useAction } from "@/api/queries";
import { useSession } from "@/api/session";
import { formatNumber, useTranslate, word } from "@/i18n/translate";
import { useProject } from "@/shell/project";
import { Button } from "./Button";

const SOON_MS = 1000;
const LATER_MS = 15_000;

/** Bulk operations that run now: how far they are, and a way to stop them. */
export function Operations() {
  const t = useTranslate();
  const action = useAction();
  const { id } = useProject();
  const { caller, may } = useSession();
  const operations = useQuery({
    queryKey: ["job", id, "operations"],
    queryFn: () => data(api.GET("/api/v1/operations", { params: { query: { project_id: id, limit: 20 } } })),
    enabled: caller.queue_ids === null,
    refetchInterval: (query) => (query.state.data?.some((one) => one.completed_at === null) ? SOON_MS : LATER_MS),
  });
  const running = (operations.data ?? []).filter((one) => one.completed_at === null);
  const queries = useQueryClient();
  const count = running.length;
  const before = useRef(count);
  useEffect(() => {
    if (count < before.current) void queries.invalidateQueries({ predicate: (query) => query.queryKey[0] === "job" });
    before.current = count;
  }, [count, queries]);
  if (count === 0) return null;
  return (
    <ul aria-label={t("operations.label")} className="flex flex-col gap-2">
      {running.map((operation) => {
        const ended = operation.done + operation.skipped;
        const part = operation.counted > 0 ? Math.min(1, ended / operation.counted) : 0;
        return (
          <li key={operation.id} className="flex flex-wrap items-center gap-3 rounded-lg border border-processing/40 bg-processing/5 px-4 py-2 text-[13px]">
            <span className="font-medium">{word("operation", operation.action)}</span>
            <span className="untrusted text-muted">{t("queue.by", { who: operation.created_by })}</span>
            <span aria-hidden className="h-1.5 min-w-24 flex-1 overflow-hidden rounded-full bg-line">
              <span className="block h-full bg-processing" style={{ width: `${part * 100}%` }} />
            </span>
            <span aria-live="polite">
              {formatNumber(ended)} / {formatNumber(operation.counted)}
              {operation.counted_or_more && "+"}
            </span>
            {may("job:write") && (
              <Button
                kind="quiet"
                onClick={() =>
                  void action(() => done(api.POST("/api/v1/operations/{operation_id}/cancel", { params: { path: { operation_id: operation.id } } })), t("operations.stopped"))
                }
              >
                {t("operations.stop")}
              </Button>
            )}
          </li>
        );
      })}
    </ul>
  );
}
