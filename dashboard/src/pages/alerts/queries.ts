import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { api, data } from "@/api/client";
import { FIGURES_MS } from "@/api/queries";
import { useProject } from "@/shell/project";

const live = { refetchInterval: FIGURES_MS, placeholderData: keepPreviousData };

function useAsked() {
  const { id } = useProject();
  return { id, params: { query: { project_id: id, limit: 200 } } };
}

export function useAlerts() {
  const { id, params } = useAsked();
  return useQuery({ queryKey: ["alert", id, "now"], queryFn: () => data(api.GET("/api/v1/alerts", { params })), ...live });
}

export function useRules() {
  const { id, params } = useAsked();
  return useQuery({ queryKey: ["alert", id, "rules"], queryFn: () => data(api.GET("/api/v1/alerts/rules", { params })), ...live });
}

export function useReceivers() {
  const { id, params } = useAsked();
  return useQuery({ queryKey: ["alert", id, "receivers"], queryFn: () => data(api.GET("/api/v1/alerts/receivers", { params })) });
}

export function useSilences() {
  const { id, params } = useAsked();
  return useQuery({ queryKey: ["alert", id, "silences"], queryFn: () => data(api.GET("/api/v1/alerts/silences", { params })) });
}

export function useDeliveries() {
  const { id, params } = useAsked();
  return useQuery({ queryKey: ["alert", id, "deliveries"], queryFn: () => data(api.GET("/api/v1/alerts/deliveries", { params })), ...live });
}

export function useEvents() {
  const { id, params } = useAsked();
  return useQuery({ queryKey: ["alert", id, "events"], queryFn: () => data(api.GET("/api/v1/alerts/events", { params })), ...live });
}
