import { preferences } from "@/shell/preferences";

/** To make one takes a hundred times as long as to write something by it: each is made once. */
const made = new Map<string, unknown>();

function once<Format>(kind: string, options: object, make: () => Format): Format {
  const name = `${kind} ${JSON.stringify(options)}`;
  const found = (made.get(name) as Format | undefined) ?? make();
  made.set(name, found);
  return found;
}

/** How numbers are written in the chosen language. */
export function numbers(options: Intl.NumberFormatOptions = {}): Intl.NumberFormat {
  const { language } = preferences.get();
  return once(`number ${language}`, options, () => new Intl.NumberFormat(language, options));
}

/** How moments are written, in the chosen language if no other is given. */
export function moments(options: Intl.DateTimeFormatOptions, locale: string = preferences.get().language): Intl.DateTimeFormat {
  return once(`moment ${locale}`, options, () => new Intl.DateTimeFormat(locale, options));
}

/** How it is said how long ago something was. */
export function distances(options: Intl.RelativeTimeFormatOptions): Intl.RelativeTimeFormat {
  const { language } = preferences.get();
  return once(`distance ${language}`, options, () => new Intl.RelativeTimeFormat(language, options));
}
