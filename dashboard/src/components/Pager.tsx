import { useTranslate } from "@/i18n/translate";
import { Button } from "./Button";

interface Props {
  page: number;
  hasMore: boolean;
  onGo: (page: number) => void;
  note?: string;
}

/** To the pages before and after; nothing where there is only one. */
export function Pager({ page, hasMore, onGo, note }: Props) {
  const t = useTranslate();
  if (page === 1 && !hasMore) return null;
  return (
    <nav aria-label={t("pages.label")} className="flex items-center justify-end gap-2 border-t border-line px-4 py-2">
      <span className="flex-1 text-[13px] text-muted" aria-live="polite">
        {note}
      </span>
      <Button kind="quiet" disabled={page === 1} onClick={() => onGo(page - 1)}>
        {t("pages.previous")}
      </Button>
      <Button kind="quiet" disabled={!hasMore} onClick={() => onGo(page + 1)}>
        {t("pages.next")}
      </Button>
    </nav>
  );
}
