import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { api, body, data, whole } from "@/api/client";
import { FIGURES_MS } from "@/api/queries";
import { useProject } from "@/shell/project";

export function usePolicies() {
  const { id } = useProject();
  return useQuery({
    queryKey: ["queue", id, "scaling policies"],
    queryFn: () => whole((page) => api.GET("/api/v1/scaling-policies", { params: { query: { project_id: id, ...page } } })),
  });
}

/** What every policy would do now. */
export function useRecommendations() {
  const { id } = useProject();
  return useQuery({
    queryKey: ["figures", id, "recommendations"],
    queryFn: () => data(api.POST("/api/v1/scaling-policies/evaluate", { params: { query: { project_id: id } } })),
    refetchInterval: FIGURES_MS,
    placeholderData: keepPreviousData,
  });
}

export function useDecisions(cursor: string | undefined) {
  const { id } = useProject();
  return useQuery({
    queryKey: ["queue", id, "scaling decisions", cursor],
    queryFn: () => body(api.GET("/api/v1/scaling-decisions", { params: { query: { project_id: id, cursor, limit: 30 } } })),
    refetchInterval: FIGURES_MS,
    placeholderData: keepPreviousData,
  });
}
