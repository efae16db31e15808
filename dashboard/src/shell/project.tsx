import { useQuery } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import { createContext, type ReactNode, useContext } from "react";

import { api, data } from "@/api/client";
import { useSession } from "@/api/session";
import type { Project } from "@/api/types";
import { Skeleton } from "@/components/Notices";

interface Chosen {
  /** Undefined for those who may not see projects: the server knows the only one that they have. */
  id: string | undefined;
  name: string | undefined;
  all: Project[];
}

const Context = createContext<Chosen>({ id: undefined, name: undefined, all: [] });

export const useProject = () => useContext(Context);

export const useProjects = (maySee: boolean) =>
  useQuery({
    queryKey: ["projects"],
    queryFn: () => data(api.GET("/api/v1/projects", { params: { query: { limit: 200 } } })),
    enabled: maySee,
    staleTime: 60_000,
  });

/** The project that all pages show: the one in the address, else the caller's own, else the first. */
export function ProjectChoice({ children }: { children: ReactNode }) {
  const { caller, may } = useSession();
  const wanted = useSearch({ strict: false }).project;
  const maySee = may("project:read") && caller.queue_ids === null;
  const projects = useProjects(maySee);
  if (maySee && projects.isPending) return <Skeleton lines={6} />;
  const all = projects.data ?? [];
  const byName = [...all].sort((one, other) => rank(one) - rank(other) || one.name.localeCompare(other.name));
  const found = all.find((project) => project.id === (wanted ?? caller.project_id)) ?? byName[0];
  const id = found?.id ?? caller.project_id ?? undefined;
  return <Context.Provider value={{ id, name: found?.name, all: byName }}>{children}</Context.Provider>;
}

const rank = (project: Project) => (project.name === "default" ? 0 : 1);
