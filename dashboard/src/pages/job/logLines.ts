import { useEffect, useRef, useState } from "react";

import { readEvents } from "@/api/events";
import { ApiProblem } from "@/api/problem";
import type { LogLine } from "@/api/types";

export interface Tail {
  lines: LogLine[];
  isEnded: boolean;
  error: unknown;
}

const SHOW_MS = 150;
/** Showing costs by the line: a log that has come to so many of them is shown anew a millisecond later for each. */
const LINES_A_MS = 200;
/** What comes first is there at once. */
const FIRST_LINES = 1000;
/** Of a longer log the newest ones. */
export const MOST_LINES = 500_000;
const AGAIN_MS = 2000;

/** The log of a job as it grows. Lines that arrive together are shown together: a fast log costs no more than a slow one. */
export function useLogTail(jobId: string): Tail {
  const [tail, setTail] = useState<Tail>({ lines: [], isEnded: false, error: null });
  const lines = useRef<LogLine[]>([]);
  useEffect(() => {
    const ending = new AbortController();
    let isEnded = false;
    let timer: number | undefined;
    lines.current = [];
    const show = () => {
      timer = undefined;
      setTail({ lines: [...lines.current], isEnded, error: null });
    };
    const pace = () => (lines.current.length <= FIRST_LINES ? 0 : Math.max(SHOW_MS, lines.current.length / LINES_A_MS));
    const showSoon = () => (timer ??= window.setTimeout(show, pace()));
    async function follow() {
      let last: string | null = null;
      while (!ending.signal.aborted && !isEnded) {
        try {
          await readEvents(`/api/v1/jobs/${jobId}/logs/tail?together=true`, { signal: ending.signal, lastEventId: last }, (event) => {
            last = event.id ?? last;
            if (event.event === "end") isEnded = true;
            else if (event.event === "lines") lines.current = appended(lines.current, JSON.parse(event.data) as LogLine[]);
            showSoon();
          });
        } catch (error) {
          if (ending.signal.aborted) return;
          setTail({ lines: lines.current, isEnded, error: error instanceof ApiProblem ? error : null });
        }
        if (!isEnded) await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      }
    }
    void follow();
    return () => {
      ending.abort();
      clearTimeout(timer);
    };
  }, [jobId]);
  return tail;
}

/** What is gathered grows in place; what is shown is a copy of it. */
function appended(lines: LogLine[], more: LogLine[]): LogLine[] {
  lines.push(...more);
  return lines.length > MOST_LINES ? lines.slice(-MOST_LINES) : lines;
}
