import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { api, data } from "@/api/client";
import { FIGURES_MS } from "@/api/queries";
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
    queryKey: ["job", id, "failures"],
    queryFn: () => data(api.GET("/api/v1/jobs/failures", { params: { query: { project_id: id, limit: 8 } } })),
    placeholderData: keepPreviousData,
  });
}
