import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { api, data } from "@/api/client";
import { FIGURES_MS } from "@/api/queries";
import { useProject } from "@/shell/project";

/** What each worker of the last hour did and used. */
export function useUsage() {
  const { id } = useProject();
  return useQuery({
    queryKey: ["figures", id, "workers"],
    queryFn: () => data(api.GET("/api/v1/metrics/workers", { params: { query: { project_id: id, hours: 1, limit: 200 } } })),
    refetchInterval: FIGURES_MS,
    placeholderData: keepPreviousData,
  });
}
