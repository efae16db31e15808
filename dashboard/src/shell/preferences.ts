import { createStore, useStore } from "./store";

export interface Preferences {
  theme: "system" | "light" | "dark";
  density: "comfortable" | "compact";
  language: "en" | "id";
  /** "local", "UTC", or an IANA name. */
  timeZone: string;
  /** Which columns the list of jobs shows; null for the usual ones. */
  jobColumns: string[] | null;
}

/** Also read by public/early.js, before the first paint. */
const NAME = "taskforge.preferences";

function stored(text?: string | null): Partial<Preferences> {
  try {
    return JSON.parse((text === undefined ? localStorage.getItem(NAME) : text) ?? "{}") as Partial<Preferences>;
  } catch {
    return {};
  }
}

export const preferences = createStore<Preferences>({
  theme: "system",
  density: "comfortable",
  language: navigator.language.startsWith("id") ? "id" : "en",
  timeZone: "local",
  jobColumns: null,
  ...stored(),
});

export const usePreferences = () => useStore(preferences);

const dark = matchMedia("(prefers-color-scheme: dark)");

export function isDark(): boolean {
  const { theme } = preferences.get();
  return theme === "dark" || (theme === "system" && dark.matches);
}

function apply(): void {
  const root = document.documentElement;
  root.classList.toggle("dark", isDark());
  root.classList.toggle("compact", preferences.get().density === "compact");
  root.lang = preferences.get().language;
}

preferences.subscribe(() => {
  apply();
  try {
    localStorage.setItem(NAME, JSON.stringify(preferences.get()));
  } catch {
    // the choice then lasts as long as the page
  }
});
dark.addEventListener("change", apply);

/** What is chosen in one tab holds in the others. */
export function whenChosenElsewhere(change: (chosen: Partial<Preferences>) => void): void {
  window.addEventListener("storage", (event) => {
    if (event.key === NAME) change(stored(event.newValue));
  });
}

export function nextTheme(): void {
  preferences.set({ theme: isDark() ? "light" : "dark" });
}
