import { useState } from "react";

import { api, data, done } from "@/api/client";
import { useAction } from "@/api/queries";
import { useSession } from "@/api/session";
import type { User } from "@/api/types";
import { Button } from "@/components/Button";
import { Collection } from "@/components/Collection";
import { FormDialog } from "@/components/Dialog";
import { Field } from "@/components/Field";
import { NamedOptions } from "@/components/NamedOptions";
import { Status } from "@/components/Status";
import { Time } from "@/components/Time";
import { useTranslate } from "@/i18n/translate";
import { useProject } from "@/shell/project";
import { useRoleNames, useUsers } from "./queries";

const pathOf = (user: User) => ({ params: { path: { user_id: user.id } } });

export function Users() {
  const t = useTranslate();
  const { may } = useSession();
  const [isMaking, setMaking] = useState(false);
  return (
    <>
      <Collection
        label={t("settings.users")}
        note={t("users.note")}
        none={t("users.none")}
        items={useUsers()}
        idOf={(user) => user.id}
        columns={[
          { name: t("users.name"), of: (user) => user.name, className: "untrusted font-medium" },
          { name: t("login.email"), of: (user) => user.email, className: "untrusted" },
          { name: t("users.role"), of: (user) => <RoleOf user={user} /> },
          { name: t("job.status"), of: (user) => <Access user={user} /> },
          { name: t("job.created"), of: (user) => <Time at={user.created_at} /> },
        ]}
        edit={may("user:write") ? { make: t("users.new"), onMake: () => setMaking(true) } : null}
        removal={{
          button: t("users.remove"),
          title: t("users.remove"),
          hint: t("users.remove_hint"),
          said: t("users.removed"),
          typed: (user) => user.email,
          remove: (user) => done(api.DELETE("/api/v1/users/{user_id}", pathOf(user))),
        }}
      />
      <NewUser isOpen={isMaking} onClose={() => setMaking(false)} />
    </>
  );
}

function RoleOf({ user }: { user: User }) {
  const t = useTranslate();
  const action = useAction();
  const { may } = useSession();
  const roles = useRoleNames();
  const { all } = useProject();
  const project = all.find((one) => one.id === user.project_id)?.name;
  const setRole = (role: string) =>
    action(() => done(api.PUT("/api/v1/users/{user_id}/membership", { ...pathOf(user), body: { role, project_id: user.project_id } })), t("users.changed"));
  return (
    <>
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
    </>
  );
}

/** Whether the account is let in, and the switch for it. */
function Access({ user }: { user: User }) {
  const t = useTranslate();
  const action = useAction();
  const { may } = useSession();
  const isIn = user.disabled_at === null;
  const change = () => action(() => done(api.PATCH("/api/v1/users/{user_id}", { ...pathOf(user), body: { disabled: isIn } })), t("users.changed"));
  return (
    <>
      <Status of={isIn ? "active" : "closed"} />
      {may("user:write") && (
        <Button kind="quiet" className="ml-1" onClick={() => void change()}>
          {t(isIn ? "users.disable" : "users.enable")}
        </Button>
      )}
    </>
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
    <FormDialog title={t("users.new")} isOpen={isOpen} onClose={onClose} submit={t("users.new")} isDisabled={email === ""} save={make}>
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
            <NamedOptions of={all} />
          </select>
        </Field>
      </div>
    </FormDialog>
  );
}
