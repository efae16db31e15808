import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { api, whole } from "@/api/client";
import { FIGURES_MS } from "@/api/queries";
import { useSession } from "@/api/session";
import type { Breaker } from "@/api/types";
import { useProject } from "@/shell/project";

export function useBreakers() {
  const { id } = useProject();
  const { may } = useSession();
  return useQuery({
    queryKey: ["breaker", id],
    queryFn: () => whole((page) => api.GET("/api/v1/breakers", { params: { query: { project_id: id, ...page } } })),
    enabled: may("queue:read"),
    refetchInterval: FIGURES_MS,
    placeholderData: keepPreviousData,
  });
}

export const at = (breaker: Breaker) => ({ params: { path: { breaker_id: breaker.id } } });
