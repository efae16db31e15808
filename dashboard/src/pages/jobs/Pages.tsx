import { ChevronLeft, ChevronRight } from "lucide-react";

import type { ListMeta } from "@/api/types";
import { Button } from "@/components/Button";
import { formatNumber, useTranslate } from "@/i18n/translate";
import { Export } from "./Export";
import { type JobsSearch, LAST_PAGE, PAGE_SIZE } from "./search";

interface Props {
  search: JobsSearch;
  meta: ListMeta;
  onGo: (place: Pick<JobsSearch, "page" | "cursor">) => void;
}

export function Pages({ search, meta, onGo }: Props) {
  const t = useTranslate();
  const page = search.page ?? 1;
  const isDeep = search.cursor !== undefined;
  function forth() {
    if (meta.page !== null && page < LAST_PAGE) onGo({ page: page + 1 });
    else onGo({ page: undefined, cursor: meta.next_cursor ?? undefined });
    window.scrollTo({ top: 0 });
  }
  function back() {
    if (isDeep) history.back();
    else onGo({ page: page > 2 ? page - 1 : undefined });
  }
  const total = meta.total_items ?? null;
  return (
    <nav aria-label={t("pages.label")} className="flex items-center gap-2 border-t border-line px-4 py-2 text-[13px] text-muted">
      <span className="flex-1" aria-live="polite">
        {total !== null &&
          t("pages.of", {
            from: (page - 1) * PAGE_SIZE + 1,
            to: Math.min(page * PAGE_SIZE, Math.max(total, page * PAGE_SIZE * Number(meta.has_more))),
            total: `${formatNumber(total)}${meta.total_capped ? "+" : ""}`,
          })}
      </span>
      <Export search={search} />
      <Button kind="quiet" icon={ChevronLeft} disabled={!isDeep && page === 1} onClick={back}>
        {t("pages.newer")}
      </Button>
      <Button kind="quiet" icon={ChevronRight} disabled={!meta.has_more} onClick={forth}>
        {t("pages.older")}
      </Button>
    </nav>
  );
}
