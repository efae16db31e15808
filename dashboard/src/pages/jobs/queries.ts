import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { api, body, data } from "@/api/client";
import { useProject } from "@/shell/project";
import { filterQuery, type JobsSearch, PAGE_SIZE } from "./search";

/** So often, by itself: then whoever looks decides. */
const GOING_ON = 4;

export function useJobs(search: JobsSearch) {
  const { id } = useProject();
  return useQuery({
    queryKey: ["job", id, "list", search],
    queryFn: async () => {
      const ask = (place: { cursor: string } | { page: number }) => body(api.GET("/api/v1/jobs", { params: { query: { ...filterQuery(search, id), limit: PAGE_SIZE, ...place } } }));
      let found = await ask(search.cursor ? { cursor: search.cursor } : { page: search.page ?? 1 });
      // Of a filter that little fits the server looks at so many jobs and no more: it is asked to go on a few times.
      for (let more = 0; more < GOING_ON && found.data.length === 0 && found.meta.next_cursor; more += 1) found = await ask({ cursor: found.meta.next_cursor });
      return found;
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
