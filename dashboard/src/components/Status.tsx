import {
  Ban,
  BellOff,
  BellRing,
  CalendarX,
  Check,
  CircleDashed,
  CircleDot,
  Clock,
  type LucideIcon,
  LoaderCircle,
  Pause,
  RotateCw,
  SkipForward,
  Skull,
  TriangleAlert,
  Unplug,
  X,
  Lock,
  LogOut,
} from "lucide-react";

import type { Job } from "@/api/types";
import { useTranslate, word } from "@/i18n/translate";

/** What is shown of a status: a colour is never alone, a word and a sign stand beside it. */
const LOOKS: Record<string, [LucideIcon, string]> = {
  pending: [CircleDot, "bg-pending/8 text-pending"],
  scheduled: [Clock, "bg-scheduled/10 text-scheduled"],
  processing: [LoaderCircle, "bg-processing/10 text-processing"],
  retrying: [RotateCw, "bg-retrying/10 text-retrying"],
  retry_scheduled: [RotateCw, "bg-retrying/10 text-retrying"],
  succeeded: [Check, "bg-succeeded/10 text-succeeded"],
  failed: [X, "bg-failed/10 text-failed"],
  dead: [Skull, "bg-dead/12 text-dead"],
  dead_letter: [Skull, "bg-dead/12 text-dead"],
  cancelled: [Ban, "bg-cancelled/10 text-cancelled"],
  queued: [CircleDashed, "bg-pending/8 text-pending"],
  started: [LoaderCircle, "bg-processing/10 text-processing"],
  running: [LoaderCircle, "bg-processing/10 text-processing"],
  active: [Check, "bg-succeeded/10 text-succeeded"],
  online: [Check, "bg-succeeded/10 text-succeeded"],
  paused: [Pause, "bg-retrying/10 text-retrying"],
  draining: [LogOut, "bg-retrying/10 text-retrying"],
  unhealthy: [X, "bg-failed/10 text-failed"],
  offline: [Unplug, "bg-cancelled/10 text-cancelled"],
  missed: [CalendarX, "bg-retrying/10 text-retrying"],
  skipped: [SkipForward, "bg-cancelled/10 text-cancelled"],
  fired: [CircleDot, "bg-pending/8 text-pending"],
  enabled: [Check, "bg-succeeded/10 text-succeeded"],
  disabled: [Pause, "bg-cancelled/10 text-cancelled"],
  resting: [Pause, "bg-retrying/10 text-retrying"],
  ok: [Check, "bg-succeeded/10 text-succeeded"],
  warning: [TriangleAlert, "bg-retrying/10 text-retrying"],
  problem: [X, "bg-failed/10 text-failed"],
  new: [CircleDot, "bg-failed/10 text-failed"],
  returned: [RotateCw, "bg-failed/10 text-failed"],
  resolved: [Check, "bg-succeeded/10 text-succeeded"],
  muted: [BellOff, "bg-cancelled/10 text-cancelled"],
  begun: [LoaderCircle, "bg-processing/10 text-processing"],
  done: [Check, "bg-succeeded/10 text-succeeded"],
  recommended: [CircleDashed, "bg-scheduled/10 text-scheduled"],
  firing: [BellRing, "bg-failed/10 text-failed"],
  recovered: [Check, "bg-succeeded/10 text-succeeded"],
  waiting: [Clock, "bg-pending/8 text-pending"],
  delivered: [Check, "bg-succeeded/10 text-succeeded"],
  ended: [Check, "bg-cancelled/10 text-cancelled"],
  breaker_closed: [Check, "bg-succeeded/10 text-succeeded"],
  breaker_open: [Unplug, "bg-failed/10 text-failed"],
  breaker_half_open: [CircleDashed, "bg-retrying/10 text-retrying"],
  closed: [Lock, "bg-cancelled/10 text-cancelled"],
};
const SPINNING = new Set(["processing", "running"]);

export function Status({ of: status, className = "" }: { of: string; className?: string }) {
  useTranslate();
  const [Icon, look] = LOOKS[status] ?? [CircleDot, "bg-pending/8 text-pending"];
  return (
    <span className={`inline-flex h-[22px] items-center gap-1 rounded px-1.5 text-xs font-medium whitespace-nowrap ${look} ${className}`}>
      <Icon aria-hidden className={`size-3 ${SPINNING.has(status) ? "animate-spin [animation-duration:2s]" : ""}`} />
      {word("status", status)}
    </span>
  );
}

/** The status of a job, told apart where one word would hide something: a retry, a dead letter. */
export function statusOf(job: Pick<Job, "status" | "attempt_count" | "dead_lettered_at">): string {
  if (job.status === "failed" && job.dead_lettered_at !== null) return "dead";
  if (job.status === "scheduled" && job.attempt_count > 0) return "retrying";
  return job.status;
}
