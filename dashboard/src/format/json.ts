const INDENTED_LEVELS = 30;

interface Place {
  rest: Iterator<[string | null, unknown]>;
  end: string;
  isEmpty: boolean;
}

/**
 * JSON over several lines, of which so many characters at most: however large or deep a value is, it takes no longer.
 * Deeper levels are no longer moved to the right, or their spaces would be most of the text.
 */
export function pretty(value: unknown, limit: number): { text: string; isCut: boolean } {
  const parts: string[] = [];
  const open: Place[] = [];
  let length = 0;
  const put = (part: string) => {
    parts.push(length + part.length > limit ? part.slice(0, Math.max(0, limit - length)) : part);
    length += part.length;
  };
  const line = () => put(`\n${"  ".repeat(Math.min(open.length, INDENTED_LEVELS))}`);
  const begin = (one: unknown) => {
    if (typeof one !== "object" || one === null) return put(scalar(one, limit - length));
    put(Array.isArray(one) ? "[" : "{");
    open.push(Array.isArray(one) ? { rest: elements(one), end: "]", isEmpty: true } : { rest: members(one), end: "}", isEmpty: true });
  };
  begin(value);
  while (open.length > 0 && length <= limit) {
    const place = open[open.length - 1] as Place;
    const next = place.rest.next();
    if (next.done === true) {
      open.pop();
      if (!place.isEmpty) line();
      put(place.end);
      continue;
    }
    if (!place.isEmpty) put(",");
    place.isEmpty = false;
    line();
    const [name, member] = next.value;
    if (name !== null) put(`${scalar(name, limit - length)}: `);
    begin(member);
  }
  return { text: parts.join(""), isCut: length > limit };
}

function scalar(value: unknown, room: number): string {
  // A longer text is cut anyway: it need not be escaped first.
  if (typeof value === "string" && value.length > room + 1) return JSON.stringify(value.slice(0, Math.max(1, room + 1)));
  return JSON.stringify(value) ?? "null";
}

function* elements(values: unknown[]): Generator<[null, unknown]> {
  for (const value of values) yield [null, value];
}

function* members(value: object): Generator<[string, unknown]> {
  for (const name in value) if (Object.hasOwn(value, name)) yield [name, (value as Record<string, unknown>)[name]];
}

/** All of it, on one line: for the clipboard, files and text areas that a value with line breaks would fill. */
export function whole(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "null";
  } catch {
    return pretty(value, Number.MAX_SAFE_INTEGER).text; // too deep for the browser's own
  }
}

const EDITED_CHARACTERS = 200_000;

/** As somebody edits it. */
export function editable(value: unknown): string {
  const { text, isCut } = pretty(value, EDITED_CHARACTERS);
  return isCut ? whole(value) : text;
}
