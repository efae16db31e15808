import { CircleHelp } from "lucide-react";

import { Asked } from "@/components/Asked";
import { Panel } from "@/components/Page";
import { useTranslate, word } from "@/i18n/translate";
import { sentence } from "./obstacles";
import { useWhy } from "./queries";

/** What stands in its way, what counts most first. */
export function WhyNot({ jobId }: { jobId: string }) {
  const t = useTranslate();
  const why = useWhy(jobId, true);
  return (
    <Panel
      title={
        <span className="flex items-center gap-2">
          <CircleHelp aria-hidden className="size-4 text-scheduled" />
          {t("why.title")}
        </span>
      }
      className="border-scheduled/40"
    >
      <Asked query={why} lines={2}>
        {({ obstacles }) => (
          <ul className="flex flex-col gap-2">
            {obstacles.map((obstacle) => (
              <li key={obstacle.code} className="flex flex-col gap-0.5">
                <span className="font-medium">{word("why", obstacle.code)}</span>
                <span className="untrusted text-[13px] text-muted">{sentence(obstacle, t)}</span>
              </li>
            ))}
          </ul>
        )}
      </Asked>
    </Panel>
  );
}
