import {
  createRootRoute,
  createRoute,
  createRouter,
  type ErrorComponentProps,
  lazyRouteComponent,
  retainSearchParams,
} from "@tanstack/react-router";

import { ROOT } from "@/api/root";
import { Skeleton, Wrong } from "@/components/Notices";
import { type InsightsSearch, insightsSearch } from "@/pages/insights/range";
import { askJobs } from "@/pages/jobs/queries";
import { type JobsSearch, jobsSearch } from "@/pages/jobs/search";
import { Overview } from "@/pages/overview/Overview";
import { askOverview } from "@/pages/overview/queries";
import { Shell } from "@/shell/Shell";
import { NotFound } from "@/shell/NotFound";
import { served } from "@/shell/served";

const text = (value: unknown) => (typeof value === "string" && value !== "" ? value : undefined);

const pageNumber = (value: unknown) => (Number.isInteger(Number(value)) && Number(value) > 1 ? Number(value) : undefined);

const root = createRootRoute({
  component: Shell,
  notFoundComponent: NotFound,
  validateSearch: (search: Record<string, unknown>): { project?: string } => ({ project: text(search.project) }),
  search: { middlewares: [retainSearchParams(["project"])] },
});

const under = { getParentRoute: () => root };

const overview = createRoute({
  ...under,
  path: "/",
  loader: askOverview,
  // Where most come in: it does not come after the program but with it.
  component: Overview,
});
const jobs = createRoute({
  ...under,
  path: "/jobs",
  validateSearch: (search: Record<string, unknown>): JobsSearch => jobsSearch(search),
  loader: askJobs,
  component: lazyRouteComponent(served(() => import("@/pages/jobs/Jobs")), "Jobs"),
});
const job = createRoute({
  ...under,
  path: "/jobs/$jobId",
  validateSearch: (search: Record<string, unknown>): { tab?: string; page?: number } => ({ tab: text(search.tab), page: pageNumber(search.page) }),
  component: lazyRouteComponent(served(() => import("@/pages/job/JobPage")), "JobPage"),
});
const queues = createRoute({
  ...under,
  path: "/queues",
  component: lazyRouteComponent(served(() => import("@/pages/queues/Queues")), "Queues"),
});
const queue = createRoute({
  ...under,
  path: "/queues/$queueId",
  component: lazyRouteComponent(served(() => import("@/pages/queue/QueuePage")), "QueuePage"),
});
const deadLetters = createRoute({
  ...under,
  path: "/dead-letters",
  validateSearch: (search: Record<string, unknown>): { page?: number; before?: string } => ({ page: pageNumber(search.page), before: text(search.before) }),
  component: lazyRouteComponent(served(() => import("@/pages/dead-letters/DeadLetters")), "DeadLetters"),
});
const workers = createRoute({
  ...under,
  path: "/workers",
  validateSearch: (search: Record<string, unknown>): { stopped?: true } => (search.stopped ? { stopped: true } : {}),
  component: lazyRouteComponent(served(() => import("@/pages/workers/Workers")), "Workers"),
});
const worker = createRoute({
  ...under,
  path: "/workers/$workerId",
  component: lazyRouteComponent(served(() => import("@/pages/worker/WorkerPage")), "WorkerPage"),
});
const tasks = createRoute({
  ...under,
  path: "/tasks",
  validateSearch: (search: Record<string, unknown>): { enqueue?: string } => ({ enqueue: text(search.enqueue) }),
  component: lazyRouteComponent(served(() => import("@/pages/tasks/Tasks")), "Tasks"),
});
const schedules = createRoute({
  ...under,
  path: "/schedules",
  validateSearch: (search: Record<string, unknown>): { tab?: "calendars"; page?: number } => ({
    tab: search.tab === "calendars" ? "calendars" : undefined,
    page: pageNumber(search.page),
  }),
  component: lazyRouteComponent(served(() => import("@/pages/schedules/Schedules")), "Schedules"),
});
const schedule = createRoute({
  ...under,
  path: "/schedules/$name",
  validateSearch: (search: Record<string, unknown>): { kind?: string; cursor?: string } => ({ kind: text(search.kind), cursor: text(search.cursor) }),
  component: lazyRouteComponent(served(() => import("@/pages/schedule/SchedulePage")), "SchedulePage"),
});
const insights = createRoute({
  ...under,
  path: "/insights",
  validateSearch: (search: Record<string, unknown>): InsightsSearch => insightsSearch(search),
  component: lazyRouteComponent(served(() => import("@/pages/insights/Insights")), "Insights"),
});
const assignments = createRoute({
  ...under,
  path: "/assignments",
  // A queue opens the form; an empty one leaves the choice to it.
  validateSearch: (search: Record<string, unknown>): { queue?: string; worker?: string } => ({
    queue: typeof search.queue === "string" ? search.queue : undefined,
    worker: text(search.worker),
  }),
  component: lazyRouteComponent(served(() => import("@/pages/assignments/Assignments")), "Assignments"),
});
const errors = createRoute({
  ...under,
  path: "/errors",
  validateSearch: (search: Record<string, unknown>): { status?: string; page?: number } => ({ status: text(search.status), page: pageNumber(search.page) }),
  component: lazyRouteComponent(served(() => import("@/pages/errors/Errors")), "Errors"),
});
const error = createRoute({
  ...under,
  path: "/errors/$errorId",
  component: lazyRouteComponent(served(() => import("@/pages/error/ErrorPage")), "ErrorPage"),
});
const scaling = createRoute({
  ...under,
  path: "/scaling",
  validateSearch: (search: Record<string, unknown>): { cursor?: string; tab?: "simulator"; queue?: string } => ({
    cursor: text(search.cursor),
    tab: search.tab === "simulator" ? "simulator" : undefined,
    queue: text(search.queue),
  }),
  component: lazyRouteComponent(served(() => import("@/pages/scaling/Scaling")), "Scaling"),
});
const alerts = createRoute({
  ...under,
  path: "/alerts",
  validateSearch: (search: Record<string, unknown>): { tab?: string; cursor?: string } => ({ tab: text(search.tab), cursor: text(search.cursor) }),
  component: lazyRouteComponent(served(() => import("@/pages/alerts/Alerts")), "Alerts"),
});
const audit = createRoute({
  ...under,
  path: "/audit",
  validateSearch: (search: Record<string, unknown>): { action?: string; kind?: string; cursor?: string } => ({
    action: text(search.action),
    kind: text(search.kind),
    cursor: text(search.cursor),
  }),
  component: lazyRouteComponent(served(() => import("@/pages/audit/Audit")), "Audit"),
});
const settings = createRoute({
  ...under,
  path: "/settings",
  validateSearch: (search: Record<string, unknown>): { tab?: string } => ({ tab: text(search.tab) }),
  component: lazyRouteComponent(served(() => import("@/pages/settings/Settings")), "Settings"),
});

export const router = createRouter({
  basepath: ROOT || "/",
  routeTree: root.addChildren([overview, jobs, job, queues, queue, deadLetters, workers, worker, tasks, schedules, schedule, insights, assignments, errors, error, scaling, alerts, audit, settings]),
  defaultPreload: "intent",
  scrollRestoration: true,
  defaultPendingComponent: () => <Skeleton lines={8} />,
  defaultErrorComponent: ({ error, reset }: ErrorComponentProps) => <Wrong error={error} again={reset} />,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
