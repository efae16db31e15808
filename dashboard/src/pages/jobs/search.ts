import { JOB_STATUSES, type JobStatus } from "@/api/types";

/** What the address says about the list: it can be sent to somebody, and kept. */
export interface JobsSearch {
  status?: JobStatus;
  queue?: string;
  type?: string;
  tag?: string;
  error?: string;
  /** A member of the payload, and what it must be. */
  path?: string;
  value?: string;
  since?: string;
  /** The fingerprint of an error group. */
  group?: string;
  page?: number;
  cursor?: string;
}

const GROUP = /^[0-9a-f-]{32,36}$/;
export const PAGE_SIZE = 50;
/** The server numbers pages no further; behind it the list goes on by cursor. */
export const LAST_PAGE = 10_000 / PAGE_SIZE;

export function jobsSearch(search: Record<string, unknown>): JobsSearch {
  const text = (name: string) => {
    const value = search[name];
    return value === undefined || value === null || value === "" ? undefined : String(value);
  };
  const page = Number(search.page);
  return {
    status: JOB_STATUSES.find((status) => status === search.status),
    queue: text("queue"),
    type: text("type"),
    tag: text("tag"),
    error: text("error"),
    path: text("path"),
    value: text("value"),
    since: text("since"),
    group: GROUP.test(text("group") ?? "") ? text("group") : undefined,
    page: Number.isInteger(page) && page > 1 ? Math.min(page, LAST_PAGE) : undefined,
    cursor: text("cursor"),
  };
}

const SPANS: Record<string, number> = { m: 60, h: 3600, d: 86_400 };

/** `15m`, `6h`, `7d` before now, or a moment in itself. */
export function sinceMoment(since: string | undefined, now = Date.now()): string | undefined {
  if (since === undefined) return undefined;
  const [, count, unit] = /^(\d{1,4})([mhd])$/.exec(since) ?? [];
  const moment = count && unit ? now - Number(count) * (SPANS[unit] ?? 0) * 1000 : Date.parse(since);
  return Number.isNaN(moment) ? undefined : new Date(moment).toISOString();
}

export function isFiltered(search: JobsSearch): boolean {
  return [search.queue, search.type, search.tag, search.error, search.path, search.since, search.group].some((part) => part !== undefined);
}

/** The filter as an operation on all these jobs takes it: it has to say something. */
export function chosenBy(search: JobsSearch) {
  const { project_id: _project, queue_name, ...rest } = filterQuery(search, undefined);
  return { ...rest, status: rest.status ?? [...JOB_STATUSES], queue_name: queue_name === undefined ? undefined : [queue_name] };
}

/** The filter without the place in the list. */
export function filterQuery(search: JobsSearch, project: string | undefined) {
  return {
    project_id: project,
    status: search.status ? [search.status] : undefined,
    queue_name: search.queue,
    job_type: search.type,
    tag: search.tag,
    error: search.error,
    fingerprint: search.group,
    payload_path: search.path,
    payload_value: search.path === undefined ? undefined : (search.value ?? ""),
    created_from: sinceMoment(search.since),
  };
}
