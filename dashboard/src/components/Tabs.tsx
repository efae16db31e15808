import { type KeyboardEvent, useEffect, useRef } from "react";

interface Props<Name extends string> {
  label: string;
  tabs: { name: Name; label: string; count?: string | null }[];
  chosen: Name;
  onChoose: (name: Name) => void;
}

export function Tabs<Name extends string>({ label, tabs, chosen, onChoose }: Props<Name>) {
  const list = useRef<HTMLDivElement>(null);
  // On a narrow screen the chosen one may be outside of what is seen. The router puts back how far this was moved before: then comes this.
  useEffect(() => {
    const frame = requestAnimationFrame(() => {
      const { current } = list;
      const tab = current?.querySelector<HTMLElement>(`[data-tab="${chosen}"]`);
      if (current && tab) current.scrollLeft = Math.max(0, tab.offsetLeft + tab.offsetWidth / 2 - current.clientWidth / 2);
    });
    return () => cancelAnimationFrame(frame);
  }, [chosen]);
  function move(event: KeyboardEvent) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const place = tabs.findIndex((tab) => tab.name === chosen);
    const next = tabs[(place + step + tabs.length) % tabs.length];
    if (next === undefined) return;
    onChoose(next.name);
    list.current?.querySelector<HTMLElement>(`[data-tab="${next.name}"]`)?.focus();
  }
  return (
    <div ref={list} role="tablist" aria-label={label} className="relative flex gap-1 overflow-x-auto border-b border-line" onKeyDown={move}>
      {tabs.map((tab) => (
        <button
          key={tab.name}
          type="button"
          role="tab"
          data-tab={tab.name}
          aria-selected={tab.name === chosen}
          tabIndex={tab.name === chosen ? 0 : -1}
          onClick={() => onChoose(tab.name)}
          className={`-mb-px flex h-9 items-center gap-1.5 border-b-2 px-3 text-[13px] whitespace-nowrap ${
            tab.name === chosen ? "border-accent font-semibold text-ink" : "border-transparent text-muted hover:text-ink"
          }`}
        >
          {tab.label}
          {tab.count && <span className="rounded bg-hover px-1.5 text-xs font-normal text-muted">{tab.count}</span>}
        </button>
      ))}
    </div>
  );
}
