import { ArrowDown, ArrowUp, Minus } from "lucide-react";

/** Which way the number of workers goes. */
export function Arrow({ action }: { action: string | null }) {
  if (action === "scale_up") return <ArrowUp aria-hidden className="size-3.5 text-processing" />;
  if (action === "scale_down") return <ArrowDown aria-hidden className="size-3.5 text-retrying" />;
  return <Minus aria-hidden className="size-3.5 text-muted" />;
}
