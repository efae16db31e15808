import type { components } from "./generated";

type Schemas = components["schemas"];

export type Job = Schemas["JobView"];
export type JobStatus = Schemas["JobStatus"];
export type Execution = Schemas["ExecutionView"];
export type LogLine = Schemas["LogLineView"];
export type LogLevel = Schemas["LogLevel"];
export type Obstacle = Schemas["ObstacleView"];
export type Queue = Schemas["QueueView"];
export type QueueStats = Schemas["QueueStatsView"];
export type QueueMetrics = Schemas["QueueMetricsView"];
export type Throughput = Schemas["ThroughputView"];
export type Worker = Schemas["WorkerView"];
export type Task = Schemas["TaskView"];
export type ErrorGroup = Schemas["ErrorGroupView"];
export type Caller = Schemas["CallerView"];
export type Permission = Schemas["Permission"];
export type Project = Schemas["ProjectView"];
export type User = Schemas["UserView"];
export type Role = Schemas["RoleView"];
export type ApiKey = Schemas["KeyView"];
export type AuditEntry = Schemas["AuditEntryView"];
export type Schedule = Schemas["ScheduleRecord"];
export type ScheduleDetail = Schemas["ScheduleDetail"];
export type ScheduleChange = Schemas["ScheduleChange"];
export type NewSchedule = Schemas["NewSchedule"];
export type Run = Schemas["ExecutionRecord"];
export type Calendar = Schemas["CalendarView"];
export type Pause = Schemas["PauseView"];
export type PauseKind = Schemas["PauseKind"];
export type TypeMetrics = Schemas["TypeMetricsView"];
export type WorkerMetrics = Schemas["WorkerMetricsView"];
export type ListMeta = Schemas["ListMeta"];

export const JOB_STATUSES = ["pending", "scheduled", "processing", "succeeded", "failed", "cancelled"] as const;
export const ROLES = ["owner", "admin", "operator", "developer", "viewer", "worker"] as const;
