import { Field } from "@/components/Field";
import { absolute } from "@/format/time";
import { prefer, useTranslate } from "@/i18n/translate";
import { type Preferences, usePreferences } from "@/shell/preferences";

const ZONES = ["local", "UTC", ...Intl.supportedValuesOf("timeZone").filter((zone) => zone !== "UTC")];

/** Kept in this browser. */
export function Appearance() {
  const t = useTranslate();
  const chosen = usePreferences();
  const set = (change: Partial<Preferences>) => void prefer(change);
  return (
    <div className="grid max-w-2xl gap-4 p-4 sm:grid-cols-2">
      <Field label={t("appearance.theme")}>
        <select className="field" value={chosen.theme} onChange={(event) => set({ theme: event.target.value as Preferences["theme"] })}>
          {(["system", "light", "dark"] as const).map((theme) => (
            <option key={theme} value={theme}>
              {t(`appearance.theme_${theme}`)}
            </option>
          ))}
        </select>
      </Field>
      <Field label={t("appearance.density")}>
        <select className="field" value={chosen.density} onChange={(event) => set({ density: event.target.value as Preferences["density"] })}>
          {(["comfortable", "compact"] as const).map((density) => (
            <option key={density} value={density}>
              {t(`appearance.density_${density}`)}
            </option>
          ))}
        </select>
      </Field>
      <Field label={t("appearance.language")}>
        <select className="field" value={chosen.language} onChange={(event) => set({ language: event.target.value as Preferences["language"] })}>
          <option value="en" lang="en">
            English
          </option>
          <option value="id" lang="id">
            Bahasa Indonesia
          </option>
        </select>
      </Field>
      <Field label={t("appearance.zone")} hint={t("appearance.zone_hint", { now: absolute(new Date()) })}>
        <select className="field" value={chosen.timeZone} onChange={(event) => set({ timeZone: event.target.value })}>
          {ZONES.map((zone) => (
            <option key={zone} value={zone}>
              {zone === "local" ? t("appearance.zone_local") : zone}
            </option>
          ))}
        </select>
      </Field>
    </div>
  );
}
