import { keepPreviousData, queryOptions, useQuery, useQueryClient } from "@tanstack/react-query";

import { useProject } from "@/shell/project";
import { tell, toast } from "@/shell/toasts";
import { api, data, whole } from "./client";
import { useSession } from "./session";

/**
 * What several pages ask for. The first part of a key is the kind of thing: live events of that kind make it be asked
 * for again.
 */
/** Figures that no event announces. */
export const FIGURES_MS = 10_000;

export const queuesOf = (id: string | undefined) =>
  queryOptions({
    queryKey: ["queue", id, "list"],
    queryFn: () => whole((page) => api.GET("/api/v1/queues", { params: { query: { project_id: id, ...page } } })),
    staleTime: 10_000,
  });

export function useQueues() {
  const { id } = useProject();
  const { may } = useSession();
  return useQuery({ ...queuesOf(id), enabled: may("queue:read") });
}

export const depthsOf = (id: string | undefined) =>
  queryOptions({
    queryKey: ["job", id, "depths"],
    queryFn: () => data(api.GET("/api/v1/metrics/depths", { params: { query: { project_id: id } } })),
    refetchInterval: FIGURES_MS,
  });

/** What each queue holds now. */
export function useDepths() {
  return useQuery(depthsOf(useProject().id));
}

export function useTasks() {
  const { id } = useProject();
  const { may } = useSession();
  return useQuery({
    queryKey: ["worker", id, "tasks"],
    queryFn: () => whole((page) => api.GET("/api/v1/tasks", { params: { query: { project_id: id, ...page } } })),
    enabled: may("job:read"),
    staleTime: 30_000,
  });
}

export const workersOf = (id: string | undefined, stopped = false) =>
  queryOptions({
    queryKey: ["worker", id, "list", stopped],
    queryFn: () => whole((page) => api.GET("/api/v1/workers", { params: { query: { project_id: id, stopped, ...page } } })),
    refetchInterval: FIGURES_MS,
    placeholderData: keepPreviousData,
  });

export function useWorkers(stopped = false) {
  const { id } = useProject();
  const { may } = useSession();
  return useQuery({ ...workersOf(id, stopped), enabled: may("worker:read") });
}

export const matrixOf = (id: string | undefined) =>
  queryOptions({
    queryKey: ["worker", id, "matrix"],
    queryFn: () => data(api.GET("/api/v1/assignments/matrix", { params: { query: { project_id: id } } })),
    refetchInterval: FIGURES_MS,
  });

/** Who serves which queue, and what was assigned. */
export function useMatrix() {
  const { id } = useProject();
  const { may } = useSession();
  return useQuery({ ...matrixOf(id), enabled: may("assignment:read") });
}

/** How many workers that are online serve a queue, by assignment or because they asked to; nothing before it is known. */
export function useServants(): (queueId: string) => number | undefined {
  const { data: matrix } = useMatrix();
  return (queueId) => matrix?.serving[queueId]?.filter((worker) => worker.status === "online").length;
}

/** Does something, tells how it went, and looks at everything again. Answers whether it was done. */
export function useAction() {
  const queries = useQueryClient();
  return async (act: () => Promise<unknown>, said?: string, options: { undo?: () => void } = {}): Promise<boolean> => {
    const place = document.activeElement;
    try {
      await act();
    } catch (error) {
      tell(error);
      return false;
    }
    if (said !== undefined) toast(said, options);
    await queries.invalidateQueries();
    setTimeout(() => goOnFrom(place), PAINTED_MS);
    return true;
  };
}

/** What is shown after an answer has come. */
const PAINTED_MS = 50;

/** Who goes by keys goes on at the heading, where the button that was pressed is gone with what it did. */
function goOnFrom(place: Element | null): void {
  if (place !== null && !place.isConnected && document.activeElement === document.body) document.querySelector<HTMLElement>("main h1")?.focus({ preventScroll: true });
}
