import { useEffect, useState } from "react";

import { absolute, duration, relative } from "@/format/time";
import { usePreferences } from "@/shell/preferences";

const listeners = new Set<() => void>();
setInterval(() => {
  for (const listener of listeners) listener();
}, 1000);

/** The present moment, anew each second. */
export function useNow(isTicking = true): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!isTicking) return;
    const tick = () => setNow(Date.now());
    listeners.add(tick);
    return () => void listeners.delete(tick);
  }, [isTicking]);
  return now;
}

/** How long ago, or how soon; hovering tells the moment itself in the chosen zone. */
export function Time({ at }: { at: string | null | undefined }) {
  usePreferences();
  const now = useNow(Boolean(at));
  if (!at) return <span className="text-muted">—</span>;
  return (
    <time dateTime={at} title={absolute(at)} className="whitespace-nowrap">
      {relative(at, now)}
    </time>
  );
}

/** How long something that began has taken so far. */
export function Running({ since }: { since: string }) {
  const now = useNow();
  return <span>{duration(Math.max(0, now - new Date(since).getTime()))}</span>;
}
