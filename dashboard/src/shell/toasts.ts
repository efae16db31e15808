import { ApiProblem } from "@/api/problem";
import { createStore } from "./store";

export interface Toast {
  id: number;
  text: string;
  kind: "done" | "wrong";
  undo?: () => void;
}

export const toasts = createStore<{ shown: Toast[] }>({ shown: [] });
const SECONDS = 7;
/** Who moves by keys, or hears what is shown, needs a while to get to the button. */
const SECONDS_TO_UNDO = 15;
let last = 0;
let isHeld = false;

/** While somebody points at them, or is among them, none goes away. */
export function holdToasts(isHolding: boolean): void {
  isHeld = isHolding;
}

function expire(id: number): void {
  if (isHeld) setTimeout(() => expire(id), 1000);
  else dismiss(id);
}

export function toast(text: string, options: { kind?: Toast["kind"]; undo?: () => void } = {}): void {
  const id = ++last;
  toasts.set({ shown: [...toasts.get().shown.slice(-3), { id, text, kind: options.kind ?? "done", undo: options.undo }] });
  setTimeout(() => expire(id), (options.undo ? SECONDS_TO_UNDO : SECONDS) * 1000);
}

export function dismiss(id: number): void {
  toasts.set({ shown: toasts.get().shown.filter((one) => one.id !== id) });
  if (toasts.get().shown.length === 0) isHeld = false;
}

/** The latest number that was given: what is told from now on has a larger one. */
export const lastToast = () => last;

/** What went wrong since then, to be said elsewhere than at the edge of the page. */
export function takeWrong(since: number): string | null {
  const wrong = toasts.get().shown.filter((one) => one.id > since && one.kind === "wrong");
  for (const one of wrong) dismiss(one.id);
  return wrong.at(-1)?.text ?? null;
}

export function tell(error: unknown): void {
  const hint = error instanceof ApiProblem && error.hint ? ` ${error.hint}` : "";
  toast(`${error instanceof Error ? error.message : String(error)}${hint}`, { kind: "wrong" });
}
