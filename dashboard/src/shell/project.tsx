import { useQuery } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import { createContext, type ReactNode, useContext, useMemo } from "react";

import { api, whole } from "@/api/client";
import { useSession } from "@/api/session";
import type { Caller, Project } from "@/api/types";

interface Chosen {
  /** Undefined for those who may not see projects: the server knows the only one that they have. */
  id: string | undefined;
  name: string | undefined;
  all: Project[];
}

const Context = createContext<Chosen>({ id: undefined, name: undefined, all: [] });

export const useProject = () => useContext(Context);

export function useProjects() {
  const { caller, knownAt } = useSession();
  return useQuery({
    queryKey: ["projects"],
    queryFn: () => whole((page) => api.GET("/api/v1/projects", { params: { query: page } })),
    enabled: caller.projects !== null,
    // Who is logged in was told together with these: nothing waits for a second answer.
    initialData: caller.projects ?? undefined,
    initialDataUpdatedAt: knownAt,
    staleTime: 60_000,
  });
}

/** The project that all pages show: the one in the address, else the caller's own, else the first. */
export function ProjectChoice({ children }: { children: ReactNode }) {
  const { caller } = useSession();
  const wanted = useSearch({ strict: false }).project;
  const projects = useProjects();
  const chosen = useMemo(() => chosenProject(caller, projects.data, wanted), [caller, projects.data, wanted]);
  return <Context.Provider value={chosen}>{children}</Context.Provider>;
}

export function chosenProject(caller: Caller, all: Project[] = caller.projects ?? [], wanted?: unknown): Chosen {
  const byName = [...all].sort((one, other) => rank(one) - rank(other) || one.name.localeCompare(other.name));
  const found = all.find((project) => project.id === (wanted ?? caller.project_id)) ?? byName[0];
  return { id: found?.id ?? caller.project_id ?? undefined, name: found?.name, all: byName };
}

const rank = (project: Project) => (project.name === "default" ? 0 : 1);
