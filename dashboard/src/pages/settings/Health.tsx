import { useQuery } from "@tanstack/react-query";
import { RefreshCw } from "lucide-react";

import { api, data } from "@/api/client";
import { Asked } from "@/components/Asked";
import { Button } from "@/components/Button";
import { Status } from "@/components/Status";
import { useTranslate, word } from "@/i18n/translate";
import { useProject } from "@/shell/project";
import { inWords } from "./findings";

/** What `taskforge doctor` examines. */
export function Health() {
  const t = useTranslate();
  const { id } = useProject();
  const found = useQuery({
    queryKey: ["diagnosis", id],
    queryFn: () => data(api.GET("/api/v1/diagnosis", { params: { query: { project_id: id } } })),
    staleTime: 30_000,
  });
  return (
    <div className="flex flex-col">
      <div className="flex flex-wrap items-center gap-3 px-4 py-3">
        <p className="min-w-0 flex-1 text-[13px] text-muted max-sm:basis-full">{t("health.note")}</p>
        <Button icon={RefreshCw} disabled={found.isFetching} onClick={() => void found.refetch()}>
          {t("health.again")}
        </Button>
      </div>
      <Asked query={found} lines={8}>
        {(findings) => (
          <ul className="border-t border-line">
            {[...findings].sort((one, other) => rank(one.verdict) - rank(other.verdict)).map((finding) => ({ finding, ...inWords(finding) })).map(({ finding, detail, hint }, index) => (
              <li key={index} className="flex flex-wrap items-start gap-x-4 gap-y-1 border-b border-line/60 px-4 py-2 text-[13px] last:border-0">
                <span className="w-24 shrink-0">
                  <Status of={finding.verdict} />
                </span>
                <span className="w-32 shrink-0 font-medium">{word("health_check", finding.check.replaceAll(" ", "_"))}</span>
                <span className="flex min-w-0 flex-1 basis-64 flex-col">
                  <span className="untrusted">{detail}</span>
                  {hint && <span className="untrusted text-muted">{hint}</span>}
                </span>
              </li>
            ))}
          </ul>
        )}
      </Asked>
    </div>
  );
}

const rank = (verdict: string) => ["problem", "warning", "ok"].indexOf(verdict);
