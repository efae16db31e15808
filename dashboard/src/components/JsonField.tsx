import { Field } from "./Field";

/** What the text is as JSON, or where it goes wrong. */
export function parseJson(text: string): { value: unknown; fault: string | null } {
  try {
    return { value: JSON.parse(text) as unknown, fault: null };
  } catch (error) {
    return { value: undefined, fault: error instanceof Error ? error.message : String(error) };
  }
}

interface Props {
  label: string;
  value: string;
  onChange: (text: string) => void;
  rows?: number;
  hint?: string;
}

export function JsonField({ label, value, onChange, rows = 8, hint }: Props) {
  return (
    <Field label={label} hint={hint} error={parseJson(value).fault}>
      <textarea
        rows={rows}
        spellCheck={false}
        className="field h-auto! py-2 font-mono text-xs/5"
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
    </Field>
  );
}
