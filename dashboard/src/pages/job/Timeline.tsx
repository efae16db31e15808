import { Link } from "@tanstack/react-router";

import type { Execution, Job } from "@/api/types";
import { Running, Time } from "@/components/Time";
import { statusOf } from "@/components/Status";
import { between, took } from "@/format/time";
import { useTranslate, word } from "@/i18n/translate";

interface Step {
  name: string;
  at: string | null;
  look: string;
  /** What it took to get to the next one. */
  span: number | null;
  runningSince?: string | null;
}

/** So many attempts, the last ones, stand in the line. */
const SHOWN = 4;

const LOOKS: Record<string, string> = {
  succeeded: "bg-succeeded",
  failed: "bg-failed",
  dead: "bg-dead",
  cancelled: "bg-cancelled",
  processing: "bg-processing",
  retrying: "bg-retrying",
  scheduled: "bg-scheduled",
  pending: "bg-pending",
};

/** From creation to the end, each state with its time, and how long it lasted. */
export function Timeline({ job, executions, attempts }: { job: Job; executions: Execution[]; attempts: number }) {
  const t = useTranslate();
  const earlier = attempts - SHOWN;
  const steps = stepsOf(job, executions);
  return (
    <ol aria-label={t("job.timeline")} className="flex flex-col gap-3 rounded-lg border border-line bg-panel px-4 py-3 sm:flex-row sm:gap-0">
      {steps.map((step, index) => (
        <li key={`${step.name} ${index}`} className="flex min-w-0 flex-1 flex-col gap-1 last:flex-none sm:last:min-w-32">
          <div aria-hidden className="hidden items-center sm:flex">
            <span className={`size-2.5 shrink-0 rounded-full ${LOOKS[step.look] ?? "bg-muted"} ${step.at === null ? "opacity-35" : ""}`} />
            {index < steps.length - 1 && <span className="mx-1.5 h-px flex-1 bg-strong-line/60" />}
          </div>
          <div className="flex flex-wrap items-baseline gap-x-2 text-[13px] sm:pr-4">
            <span className={step.at === null ? "text-muted" : "font-medium"}>{word("status", step.name)}</span>
            <span className="text-xs text-muted">
              {step.runningSince ? <Running since={step.runningSince} /> : step.span !== null ? took(step.span) : null}
            </span>
          </div>
          <span className="text-xs text-muted">
            <Time at={step.at} />
          </span>
          {index === 0 && earlier > 0 && (
            <Link from="/jobs/$jobId" to="." search={(before) => ({ ...before, tab: "attempts" })} className="text-xs text-accent hover:underline">
              {t("attempts.earlier", { count: earlier })}
            </Link>
          )}
        </li>
      ))}
    </ol>
  );
}

function stepsOf(job: Job, executions: Execution[]): Step[] {
  const steps: Step[] = [{ name: "created", at: job.created_at, look: "pending", span: null }];
  const isLater = job.scheduled_for !== null && job.scheduled_for > job.created_at && job.attempt_count === 0;
  if (isLater) steps.push({ name: "due", at: job.scheduled_for, look: "scheduled", span: null });
  const past = [...executions].reverse().slice(-SHOWN);
  for (const execution of past) {
    const isLive = execution.finished_at === null;
    const start = execution.started_at ?? execution.created_at;
    steps.push({ name: isLive ? "processing" : "started", at: start, look: "processing", span: null, runningSince: isLive ? start : null });
    const isLast = execution === past.at(-1);
    if (!isLive && !isLast) steps.push({ name: execution.status, at: execution.finished_at, look: "retrying", span: null });
  }
  if (job.completed_at !== null) {
    steps.push({ name: statusOf(job), at: job.completed_at, look: statusOf(job), span: null });
  } else if (job.status !== "processing") {
    const last = past.at(-1);
    if (last) steps.push({ name: last.status, at: last.finished_at, look: "retrying", span: null });
    if (last && job.scheduled_for) steps.push({ name: "retrying", at: job.scheduled_for, look: "retrying", span: null });
    else steps.push({ name: last ? "pending" : "started", at: null, look: "processing", span: null });
  } else {
    steps.push({ name: "ended", at: null, look: "pending", span: null });
  }
  for (const [index, step] of steps.entries()) step.span = between(step.at, steps[index + 1]?.at ?? null);
  return steps;
}
