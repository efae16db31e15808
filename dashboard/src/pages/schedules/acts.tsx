import { Play } from "lucide-react";

import { api, data, done } from "@/api/client";
import { useAction } from "@/api/queries";
import { useSession } from "@/api/session";
import type { Schedule } from "@/api/types";
import { Button } from "@/components/Button";
import { Switch } from "@/components/Switch";
import { useTranslate } from "@/i18n/translate";
import { useAt } from "./queries";

/** Enabled or not; for those who may change it a switch. */
export function Enabled({ schedule }: { schedule: Schedule }) {
  const t = useTranslate();
  const action = useAction();
  const { may } = useSession();
  const params = useAt(schedule.job_id);
  const enable = () => action(() => done(api.POST("/api/v1/scheduled-jobs/{schedule_name}/enable", { params })), t("schedules.enabled_said", { name: schedule.job_id }));
  const disable = () =>
    action(() => done(api.POST("/api/v1/scheduled-jobs/{schedule_name}/disable", { params })), t("schedules.disabled_said", { name: schedule.job_id }), {
      undo: () => void enable(),
    });
  return (
    <Switch
      label={t("schedules.enabled_of", { name: schedule.job_id })}
      isOn={schedule.enabled}
      isDisabled={!may("schedule:write")}
      onChange={(isOn) => void (isOn ? enable() : disable())}
    />
  );
}

/** Runs it now, enabled or not; what comes of it is seen in its history. */
export function RunNow({ schedule, kind = "quiet" }: { schedule: Schedule; kind?: "quiet" | "primary" }) {
  const t = useTranslate();
  const action = useAction();
  const { may } = useSession();
  const params = useAt(schedule.job_id);
  if (!may("schedule:execute")) return null;
  const run = () =>
    action(
      () => data(api.POST("/api/v1/scheduled-jobs/{schedule_name}/trigger", { params: { ...params, query: { ...params.query, wait: 0 } } })),
      t("schedules.triggered", { name: schedule.job_id }),
    );
  return (
    <Button kind={kind} icon={Play} onClick={() => void run()}>
      {t("schedules.run_now")}
    </Button>
  );
}
