import { useQueues, useTasks } from "@/api/queries";
import type { JobsSearch } from "./search";

export type FilterName = "queue" | "task" | "tag" | "error" | "args" | "since" | "group";
export const FILTERS: FilterName[] = ["queue", "task", "tag", "error", "args", "since", "group"];

export interface Chip {
  name: FilterName;
  text: string;
}

export function chipsOf(search: JobsSearch): Chip[] {
  const chips: [FilterName, string | undefined][] = [
    ["queue", search.queue],
    ["task", search.type],
    ["tag", search.tag],
    ["error", search.error],
    ["args", search.path && `${search.path}:${search.value ?? ""}`],
    ["since", search.since],
    ["group", search.group],
  ];
  return chips.flatMap(([name, text]) => (text === undefined ? [] : [{ name, text }]));
}

/** What the address becomes with a filter set, or taken away by an empty text. */
export function withChip(name: FilterName, text: string): JobsSearch {
  const value = text === "" ? undefined : text;
  const start = { page: undefined, cursor: undefined };
  if (name === "task") return { ...start, type: value };
  if (name !== "args") return { ...start, [name]: value };
  const [path, ...rest] = text.split(":");
  return { ...start, path: path || undefined, value: rest.length > 0 ? rest.join(":") : undefined };
}

/** `queue:reports` as a filter; `args.customer.id:42` as one of the payload; anything else is looked for in errors. */
export function parseChip(text: string): Chip | null {
  const trimmed = text.trim();
  if (trimmed === "") return null;
  const args = /^args\.([^:]+):(.*)$/.exec(trimmed);
  if (args) return { name: "args", text: `${args[1]}:${args[2]}` };
  const [, name, value] = /^([a-z]+):(.+)$/.exec(trimmed) ?? [];
  const known = FILTERS.find((one) => one === name);
  if (known !== undefined && value) return { name: known, text: value.trim() };
  return { name: "error", text: trimmed };
}

/** What the text could become. */
export function useSuggestions(text: string): string[] {
  const queues = useQueues();
  const tasks = useTasks();
  const [, name, begun] = /^([a-z]+):(.*)$/.exec(text) ?? [];
  if (name === undefined) {
    const heads = ["queue:", "task:", "tag:", "error:", "args.", "since:"];
    return heads.filter((head) => head.startsWith(text.toLowerCase()));
  }
  const values =
    name === "queue"
      ? (queues.data ?? []).map((queue) => queue.name)
      : name === "task"
        ? (tasks.data ?? []).map((task) => task.name)
        : name === "since"
          ? ["15m", "1h", "24h", "7d"]
          : [];
  return values
    .filter((value) => value.toLowerCase().includes((begun ?? "").toLowerCase()))
    .slice(0, 8)
    .map((value) => `${name}:${value}`);
}
