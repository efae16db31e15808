import { CircleAlert, Inbox } from "lucide-react";
import type { ReactNode } from "react";

import { ApiProblem, isPassing } from "@/api/problem";
import { useTranslate } from "@/i18n/translate";
import { Button } from "./Button";

export function Wrong({ error, again }: { error: unknown; again?: () => void }) {
  const t = useTranslate();
  const problem = error instanceof ApiProblem ? error : null;
  const hint = problem?.hint;
  return (
    <div role="alert" className="flex flex-col items-center gap-2 px-4 py-8 text-center">
      <CircleAlert aria-hidden className="size-5 text-failed" />
      <p className="untrusted max-w-prose font-medium">{error instanceof Error ? error.message : String(error)}</p>
      {hint && <p className="untrusted max-w-prose text-muted">{hint}</p>}
      {problem !== null && problem.status >= 500 && problem.requestId && <p className="font-mono text-xs text-muted">{t("problem.request", { id: problem.requestId })}</p>}
      {again && isPassing(error) && <Button onClick={again}>{t("action.try_again")}</Button>}
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="flex flex-col items-center gap-2 px-4 py-10 text-center">
      <Inbox aria-hidden className="size-6 text-muted" />
      <p className="font-medium">{title}</p>
      {children && <div className="flex max-w-prose flex-col items-center gap-3 text-muted">{children}</div>}
    </div>
  );
}

/** Stands where lines will be. */
export function Skeleton({ lines = 4 }: { lines?: number }) {
  const t = useTranslate();
  return (
    <div role="status" aria-label={t("state.loading")} className="flex flex-col gap-3 p-4">
      {Array.from({ length: lines }, (_, line) => (
        <div key={line} className="h-4 animate-pulse rounded bg-hover" style={{ width: `${90 - ((line * 17) % 40)}%` }} />
      ))}
    </div>
  );
}

export function Code({ children }: { children: string }) {
  return <code className="rounded border border-line bg-panel px-2 py-1 font-mono text-xs text-ink">{children}</code>;
}
