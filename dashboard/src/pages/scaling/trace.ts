import type { SimulationRequest } from "@/api/types";

type Arrivals = NonNullable<SimulationRequest["arrivals"]>;

export const EXAMPLE = "0,40,2\n60,5,2\n90,200";

/** Lines of `seconds,jobs[,seconds of work]`; or the number of the first line that is none. */
export function parseTrace(text: string): Arrivals | number {
  const found: Arrivals = [];
  for (const [index, line] of text.split("\n").entries()) {
    const plain = line.split("#")[0]?.trim() ?? "";
    if (plain === "") continue;
    const parts = plain.split(",").map((part) => (part.trim() === "" ? NaN : Number(part)));
    const [at, jobs, work] = parts;
    if (at === undefined || jobs === undefined || parts.length > 3 || parts.some(Number.isNaN) || !Number.isInteger(jobs)) return index + 1;
    found.push(work === undefined ? { at, jobs } : { at, jobs, work });
  }
  return found.length === 0 ? 1 : found;
}
