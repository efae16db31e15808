import type { Caller } from "@/api/types";

const REDACTED = "[redacted]";

/** Which members of a value the server does not show to this caller. */
export function hiddenIn(value: unknown, caller: Caller): string[] {
  const names = new Set(caller.redacted_keys);
  const found = new Set<string>();
  const look = (one: unknown) => {
    if (typeof one !== "object" || one === null) return;
    for (const [name, member] of Object.entries(one)) {
      if (member === REDACTED && names.has(name.toLowerCase())) found.add(name);
      else look(member);
    }
  };
  if (names.size > 0) look(value);
  return [...found].sort();
}
