import {
  BellRing,
  Bug,
  CalendarClock,
  ChartLine,
  ChartNoAxesColumn,
  Cpu,
  Grid3x3,
  Layers,
  ListChecks,
  type LucideIcon,
  Scaling,
  ScrollText,
  Settings,
  Skull,
  SquareFunction,
} from "lucide-react";

import type { Permission } from "@/api/types";
import type { Key } from "@/i18n/translate";

export interface Place {
  to: "/" | "/jobs" | "/queues" | "/dead-letters" | "/workers" | "/tasks" | "/alerts" | "/errors" | "/assignments" | "/scaling" | "/schedules" | "/insights" | "/audit" | "/settings";
  name: Key;
  icon: LucideIcon;
  /** After `g`. */
  shortcut: string;
  needs?: Permission;
}

export const PLACES: Place[] = [
  { to: "/", name: "nav.overview", icon: ChartNoAxesColumn, shortcut: "o", needs: "job:read" },
  { to: "/jobs", name: "nav.jobs", icon: ListChecks, shortcut: "j", needs: "job:read" },
  { to: "/queues", name: "nav.queues", icon: Layers, shortcut: "q", needs: "queue:read" },
  { to: "/errors", name: "nav.errors", icon: Bug, shortcut: "e", needs: "job:read" },
  { to: "/dead-letters", name: "nav.dead_letters", icon: Skull, shortcut: "d", needs: "job:read" },
  { to: "/workers", name: "nav.workers", icon: Cpu, shortcut: "w", needs: "worker:read" },
  { to: "/assignments", name: "nav.assignments", icon: Grid3x3, shortcut: "m", needs: "assignment:read" },
  { to: "/scaling", name: "nav.scaling", icon: Scaling, shortcut: "p", needs: "scaling:read" },
  { to: "/tasks", name: "nav.tasks", icon: SquareFunction, shortcut: "t", needs: "job:read" },
  { to: "/schedules", name: "nav.schedules", icon: CalendarClock, shortcut: "c", needs: "schedule:read" },
  { to: "/insights", name: "nav.insights", icon: ChartLine, shortcut: "i", needs: "job:read" },
  { to: "/alerts", name: "nav.alerts", icon: BellRing, shortcut: "b", needs: "alert:read" },
  { to: "/audit", name: "nav.audit", icon: ScrollText, shortcut: "a", needs: "audit:read" },
  { to: "/settings", name: "nav.settings", icon: Settings, shortcut: "s" },
];
