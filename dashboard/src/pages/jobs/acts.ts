import { api, done } from "@/api/client";
import type { Job } from "@/api/types";

export type Act = "retry" | "cancel" | "delete";

const path = (job: Pick<Job, "id">) => ({ params: { path: { job_id: job.id } } });

export const retry = (job: Pick<Job, "id">) => done(api.POST("/api/v1/jobs/{job_id}/retry", path(job)));
export const cancel = (job: Pick<Job, "id">) => done(api.POST("/api/v1/jobs/{job_id}/cancel", path(job)));
export const remove = (job: Pick<Job, "id">) => done(api.DELETE("/api/v1/jobs/{job_id}", path(job)));

/** Whether the server would do it with a job of this status. */
export function allows(act: Act, job: Pick<Job, "status">): boolean {
  if (act === "retry") return job.status === "failed" || job.status === "cancelled";
  if (act === "cancel") return job.status === "pending" || job.status === "scheduled" || job.status === "processing";
  return job.status !== "processing";
}
