import { inputMoment, momentOf } from "@/format/time";

export interface InsightsSearch {
  hours?: number;
  /** A span of its own, as inputs of the kind `datetime-local` have it; it goes before `hours`. */
  from?: string;
  to?: string;
}

export const HOURS = [1, 6, 24, 168, 720] as const;
const MOMENT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$/;

export function insightsSearch(search: Record<string, unknown>): InsightsSearch {
  const moment = (value: unknown) => (typeof value === "string" && MOMENT.test(value) ? value : undefined);
  return { hours: HOURS.find((hours) => hours === Number(search.hours)), from: moment(search.from), to: moment(search.to) };
}

/** The range as the API takes it. */
export function asked({ hours = 24, from, to }: InsightsSearch) {
  return from && to && from < to ? { start: momentOf(from), end: momentOf(to) } : { hours };
}

export function span(search: InsightsSearch): { from: string; to: string } {
  const hours = search.hours ?? 24;
  return { from: search.from ?? inputMoment(new Date(Date.now() - hours * 3_600_000)), to: search.to ?? inputMoment(new Date()) };
}
