import { Download } from "lucide-react";
import { useState } from "react";

import { api, body } from "@/api/client";
import type { Job } from "@/api/types";
import { Button } from "@/components/Button";
import { csv, save } from "@/format/files";
import { formatNumber, useTranslate } from "@/i18n/translate";
import { useProject } from "@/shell/project";
import { tell, toast } from "@/shell/toasts";
import { filterQuery, type JobsSearch } from "./search";

const FIELDS = ["id", "status", "job_type", "queue_name", "priority", "attempt_count", "max_attempts", "failure", "key", "tags", "created_at", "scheduled_for", "processed_at", "completed_at"] as const;
const AT_ONCE = 200;
const MOST = 10_000;

/** The jobs of the filter as CSV, without their payloads. */
export function Export({ search }: { search: JobsSearch }) {
  const t = useTranslate();
  const { id } = useProject();
  const [read, setRead] = useState<number | null>(null);

  async function write() {
    const rows: (string | number | null)[][] = [];
    let cursor: string | undefined;
    let isMore = true;
    setRead(0);
    try {
      while (isMore && rows.length < MOST) {
        const query = { ...filterQuery(search, id), fields: FIELDS.join(), limit: AT_ONCE, ...(cursor === undefined ? { page: 1 } : { cursor }) };
        const { data, meta } = await body(api.GET("/api/v1/jobs", { params: { query } }));
        rows.push(...data.map(rowOf));
        cursor = meta.next_cursor ?? undefined;
        isMore = cursor !== undefined;
        setRead(rows.length);
      }
      save("jobs.csv", csv([...FIELDS], rows), "text/csv");
      if (isMore) toast(t("export.cut", { count: rows.length }));
    } catch (error) {
      tell(error);
    } finally {
      setRead(null);
    }
  }

  return (
    <Button kind="quiet" icon={Download} aria-label={t("export.label")} disabled={read !== null} onClick={() => void write()}>
      {read === null || read === 0 ? "CSV" : formatNumber(read)}
    </Button>
  );
}

const rowOf = (job: Job) => FIELDS.map((name) => (name === "tags" ? job.tags.join(" ") : job[name]));
