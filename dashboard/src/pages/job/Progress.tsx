import type { Job } from "@/api/types";
import { Panel } from "@/components/Page";
import { formatNumber, useTranslate } from "@/i18n/translate";

interface Told {
  done: number;
  total: number | null;
  message: string;
}

export function Progress({ job }: { job: Job }) {
  const t = useTranslate();
  const told = read(job.progress);
  if (told === null) return null;
  const part = told.total ? Math.min(1, told.done / told.total) : null;
  return (
    <Panel title={t("job.progress")}>
      <div className="flex flex-col gap-2">
        <div
          role="progressbar"
          aria-label={t("job.progress")}
          aria-valuemin={0}
          aria-valuemax={100}
          {...(part === null ? {} : { "aria-valuenow": Math.round(part * 100) })}
          className="h-2 overflow-hidden rounded-full bg-line"
        >
          <div className={`h-full rounded-full bg-processing ${part === null ? "animate-pulse" : ""}`} style={{ width: `${(part ?? 1) * 100}%` }} />
        </div>
        <div className="flex gap-3 text-[13px] text-muted">
          <span className="untrusted flex-1">{told.message}</span>
          <span>
            {formatNumber(told.done)}
            {told.total !== null && ` / ${formatNumber(told.total)}`}
          </span>
        </div>
      </div>
    </Panel>
  );
}

function read(progress: unknown): Told | null {
  if (typeof progress !== "object" || progress === null) return null;
  const { done, total, message } = progress as Record<string, unknown>;
  if (typeof done !== "number") return null;
  return { done, total: typeof total === "number" ? total : null, message: typeof message === "string" ? message : "" };
}
