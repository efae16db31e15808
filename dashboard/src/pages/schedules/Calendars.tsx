import { useState } from "react";

import { api, data, done } from "@/api/client";
import { useAction } from "@/api/queries";
import { useSession } from "@/api/session";
import type { Calendar } from "@/api/types";
import { Collection } from "@/components/Collection";
import { FormDialog } from "@/components/Dialog";
import { Field } from "@/components/Field";
import { formatNumber, useTranslate } from "@/i18n/translate";
import { useProject } from "@/shell/project";
import { useCalendars } from "./queries";

const SHOWN_DATES = 6;

/** Named sets of days without runs. */
export function Calendars() {
  const t = useTranslate();
  const { may } = useSession();
  const { id } = useProject();
  const [edited, setEdited] = useState<Calendar | "new" | null>(null);
  return (
    <>
      <Collection
        label={t("calendars.title")}
        note={t("calendars.note")}
        none={t("calendars.none")}
        noneHint={t("calendars.none_hint")}
        items={useCalendars()}
        idOf={(calendar) => calendar.name}
        columns={[
          { name: t("queues.name"), of: (calendar) => calendar.name, className: "untrusted font-medium" },
          { name: t("calendars.weekdays"), of: (calendar) => calendar.weekdays.join("; ") || "—", className: "untrusted" },
          {
            name: t("calendars.dates"),
            of: ({ dates }) => (dates.length === 0 ? "—" : dates.slice(0, SHOWN_DATES).join(", ") + (dates.length > SHOWN_DATES ? ` … (${formatNumber(dates.length)})` : "")),
            className: "untrusted",
          },
        ]}
        edit={may("schedule:write") ? { make: t("calendars.new"), onMake: () => setEdited("new"), change: t("action.edit"), onChange: setEdited } : null}
        removal={{
          button: t("action.delete"),
          title: t("calendars.delete"),
          hint: t("calendars.delete_hint"),
          said: t("calendars.deleted"),
          typed: (calendar) => calendar.name,
          remove: (calendar) => done(api.DELETE("/api/v1/calendars/{name}", { params: { path: { name: calendar.name }, query: { project_id: id } } })),
        }}
      />
      {edited !== null && <CalendarDialog calendar={edited === "new" ? null : edited} onClose={() => setEdited(null)} />}
    </>
  );
}

function CalendarDialog({ calendar, onClose }: { calendar: Calendar | null; onClose: () => void }) {
  const t = useTranslate();
  const action = useAction();
  const { id } = useProject();
  const [name, setName] = useState(calendar?.name ?? "");
  const [weekdays, setWeekdays] = useState(calendar?.weekdays.join("\n") ?? "SAT,SUN");
  const [dates, setDates] = useState(calendar?.dates.join("\n") ?? "");
  const save = () =>
    action(
      () =>
        data(
          api.PUT("/api/v1/calendars/{name}", {
            params: { path: { name }, query: { project_id: id } },
            body: { weekdays: lines(weekdays), dates: lines(dates) },
          }),
        ),
      t("calendars.saved"),
    );
  return (
    <FormDialog title={t(calendar === null ? "calendars.new" : "calendars.edit")} isOpen onClose={onClose} submit={t("action.save")} isDisabled={name.trim() === ""} save={save}>
      <Field label={t("queues.name")}>
        <input className="field" maxLength={100} disabled={calendar !== null} value={name} onChange={(event) => setName(event.target.value)} />
      </Field>
      <Field label={t("calendars.weekdays")} hint={t("calendars.weekdays_hint")}>
        <textarea className="field h-auto! py-2 font-mono text-xs" rows={2} value={weekdays} onChange={(event) => setWeekdays(event.target.value)} />
      </Field>
      <Field label={t("calendars.dates")} hint={t("calendars.dates_hint")}>
        <textarea className="field h-auto! py-2 font-mono text-xs" rows={6} value={dates} onChange={(event) => setDates(event.target.value)} />
      </Field>
    </FormDialog>
  );
}

const lines = (text: string) => text.split("\n").map((line) => line.trim()).filter(Boolean);
