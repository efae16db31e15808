import { keepPreviousData, queryOptions, useQuery } from "@tanstack/react-query";

import { api, data } from "@/api/client";
import { depthsOf, FIGURES_MS, matrixOf, queuesOf, useDepths, workersOf } from "@/api/queries";
import { ahead } from "@/shell/ahead";
import { useProject } from "@/shell/project";

/** The last hour of a project. */
const figuresOf = (id: string | undefined, hours: number) =>
  queryOptions({
    queryKey: ["figures", id, "project", hours],
    queryFn: () => data(api.GET("/api/v1/metrics", { params: { query: { project_id: id, hours } } })),
    refetchInterval: FIGURES_MS,
    placeholderData: keepPreviousData,
  });

export const useFigures = (hours: number) => useQuery(figuresOf(useProject().id, hours));

const throughputOf = (id: string | undefined, hours: number) =>
  queryOptions({
    queryKey: ["figures", id, "throughput", hours],
    queryFn: () => data(api.GET("/api/v1/metrics/throughput", { params: { query: { project_id: id, hours } } })),
    refetchInterval: FIGURES_MS,
    placeholderData: keepPreviousData,
  });

export const useThroughput = (hours: number) => useQuery(throughputOf(useProject().id, hours));

const failuresOf = (id: string | undefined) =>
  queryOptions({
    queryKey: ["figures", id, "failures"],
    refetchInterval: FIGURES_MS,
    queryFn: () => data(api.GET("/api/v1/jobs/failures", { params: { query: { project_id: id, limit: 8 } } })),
    placeholderData: keepPreviousData,
  });

export const useFailures = () => useQuery(failuresOf(useProject().id));

export const PERIODS = [1, 24, 168] as const;

/** What the overview asks when it comes. */
export const askOverview = ahead(({ id, may }) => [
  figuresOf(id, PERIODS[0]),
  depthsOf(id),
  throughputOf(id, PERIODS[0]),
  failuresOf(id),
  may("queue:read") && queuesOf(id),
  may("assignment:read") && matrixOf(id),
  may("worker:read") && workersOf(id),
]);

/** Whether nothing else on this page tells of any job: only then is it worth it to count them all. */
export function useIsQuiet(hours: number): boolean {
  const figures = useFigures(hours).data;
  const depths = useDepths().data;
  const failures = useFailures().data;
  if (figures === undefined || depths === undefined || failures === undefined) return false;
  const holds = depths.some((depth) => depth.ready + depth.held + depth.scheduled + depth.processing > 0);
  return !holds && failures.length === 0 && figures.total_executions + figures.cancelled_executions === 0;
}
