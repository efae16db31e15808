import { useMemo, useState } from "react";

import { useTranslate } from "@/i18n/translate";
import { Copy } from "./Copy";

const SHOWN_CHARACTERS = 20_000;

/** A value from outside as text, with its order and nothing run: long ones are shown in part. */
export function Json({ value, maxHeight = "24rem" }: { value: unknown; maxHeight?: string }) {
  const text = useMemo(() => JSON.stringify(value, null, 2) ?? "null", [value]);
  return <Block text={text} maxHeight={maxHeight} />;
}

export function Block({ text, maxHeight = "24rem" }: { text: string; maxHeight?: string }) {
  const t = useTranslate();
  const [isWhole, setWhole] = useState(false);
  const isLong = text.length > SHOWN_CHARACTERS;
  const shown = isLong && !isWhole ? text.slice(0, SHOWN_CHARACTERS) : text;
  return (
    <div className="relative rounded-md border border-line bg-panel">
      <Copy text={text} className="absolute top-1 right-1" />
      <pre
        tabIndex={0}
        className="untrusted overflow-auto p-3 pr-10 font-mono text-xs/5 whitespace-pre-wrap"
        style={{ maxHeight }}
      >
        {visible(shown)}
      </pre>
      {isLong && !isWhole && (
        <button type="button" className="w-full border-t border-line p-1.5 text-xs text-accent" onClick={() => setWhole(true)}>
          {t("json.show_all", { count: text.length })}
        </button>
      )}
    </div>
  );
}

// Escape sequences of terminals, and the marks that turn the direction of text around.
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\u202a-\u202e\u2066-\u2069]/g;
const ANSI = /\u001b\[[0-9;]*[A-Za-z]/g;

/** Text without what would act instead of being read: colours of terminals go, other controls become visible. */
export function visible(text: string): string {
  return text.replace(ANSI, "").replace(CONTROL, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : `<U+${code.toString(16).toUpperCase().padStart(4, "0")}>`;
  });
}
