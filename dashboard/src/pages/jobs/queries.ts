import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { api, body, data } from "@/api/client";
import { useProject } from "@/shell/project";
import { filterQuery, type JobsSearch, PAGE_SIZE } from "./search";

export function useJobs(search: JobsSearch) {
  const { id } = useProject();
  return useQuery({
    queryKey: ["job", id, "list", search],
    queryFn: () => {
      const place = search.cursor ? { cursor: search.cursor } : { page: search.page ?? 1 };
      const query = { ...filterQuery(search, id), limit: PAGE_SIZE, ...place };
      return body(api.GET("/api/v1/jobs", { params: { query } }));
    },
    placeholderData: keepPreviousData,
  });
}

/** Jobs of the project by status. */
export function useCounts(isWanted = true) {
  const { id } = useProject();
  return useQuery({
    queryKey: ["job", id, "counts"],
    queryFn: () => data(api.GET("/api/v1/jobs/counts", { params: { query: { project_id: id } } })),
    enabled: isWanted,
    placeholderData: keepPreviousData,
  });
}
