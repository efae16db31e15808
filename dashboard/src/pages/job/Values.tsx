import { useSession } from "@/api/session";
import type { Job } from "@/api/types";
import { Json } from "@/components/Json";
import { useTranslate } from "@/i18n/translate";
import { useResult } from "./queries";
import { hiddenIn } from "./redaction";

export function Values({ job }: { job: Job }) {
  const t = useTranslate();
  const { caller, may } = useSession();
  const result = useResult(job.id, job.status === "succeeded");
  if (!may("payload:read")) return <p className="text-muted">{t("job.hidden")}</p>;
  const hidden = hiddenIn([job.payload, job.state, result.data?.output], caller);
  return (
    <div className="flex flex-col gap-4">
      {hidden.length > 0 && <p className="untrusted text-[13px] text-muted">{t("job.redacted", { names: hidden.join(", ") })}</p>}
      <Part name={t("job.payload")} value={job.payload} />
      {result.data && <Part name={t("job.result")} value={result.data.output} />}
      {job.state !== null && <Part name={t("job.state")} value={job.state} />}
    </div>
  );
}

function Part({ name, value }: { name: string; value: unknown }) {
  return (
    <section className="flex flex-col gap-1.5">
      <h2>{name}</h2>
      <Json value={value} />
    </section>
  );
}
