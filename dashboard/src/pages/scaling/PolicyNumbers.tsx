import type { Policy } from "@/api/types";
import { Field } from "@/components/Field";
import { word } from "@/i18n/translate";

const NUMBERS = [
  "min_workers",
  "max_workers",
  "target_queue_length",
  "target_worker_utilization",
  "target_age_seconds",
  "scale_up_threshold",
  "scale_down_threshold",
  "scale_up_cooldown",
  "scale_down_cooldown",
] as const;

type PolicyNumber = (typeof NUMBERS)[number];

/** What was typed, by field; one that is missing was not touched. */
export type Texts = Partial<Record<PolicyNumber, string>>;

interface Props {
  texts: Texts;
  onChange: (texts: Texts) => void;
  valueOf: (name: PolicyNumber) => string;
  placeholderOf: (name: PolicyNumber) => string;
  faultOf: (name: string) => string | undefined;
}

/** The numbers of a policy. */
export function PolicyNumbers({ texts, onChange, valueOf, placeholderOf, faultOf }: Props) {
  return (
    <div className="fields grid grid-cols-2 gap-3 sm:grid-cols-3">
      {NUMBERS.map((name) => (
        <Field key={name} label={word("policy", name)} error={faultOf(name)}>
          <input
            className="field min-w-0"
            type="number"
            min={0}
            placeholder={placeholderOf(name)}
            value={texts[name] ?? valueOf(name)}
            onChange={(event) => onChange({ ...texts, [name]: event.target.value })}
          />
        </Field>
      ))}
    </div>
  );
}

/** What a policy says of one of them, as it is written. */
export function written(policy: Policy | null | undefined, name: PolicyNumber): string {
  return policy?.[name] == null ? "" : String(policy[name]);
}
