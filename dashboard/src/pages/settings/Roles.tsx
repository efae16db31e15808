import { useState } from "react";

import { api, data, done } from "@/api/client";
import { useAction } from "@/api/queries";
import { useSession } from "@/api/session";
import type { Role } from "@/api/types";
import { Collection } from "@/components/Collection";
import { FormDialog } from "@/components/Dialog";
import { Field } from "@/components/Field";
import { useTranslate } from "@/i18n/translate";
import { Names, Permissions } from "./Permissions";
import { useRoles } from "./queries";

export function Roles() {
  const t = useTranslate();
  const { may } = useSession();
  const [edited, setEdited] = useState<Role | "new" | null>(null);
  return (
    <>
      <Collection
        label={t("settings.roles")}
        note={t("roles.note")}
        none={t("roles.none")}
        items={useRoles()}
        idOf={(role) => role.id}
        columns={[
          { name: t("queues.name"), of: (role) => role.name, className: "untrusted font-medium" },
          { name: t("roles.permissions"), of: (role) => <Names of={role.permissions} />, className: "wraps" },
        ]}
        edit={may("user:write") ? { make: t("roles.new"), onMake: () => setEdited("new"), change: t("action.edit"), onChange: setEdited } : null}
        removal={{
          button: t("action.delete"),
          title: t("roles.delete"),
          hint: t("roles.delete_hint"),
          said: t("roles.deleted"),
          typed: (role) => role.name,
          remove: (role) => done(api.DELETE("/api/v1/roles/{role_id}", { params: { path: { role_id: role.id } } })),
        }}
      />
      {edited !== null && <RoleDialog role={edited === "new" ? null : edited} onClose={() => setEdited(null)} />}
    </>
  );
}

function RoleDialog({ role, onClose }: { role: Role | null; onClose: () => void }) {
  const t = useTranslate();
  const action = useAction();
  const [name, setName] = useState(role?.name ?? "");
  const [permissions, setPermissions] = useState<string[]>(role?.permissions ?? []);
  const body = { name, permissions };
  const save = () =>
    action(
      () =>
        role === null
          ? data(api.POST("/api/v1/roles", { body }))
          : done(api.PATCH("/api/v1/roles/{role_id}", { params: { path: { role_id: role.id } }, body })),
      t("roles.saved"),
    );
  return (
    <FormDialog title={t(role === null ? "roles.new" : "roles.edit")} isOpen onClose={onClose} isWide submit={t("action.save")} isDisabled={name.trim() === ""} save={save}>
      <Field label={t("queues.name")}>
        <input className="field" maxLength={100} value={name} onChange={(event) => setName(event.target.value)} />
      </Field>
      <Permissions chosen={permissions} onChange={setPermissions} />
    </FormDialog>
  );
}
