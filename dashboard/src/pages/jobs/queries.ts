import { keepPreviousData, queryOptions, useQuery } from "@tanstack/react-query";

import { api, body, data } from "@/api/client";
import { ahead } from "@/shell/ahead";
import { useProject } from "@/shell/project";
import { filterQuery, type JobsSearch, jobsSearch, PAGE_SIZE } from "./search";

/** So often, by itself: then whoever looks decides. */
const GOING_ON = 4;

export const jobsOf = (id: string | undefined, search: JobsSearch) =>
  queryOptions({
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

export const useJobs = (search: JobsSearch) => useQuery(jobsOf(useProject().id, search));

const countsOf = (id: string | undefined) =>
  queryOptions({
    queryKey: ["job", id, "counts"],
    queryFn: () => data(api.GET("/api/v1/jobs/counts", { params: { query: { project_id: id } } })),
    placeholderData: keepPreviousData,
  });

/** Jobs of the project by status. */
export const useCounts = (isWanted = true) => useQuery({ ...countsOf(useProject().id), enabled: isWanted });

/** What the list asks when it comes: its rows first. */
export const askJobs = ahead(({ id }, search) => {
  const { project } = search;
  return [jobsOf(id, { ...jobsSearch(search), ...(typeof project === "string" && { project }) }), countsOf(id)];
});

