import { cloneElement, isValidElement, type ReactElement, type ReactNode, useId } from "react";

interface Props {
  label: string;
  hint?: string;
  error?: string | null;
  children: ReactNode;
}

/** A label around its input, with what helps to fill it in. */
export function Field({ label, hint, error, children }: Props) {
  const said = useId();
  return (
    <div className="flex min-w-0 flex-col gap-1">
      <label className="flex min-w-0 flex-col gap-1">
        <span className="text-[13px] font-medium">{label}</span>
        {hint || error ? described(children, said, Boolean(error)) : children}
      </label>
      {hint && !error && (
        <span id={said} className="text-xs text-muted">
          {hint}
        </span>
      )}
      {error && (
        <span id={said} role="alert" className="untrusted text-xs text-failed">
          {error}
        </span>
      )}
    </div>
  );
}

/** The input with a word to those who hear it: where its help is, and that something is wrong with it. */
function described(input: ReactNode, said: string, isWrong: boolean): ReactNode {
  if (!isValidElement(input) || typeof input.type !== "string") return input;
  return cloneElement(input as ReactElement<{ "aria-describedby"?: string; "aria-invalid"?: boolean }>, { "aria-describedby": said, "aria-invalid": isWrong || undefined });
}
