import { focusManager, type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";

import { readEvents } from "@/api/events";
import { createStore, useStore } from "./store";

interface Live {
  isPaused: boolean;
  connection: "connecting" | "open" | "lost";
  /** Open forms and selections: what they show must not change under them. */
  holds: number;
  /** Something changed that is not shown yet. */
  isBehind: boolean;
}

export const live = createStore<Live>({ isPaused: false, connection: "connecting", holds: 0, isBehind: false });
export const useLive = () => useStore(live);

const FLUSH_MS = 1000;
/** Between two looks at everything lies so many times what a look took, but no more than this: a server that has much to
 * do, or much to look at, is not kept busy by those who watch it. */
const REST = 4;
const LONGEST_REST_MS = 8_000;
const LONGEST_WAIT_MS = 15_000;
const KINDS = ["job", "queue", "worker", "schedule", "breaker"];

/** Whether pages show what is new by themselves. */
export const isMoving = () => !live.get().isPaused && live.get().holds === 0;

// What is asked for again and again is not while nothing is to move, as if nobody looked at the page.
live.subscribe(() => focusManager.setFocused(isMoving() ? undefined : false));

/** Keeps what the pages show while something is being edited or selected. */
export function useHold(isHolding: boolean): void {
  useEffect(() => {
    if (!isHolding) return;
    live.set({ holds: live.get().holds + 1 });
    return () => live.set({ holds: live.get().holds - 1 });
  }, [isHolding]);
}

export function togglePaused(): void {
  live.set({ isPaused: !live.get().isPaused });
}

/** One stream for the whole page: what it says has changed is asked for again, at most once a second, and less often where that takes long. */
export function useLiveUpdates(project: string | undefined): void {
  const queries = useQueryClient();
  useEffect(() => {
    const ending = new AbortController();
    const updates = new Updates(queries);
    const unsubscribe = live.subscribe(() => updates.flush());
    void follow(project, ending.signal, (kind) => updates.note(kind));
    return () => {
      ending.abort();
      unsubscribe();
      updates.end();
    };
  }, [project, queries]);
}

class Updates {
  private changed = new Set<string>();
  private timer: number | undefined;
  private isFlushing = false;
  private notBefore = 0;
  private isEnded = false;

  constructor(private readonly queries: QueryClient) {}

  note(kind: string): void {
    for (const one of kind === "reset" ? KINDS : [kind]) this.changed.add(one);
    this.timer ??= window.setTimeout(
      () => {
        this.timer = undefined;
        this.flush();
      },
      Math.max(FLUSH_MS, this.notBefore - performance.now()),
    );
  }

  flush(): void {
    const { isBehind } = live.get();
    if (this.isEnded || this.isFlushing || this.timer !== undefined || this.changed.size === 0) return;
    if (!isMoving()) {
      if (!isBehind) live.set({ isBehind: true });
      return;
    }
    const changed = this.changed;
    this.changed = new Set();
    this.isFlushing = true;
    const began = performance.now();
    if (isBehind) live.set({ isBehind: false });
    void this.queries
      .invalidateQueries({ predicate: (query) => changed.has(String(query.queryKey[0])) })
      .finally(() => {
        const now = performance.now();
        this.notBefore = now + Math.min(LONGEST_REST_MS, REST * (now - began));
        this.isFlushing = false;
        if (this.changed.size > 0) this.note([...this.changed][0] ?? "job");
      });
  }

  end(): void {
    this.isEnded = true;
    clearTimeout(this.timer);
  }
}

async function follow(project: string | undefined, signal: AbortSignal, note: (kind: string) => void): Promise<void> {
  const path = `/api/v1/events${project ? `?project_id=${project}` : ""}`;
  let lastEventId: string | null = null;
  let wait = 500;
  while (!signal.aborted) {
    try {
      await readEvents(
        path,
        {
          signal,
          lastEventId,
          onOpen: () => {
            wait = 500;
            live.set({ connection: "open" });
          },
        },
        (event) => {
          const isFirst = lastEventId === null && event.event === "reset";
          lastEventId = event.id ?? lastEventId;
          if (!isFirst) note(event.event);
        },
      );
    } catch {
      // told by the banner below
    }
    if (signal.aborted) return;
    live.set({ connection: "lost" });
    await new Promise((resolve) => setTimeout(resolve, wait * (0.5 + Math.random())));
    wait = Math.min(LONGEST_WAIT_MS, wait * 2);
  }
}
