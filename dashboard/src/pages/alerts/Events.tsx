import { Collection } from "@/components/Collection";
import { Deeper } from "@/components/Deeper";
import { Status } from "@/components/Status";
import { Time } from "@/components/Time";
import { useTranslate, word } from "@/i18n/translate";
import { figure } from "./figures";
import { useEvents } from "./queries";

/** What fired and recovered. */
export function Events({ cursor, onGo }: { cursor: string | undefined; onGo: (cursor: string | undefined) => void }) {
  const t = useTranslate();
  const found = useEvents(cursor);
  return (
    <Collection
      label={t("alerts.tab_events")}
      none={t("events.none")}
      noneHint={t("events.none_hint")}
      items={{ ...found, data: found.data?.data }}
      idOf={(event) => event.id}
      columns={[
        { name: t("job.status"), of: (event) => <Status of={event.change} /> },
        { name: t("silences.rule"), of: (event) => event.rule, className: "untrusted font-medium" },
        { name: t("events.what"), of: (event) => `${word("rule_kind", event.kind)}${event.subject ? ` · ${event.subject}` : ""}`, className: "untrusted wraps" },
        { name: t("events.value"), of: (event) => t("alerts.value", { value: figure(event.kind, event.value), threshold: figure(event.kind, event.threshold) }), isNumber: true },
        { name: t("events.told"), of: (event) => t(event.told ? "choice.yes" : "choice.no") },
        { name: t("events.at"), of: (event) => <Time at={event.happened_at} /> },
      ]}
      edit={null}
      foot={<Deeper place={cursor} next={found.data?.meta.next_cursor} onGo={onGo} />}
    />
  );
}
