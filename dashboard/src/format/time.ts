import { preferences } from "@/shell/preferences";
import { distances, moments, numbers } from "./formats";

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];

export function relative(time: string | Date, now = Date.now()): string {
  const seconds = (new Date(time).getTime() - now) / 1000;
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? ["second", 1];
  // "3 h" are days in Indonesian, and hours to everybody else.
  const style = preferences.get().language === "id" && unit === "day" ? "long" : "short";
  return distances({ numeric: "auto", style }).format(Math.trunc(seconds / size), unit);
}

export function zone(): string | undefined {
  const { timeZone } = preferences.get();
  return timeZone === "local" ? undefined : timeZone;
}

export function absolute(time: string | Date): string {
  return moments({ dateStyle: "medium", timeStyle: "medium", timeZone: zone() }).format(new Date(time));
}

export function clock(time: string | Date, fraction: 0 | 3 = 0): string {
  const parts = { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: fraction === 3 ? 3 : undefined, timeZone: zone() } as const;
  return moments(parts, preferences.get().language === "id" ? "id" : "en-GB").format(new Date(time));
}

/** Letters of units; "h" are days (hari) in Indonesian. */
const LETTERS = { en: { d: "d", h: "h", m: "m", s: "s" }, id: { d: "hr", h: "j", m: "m", s: "dtk" } } as const;

/** Milliseconds as people say them: 840 ms, 3.2 s, 4m 10s, 2h, 3d 4h. */
export function duration(milliseconds: number | null | undefined): string {
  if (milliseconds === null || milliseconds === undefined) return "—";
  const letters = LETTERS[preferences.get().language];
  if (milliseconds < 1) return milliseconds <= 0 ? "0 ms" : "<1 ms";
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 60) {
    const digits = seconds < 10 ? 1 : 0;
    return `${numbers({ minimumFractionDigits: digits, maximumFractionDigits: digits }).format(seconds)} ${letters.s}`;
  }
  const [large, big, small, little] =
    seconds < 3600 ? ([60, "m", 1, "s"] as const) : seconds < 86_400 ? ([3600, "h", 60, "m"] as const) : ([86_400, "d", 3600, "h"] as const);
  const rest = Math.floor((seconds % large) / small);
  return `${Math.floor(seconds / large)}${letters[big]}${rest === 0 ? "" : ` ${rest}${letters[little]}`}`;
}

/** How long something took: clocks tell milliseconds, so nothing of it is shown as "less than one". */
export function took(milliseconds: number | null | undefined): string {
  return typeof milliseconds === "number" && milliseconds < 1 ? "<1 ms" : duration(milliseconds);
}

export function between(start: string | null, end: string | null): number | null {
  return start === null || end === null ? null : Math.max(0, new Date(end).getTime() - new Date(start).getTime());
}

/** A moment as an input of the kind `datetime-local` has it, by the clock of the chosen zone. */
export function inputMoment(time: Date): string {
  return new Date(time.getTime() + offset(time)).toISOString().slice(0, 16);
}

/** The moment that such an input means, as the API takes it. */
export function momentOf(text: string): string {
  const wall = new Date(`${text}Z`);
  const guess = new Date(wall.getTime() - offset(wall));
  return new Date(wall.getTime() - offset(guess)).toISOString();
}

/** By how much the clock of the chosen zone is ahead of UTC at a moment, in milliseconds. */
function offset(time: Date): number {
  const written = moments({ timeZone: zone(), timeZoneName: "longOffset" }, "en-US").format(time);
  const [, sign, hours, minutes] = /GMT([+-])(\d{2}):(\d{2})/.exec(written) ?? [];
  return (sign === "-" ? -1 : 1) * (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * 60_000;
}
