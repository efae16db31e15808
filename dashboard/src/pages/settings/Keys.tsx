import { useState } from "react";

import { api, done } from "@/api/client";
import { useSession } from "@/api/session";
import type { ApiKey } from "@/api/types";
import { Collection } from "@/components/Collection";
import { Dialog } from "@/components/Dialog";
import { Block } from "@/components/Json";
import { Time } from "@/components/Time";
import { useTranslate } from "@/i18n/translate";
import { useProject } from "@/shell/project";
import { NewKey } from "./NewKey";
import { useKeys } from "./queries";

export function Keys() {
  const t = useTranslate();
  const { may } = useSession();
  const [isMaking, setMaking] = useState(false);
  const [made, setMade] = useState<string | null>(null);
  return (
    <>
      <Collection
        label={t("settings.keys")}
        note={t("keys.note")}
        none={t("keys.none")}
        items={useKeys()}
        idOf={(key) => key.id}
        columns={[
          { name: t("queues.name"), of: (key) => key.name, className: "untrusted font-medium" },
          { name: t("users.role"), of: (key) => <span title={key.permissions.join(", ")}>{key.role ?? t("keys.permissions", { count: key.permissions.length })}</span> },
          { name: t("project.switch"), of: (key) => <Scope of={key} />, className: "untrusted" },
          { name: t("account.last_used"), of: (key) => <Time at={key.last_used_at} /> },
          { name: t("job.created"), of: (key) => <Time at={key.created_at} /> },
          { name: t("job.expires"), of: (key) => (key.expires_at === null ? t("keys.never") : <Time at={key.expires_at} />) },
        ]}
        edit={may("key:write") ? { make: t("keys.new"), onMake: () => setMaking(true) } : null}
        removal={{
          button: t("keys.revoke"),
          title: t("keys.revoke"),
          hint: t("keys.revoke_hint"),
          said: t("keys.revoked"),
          typed: (key) => key.name,
          remove: (key) => done(api.DELETE("/api/v1/keys/{key_id}", { params: { path: { key_id: key.id } } })),
        }}
      />
      {isMaking && (
        <NewKey
          onClose={() => setMaking(false)}
          onMade={(text) => {
            setMaking(false);
            setMade(text);
          }}
        />
      )}
      <Dialog title={t("keys.made")} isOpen={made !== null} onClose={() => setMade(null)}>
        <div className="flex flex-col gap-3">
          <p>{t("keys.shown_once")}</p>
          <Block text={made ?? ""} />
        </div>
      </Dialog>
    </>
  );
}

/** Where a key is good: one project or all, some queues or all. */
function Scope({ of: key }: { of: ApiKey }) {
  const t = useTranslate();
  const { all } = useProject();
  return (
    <>
      {key.project_id === null ? t("project.all") : (all.find((one) => one.id === key.project_id)?.name ?? "—")}
      {key.queue_ids !== null && <span className="text-muted"> · {t("keys.queues", { count: key.queue_ids.length })}</span>}
    </>
  );
}
