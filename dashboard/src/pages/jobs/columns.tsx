import { Columns3 } from "lucide-react";
import { useMemo, useState } from "react";

import { Button, IconButton } from "@/components/Button";
import { Choices } from "@/components/Choices";
import { Dialog } from "@/components/Dialog";
import { type Key, useTranslate } from "@/i18n/translate";
import { preferences, usePreferences } from "@/shell/preferences";

/** What a row says beside the status and the task. */
export const NAMES = {
  queue: "job.queue",
  attempt: "job.attempt",
  priority: "job.priority",
  wait: "job.wait",
  duration: "job.duration",
  created: "job.created",
  due: "job.scheduled_for",
  ended: "job.completed",
  tags: "job.tags",
  key: "job.key",
} as const satisfies Record<string, Key>;

export type ColumnName = keyof typeof NAMES;
const ALL = Object.keys(NAMES) as ColumnName[];
const USUAL: ColumnName[] = ["queue", "attempt", "priority", "wait", "duration", "created"];

/** Kept in this browser. */
export function useColumns(): ColumnName[] {
  const { jobColumns } = usePreferences();
  return useMemo(() => (jobColumns === null ? USUAL : ALL.filter((name) => jobColumns.includes(name))), [jobColumns]);
}

export function ColumnsButton() {
  const t = useTranslate();
  const [isOpen, setOpen] = useState(false);
  const chosen = useColumns();
  return (
    <>
      <IconButton icon={Columns3} label={t("columns.open")} onClick={() => setOpen(true)} />
      <Dialog title={t("columns.open")} isOpen={isOpen} onClose={() => setOpen(false)}>
        <div className="flex flex-col gap-4">
          <Choices
            legend={t("columns.shown")}
            options={ALL.map((name) => ({ value: name, label: t(NAMES[name]) }))}
            chosen={chosen}
            onChange={(jobColumns) => preferences.set({ jobColumns })}
          />
          <div className="flex justify-end gap-2">
            <Button kind="quiet" onClick={() => preferences.set({ jobColumns: null })}>
              {t("columns.usual")}
            </Button>
            <Button kind="primary" onClick={() => setOpen(false)}>
              {t("action.close")}
            </Button>
          </div>
        </div>
      </Dialog>
    </>
  );
}
