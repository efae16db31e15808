import { getRouteApi } from "@tanstack/react-router";

import { useSession } from "@/api/session";
import { Page, Panel } from "@/components/Page";
import { Tabs } from "@/components/Tabs";
import { useTranslate } from "@/i18n/translate";
import { Deliveries } from "./Deliveries";
import { Events } from "./Events";
import { Now } from "./Now";
import { Receivers } from "./Receivers";
import { Rules } from "./Rules";
import { Silences } from "./Silences";

const route = getRouteApi("/alerts");
const TABS = ["now", "rules", "silences", "receivers", "deliveries", "events"] as const;
/** To whom something is told, and what, is for those who may change it. */
const FOR_WRITERS = new Set<string>(["receivers", "deliveries"]);

export function Alerts() {
  const t = useTranslate();
  const { may } = useSession();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const offered = TABS.filter((tab) => !FOR_WRITERS.has(tab) || may("alert:write"));
  const tab = offered.find((one) => one === search.tab) ?? "now";
  const go = (cursor: string | undefined) => void navigate({ search: (before) => ({ ...before, cursor }) });
  return (
    <Page title={t("nav.alerts")} note={t("alerts.note")}>
      <Panel isFlush>
        <Tabs
          label={t("nav.alerts")}
          chosen={tab}
          onChoose={(name) => void navigate({ search: ({ project }) => ({ project, tab: name === "now" ? undefined : name }) })}
          tabs={offered.map((name) => ({ name, label: t(`alerts.tab_${name}`) }))}
        />
        {tab === "now" && <Now />}
        {tab === "rules" && <Rules />}
        {tab === "silences" && <Silences />}
        {tab === "receivers" && <Receivers />}
        {tab === "deliveries" && <Deliveries cursor={search.cursor} onGo={go} />}
        {tab === "events" && <Events cursor={search.cursor} onGo={go} />}
      </Panel>
    </Page>
  );
}
