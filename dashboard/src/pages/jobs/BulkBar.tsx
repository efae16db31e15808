import { Ban, RotateCw, Trash2 } from "lucide-react";
import { useState } from "react";

import { useAction } from "@/api/queries";
import { useSession } from "@/api/session";
import type { Job } from "@/api/types";
import { Button } from "@/components/Button";
import { Confirm } from "@/components/Dialog";
import { formatNumber, useTranslate } from "@/i18n/translate";
import { type Act, ACTS, allows } from "./acts";
import type { JobsSearch } from "./search";

interface Props {
  selected: Job[];
  search: JobsSearch;
  total: number | null;
  isCapped: boolean;
  onDone: () => void;
}

const AT_A_TIME = 6;

/** What can be done with the rows that are selected. */
export function BulkBar({ selected, onDone }: Props) {
  const t = useTranslate();
  const { may } = useSession();
  const action = useAction();
  const [act, setAct] = useState<Act | null>(null);
  if (selected.length === 0 || !may("job:write")) return null;
  const able = act === null ? [] : selected.filter((job) => allows(act, job));

  async function run(chosen: Act) {
    const waiting = [...able];
    await action(async () => {
      await Promise.all(
        Array.from({ length: AT_A_TIME }, async () => {
          for (let job = waiting.pop(); job !== undefined; job = waiting.pop()) await ACTS[chosen](job);
        }),
      );
    }, t(`bulk.${chosen}_done`, { count: able.length }));
    onDone();
  }

  return (
    <div className="sticky top-12 z-10 flex flex-wrap items-center gap-2 rounded-lg border border-accent/40 bg-raised px-3 py-2 shadow-sm">
      <span className="flex-1 text-[13px] font-medium" aria-live="polite">
        {t("bulk.selected", { count: selected.length })}
      </span>
      <Button icon={RotateCw} onClick={() => setAct("retry")}>
        {t("action.retry")}
      </Button>
      <Button icon={Ban} onClick={() => setAct("cancel")}>
        {t("action.cancel_job")}
      </Button>
      <Button kind="danger" icon={Trash2} onClick={() => setAct("delete")}>
        {t("action.delete")}
      </Button>
      <Button kind="quiet" onClick={onDone}>
        {t("bulk.clear")}
      </Button>
      <Confirm
        title={act === null ? "" : t(`bulk.${act}`)}
        isOpen={act !== null}
        onClose={() => setAct(null)}
        submit={act === null ? "" : t(`bulk.${act}`)}
        typed={act === "delete" ? String(able.length) : undefined}
        onConfirm={() => (act === null ? undefined : run(act))}
      >
        {act !== null && (
          <>
            <p>{t(`bulk.${act}_will`, { count: formatNumber(able.length) })}</p>
            {able.length < selected.length && (
              <p className="text-muted">{t("bulk.skips", { count: formatNumber(selected.length - able.length) })}</p>
            )}
          </>
        )}
      </Confirm>
    </div>
  );
}
