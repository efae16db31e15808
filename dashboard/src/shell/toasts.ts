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
let last = 0;

export function toast(text: string, options: { kind?: Toast["kind"]; undo?: () => void } = {}): void {
  const id = ++last;
  toasts.set({ shown: [...toasts.get().shown.slice(-3), { id, text, kind: options.kind ?? "done", undo: options.undo }] });
  setTimeout(() => dismiss(id), SECONDS * 1000);
}

export function dismiss(id: number): void {
  toasts.set({ shown: toasts.get().shown.filter((one) => one.id !== id) });
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
