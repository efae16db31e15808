import { numbers } from "./formats";

export function compact(value: number): string {
  return numbers({ notation: "compact", maximumFractionDigits: 1 }).format(value);
}

/** A number that was counted up to a bound. */
export const atLeast = (value: number, isBounded: boolean) => `${numbers().format(value)}${isBounded ? "+" : ""}`;

/** The server counts what a queue holds up to here. */
const DEEPEST = 100_000;

/** What queues hold, together. */
export const deep = (...counts: number[]) =>
  atLeast(
    counts.reduce((sum, count) => sum + count, 0),
    counts.some((count) => count >= DEEPEST),
  );

export function percent(part: number, digits = 1): string {
  return numbers({ style: "percent", maximumFractionDigits: digits }).format(part);
}

export function bytes(value: number | null): string {
  if (value === null) return "—";
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = value < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(value) / 3));
  const digits = power === 0 ? 0 : 1;
  const written = numbers({ minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value / 1000 ** power);
  return `${written} ${units[power]}`;
}

/** The end of a UUIDv7: its beginning is the same for all of a minute. */
export const shortId = (id: string) => id.slice(-8);
