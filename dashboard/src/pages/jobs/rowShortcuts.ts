import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { useAction } from "@/api/queries";
import { useSession } from "@/api/session";
import type { Job } from "@/api/types";
import { useTranslate } from "@/i18n/translate";
import { useShortcuts } from "@/shell/shortcuts";
import { allows, cancel, retry } from "./acts";
import type { Selection } from "./JobsTable";

/** The row that the keys are at, and what they do with it. */
export function useRowShortcuts(
  jobs: Job[],
  selection: Selection,
  onSelect: (selection: Selection) => void,
  /** What stops a job that runs cannot be undone: it is asked first. */
  onStop: (job: Job) => void,
): number {
  const t = useTranslate();
  const navigate = useNavigate();
  const action = useAction();
  const { may } = useSession();
  const [at, setAt] = useState(-1);
  const job = jobs[at];
  useShortcuts({
    j: () => setAt(Math.min(jobs.length - 1, at + 1)),
    k: () => setAt(Math.max(0, at - 1)),
    ...(job && {
      Enter: () => void navigate({ to: "/jobs/$jobId", params: { jobId: job.id } }),
      x: () => onSelect({ ...selection, [job.id]: !selection[job.id] }),
    }),
    ...(job &&
      may("job:write") && {
        r: () => void (allows("retry", job) && action(() => retry(job), t("job.retried"))),
        c: () => {
          if (job.status === "processing") onStop(job);
          else if (allows("cancel", job)) void action(() => cancel(job), t("job.cancelled"), { undo: () => void action(() => retry(job)) });
        },
      }),
  });
  return at;
}
