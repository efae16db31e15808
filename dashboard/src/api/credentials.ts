/**
 * How requests say who asks: a cookie with its CSRF token, or an API key that lives as long as the browser's tabs.
 * A key is handed from tab to tab, never stored where it would outlive them.
 */
const KEY = "taskforge.key";
const HANDOVER_MS = 120;

let csrfToken: string | null = null;
const channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(KEY);

export const currentKey = () => sessionStorage.getItem(KEY);

export function keepKey(key: string | null): void {
  if (key === null) sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, key);
  tellOthers();
}

let isTold = false;
let takeBack = () => {};

/** A tab that has a key holds a lock, which ends with the tab: another one sees at once whether there is somebody to ask. */
function tellOthers(): void {
  const has = currentKey() !== null;
  if (has === isTold || !("locks" in navigator)) return;
  isTold = has;
  takeBack();
  if (has) void navigator.locks.request(KEY, { mode: "shared" }, () => new Promise<void>((resolve) => (takeBack = resolve)));
}

/** Where pages have no locks, over plain HTTP from another machine, there may be one. */
async function hasAnother(): Promise<boolean> {
  if (!("locks" in navigator)) return true;
  const { held = [] } = await navigator.locks.query();
  return held.some((lock) => lock.name === KEY);
}

export function rememberCsrfToken(token: string | null): void {
  csrfToken = token;
}

export function credentialHeaders(method: string): Record<string, string> {
  const key = currentKey();
  if (key !== null) return { Authorization: `Bearer ${key}` };
  return csrfToken !== null && method !== "GET" ? { "X-CSRF-Token": csrfToken } : {};
}

/** A key in the address (`/#key=...`, as `taskforge dev` prints it), or that of another tab. */
export async function findKey(): Promise<void> {
  const given = new URLSearchParams(location.hash.slice(1)).get("key");
  if (given !== null) {
    keepKey(given);
    history.replaceState(null, "", location.pathname + location.search);
  }
  if (currentKey() === null && channel !== null && (await hasAnother())) await askOtherTabs(channel);
  tellOthers();
}

function askOtherTabs(channel: BroadcastChannel): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      channel.removeEventListener("message", hear);
      clearTimeout(timer);
      resolve();
    };
    const hear = (event: MessageEvent<{ key?: string }>) => {
      if (typeof event.data.key !== "string") return;
      keepKey(event.data.key);
      end();
    };
    const timer = setTimeout(end, HANDOVER_MS);
    channel.addEventListener("message", hear);
    channel.postMessage({ wanted: true });
  });
}

channel?.addEventListener("message", (event: MessageEvent<{ wanted?: boolean }>) => {
  const key = currentKey();
  if (event.data.wanted && key !== null) channel.postMessage({ key });
});
