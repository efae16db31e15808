import { useQuery } from "@tanstack/react-query";

import { api, whole } from "@/api/client";
import { ROLES } from "@/api/types";

export const useUsers = () => useQuery({ queryKey: ["users"], queryFn: () => whole((query) => api.GET("/api/v1/users", { params: { query } })) });
export const useRoles = () => useQuery({ queryKey: ["roles"], queryFn: () => whole((query) => api.GET("/api/v1/roles", { params: { query } })) });
export const useKeys = () => useQuery({ queryKey: ["keys"], queryFn: () => whole((query) => api.GET("/api/v1/keys", { params: { query } })) });

/** The roles of every organization, and this one's own. */
export function useRoleNames(): string[] {
  return [...ROLES, ...(useRoles().data ?? []).map((role) => role.name)];
}
