import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { api, body, data } from "@/api/client";
import { FIGURES_MS } from "@/api/queries";
import type { ScheduleChange } from "@/api/types";
import { usePreferences } from "@/shell/preferences";
import { useProject } from "@/shell/project";

/** The server says in words when a schedule is due: in another language it is asked again. */
function useKey(...rest: unknown[]) {
  const { id } = useProject();
  const { language } = usePreferences();
  return ["schedule", id, language, ...rest];
}

/** A schedule's address in the API. */
export function useAt(name: string) {
  const { id } = useProject();
  return { path: { schedule_name: name }, query: { project_id: id } };
}

export function useSchedules(page: number, limit: number, sort?: "next_due_at") {
  const { id } = useProject();
  return useQuery({
    queryKey: useKey("list", page, limit, sort ?? "name"),
    queryFn: () => body(api.GET("/api/v1/scheduled-jobs", { params: { query: { project_id: id, page, limit, sort } } })),
    refetchInterval: FIGURES_MS,
    placeholderData: keepPreviousData,
  });
}

/** How the latest due times of each went, by name. */
export function useLatest(page: number, limit: number) {
  const { id } = useProject();
  return useQuery({
    queryKey: useKey("latest", page, limit),
    queryFn: () => data(api.GET("/api/v1/scheduled-jobs/executions/latest", { params: { query: { project_id: id, page, limit, count: 14 } } })),
    refetchInterval: FIGURES_MS,
    placeholderData: keepPreviousData,
  });
}

export function useSchedule(name: string) {
  const params = useAt(name);
  return useQuery({
    queryKey: useKey("one", name),
    queryFn: () => data(api.GET("/api/v1/scheduled-jobs/{schedule_name}", { params })),
    refetchInterval: FIGURES_MS,
  });
}

export function useUpcoming(name: string, version: number) {
  const params = useAt(name);
  return useQuery({
    queryKey: useKey("upcoming", name, version),
    queryFn: () => data(api.GET("/api/v1/scheduled-jobs/{schedule_name}/preview", { params: { ...params, query: { ...params.query, count: 10 } } })),
    refetchInterval: 60_000,
  });
}

export type Kind = "all" | "well" | "badly" | "missed" | "skipped";

export function useHistory(name: string, kind: Kind, cursor: string | undefined) {
  const params = useAt(name);
  const success = kind === "well" ? true : kind === "badly" ? false : undefined;
  const outcome = kind === "missed" || kind === "skipped" ? kind : undefined;
  return useQuery({
    queryKey: useKey("history", name, kind, cursor),
    queryFn: () =>
      body(api.GET("/api/v1/scheduled-jobs/{schedule_name}/history", { params: { ...params, query: { ...params.query, cursor, limit: 20, success, outcome } } })),
    refetchInterval: FIGURES_MS,
    placeholderData: keepPreviousData,
  });
}

export function useRunStats(name: string) {
  const params = useAt(name);
  return useQuery({
    queryKey: useKey("stats", name),
    queryFn: () => data(api.GET("/api/v1/scheduled-jobs/{schedule_name}/stats", { params: { ...params, query: { ...params.query, hours: 168 } } })),
    refetchInterval: FIGURES_MS,
  });
}

export function useCalendars() {
  const { id } = useProject();
  return useQuery({
    queryKey: useKey("calendars"),
    queryFn: () => data(api.GET("/api/v1/calendars", { params: { query: { project_id: id } } })),
  });
}

export type Change = ScheduleChange;
