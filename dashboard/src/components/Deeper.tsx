import { useCanGoBack } from "@tanstack/react-router";

import { useTranslate } from "@/i18n/translate";
import { Button } from "./Button";

interface Props {
  /** Where in the list this page begins; nothing at its head. */
  place: string | undefined;
  /** Where the next page begins; nothing at the end. */
  next: string | null | undefined;
  onGo: (place: string | undefined) => void;
}

/** The way on through a list that goes by cursor. The place stands in the address: whoever comes back is where they were. */
export function Deeper({ place, next, onGo }: Props) {
  const t = useTranslate();
  const canGoBack = useCanGoBack();
  if (!place && !next) return null;
  return (
    <nav aria-label={t("pages.label")} className="flex items-center justify-end gap-2 border-t border-line px-4 py-2">
      {place && (
        <Button kind="quiet" onClick={() => (canGoBack ? history.back() : onGo(undefined))}>
          {t("pages.newer")}
        </Button>
      )}
      <Button kind="quiet" disabled={!next} onClick={() => onGo(next ?? undefined)}>
        {t("pages.older")}
      </Button>
    </nav>
  );
}
