import { Check, Copy as CopyIcon } from "lucide-react";
import { useState } from "react";

import { useTranslate } from "@/i18n/translate";
import { IconButton } from "./Button";

/** Also works on plain HTTP, where the clipboard of the browser is locked. */
export async function copy(text: string): Promise<void> {
  if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "fixed top-0 opacity-0";
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

interface Props {
  text: string | (() => string);
  label?: string;
  className?: string;
}

export function Copy({ text, label, className }: Props) {
  const t = useTranslate();
  const [isDone, setDone] = useState(false);
  return (
    <IconButton
      icon={isDone ? Check : CopyIcon}
      label={label ?? t("action.copy")}
      className={className}
      onClick={(event) => {
        event.preventDefault();
        event.stopPropagation();
        void copy(typeof text === "string" ? text : text()).then(() => {
          setDone(true);
          setTimeout(() => setDone(false), 1500);
        });
      }}
    />
  );
}
