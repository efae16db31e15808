import { useEffect, useRef } from "react";

/** What each key does; `g j` is g and then j. Keys mean nothing where something is typed or a dialog is open. */
export type Shortcuts = Record<string, () => void>;

const SECOND_KEY_MS = 1200;

export function useShortcuts(shortcuts: Shortcuts): void {
  const known = useRef(shortcuts);
  known.current = shortcuts;
  useEffect(() => {
    let first = "";
    let timer: number | undefined;
    function press(event: KeyboardEvent) {
      if (event.key === "Enter" && isOnControl(event)) return;
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
      const keys = first === "" ? event.key : `${first} ${event.key}`;
      first = "";
      clearTimeout(timer);
      const action = known.current[keys];
      if (action !== undefined) {
        event.preventDefault();
        action();
      } else if (Object.keys(known.current).some((one) => one.startsWith(`${event.key} `))) {
        first = event.key;
        timer = window.setTimeout(() => (first = ""), SECOND_KEY_MS);
      }
    }
    window.addEventListener("keydown", press);
    return () => {
      window.removeEventListener("keydown", press);
      clearTimeout(timer);
    };
  }, []);
}

/** Enter presses the button or follows the link that has the focus. */
const isOnControl = ({ target }: KeyboardEvent) => target instanceof HTMLElement && target.closest("a, button, summary") !== null;

function isTyping(event: KeyboardEvent): boolean {
  const target = event.target;
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || target.closest("input, textarea, select, dialog") !== null;
}
