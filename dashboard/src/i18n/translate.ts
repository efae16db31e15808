import { numbers } from "@/format/formats";
import { preferences, type Preferences, whenChosenElsewhere, usePreferences } from "@/shell/preferences";
import type en from "./en.json";

export type Key = keyof typeof en;
export type Values = Record<string, string | number>;
export type Translate = (key: Key, values?: Values) => string;

type Language = Preferences["language"];
type Catalogue = Record<Key, string>;

/** Each language is a file of its own: who reads one does not wait for the other. */
const FILES: Record<Language, () => Promise<{ default: Catalogue }>> = {
  en: () => import("./en.json"),
  id: () => import("./id.json"),
};
let spoken = {} as Catalogue;
/** Another one for each language: what was made by it is made anew. */
let inThisLanguage: Translate = translate;

/** Has to be done before anything is shown in a language. */
export async function learn(language: Language = preferences.get().language): Promise<void> {
  spoken = (await FILES[language]()).default;
  inThisLanguage = (key, values) => translate(key, values);
}

/** Change preferences; another language holds as soon as its words are there, and not where they cannot be had. */
export async function prefer(change: Partial<Preferences>): Promise<void> {
  try {
    if (change.language !== undefined && change.language !== preferences.get().language) await learn(change.language);
  } catch {
    return;
  }
  preferences.set(change);
}
whenChosenElsewhere((change) => void prefer(change));

export function nextLanguage(): void {
  void prefer({ language: preferences.get().language === "en" ? "id" : "en" });
}

export function translate(key: Key, values: Values = {}): string {
  const one = `${key}_one`;
  const text = values.count === 1 && one in spoken ? spoken[one as Key] : spoken[key];
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    return value === undefined ? whole : typeof value === "number" ? formatNumber(value) : value;
  });
}

export function formatNumber(value: number): string {
  return numbers().format(value);
}

/** Translates, and shows again when another language is chosen. */
export function useTranslate(): Translate {
  usePreferences();
  return inThisLanguage;
}

/** What a code of the server says, or nothing where there is no sentence for it. */
export function said(prefix: string, code: string, values: Values): string | undefined {
  const key = `${prefix}.${code}`;
  return key in spoken ? translate(key as Key, values) : undefined;
}

/** The word for a value that comes from the server, or the value where there is none. */
export function word(prefix: string, value: string): string {
  const key = `${prefix}.${value}`;
  return key in spoken ? translate(key as Key) : value.replaceAll("_", " ");
}
