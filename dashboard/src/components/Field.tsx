import type { ReactNode } from "react";

interface Props {
  label: string;
  hint?: string;
  error?: string | null;
  children: ReactNode;
}

/** A label around its input, with what helps to fill it in. */
export function Field({ label, hint, error, children }: Props) {
  return (
    <div className="flex min-w-0 flex-col gap-1">
      <label className="flex min-w-0 flex-col gap-1">
        <span className="text-[13px] font-medium">{label}</span>
        {children}
      </label>
      {hint && !error && <span className="text-xs text-muted">{hint}</span>}
      {error && (
        <span role="alert" className="untrusted text-xs text-failed">
          {error}
        </span>
      )}
    </div>
  );
}
