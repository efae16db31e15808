import type { Caller } from "@/api/types";

const REDACTED = "[redacted]";

/** Which members of a value the server does not show to this caller. */
export function hiddenIn(value: unknown, caller: Caller): string[] {
  const names = new Set(caller.redacted_keys);
  const found = new Set<string>();
  const seen: unknown[] = names.size > 0 ? [value] : [];
  for (let one = seen.pop(); one !== undefined; one = seen.pop()) {
    if (typeof one !== "object" || one === null) continue;
    for (const [name, member] of Object.entries(one)) {
      if (member === REDACTED && names.has(name.toLowerCase())) found.add(name);
      else if (typeof member === "object") seen.push(member);
    }
  }
  return [...found].sort();
}
