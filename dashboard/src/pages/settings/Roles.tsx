import { Plus } from "lucide-react";
import { useState } from "react";

import { api, data, done } from "@/api/client";
import { useAction } from "@/api/queries";
import { useSession } from "@/api/session";
import type { Role } from "@/api/types";
import { Asked } from "@/components/Asked";
import { Button } from "@/components/Button";
import { Confirm, Dialog, DialogForm } from "@/components/Dialog";
import { Field } from "@/components/Field";
import { Empty } from "@/components/Notices";
import { useTranslate } from "@/i18n/translate";
import { Permissions } from "./Permissions";
import { useRoles } from "./queries";
import { Section } from "./Section";

export function Roles() {
  const t = useTranslate();
  const { may } = useSession();
  const roles = useRoles();
  const [edited, setEdited] = useState<Role | "new" | null>(null);
  return (
    <Section
      note={t("roles.note")}
      action={
        may("user:write") && (
          <Button kind="primary" icon={Plus} onClick={() => setEdited("new")}>
            {t("roles.new")}
          </Button>
        )
      }
    >
      <Asked query={roles}>
        {(found) =>
          found.length === 0 ? (
            <Empty title={t("roles.none")} />
          ) : (
            <ul>
              {found.map((role) => (
                <RoleRow key={role.id} role={role} onEdit={() => setEdited(role)} />
              ))}
            </ul>
          )
        }
      </Asked>
      {edited !== null && <RoleDialog role={edited === "new" ? null : edited} onClose={() => setEdited(null)} />}
    </Section>
  );
}

function RoleRow({ role, onEdit }: { role: Role; onEdit: () => void }) {
  const t = useTranslate();
  const action = useAction();
  const { may } = useSession();
  const [isRemoving, setRemoving] = useState(false);
  const path = { params: { path: { role_id: role.id } } };
  return (
    <li className="flex flex-wrap items-center gap-3 border-t border-line px-4 py-2">
      <span className="untrusted font-medium">{role.name}</span>
      <span className="flex min-w-0 flex-1 flex-wrap gap-1">
        {role.permissions.map((permission) => (
          <code key={permission} className="rounded bg-hover px-1.5 font-mono text-xs">
            {permission}
          </code>
        ))}
      </span>
      {may("user:write") && (
        <>
          <Button kind="quiet" onClick={onEdit}>
            {t("action.edit")}
          </Button>
          <Button kind="quiet" onClick={() => setRemoving(true)}>
            {t("action.delete")}
          </Button>
        </>
      )}
      <Confirm
        title={t("roles.delete")}
        isOpen={isRemoving}
        onClose={() => setRemoving(false)}
        submit={t("action.delete")}
        typed={role.name}
        onConfirm={async () => void (await action(() => done(api.DELETE("/api/v1/roles/{role_id}", path)), t("roles.deleted")))}
      >
        <p>{t("roles.delete_hint")}</p>
      </Confirm>
    </li>
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
    <Dialog title={t(role === null ? "roles.new" : "roles.edit")} isOpen onClose={onClose} isWide>
      <DialogForm
        submit={t("action.save")}
        isDisabled={name.trim() === ""}
        onCancel={onClose}
        onSubmit={async () => {
          if (await save()) onClose();
        }}
      >
        <Field label={t("queues.name")}>
          <input className="field" maxLength={100} value={name} onChange={(event) => setName(event.target.value)} />
        </Field>
        <Permissions chosen={permissions} onChange={setPermissions} />
      </DialogForm>
    </Dialog>
  );
}
