import { CircleX } from "lucide-react";

import type { Execution } from "@/api/types";
import { Block } from "@/components/Json";
import { Panel } from "@/components/Page";
import { useTranslate, word } from "@/i18n/translate";

export function ErrorBox({ execution, failure }: { execution: Execution | undefined; failure: string | null }) {
  const t = useTranslate();
  if (execution === undefined) {
    return failure === null ? null : (
      <Panel className="border-failed/40">
        <span className="font-medium text-failed">{word("failure", failure)}</span>
      </Panel>
    );
  }
  return (
    <Panel
      className="border-failed/40"
      title={
        <span className="flex items-center gap-2 text-failed">
          <CircleX aria-hidden className="size-4 shrink-0" />
          <span className="untrusted">{execution.error_type}</span>
        </span>
      }
    >
      <Trace execution={execution} />
      {execution.error_message === null && <p className="text-muted">{t("job.hidden")}</p>}
    </Panel>
  );
}

export function Trace({ execution }: { execution: Execution }) {
  const t = useTranslate();
  return (
    <div className="flex flex-col gap-3">
      {execution.error_message !== null && <p className="untrusted line-clamp-6 font-medium whitespace-pre-wrap">{execution.error_message}</p>}
      {execution.traceback !== null && (
        <details>
          <summary className="text-[13px] text-accent">{t("job.traceback")}</summary>
          <div className="mt-2">
            <Block text={execution.traceback} />
          </div>
        </details>
      )}
    </div>
  );
}
