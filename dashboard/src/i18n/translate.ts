import { usePreferences, preferences } from "@/shell/preferences";
import en from "./en.json";
import id from "./id.json";

export type Key = keyof typeof en;
export type Values = Record<string, string | number>;
export type Translate = (key: Key, values?: Values) => string;

const CATALOGUES: Record<"en" | "id", Record<Key, string>> = { en, id };

export function translate(key: Key, values: Values = {}): string {
  const catalogue = CATALOGUES[preferences.get().language];
  const one = `${key}_one`;
  const text = values.count === 1 && one in catalogue ? catalogue[one as Key] : catalogue[key];
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    return value === undefined ? whole : typeof value === "number" ? formatNumber(value) : value;
  });
}

export function formatNumber(value: number): string {
  return value.toLocaleString(preferences.get().language);
}

/** Translates, and shows again when another language is chosen. */
export function useTranslate(): Translate {
  usePreferences();
  return translate;
}

/** The word for a value that comes from the server, or the value where there is none. */
export function word(prefix: string, value: string): string {
  const key = `${prefix}.${value}`;
  return key in en ? translate(key as Key) : value.replaceAll("_", " ");
}
