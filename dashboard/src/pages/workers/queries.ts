import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { api, whole } from "@/api/client";
import { FIGURES_MS } from "@/api/queries";
import { useProject } from "@/shell/project";

/** What each worker of the last hour did and used. */
export function useUsage() {
  const { id } = useProject();
  return useQuery({
    queryKey: ["figures", id, "workers"],
    queryFn: () => whole((page) => api.GET("/api/v1/metrics/workers", { params: { query: { project_id: id, hours: 1, ...page } } })),
    refetchInterval: FIGURES_MS,
    placeholderData: keepPreviousData,
  });
}
