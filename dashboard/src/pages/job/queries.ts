import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { api, body, data } from "@/api/client";

const path = (jobId: string) => ({ path: { job_id: jobId } });

export const useJob = (jobId: string) =>
  useQuery({
    queryKey: ["job", jobId, "job"],
    queryFn: () => data(api.GET("/api/v1/jobs/{job_id}", { params: path(jobId) })),
    refetchInterval: (query) => (query.state.data?.status === "processing" ? 2000 : false),
  });

export const useWhy = (jobId: string, isWanted: boolean) =>
  useQuery({
    queryKey: ["job", jobId, "why"],
    queryFn: () => data(api.GET("/api/v1/jobs/{job_id}/why", { params: path(jobId) })),
    enabled: isWanted,
  });

export const useResult = (jobId: string, isWanted: boolean) =>
  useQuery({
    queryKey: ["job", jobId, "result"],
    queryFn: () => data(api.GET("/api/v1/jobs/{job_id}/result", { params: path(jobId) })),
    enabled: isWanted,
  });

export const useExecutions = (jobId: string, page = 1) =>
  useQuery({
    queryKey: ["job", jobId, "executions", page],
    queryFn: () => body(api.GET("/api/v1/jobs/{job_id}/executions", { params: { ...path(jobId), query: { page, limit: 100 } } })),
    placeholderData: keepPreviousData,
  });
