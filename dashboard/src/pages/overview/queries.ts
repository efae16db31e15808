import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { api, data } from "@/api/client";
import { FIGURES_MS, useDepths } from "@/api/queries";
import { useProject } from "@/shell/project";

/** The last hour of a project. */
export function useFigures(hours: number) {
  const { id } = useProject();
  return useQuery({
    queryKey: ["figures", id, "project", hours],
    queryFn: () => data(api.GET("/api/v1/metrics", { params: { query: { project_id: id, hours } } })),
    refetchInterval: FIGURES_MS,
    placeholderData: keepPreviousData,
  });
}

export function useThroughput(hours: number) {
  const { id } = useProject();
  return useQuery({
    queryKey: ["figures", id, "throughput", hours],
    queryFn: () => data(api.GET("/api/v1/metrics/throughput", { params: { query: { project_id: id, hours } } })),
    refetchInterval: FIGURES_MS,
    placeholderData: keepPreviousData,
  });
}

export function useFailures() {
  const { id } = useProject();
  return useQuery({
    queryKey: ["figures", id, "failures"],
    refetchInterval: FIGURES_MS,
    queryFn: () => data(api.GET("/api/v1/jobs/failures", { params: { query: { project_id: id, limit: 8 } } })),
    placeholderData: keepPreviousData,
  });
}

/** Whether nothing else on this page tells of any job: only then is it worth it to count them all. */
export function useIsQuiet(hours: number): boolean {
  const figures = useFigures(hours).data;
  const depths = useDepths().data;
  const failures = useFailures().data;
  if (figures === undefined || depths === undefined || failures === undefined) return false;
  const holds = depths.some((depth) => depth.ready + depth.held + depth.scheduled + depth.processing > 0);
  return !holds && failures.length === 0 && figures.total_executions + figures.cancelled_executions === 0;
}
