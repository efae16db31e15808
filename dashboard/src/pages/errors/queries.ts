import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { api, body, data } from "@/api/client";
import type { ErrorStatus } from "@/api/types";
import { useProject } from "@/shell/project";

export const ERROR_STATUSES: ErrorStatus[] = ["new", "returned", "muted", "resolved"];
/** What still wants somebody. */
export const OPEN: ErrorStatus[] = ["new", "returned"];
export const LIMIT = 50;

export function useErrors(status: ErrorStatus[], page: number) {
  const { id } = useProject();
  return useQuery({
    queryKey: ["job", id, "errors", status, page],
    queryFn: () => body(api.GET("/api/v1/errors", { params: { query: { project_id: id, status, page, limit: LIMIT } } })),
    placeholderData: keepPreviousData,
  });
}

export const useErrorGroup = (errorId: string) =>
  useQuery({
    queryKey: ["job", "error", errorId],
    queryFn: () => data(api.GET("/api/v1/errors/{error_id}", { params: { path: { error_id: errorId } } })),
  });
