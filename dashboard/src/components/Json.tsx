import { Download } from "lucide-react";
import { useMemo, useState } from "react";

import { save } from "@/format/files";
import { pretty, whole } from "@/format/json";
import { useTranslate } from "@/i18n/translate";
import { Button } from "./Button";
import { Copy } from "./Copy";

const SHOWN_CHARACTERS = 20_000;
/** More than this is no longer read, it is searched: in a file. */
const MOST_CHARACTERS = 400_000;

/** A value from outside as text, with its order and nothing run: long ones are shown in part. */
export function Json({ value, maxHeight }: { value: unknown; maxHeight?: string }) {
  const [limit, setLimit] = useState(SHOWN_CHARACTERS);
  const { text, isCut } = useMemo(() => pretty(value, limit), [value, limit]);
  return <Shown text={text} isCut={isCut} isMost={limit >= MOST_CHARACTERS} more={() => setLimit(MOST_CHARACTERS)} whole={() => whole(value)} maxHeight={maxHeight} />;
}

export function Block({ text, maxHeight }: { text: string; maxHeight?: string }) {
  const [limit, setLimit] = useState(SHOWN_CHARACTERS);
  return (
    <Shown
      text={text.slice(0, limit)}
      isCut={text.length > limit}
      isMost={limit >= MOST_CHARACTERS}
      more={() => setLimit(MOST_CHARACTERS)}
      whole={() => text}
      maxHeight={maxHeight}
    />
  );
}

interface Props {
  text: string;
  isCut: boolean;
  isMost: boolean;
  more: () => void;
  whole: () => string;
  maxHeight?: string;
}

function Shown({ text, isCut, isMost, more, whole, maxHeight = "24rem" }: Props) {
  const t = useTranslate();
  return (
    <div className="relative min-w-0 rounded-md border border-line bg-panel">
      <Copy text={whole} className="absolute top-1 right-1" />
      <pre tabIndex={0} className="untrusted overflow-auto p-3 pr-10 font-mono text-xs/5 whitespace-pre-wrap" style={{ maxHeight }}>
        {visible(text)}
      </pre>
      {isCut && (
        <div className="flex flex-wrap items-center justify-center gap-2 border-t border-line p-1 text-xs text-muted">
          {t("json.cut", { count: text.length })}
          {!isMost && (
            <Button kind="quiet" onClick={more}>
              {t("json.show_more")}
            </Button>
          )}
          <Button kind="quiet" icon={Download} onClick={() => save("value.json", whole(), "application/json")}>
            {t("log.download")}
          </Button>
        </div>
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
