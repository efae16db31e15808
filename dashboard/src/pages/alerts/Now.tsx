import { BellOff } from "lucide-react";
import { useState } from "react";

import { useSession } from "@/api/session";
import type { Alert } from "@/api/types";
import { Asked } from "@/components/Asked";
import { Button } from "@/components/Button";
import { Empty } from "@/components/Notices";
import { Status } from "@/components/Status";
import { Time } from "@/components/Time";
import { useTranslate, word } from "@/i18n/translate";
import { figure } from "./figures";
import { useAlerts } from "./queries";
import { SilenceDialog } from "./SilenceDialog";

/** What fires, or may soon. */
export function Now() {
  const t = useTranslate();
  const { may } = useSession();
  const alerts = useAlerts();
  const [silenced, setSilenced] = useState<Alert | null>(null);
  return (
    <>
      <Asked query={alerts}>
        {(found) =>
          found.length === 0 ? (
            <Empty title={t("alerts.none")}>{t("alerts.none_hint")}</Empty>
          ) : (
            <ul>
              {found.map((alert) => (
                <li key={`${alert.rule_id} ${alert.subject}`} className="flex flex-wrap items-center gap-x-4 gap-y-1 border-b border-line/60 px-4 py-2.5 text-[13px] last:border-0">
                  <span className="w-24 shrink-0">
                    <Status of={alert.status} />
                  </span>
                  <span className="flex min-w-0 flex-1 basis-48 flex-col">
                    <span className="untrusted font-medium">
                      {alert.rule}
                      {alert.subject && ` · ${alert.subject}`}
                    </span>
                    <span className="text-xs text-muted">
                      {word("rule_kind", alert.kind)}: {t("alerts.value", { value: figure(alert.kind, alert.value), threshold: figure(alert.kind, alert.threshold) })}
                    </span>
                  </span>
                  {!alert.told && alert.status === "firing" && <span className="text-xs text-muted">{t("alerts.told_nobody")}</span>}
                  {alert.flaps > 0 && <span className="text-xs text-retrying">{t("alerts.flaps", { count: alert.flaps })}</span>}
                  <span className="text-xs text-muted">
                    <Time at={alert.since} />
                  </span>
                  {may("alert:write") && alert.status !== "recovered" && (
                    <Button kind="quiet" icon={BellOff} onClick={() => setSilenced(alert)}>
                      {t("silences.open")}
                    </Button>
                  )}
                </li>
              ))}
            </ul>
          )
        }
      </Asked>
      {silenced && <SilenceDialog rule={silenced.rule_id} subject={silenced.subject} onClose={() => setSilenced(null)} />}
    </>
  );
}
