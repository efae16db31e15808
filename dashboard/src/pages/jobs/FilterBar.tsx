import { ListFilter, X } from "lucide-react";
import { type KeyboardEvent, useId, useState } from "react";

import { useTranslate } from "@/i18n/translate";
import { jobIdIn } from "@/format/ids";
import { type Chip, type FilterName, parseChip, useSuggestions } from "./filters";

interface Props {
  chips: Chip[];
  onChange: (name: FilterName, text: string) => void;
  /** Whoever enters the id of a job wants to see it. */
  onJob: (id: string) => void;
}

export function FilterBar({ chips, onChange, onJob }: Props) {
  const t = useTranslate();
  const [text, setText] = useState("");
  const [place, setPlace] = useState(-1);
  const [isOpen, setOpen] = useState(false);
  const list = useId();
  const suggestions = useSuggestions(text);
  const isListed = isOpen && suggestions.length > 0;

  function add(written: string) {
    const isHead = written.endsWith(":") || written === "args.";
    if (isHead) {
      setText(written);
      setPlace(-1);
      return;
    }
    setOpen(false);
    const id = jobIdIn(written);
    if (id !== null) return onJob(id);
    const chip = parseChip(written);
    if (chip !== null) onChange(chip.name, chip.text);
    setText("");
    setPlace(-1);
  }

  function press(event: KeyboardEvent<HTMLInputElement>) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined && isListed) {
      event.preventDefault();
      setPlace((place + step + suggestions.length) % suggestions.length);
    } else if (event.key === "Enter") {
      event.preventDefault();
      add(suggestions[place] ?? text);
    } else if (event.key === "Escape") {
      setOpen(false);
      event.currentTarget.blur();
    } else if (event.key === "Backspace" && text === "") {
      const last = chips.at(-1);
      if (last) onChange(last.name, "");
    }
  }

  return (
    <div className="relative min-w-0 flex-1">
      <div className="flex min-h-8 flex-wrap items-center gap-1.5 rounded-md border border-strong-line/70 bg-bg px-2 py-1 focus-within:outline-2 focus-within:outline-accent">
        <ListFilter aria-hidden className="size-4 text-muted" />
        {chips.map((chip) => (
          <span key={chip.name} className="inline-flex h-7 max-w-full items-center gap-1 rounded bg-accent/10 pl-2 text-xs">
            <span className="text-muted">{chip.name}:</span>
            <span className="untrusted truncate font-medium">{chip.text}</span>
            <button
              type="button"
              aria-label={t("filter.remove", { name: chip.name })}
              className="flex size-7 items-center justify-center rounded hover:bg-accent/15"
              onClick={() => onChange(chip.name, "")}
            >
              <X aria-hidden className="size-3" />
            </button>
          </span>
        ))}
        <input
          data-filter
          role="combobox"
          aria-label={t("filter.label")}
          aria-expanded={isListed}
          aria-controls={list}
          aria-activedescendant={isListed && place >= 0 ? `${list}-${place}` : undefined}
          placeholder={chips.length === 0 ? t("filter.hint") : ""}
          className="h-6 min-w-40 flex-1 bg-transparent text-[13px] outline-none placeholder:text-muted"
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            setOpen(true);
          }}
          onFocus={() => setOpen(true)}
          onBlur={() => setTimeout(() => setOpen(false), 150)}
          onKeyDown={press}
        />
      </div>
      <ul
        id={list}
        role="listbox"
        aria-label={t("filter.label")}
        hidden={!isListed}
        className="absolute z-20 mt-1 w-full max-w-md rounded-lg border border-line bg-raised p-1 shadow-lg"
      >
        {suggestions.map((suggestion, index) => (
          <li
            key={suggestion}
            id={`${list}-${index}`}
            role="option"
            aria-selected={index === place}
            className={`untrusted truncate rounded px-2 py-1 text-[13px] ${index === place ? "bg-hover" : ""}`}
            onMouseDown={(event) => {
              event.preventDefault();
              add(suggestion);
            }}
          >
            {suggestion}
          </li>
        ))}
      </ul>
    </div>
  );
}
