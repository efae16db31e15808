import type { Run } from "@/api/types";
import { absolute } from "@/format/time";
import { useTranslate, word } from "@/i18n/translate";

/** What became of one due time, in one word. */
export function fate(run: Run): string {
  return run.outcome === "fired" ? (run.status ?? "fired") : run.outcome;
}

// Height and filling tell them apart where colours do not.
const LOOKS: Record<string, string> = {
  succeeded: "h-4 bg-succeeded",
  failed: "h-4 bg-failed [clip-path:polygon(0_0,100%_0,100%_35%,0_35%,0_60%,100%_60%,100%_100%,0_100%)]",
  cancelled: "h-2 bg-cancelled",
  missed: "h-4 border border-dashed border-retrying",
  skipped: "h-2 border border-cancelled",
  processing: "h-3 bg-processing",
};

/** How the last due times went, the latest on the right. */
export function Strip({ runs }: { runs: Run[] | undefined }) {
  const t = useTranslate();
  if (runs === undefined) return <span className="text-muted">…</span>;
  if (runs.length === 0) return <span className="text-[13px] text-muted">{t("schedules.no_runs")}</span>;
  const count = (name: string) => runs.filter((run) => fate(run) === name).length;
  const said = ["succeeded", "failed", "missed", "skipped"].filter((name) => count(name) > 0).map((name) => `${count(name)} ${word("status", name).toLowerCase()}`);
  return (
    <span role="img" aria-label={said.join(", ") || t("schedules.no_runs")} className="inline-flex h-4 items-end gap-0.5">
      {[...runs].reverse().map((run) => (
        <span key={run.id} title={`${absolute(run.due_at)}: ${word("status", fate(run))}`} className={`w-1.5 rounded-[1px] ${LOOKS[fate(run)] ?? "h-1.5 bg-pending"}`} />
      ))}
    </span>
  );
}
