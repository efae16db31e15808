import type { ReactNode } from "react";

export function Section({ note, action, children }: { note: string; action: ReactNode; children: ReactNode }) {
  return (
    <div className="flex flex-col">
      <div className="flex flex-wrap items-center gap-3 px-4 py-3">
        <p className="min-w-0 flex-1 text-[13px] text-muted">{note}</p>
        {action}
      </div>
      {children}
    </div>
  );
}
