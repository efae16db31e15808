import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { api, done, whole } from "@/api/client";
import { useAction } from "@/api/queries";
import { useSession } from "@/api/session";
import { Asked } from "@/components/Asked";
import { Button } from "@/components/Button";
import { FormDialog } from "@/components/Dialog";
import { Field } from "@/components/Field";
import { Fact, Facts } from "@/components/Page";
import { Parts } from "@/components/Parts";
import { Cell, Head, Row, Table } from "@/components/Table";
import { Time } from "@/components/Time";
import { useTranslate, word } from "@/i18n/translate";
import { Names } from "./Permissions";

export function Account() {
  const t = useTranslate();
  const { caller } = useSession();
  const isUser = caller.kind === "user";
  const [isOpen, setOpen] = useState(false);
  return (
    <div className="flex flex-col gap-5 p-4">
      <Facts>
        <Fact name={t("account.who")}>{caller.label}</Fact>
        <Fact name={t("account.kind")}>{word("principal", caller.kind)}</Fact>
        <Fact name={t("account.may")}>
          <Names of={caller.permissions} />
        </Fact>
      </Facts>
      {isUser && (
        <>
          <div>
            <Button onClick={() => setOpen(true)}>{t("account.password")}</Button>
          </div>
          <Sessions />
          <NewPassword isOpen={isOpen} onClose={() => setOpen(false)} userId={caller.id} />
        </>
      )}
    </div>
  );
}

function Sessions() {
  const t = useTranslate();
  const sessions = useQuery({
    queryKey: ["sessions"],
    queryFn: () => whole((query) => api.GET("/api/v1/auth/sessions", { params: { query } })),
  });
  return (
    <section className="flex flex-col gap-2">
      <h2>{t("account.sessions")}</h2>
      <Asked query={sessions}>
        {(found) => (
          <Parts items={found}>
            {(part) => (
              <Table label={t("account.sessions")}>
                <thead>
                  <tr>
                    <Head>{t("account.address")}</Head>
                    <Head>{t("account.last_used")}</Head>
                    <Head>{t("job.created")}</Head>
                    <Head>{t("job.expires")}</Head>
                  </tr>
                </thead>
                <tbody>
                  {part.map((session) => (
                    <Row key={session.id}>
                      <Cell>{session.address ?? "—"}</Cell>
                      <Cell>
                        <Time at={session.last_used_at} />
                      </Cell>
                      <Cell>
                        <Time at={session.created_at} />
                      </Cell>
                      <Cell>
                        <Time at={session.expires_at} />
                      </Cell>
                    </Row>
                  ))}
                </tbody>
              </Table>
            )}
          </Parts>
        )}
      </Asked>
    </section>
  );
}

function NewPassword({ isOpen, onClose, userId }: { isOpen: boolean; onClose: () => void; userId: string }) {
  const t = useTranslate();
  const action = useAction();
  const [current, setCurrent] = useState("");
  const [password, setPassword] = useState("");
  const change = () =>
    action(
      () => done(api.PUT("/api/v1/users/{user_id}/password", { params: { path: { user_id: userId } }, body: { password, current } })),
      t("account.password_changed"),
    );
  return (
    <FormDialog title={t("account.password")} isOpen={isOpen} onClose={onClose} submit={t("account.password")} isDisabled={password.length < 12} save={change}>
      <Field label={t("account.current")}>
        <input className="field" type="password" autoComplete="current-password" value={current} onChange={(event) => setCurrent(event.target.value)} />
      </Field>
      <Field label={t("account.new_password")} hint={t("account.password_hint")}>
        <input className="field" type="password" autoComplete="new-password" value={password} onChange={(event) => setPassword(event.target.value)} />
      </Field>
    </FormDialog>
  );
}
