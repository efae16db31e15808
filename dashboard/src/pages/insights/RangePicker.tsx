import { Field } from "@/components/Field";
import { useTranslate } from "@/i18n/translate";
import { HOURS, type InsightsSearch, span } from "./range";

/** The last so many hours, or a span of one's own. */
export function RangePicker({ search, onChange }: { search: InsightsSearch; onChange: (search: InsightsSearch) => void }) {
  const t = useTranslate();
  const isOwn = search.from !== undefined && search.to !== undefined;
  const { from, to } = span(search);
  return (
    <div className="flex flex-wrap items-end gap-2">
      {isOwn && (
        <>
          <Field label={t("backfill.since")}>
            <input className="field text-[13px]" type="datetime-local" value={from} max={to} onChange={(event) => event.target.value && onChange({ from: event.target.value, to })} />
          </Field>
          <Field label={t("backfill.until")}>
            <input className="field text-[13px]" type="datetime-local" value={to} min={from} onChange={(event) => event.target.value && onChange({ from, to: event.target.value })} />
          </Field>
        </>
      )}
      <select
        aria-label={t("overview.period")}
        className="field text-[13px]"
        value={isOwn ? "own" : (search.hours ?? 24)}
        onChange={(event) => onChange(event.target.value === "own" ? { from, to } : { hours: HOURS.find((hours) => String(hours) === event.target.value) })}
      >
        {HOURS.map((hours) => (
          <option key={hours} value={hours}>
            {t(`insights.last_${hours}`)}
          </option>
        ))}
        <option value="own">{t("insights.own")}</option>
      </select>
    </div>
  );
}
