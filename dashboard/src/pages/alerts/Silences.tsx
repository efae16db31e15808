import { useState } from "react";

import { api, done } from "@/api/client";
import { useSession } from "@/api/session";
import { Collection } from "@/components/Collection";
import { Status } from "@/components/Status";
import { Time } from "@/components/Time";
import { useTranslate } from "@/i18n/translate";
import { useRules, useSilences } from "./queries";
import { SilenceDialog } from "./SilenceDialog";

export function Silences() {
  const t = useTranslate();
  const { may } = useSession();
  const rules = useRules();
  const [isMaking, setMaking] = useState(false);
  const names = new Map((rules.data ?? []).map((rule) => [rule.id, rule.name]));
  return (
    <>
      <Collection
        label={t("alerts.tab_silences")}
        note={t("silences.note")}
        none={t("silences.none")}
        items={useSilences()}
        idOf={(silence) => silence.id}
        columns={[
          { name: t("job.status"), of: (silence) => <Status of={Date.parse(silence.ends_at) > Date.now() ? "active" : "ended"} /> },
          {
            name: t("silences.about"),
            of: (silence) => [silence.rule_id === null ? t("silences.all_rules") : (names.get(silence.rule_id) ?? "—"), silence.subject].filter(Boolean).join(" · "),
            className: "untrusted font-medium",
          },
          { name: t("silences.reason"), of: (silence) => silence.reason ?? "—", className: "untrusted wraps" },
          { name: t("silences.by"), of: (silence) => silence.created_by ?? "—", className: "untrusted" },
          { name: t("silences.ends"), of: (silence) => <Time at={silence.ends_at} /> },
        ]}
        edit={may("alert:write") ? { make: t("silences.new"), onMake: () => setMaking(true) } : null}
        removal={{
          button: t("silences.end"),
          title: t("silences.end"),
          hint: t("silences.end_hint"),
          said: t("silences.ended"),
          remove: (silence) => done(api.DELETE("/api/v1/alerts/silences/{silence_id}", { params: { path: { silence_id: silence.id } } })),
        }}
      />
      {isMaking && <SilenceDialog onClose={() => setMaking(false)} />}
    </>
  );
}
