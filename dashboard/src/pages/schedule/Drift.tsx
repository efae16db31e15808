import { Undo2 } from "lucide-react";

import { api, done } from "@/api/client";
import { useAction } from "@/api/queries";
import { useSession } from "@/api/session";
import type { Schedule } from "@/api/types";
import { Button } from "@/components/Button";
import { visible } from "@/components/Json";
import { Panel } from "@/components/Page";
import { ActionsHead, Cell, Head, Row, Table } from "@/components/Table";
import { whole } from "@/format/json";
import { useTranslate, word } from "@/i18n/translate";
import { type Change, useAt } from "@/pages/schedules/queries";

const WORDS = new Set(["missed", "overlap", "on_holiday"]);

/** A value as people read it. */
const said = (name: string, value: unknown) => (typeof value !== "string" ? visible(whole(value)) : WORDS.has(name) ? word(name, value) : visible(value));

/** What operators changed of what the code says, and the way back. */
export function Drift({ schedule }: { schedule: Schedule }) {
  const t = useTranslate();
  const action = useAction();
  const { may } = useSession();
  const params = useAt(schedule.job_id);
  const names = Object.keys(schedule.drift);
  if (names.length === 0) return null;
  const present = schedule as unknown as Record<string, unknown>;
  const back = (name: string) =>
    action(() => done(api.PATCH("/api/v1/scheduled-jobs/{schedule_name}", { params, body: { [name]: null } as Change })), t("schedules.saved"));
  const reset = () => action(() => done(api.POST("/api/v1/scheduled-jobs/{schedule_name}/reset", { params })), t("drift.reset_said"));
  return (
    <Panel
      title={t("drift.title")}
      isFlush
      className="border-retrying/40"
      actions={
        may("schedule:write") && (
          <Button kind="quiet" icon={Undo2} onClick={() => void reset()}>
            {t("drift.reset")}
          </Button>
        )
      }
    >
      <Table label={t("drift.title")}>
        <thead>
          <tr>
            <Head>{t("drift.field")}</Head>
            <Head>{t("drift.code")}</Head>
            <Head>{t("drift.now")}</Head>
            <ActionsHead />
          </tr>
        </thead>
        <tbody>
          {names.map((name) => (
            <Row key={name}>
              <Cell>{word("field", name)}</Cell>
              <Cell className="untrusted max-w-80 truncate text-xs text-muted">{schedule.drift[name] == null ? t("choice.default") : said(name, schedule.drift[name])}</Cell>
              <Cell className="untrusted max-w-80 truncate text-xs">{present[name] == null ? t("choice.default") : said(name, present[name])}</Cell>
              <Cell className="text-right">
                {may("schedule:write") && (
                  <Button kind="quiet" onClick={() => void back(name)}>
                    {t("drift.back")}
                  </Button>
                )}
              </Cell>
            </Row>
          ))}
        </tbody>
      </Table>
    </Panel>
  );
}
