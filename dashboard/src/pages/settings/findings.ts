import type { Finding } from "@/api/types";
import { absolute } from "@/format/time";
import { formatNumber, said, type Values } from "@/i18n/translate";

/** What was found and what mends it, in the chosen language; in the server's own words where it says something new. */
export function inWords({ code, details, detail, hint }: Finding) {
  const values: Values = Object.fromEntries(Object.entries(details).map(([name, value]) => [name, shown(name, value)]));
  return { detail: said("health_said", code ?? "", values) ?? detail, hint: hint && (said("health_hint", code ?? "", values) ?? hint) };
}

function shown(name: string, value: unknown): string {
  if (name === "at") return absolute(String(value));
  if (typeof value === "number") return formatNumber(value);
  if (Array.isArray(value)) return value.map((one) => shown("", one)).join(", ");
  if (typeof value !== "object" || value === null) return String(value);
  return Object.entries(value).map(([key, one]) => `${key} (${shown("", one)})`).join(", ");
}
