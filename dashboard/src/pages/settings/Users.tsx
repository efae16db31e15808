import { Plus } from "lucide-react";
import { useState } from "react";

import { api, data, done } from "@/api/client";
import { useAction } from "@/api/queries";
import { useSession } from "@/api/session";
import type { User } from "@/api/types";
import { Asked } from "@/components/Asked";
import { Button } from "@/components/Button";
import { Confirm, Dialog, DialogForm } from "@/components/Dialog";
import { Field } from "@/components/Field";
import { Status } from "@/components/Status";
import { Cell, Head, Row, Table } from "@/components/Table";
import { Time } from "@/components/Time";
import { useTranslate } from "@/i18n/translate";
import { useProject } from "@/shell/project";
import { useRoleNames, useUsers } from "./queries";
import { Section } from "./Section";

export function Users() {
  const t = useTranslate();
  const { may } = useSession();
  const users = useUsers();
  const [isMaking, setMaking] = useState(false);
  return (
    <Section
      note={t("users.note")}
      action={
        may("user:write") && (
          <Button kind="primary" icon={Plus} onClick={() => setMaking(true)}>
            {t("users.new")}
          </Button>
        )
      }
    >
      <Asked query={users}>
        {(found) => (
          <Table label={t("settings.users")}>
            <thead>
              <tr>
                <Head>{t("users.name")}</Head>
                <Head>{t("login.email")}</Head>
                <Head>{t("users.role")}</Head>
                <Head>{t("job.status")}</Head>
                <Head>{t("job.created")}</Head>
                <Head>
                  <span className="sr-only">{t("action.actions")}</span>
                </Head>
              </tr>
            </thead>
            <tbody>
              {found.map((user) => (
                <UserRow key={user.id} user={user} />
              ))}
            </tbody>
          </Table>
        )}
      </Asked>
      <NewUser isOpen={isMaking} onClose={() => setMaking(false)} />
    </Section>
  );
}

function UserRow({ user }: { user: User }) {
  const t = useTranslate();
  const action = useAction();
  const { may } = useSession();
  const roles = useRoleNames();
  const { all } = useProject();
  const [isRemoving, setRemoving] = useState(false);
  const path = { params: { path: { user_id: user.id } } };
  const project = all.find((one) => one.id === user.project_id)?.name;
  const setRole = (role: string) =>
    action(() => done(api.PUT("/api/v1/users/{user_id}/membership", { ...path, body: { role, project_id: user.project_id } })), t("users.changed"));
  const setDisabled = (disabled: boolean) =>
    action(() => done(api.PATCH("/api/v1/users/{user_id}", { ...path, body: { disabled } })), t("users.changed"));
  return (
    <Row>
      <Cell className="untrusted font-medium">{user.name}</Cell>
      <Cell className="untrusted">{user.email}</Cell>
      <Cell>
        {may("user:write") ? (
          <select aria-label={t("users.role_of", { who: user.email })} className="field h-7 text-[13px]" value={user.role} onChange={(event) => void setRole(event.target.value)}>
            {[...new Set([user.role, ...roles])].map((role) => (
              <option key={role}>{role}</option>
            ))}
          </select>
        ) : (
          user.role
        )}
        {project && <span className="untrusted ml-2 text-xs text-muted">{project}</span>}
      </Cell>
      <Cell>
        <Status of={user.disabled_at === null ? "active" : "closed"} />
      </Cell>
      <Cell>
        <Time at={user.created_at} />
      </Cell>
      <Cell className="text-right whitespace-nowrap">
        {may("user:write") && (
          <>
            <Button kind="quiet" onClick={() => void setDisabled(user.disabled_at === null)}>
              {t(user.disabled_at === null ? "users.disable" : "users.enable")}
            </Button>
            <Button kind="quiet" onClick={() => setRemoving(true)}>
              {t("users.remove")}
            </Button>
          </>
        )}
        <Confirm
          title={t("users.remove")}
          isOpen={isRemoving}
          onClose={() => setRemoving(false)}
          submit={t("users.remove")}
          typed={user.email}
          onConfirm={async () => void (await action(() => done(api.DELETE("/api/v1/users/{user_id}", path)), t("users.removed")))}
        >
          <p className="text-left">{t("users.remove_hint")}</p>
        </Confirm>
      </Cell>
    </Row>
  );
}

function NewUser({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const t = useTranslate();
  const action = useAction();
  const roles = useRoleNames();
  const { all } = useProject();
  const [email, setEmail] = useState("");
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [role, setRole] = useState("developer");
  const [project, setProject] = useState("");
  const make = () =>
    action(
      () => data(api.POST("/api/v1/users", { body: { email, role, name: name || null, password: password || null, project_id: project || null } })),
      t("users.made"),
    );
  return (
    <Dialog title={t("users.new")} isOpen={isOpen} onClose={onClose}>
      <DialogForm
        submit={t("users.new")}
        isDisabled={email === ""}
        onCancel={onClose}
        onSubmit={async () => {
          if (await make()) onClose();
        }}
      >
        <Field label={t("login.email")}>
          <input className="field" maxLength={254} value={email} onChange={(event) => setEmail(event.target.value)} />
        </Field>
        <Field label={t("users.name")}>
          <input className="field" maxLength={100} value={name} onChange={(event) => setName(event.target.value)} />
        </Field>
        <Field label={t("login.password")} hint={t("account.password_hint")}>
          <input className="field" type="password" autoComplete="new-password" value={password} onChange={(event) => setPassword(event.target.value)} />
        </Field>
        <div className="grid grid-cols-2 gap-3">
          <Field label={t("users.role")}>
            <select className="field" value={role} onChange={(event) => setRole(event.target.value)}>
              {roles.map((one) => (
                <option key={one}>{one}</option>
              ))}
            </select>
          </Field>
          <Field label={t("project.switch")}>
            <select className="field" value={project} onChange={(event) => setProject(event.target.value)}>
              <option value="">{t("project.all")}</option>
              {all.map((one) => (
                <option key={one.id} value={one.id}>
                  {one.name}
                </option>
              ))}
            </select>
          </Field>
        </div>
      </DialogForm>
    </Dialog>
  );
}
