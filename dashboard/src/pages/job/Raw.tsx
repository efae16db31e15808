import { ROOT } from "@/api/root";
import type { Job } from "@/api/types";
import { Block, Json } from "@/components/Json";
import { useTranslate } from "@/i18n/translate";

export function Raw({ job }: { job: Job }) {
  const t = useTranslate();
  const address = `${location.origin}${ROOT}/api/v1/jobs/${job.id}`;
  return (
    <div className="flex flex-col gap-4">
      <section className="flex flex-col gap-1.5">
        <h2>{t("raw.curl")}</h2>
        <Block text={`curl -H "Authorization: Bearer $TASKFORGE_KEY" \\\n  ${address}`} />
      </section>
      <section className="flex flex-col gap-1.5">
        <h2>{t("raw.json")}</h2>
        <Json value={job} maxHeight="40rem" />
      </section>
    </div>
  );
}
