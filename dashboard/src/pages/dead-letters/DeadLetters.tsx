import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { ChevronDown, ChevronRight, RotateCw } from "lucide-react";
import { useState } from "react";

import { api, body } from "@/api/client";
import { useQueues } from "@/api/queries";
import { useSession } from "@/api/session";
import type { ErrorGroup } from "@/api/types";
import { Asked } from "@/components/Asked";
import { Button } from "@/components/Button";
import { Deeper } from "@/components/Deeper";
import { Empty } from "@/components/Notices";
import { Operations } from "@/components/Operations";
import { Page, Panel } from "@/components/Page";
import { Pager } from "@/components/Pager";
import { Time } from "@/components/Time";
import { shortId } from "@/format/numbers";
import { useTranslate } from "@/i18n/translate";
import { useProject } from "@/shell/project";
import { Members } from "./Members";
import { RedriveDialog } from "./RedriveDialog";

const route = getRouteApi("/dead-letters");
const AT_ONCE = 50;

export function DeadLetters() {
  const t = useTranslate();
  const { id } = useProject();
  const { page = 1, before } = route.useSearch();
  const navigate = route.useNavigate();
  const go = (place: { page?: number; before?: string }) => void navigate({ search: ({ project }) => ({ project, ...place }) });
  const queues = useQueues();
  const groups = useQuery({
    queryKey: ["job", id, "dead letter groups", page, before],
    queryFn: () => body(api.GET("/api/v1/dead-letters/groups", { params: { query: { project_id: id, page, before, limit: AT_ONCE } } })),
    placeholderData: keepPreviousData,
  });
  const names = new Map((queues.data ?? []).map((queue) => [queue.id, queue.name]));
  return (
    <Page title={t("nav.dead_letters")} note={t("dead.note")}>
      <Operations />
      <Panel isFlush>
        <Asked query={groups} lines={8}>
          {({ data: found, meta }) =>
            found.length === 0 && before === undefined ? (
              <Empty title={t("dead.none")}>{t("dead.none_hint")}</Empty>
            ) : (
              <>
                {(meta.total_capped || before !== undefined) && <p className="border-b border-line px-4 py-2 text-[13px] text-muted">{t(before === undefined ? "dead.newest" : "dead.older")}</p>}
                <ul>
                  {found.map((group) => (
                    <Group
                      key={`${group.queue_id} ${group.job_type} ${group.error_type}`}
                      group={group}
                      queue={names.get(group.queue_id) ?? shortId(group.queue_id)}
                      isPart={meta.total_capped || before !== undefined}
                    />
                  ))}
                </ul>
                <Pager page={page} hasMore={meta.has_more} onGo={(next) => go({ before, page: next > 1 ? next : undefined })} />
                {!meta.has_more && <Deeper place={before} next={meta.next_cursor} onGo={(next) => go({ before: next })} />}
              </>
            )
          }
        </Asked>
      </Panel>
    </Page>
  );
}

function Group({ group, queue, isPart }: { group: ErrorGroup; queue: string; isPart: boolean }) {
  const t = useTranslate();
  const { caller, may } = useSession();
  const [isOpen, setOpen] = useState(false);
  const [isRedriving, setRedriving] = useState(false);
  return (
    <li className="border-b border-line last:border-0">
      <div className="flex flex-wrap items-start gap-x-3 gap-y-1 px-4 py-3">
        <button
          type="button"
          aria-expanded={isOpen}
          onClick={() => setOpen(!isOpen)}
          className="flex min-w-0 flex-1 basis-64 items-start gap-2 text-left max-sm:basis-full"
        >
          {isOpen ? <ChevronDown aria-hidden className="mt-0.5 size-4 shrink-0" /> : <ChevronRight aria-hidden className="mt-0.5 size-4 shrink-0" />}
          <span className="flex min-w-0 flex-col">
            <span className="untrusted font-medium">
              <span className="text-failed">{group.error_type || t("dead.no_error")}</span> · {group.job_type}
            </span>
            <span className="untrusted line-clamp-2 text-[13px] text-muted">{group.example}</span>
          </span>
        </button>
        <span className="flex flex-col text-right text-[13px] max-sm:ml-6 max-sm:flex-1 max-sm:text-left">
          <span className="font-semibold">{t("dead.count", { count: group.count })}{isPart && "+"}</span>
          <span className="text-xs text-muted">
            {queue} · <Time at={group.last_at} />
          </span>
        </span>
        {may("job:write") && caller.queue_ids === null && (
          <Button icon={RotateCw} onClick={() => setRedriving(true)}>
            {t("dead.redrive_group")}
          </Button>
        )}
      </div>
      {isOpen && <Members group={group} />}
      {isRedriving && <RedriveDialog group={group} isPart={isPart} onClose={() => setRedriving(false)} />}
    </li>
  );
}
