import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";

import { api, data, done, MOST } from "@/api/client";
import { useAction } from "@/api/queries";
import { useSession } from "@/api/session";
import { formatNumber, translate, useTranslate, word } from "@/i18n/translate";
import { useProject } from "@/shell/project";
import { tell, toast } from "@/shell/toasts";
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
    queryFn: () => data(api.GET("/api/v1/operations", { params: { query: { project_id: id, status: "running", limit: MOST } } })),
    enabled: caller.queue_ids === null,
    refetchInterval: (query) => (query.state.data?.length ? SOON_MS : LATER_MS),
  });
  const running = operations.data ?? [];
  const queries = useQueryClient();
  const seen = useRef<string[]>([]);
  useEffect(() => {
    if (operations.data === undefined) return;
    const now = operations.data.map((one) => one.id);
    const ended = seen.current.filter((one) => !now.includes(one));
    seen.current = now;
    if (ended.length === 0) return;
    void queries.invalidateQueries({ predicate: (query) => query.queryKey[0] === "job" });
    for (const one of ended) void tellEnd(one).catch(tell);
  }, [operations.data, queries]);
  if (running.length === 0) return null;
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

/** What an operation came to that runs no more. Who stopped it knows. */
async function tellEnd(operationId: string): Promise<void> {
  const ended = await data(api.GET("/api/v1/operations/{operation_id}", { params: { path: { operation_id: operationId } } }));
  const action = word("operation", ended.action);
  if (ended.status === "failed") toast(translate("operations.failed", { action, why: ended.failure ?? "" }), { kind: "wrong" });
  if (ended.status === "succeeded") toast(translate("operations.ended", { action, done: ended.done, skipped: ended.skipped }));
}
