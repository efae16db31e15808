import { Plus } from "lucide-react";
import { useState } from "react";

import { api, done } from "@/api/client";
import { useAction } from "@/api/queries";
import { useSession } from "@/api/session";
import type { ApiKey } from "@/api/types";
import { Asked } from "@/components/Asked";
import { Button } from "@/components/Button";
import { Confirm, Dialog } from "@/components/Dialog";
import { Block } from "@/components/Json";
import { Empty } from "@/components/Notices";
import { Cell, Head, Row, Table } from "@/components/Table";
import { Time } from "@/components/Time";
import { useTranslate } from "@/i18n/translate";
import { useProject } from "@/shell/project";
import { NewKey } from "./NewKey";
import { useKeys } from "./queries";
import { Section } from "./Section";

export function Keys() {
  const t = useTranslate();
  const { may } = useSession();
  const keys = useKeys();
  const [isMaking, setMaking] = useState(false);
  const [made, setMade] = useState<string | null>(null);
  return (
    <Section
      note={t("keys.note")}
      action={
        may("key:write") && (
          <Button kind="primary" icon={Plus} onClick={() => setMaking(true)}>
            {t("keys.new")}
          </Button>
        )
      }
    >
      <Asked query={keys}>
        {(found) =>
          found.length === 0 ? (
            <Empty title={t("keys.none")} />
          ) : (
            <Table label={t("settings.keys")}>
              <thead>
                <tr>
                  <Head>{t("queues.name")}</Head>
                  <Head>{t("users.role")}</Head>
                  <Head>{t("project.switch")}</Head>
                  <Head>{t("account.last_used")}</Head>
                  <Head>{t("job.created")}</Head>
                  <Head>{t("job.expires")}</Head>
                  <Head>
                    <span className="sr-only">{t("action.actions")}</span>
                  </Head>
                </tr>
              </thead>
              <tbody>
                {found.map((key) => (
                  <KeyRow key={key.id} found={key} />
                ))}
              </tbody>
            </Table>
          )
        }
      </Asked>
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
    </Section>
  );
}

function KeyRow({ found }: { found: ApiKey }) {
  const t = useTranslate();
  const action = useAction();
  const { may } = useSession();
  const { all } = useProject();
  const [isRevoking, setRevoking] = useState(false);
  const path = { params: { path: { key_id: found.id } } };
  return (
    <Row>
      <Cell className="untrusted font-medium">{found.name}</Cell>
      <Cell title={found.permissions.join(", ")}>{found.role ?? t("keys.permissions", { count: found.permissions.length })}</Cell>
      <Cell className="untrusted">
        {found.project_id === null ? t("project.all") : (all.find((one) => one.id === found.project_id)?.name ?? "—")}
        {found.queue_ids !== null && <span className="text-muted"> · {t("keys.queues", { count: found.queue_ids.length })}</span>}
      </Cell>
      <Cell>
        <Time at={found.last_used_at} />
      </Cell>
      <Cell>
        <Time at={found.created_at} />
      </Cell>
      <Cell>{found.expires_at === null ? t("keys.never") : <Time at={found.expires_at} />}</Cell>
      <Cell className="text-right">
        {may("key:write") && (
          <Button kind="quiet" onClick={() => setRevoking(true)}>
            {t("keys.revoke")}
          </Button>
        )}
        <Confirm
          title={t("keys.revoke")}
          isOpen={isRevoking}
          onClose={() => setRevoking(false)}
          submit={t("keys.revoke")}
          typed={found.name}
          onConfirm={async () => void (await action(() => done(api.DELETE("/api/v1/keys/{key_id}", path)), t("keys.revoked")))}
        >
          <p className="text-left">{t("keys.revoke_hint")}</p>
        </Confirm>
      </Cell>
    </Row>
  );
}
