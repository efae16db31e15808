import { getRouteApi, Link } from "@tanstack/react-router";

import type { ErrorRecord } from "@/api/types";
import { Asked } from "@/components/Asked";
import { Empty } from "@/components/Notices";
import { Operations } from "@/components/Operations";
import { Page, Panel } from "@/components/Page";
import { Pager } from "@/components/Pager";
import { Status } from "@/components/Status";
import { Tabs } from "@/components/Tabs";
import { Time } from "@/components/Time";
import { useTranslate, word } from "@/i18n/translate";
import { Hours } from "./Hours";
import { ERROR_STATUSES, OPEN, useErrors } from "./queries";

const route = getRouteApi("/errors");
const TABS = ["open", ...ERROR_STATUSES, "all"] as const;

export function Errors() {
  const t = useTranslate();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const chosen = TABS.find((tab) => tab === search.status) ?? "open";
  const page = search.page ?? 1;
  const errors = useErrors(chosen === "open" ? OPEN : chosen === "all" ? ERROR_STATUSES : [chosen], page);
  return (
    <Page title={t("nav.errors")} note={t("errors.note")}>
      <Tabs
        label={t("job.status")}
        chosen={chosen}
        onChoose={(tab) => void navigate({ search: ({ project }) => ({ project, status: tab === "open" ? undefined : tab }) })}
        tabs={TABS.map((tab) => ({ name: tab, label: tab === "open" ? t("errors.open") : tab === "all" ? t("jobs.all") : word("status", tab) }))}
      />
      <Operations />
      <Panel isFlush>
        <Asked query={errors} lines={8}>
          {({ data: found, meta }) =>
            found.length === 0 ? (
              <Empty title={t(chosen === "open" ? "errors.none_open" : "errors.none")}>{t("errors.none_hint")}</Empty>
            ) : (
              <>
                <ul>
                  {found.map((group) => (
                    <Group key={group.id} group={group} />
                  ))}
                </ul>
                <Pager page={page} hasMore={meta.has_more} onGo={(next) => void navigate({ search: (before) => ({ ...before, page: next > 1 ? next : undefined }) })} />
              </>
            )
          }
        </Asked>
      </Panel>
    </Page>
  );
}

function Group({ group }: { group: ErrorRecord }) {
  const t = useTranslate();
  const place = group.frames.at(-1);
  return (
    <li className="flex flex-wrap items-start gap-x-4 gap-y-1 border-b border-line/60 px-4 py-3 last:border-0">
      <Link to="/errors/$errorId" params={{ errorId: group.id }} className="group flex min-w-0 flex-1 basis-72 flex-col">
        <span className="flex flex-wrap items-center gap-x-2">
          <span className="untrusted font-medium text-failed group-hover:underline">{group.error_type}</span>
          <Status of={group.status} />
        </span>
        <span className="untrusted line-clamp-2 text-[13px]">{group.message}</span>
        <span className="untrusted truncate text-xs text-muted">
          {group.tasks.map((task) => task.name).join(", ")}
          {place && ` · ${place}`}
        </span>
      </Link>
      <Hours hours={group.hours} />
      <span className="ml-auto flex w-32 shrink-0 flex-col text-right text-[13px]">
        <span className="font-semibold">{t("errors.failures", { count: group.count })}</span>
        <span className="text-xs text-muted">
          <Time at={group.last_seen} />
        </span>
      </span>
    </li>
  );
}
