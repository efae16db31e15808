import type { ReactNode } from "react";

interface Props {
  name: string;
  value: ReactNode;
  note?: ReactNode;
  isBad?: boolean;
}

/** One number that says how things are. */
export function Figure({ name, value, note, isBad = false }: Props) {
  return (
    <div role="group" aria-label={name} className="flex min-w-0 flex-col gap-0.5 rounded-lg border border-line bg-bg px-4 py-3">
      <span aria-hidden className="text-xs text-muted">{name}</span>
      <span className={`truncate text-2xl/8 font-semibold tracking-tight ${isBad ? "text-failed" : ""}`}>{value}</span>
      <span className="text-xs text-muted">{note ?? "\u00a0"}</span>
    </div>
  );
}
