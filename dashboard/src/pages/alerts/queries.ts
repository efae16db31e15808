import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { api, body, whole } from "@/api/client";
import { FIGURES_MS } from "@/api/queries";
import { useProject } from "@/shell/project";

const AT_ONCE = 50;
const live = { refetchInterval: FIGURES_MS, placeholderData: keepPreviousData };

function useAsked() {
  const { id } = useProject();
  return { id, of: (page: { page: number; limit: number }) => ({ params: { query: { project_id: id, ...page } } }) };
}

export function useAlerts() {
  const { id, of } = useAsked();
  return useQuery({ queryKey: ["alert", id, "now"], queryFn: () => whole((page) => api.GET("/api/v1/alerts", of(page))), ...live });
}

export function useRules() {
  const { id, of } = useAsked();
  return useQuery({ queryKey: ["alert", id, "rules"], queryFn: () => whole((page) => api.GET("/api/v1/alerts/rules", of(page))), ...live });
}

export function useReceivers() {
  const { id, of } = useAsked();
  return useQuery({ queryKey: ["alert", id, "receivers"], queryFn: () => whole((page) => api.GET("/api/v1/alerts/receivers", of(page))) });
}

export function useSilences() {
  const { id, of } = useAsked();
  return useQuery({ queryKey: ["alert", id, "silences"], queryFn: () => whole((page) => api.GET("/api/v1/alerts/silences", of(page))) });
}

export function useDeliveries(cursor: string | undefined) {
  const { id } = useProject();
  const params = { query: { project_id: id, limit: AT_ONCE, cursor } };
  return useQuery({ queryKey: ["alert", id, "deliveries", cursor], queryFn: () => body(api.GET("/api/v1/alerts/deliveries", { params })), ...live });
}

export function useEvents(cursor: string | undefined) {
  const { id } = useProject();
  const params = { query: { project_id: id, limit: AT_ONCE, cursor } };
  return useQuery({ queryKey: ["alert", id, "events", cursor], queryFn: () => body(api.GET("/api/v1/alerts/events", { params })), ...live });
}
