/** The parameters of a task, as far as a form can ask for them; anything else is asked for as JSON. */
export interface Parameter {
  name: string;
  kind: "text" | "integer" | "number" | "yes" | "choice" | "json";
  choices: string[];
  isRequired: boolean;
  standard: unknown;
  description: string | undefined;
}

type Schema = Record<string, unknown>;

const isObject = (value: unknown): value is Schema => typeof value === "object" && value !== null && !Array.isArray(value);

export function parametersOf(schema: unknown): Parameter[] {
  if (!isObject(schema) || !isObject(schema.properties)) return [];
  const required = new Set(Array.isArray(schema.required) ? schema.required.map(String) : []);
  return Object.entries(schema.properties).map(([name, found]) => {
    const property = isObject(found) ? found : {};
    const choices = Array.isArray(property.enum) && property.enum.every((one) => typeof one === "string") ? property.enum.map(String) : [];
    return {
      name,
      kind: choices.length > 0 ? "choice" : kindOf(property.type),
      choices,
      isRequired: required.has(name),
      standard: property.default,
      description: typeof property.description === "string" ? property.description : undefined,
    };
  });
}

function kindOf(type: unknown): Parameter["kind"] {
  if (type === "string") return "text";
  if (type === "boolean") return "yes";
  return type === "integer" || type === "number" ? type : "json";
}

/** What was typed for a parameter. Throws a SyntaxError where it is no such value. */
export function valueOf(parameter: Parameter, text: string): unknown {
  if (parameter.kind === "text" || parameter.kind === "choice") return text;
  if (parameter.kind === "yes") return text === "true";
  if (parameter.kind === "json") return JSON.parse(text) as unknown;
  // A long integer keeps its digits: JSON has no bound, numbers of JavaScript do.
  const value = Number(text);
  if (text.trim() === "" || Number.isNaN(value)) throw new SyntaxError(`${text}`);
  if (parameter.kind === "integer" && !Number.isSafeInteger(value)) throw new SyntaxError(`${text}`);
  return value;
}

export function startText(parameter: Parameter): string {
  if (parameter.standard === undefined) return parameter.kind === "yes" ? "false" : "";
  return parameter.kind === "json" ? JSON.stringify(parameter.standard) : String(parameter.standard);
}
