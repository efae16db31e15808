import { useSession } from "@/api/session";
import { useTranslate } from "@/i18n/translate";

/** What can be given: nobody gives more than they have. */
export function Permissions({ chosen, onChange }: { chosen: string[]; onChange: (permissions: string[]) => void }) {
  const t = useTranslate();
  const { caller } = useSession();
  const offered = [...new Set([...caller.permissions.filter((one) => one !== "organization:create"), ...chosen])].sort();
  return (
    <fieldset className="flex flex-col gap-2">
      <legend className="text-[13px] font-medium">{t("roles.permissions")}</legend>
      <div className="mt-1 grid grid-cols-2 gap-x-4 gap-y-1.5 sm:grid-cols-3">
        {offered.map((permission) => (
          <label key={permission} className="flex items-center gap-2 font-mono text-xs">
            <input
              type="checkbox"
              className="size-4 accent-accent"
              checked={chosen.includes(permission)}
              onChange={(event) => onChange(event.target.checked ? [...chosen, permission] : chosen.filter((one) => one !== permission))}
            />
            {permission}
          </label>
        ))}
      </div>
    </fieldset>
  );
}

export function Names({ of: permissions }: { of: string[] }) {
  return (
    <span className="flex flex-wrap gap-1">
      {permissions.map((permission) => (
        <code key={permission} className="rounded bg-hover px-1.5 font-mono text-xs">
          {permission}
        </code>
      ))}
    </span>
  );
}
