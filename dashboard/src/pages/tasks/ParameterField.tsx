import { Field } from "@/components/Field";
import { useTranslate } from "@/i18n/translate";
import type { Parameter } from "./schema";

interface Props {
  parameter: Parameter;
  text: string;
  onChange: (text: string) => void;
}

export function ParameterField({ parameter, text, onChange }: Props) {
  const t = useTranslate();
  const label = `${parameter.name}${parameter.isRequired ? " *" : ""}`;
  const hint = parameter.description ?? (parameter.isRequired ? undefined : t("enqueue.optional"));
  return (
    <Field label={label} hint={hint}>
      {parameter.kind === "yes" || parameter.kind === "choice" ? (
        <select className="field" value={text} onChange={(event) => onChange(event.target.value)}>
          {(parameter.kind === "yes" ? ["true", "false"] : parameter.choices).map((choice) => (
            <option key={choice} value={choice}>
              {choice}
            </option>
          ))}
        </select>
      ) : parameter.kind === "json" ? (
        <textarea rows={3} spellCheck={false} className="field h-auto! py-2 font-mono text-xs/5" value={text} onChange={(event) => onChange(event.target.value)} />
      ) : (
        <input
          className="field"
          type={parameter.kind === "text" ? "text" : "number"}
          step={parameter.kind === "integer" ? 1 : "any"}
          required={parameter.isRequired && parameter.kind !== "text"}
          value={text}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </Field>
  );
}
