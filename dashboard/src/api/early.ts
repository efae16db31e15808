import { currentKey } from "./credentials";

declare global {
  interface Window {
    /** Asked for by public/early.js, before the program came. */
    taskforgeCaller?: { key: string | null; answer: Promise<Response> };
  }
}

/** Sends a request; the first one that asks who is logged in takes the answer that was asked for early, if by the same key. */
export async function askedEarly(request: Request): Promise<Response> {
  const early = window.taskforgeCaller;
  delete window.taskforgeCaller;
  if (early === undefined || early.key !== currentKey()) return fetch(request);
  return early.answer.catch(() => fetch(request));
}
