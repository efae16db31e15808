import { Ban, RotateCw, Trash2 } from "lucide-react";
import { useEffect, useState } from "react";

import { useSession } from "@/api/session";
import type { Job } from "@/api/types";
import { Button } from "@/components/Button";
import { formatNumber, useTranslate } from "@/i18n/translate";
import type { Act } from "./acts";
import { BulkDialog } from "./BulkDialog";
import { chosenBy, type JobsSearch } from "./search";

interface Props {
  selected: Job[];
  shown: number;
  search: JobsSearch;
  total: number | null;
  isCapped: boolean;
  onDone: () => void;
}

/** What can be done with the rows that are selected, or with all jobs that the filter chooses. */
export function BulkBar({ selected, shown, search, total, isCapped, onDone }: Props) {
  const t = useTranslate();
  const { caller, may } = useSession();
  const [act, setAct] = useState<Act | null>(null);
  const [isAll, setAll] = useState(false);
  useEffect(() => {
    if (selected.length === 0) setAll(false);
  }, [selected.length]);
  if (selected.length === 0 || !may("job:write") || caller.queue_ids !== null) return null;
  const all = `${formatNumber(total ?? 0)}${isCapped ? "+" : ""}`;
  const mayTakeAll = selected.length === shown && total !== null && total > shown;
  const takesAll = isAll && mayTakeAll;
  const clear = () => {
    setAll(false);
    onDone();
  };
  return (
    <div className="sticky top-12 z-10 flex flex-wrap items-center gap-2 rounded-lg border border-accent/40 bg-raised px-3 py-2 shadow-sm">
      <span className="text-[13px] font-medium" aria-live="polite">
        {takesAll ? t("bulk.all_selected", { count: all }) : t("bulk.selected", { count: selected.length })}
      </span>
      {mayTakeAll && (
        <button type="button" className="text-[13px] text-accent hover:underline" onClick={() => setAll(!takesAll)}>
          {takesAll ? t("bulk.only_page") : t("bulk.take_all", { count: all })}
        </button>
      )}
      <span className="flex-1" />
      <Button icon={RotateCw} onClick={() => setAct("retry")}>
        {t("action.retry")}
      </Button>
      <Button icon={Ban} onClick={() => setAct("cancel")}>
        {t("action.cancel_job")}
      </Button>
      <Button kind="danger" icon={Trash2} onClick={() => setAct("delete")}>
        {t("action.delete")}
      </Button>
      <Button kind="quiet" onClick={clear}>
        {t("bulk.clear")}
      </Button>
      {act !== null && (
        <BulkDialog
          act={act}
          chosen={takesAll ? chosenBy(search) : { ids: selected.map((job) => job.id) }}
          onClose={() => setAct(null)}
          onBegun={clear}
        />
      )}
    </div>
  );
}
