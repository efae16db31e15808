import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { api, data, whole } from "@/api/client";
import { useSession } from "@/api/session";
import { useProject } from "@/shell/project";
import { asked, type InsightsSearch } from "./range";

const MINUTE_MS = 60_000;

function useAsked(search: InsightsSearch, what: string) {
  const { id } = useProject();
  const query = { project_id: id, ...asked(search) };
  return { query, base: { queryKey: ["figures", id, "insights", what, search], refetchInterval: MINUTE_MS, placeholderData: keepPreviousData } };
}

export function useTotals(search: InsightsSearch) {
  const { query, base } = useAsked(search, "totals");
  return useQuery({ ...base, queryFn: () => data(api.GET("/api/v1/metrics", { params: { query } })) });
}

export function useThroughput(search: InsightsSearch) {
  const { query, base } = useAsked(search, "throughput");
  return useQuery({ ...base, queryFn: () => data(api.GET("/api/v1/metrics/throughput", { params: { query } })) });
}

export function useByTask(search: InsightsSearch) {
  const { query, base } = useAsked(search, "tasks");
  return useQuery({ ...base, queryFn: () => whole((page) => api.GET("/api/v1/metrics/job-types", { params: { query: { ...query, ...page } } })) });
}

export function useByQueue(search: InsightsSearch) {
  const { query, base } = useAsked(search, "queues");
  return useQuery({ ...base, queryFn: () => whole((page) => api.GET("/api/v1/metrics/queues", { params: { query: { ...query, ...page } } })) });
}

export function useByWorker(search: InsightsSearch) {
  const { query, base } = useAsked(search, "workers");
  const { may } = useSession();
  return useQuery({ ...base, enabled: may("worker:read"), queryFn: () => whole((page) => api.GET("/api/v1/metrics/workers", { params: { query: { ...query, ...page } } })) });
}

/** All workers, those that stopped as well: how many slots each has, and from when to when it lived. */
export function useEveryWorker() {
  const { id } = useProject();
  const { may } = useSession();
  return useQuery({
    queryKey: ["worker", id, "every"],
    enabled: may("worker:read"),
    queryFn: () => whole((page) => api.GET("/api/v1/workers", { params: { query: { project_id: id, stopped: true, ...page } } })),
  });
}
