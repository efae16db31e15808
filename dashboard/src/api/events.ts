import { credentialHeaders } from "./credentials";
import { ROOT } from "./root";

export interface ServerEvent {
  id: string | null;
  event: string;
  data: string;
}

/** Reads one stream of server-sent events until it ends. Throws when it cannot be opened or breaks off. */
export async function readEvents(
  path: string,
  options: { signal: AbortSignal; lastEventId?: string | null; onOpen?: () => void },
  onEvent: (event: ServerEvent) => void,
): Promise<void> {
  const headers: Record<string, string> = { Accept: "text/event-stream", ...credentialHeaders("GET") };
  if (options.lastEventId) headers["Last-Event-ID"] = options.lastEventId;
  const response = await fetch(ROOT + path, { headers, signal: options.signal, credentials: "same-origin", cache: "no-store" });
  if (!response.ok || response.body === null) throw new Error(`HTTP ${response.status}`);
  options.onOpen?.();
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n\n");
    rest = parts.pop() ?? "";
    for (const part of parts) {
      const event = parse(part);
      if (event !== null) onEvent(event);
    }
  }
}

function parse(text: string): ServerEvent | null {
  const found: ServerEvent = { id: null, event: "message", data: "" };
  let isEvent = false;
  for (const line of text.split("\n")) {
    const [name, value] = split(line);
    if (name === "id") found.id = value;
    else if (name === "event") found.event = value;
    else if (name === "data") found.data += value;
    else continue;
    isEvent = true;
  }
  return isEvent ? found : null;
}

function split(line: string): [string, string] {
  const colon = line.indexOf(":");
  if (colon < 0) return [line, ""];
  return [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, "")];
}
