import { type ReactNode, useId } from "react";

interface Props {
  legend: string;
  options: { value: string; label: string }[];
  chosen: string[];
  onChange: (chosen: string[]) => void;
  hint?: ReactNode;
  error?: string | null;
}

/** Some of several: a box for each. What is chosen keeps the order in which it is offered. */
export function Choices({ legend, options, chosen, onChange, hint, error }: Props) {
  const said = useId();
  const set = (value: string, isOn: boolean) =>
    onChange(options.map((one) => one.value).filter((one) => (one === value ? isOn : chosen.includes(one))));
  return (
    <fieldset className="flex min-w-0 flex-col gap-1" aria-describedby={hint || error ? said : undefined}>
      <legend className="mb-1 text-[13px] font-medium">{legend}</legend>
      <div className="flex flex-wrap gap-x-4 gap-y-1">
        {options.map(({ value, label }) => (
          <label key={value} className="untrusted flex min-h-6 items-center gap-2 text-[13px]">
            <input type="checkbox" className="size-4 shrink-0 accent-accent" checked={chosen.includes(value)} onChange={(event) => set(value, event.target.checked)} />
            {label}
          </label>
        ))}
      </div>
      {(hint || error) && (
        <span id={said} role={error ? "alert" : undefined} className={`untrusted text-xs ${error ? "text-failed" : "text-muted"}`}>
          {error ?? hint}
        </span>
      )}
    </fieldset>
  );
}
