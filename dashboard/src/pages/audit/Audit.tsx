import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { ChevronDown, ChevronRight, Download, ShieldCheck } from "lucide-react";
import { useState } from "react";

import { api, body, data } from "@/api/client";
import { credentialHeaders } from "@/api/credentials";
import { ROOT } from "@/api/root";
import { useSession } from "@/api/session";
import type { AuditEntry } from "@/api/types";
import { Asked } from "@/components/Asked";
import { Button } from "@/components/Button";
import { Deeper } from "@/components/Deeper";
import { Json } from "@/components/Json";
import { Empty } from "@/components/Notices";
import { Page, Panel } from "@/components/Page";
import { Time } from "@/components/Time";
import { save } from "@/format/files";
import { shortId } from "@/format/numbers";
import { formatNumber, useTranslate } from "@/i18n/translate";
import { useProject } from "@/shell/project";
import { tell, toast } from "@/shell/toasts";

const route = getRouteApi("/audit");
const LIMIT = 50;

export function Audit() {
  const t = useTranslate();
  const { caller } = useSession();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const { id } = useProject();
  const [action, setAction] = useState(search.action ?? "");
  const entries = useQuery({
    queryKey: ["audit", id, search],
    queryFn: () => {
      const query = { action: search.action, resource_kind: search.kind, cursor: search.cursor, limit: LIMIT };
      return body(api.GET("/api/v1/audit", { params: { query } }));
    },
    placeholderData: keepPreviousData,
  });
  return (
    <Page
      title={t("nav.audit")}
      note={t("audit.note")}
      actions={
        caller.project_id === null && (
          <>
            <Button icon={ShieldCheck} onClick={() => void verify(t).catch(tell)}>
              {t("audit.verify")}
            </Button>
            <Button icon={Download} onClick={() => void download().catch(tell)}>
              {t("audit.export")}
            </Button>
          </>
        )
      }
    >
      <form
        className="flex flex-wrap gap-2"
        onSubmit={(event) => {
          event.preventDefault();
          void navigate({ search: (before) => ({ ...before, action: action.trim() || undefined, cursor: undefined }) });
        }}
      >
        <input
          data-filter
          type="search"
          aria-label={t("audit.filter")}
          placeholder={t("audit.filter")}
          className="field min-w-0 flex-1 text-[13px]"
          value={action}
          onChange={(event) => setAction(event.target.value)}
        />
        <Button type="submit">{t("audit.search")}</Button>
      </form>
      <Panel isFlush>
        <Asked query={entries} lines={10}>
          {({ data: found, meta }) =>
            found.length === 0 ? (
              <Empty title={t("audit.none")} />
            ) : (
              <>
                <ul>
                  {found.map((entry) => (
                    <Entry key={entry.id} entry={entry} />
                  ))}
                </ul>
                <Deeper place={search.cursor} next={meta.next_cursor} onGo={(cursor) => void navigate({ search: (before) => ({ ...before, cursor }) })} />
              </>
            )
          }
        </Asked>
      </Panel>
    </Page>
  );
}

function Entry({ entry }: { entry: AuditEntry }) {
  const t = useTranslate();
  const [isOpen, setOpen] = useState(false);
  const named = (value: Record<string, unknown>, name: string) => (typeof value[name] === "string" ? String(value[name]) : "");
  const resource = named(entry.resource, "name") || shortId(named(entry.resource, "id"));
  return (
    <li className="border-b border-line/60 last:border-0">
      <button type="button" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)} className="row flex w-full items-center gap-3 px-4 text-left text-[13px] hover:bg-hover">
        {isOpen ? <ChevronDown aria-hidden className="size-4 shrink-0" /> : <ChevronRight aria-hidden className="size-4 shrink-0" />}
        <span className="flex min-w-0 flex-1 flex-col py-1 sm:flex-row sm:items-center sm:gap-3">
          <span className="shrink-0 truncate font-mono text-xs sm:w-44">{entry.action}</span>
          <span className="untrusted min-w-0 flex-1 truncate">
            <span className="text-muted">{named(entry.resource, "kind")}</span> {resource}
          </span>
        </span>
        <span className="untrusted hidden max-w-56 truncate text-muted sm:inline">{named(entry.actor, "label")}</span>
        <span className="shrink-0 text-xs text-muted">
          <Time at={entry.happened_at} />
        </span>
      </button>
      {isOpen && (
        <div className="flex flex-col gap-3 border-t border-line/60 bg-panel p-4">
          <div className="grid gap-3 lg:grid-cols-2">
            <section className="flex min-w-0 flex-col gap-1">
              <h2>{t("audit.before")}</h2>
              <Json value={entry.before} />
            </section>
            <section className="flex min-w-0 flex-col gap-1">
              <h2>{t("audit.after")}</h2>
              <Json value={entry.after} />
            </section>
          </div>
          <Json
            value={{ actor: entry.actor, resource: entry.resource, address: entry.address, request_id: entry.request_id, seq: entry.seq, hash: entry.hash }}
          />
        </div>
      )}
    </li>
  );
}

async function verify(t: ReturnType<typeof useTranslate>): Promise<void> {
  const found = await data(api.GET("/api/v1/audit/verification"));
  if (found.holds) toast(t("audit.holds", { count: formatNumber(found.checked) }));
  else toast(t("audit.broken", { fault: found.faults[0] ?? "" }), { kind: "wrong" });
}

async function download(): Promise<void> {
  const response = await fetch(`${ROOT}/api/v1/audit/export`, { headers: credentialHeaders("GET"), credentials: "same-origin" });
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  save("audit.ndjson", await response.blob());
}
