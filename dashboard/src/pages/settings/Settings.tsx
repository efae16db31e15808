import { getRouteApi } from "@tanstack/react-router";

import { useSession } from "@/api/session";
import type { Permission } from "@/api/types";
import { Page, Panel } from "@/components/Page";
import { Tabs } from "@/components/Tabs";
import { useTranslate } from "@/i18n/translate";
import { Account } from "./Account";
import { Appearance } from "./Appearance";
import { Health } from "./Health";
import { Keys } from "./Keys";
import { Projects } from "./Projects";
import { Redaction } from "./Redaction";
import { Roles } from "./Roles";
import { Users } from "./Users";

const route = getRouteApi("/settings");
type Name = "appearance" | "account" | "users" | "roles" | "keys" | "projects" | "redaction" | "health";
const TABS: { name: Name; needs?: Permission }[] = [
  { name: "appearance" },
  { name: "account" },
  { name: "users", needs: "user:read" },
  { name: "roles", needs: "user:read" },
  { name: "keys", needs: "key:read" },
  { name: "projects", needs: "project:read" },
  { name: "redaction", needs: "organization:write" },
  { name: "health", needs: "organization:read" },
];

export function Settings() {
  const t = useTranslate();
  const { caller, may } = useSession();
  const navigate = route.useNavigate();
  const search = route.useSearch();
  const offered = TABS.filter(({ needs }) => needs === undefined || (may(needs) && caller.queue_ids === null));
  const tab = offered.find((one) => one.name === search.tab)?.name ?? "appearance";
  return (
    <Page title={t("nav.settings")}>
      <Panel isFlush>
        <Tabs
          label={t("nav.settings")}
          chosen={tab}
          onChoose={(name) => void navigate({ search: (before) => ({ ...before, tab: name }) })}
          tabs={offered.map(({ name }) => ({ name, label: t(`settings.${name}`) }))}
        />
        {tab === "appearance" && <Appearance />}
        {tab === "account" && <Account />}
        {tab === "users" && <Users />}
        {tab === "roles" && <Roles />}
        {tab === "keys" && <Keys />}
        {tab === "projects" && <Projects />}
        {tab === "redaction" && <Redaction />}
        {tab === "health" && <Health />}
      </Panel>
    </Page>
  );
}
