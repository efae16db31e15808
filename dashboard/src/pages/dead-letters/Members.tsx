import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ChevronDown, RotateCw } from "lucide-react";
import { useEffect, useState } from "react";

import { api, body, done } from "@/api/client";
import { useAction } from "@/api/queries";
import { useSession } from "@/api/session";
import type { ErrorGroup, Job, ListMeta } from "@/api/types";
import { Asked } from "@/components/Asked";
import { Button } from "@/components/Button";
import { Time } from "@/components/Time";
import { shortId } from "@/format/numbers";
import { formatNumber, type Translate, useTranslate } from "@/i18n/translate";

const MOST = 50;

/** The dead letters of a group, the newest first, and more of them as one asks. */
export function Members({ group }: { group: ErrorGroup }) {
  const t = useTranslate();
  const action = useAction();
  const { may } = useSession();
  const query = { queue_id: group.queue_id, job_type: group.job_type, error: group.error_type || undefined, limit: MOST };
  const members = useInfiniteQuery({
    queryKey: ["job", "dead letters", query],
    queryFn: ({ pageParam }) => body(api.GET("/api/v1/dead-letters", { params: { query: { ...query, cursor: pageParam } } })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ meta }) => meta.next_cursor ?? undefined,
  });
  const [wanted, setWanted] = useState(1);
  const { hasNextPage, isFetching, isFetchNextPageError, fetchNextPage } = members;
  const here = members.data?.pages.length ?? 0;
  const isMoreWanted = hasNextPage && here < wanted && !isFetchNextPageError;
  useEffect(() => {
    // A look at what is new takes the place of a question for more: that is asked again after it.
    if (isMoreWanted && !isFetching) void fetchNextPage();
  }, [isMoreWanted, isFetching, fetchNextPage]);
  const askForMore = () => {
    setWanted(here + 1);
    if (isFetchNextPageError) void fetchNextPage();
  };
  const redrive = (job: Job) =>
    action(() => done(api.POST("/api/v1/dead-letters/{job_id}/redrive", { params: { path: { job_id: job.id } } })), t("dead.redriven", { count: 1 }));
  return (
    <div className="border-t border-line/60 bg-panel px-4 py-2">
      <Asked query={members}>
        {({ pages }) => (
          <>
            <p className="py-1 text-[13px] text-muted" aria-live="polite">
              {shown(pages, t)}
            </p>
            {pages.flatMap((page) => page.data).map((job) => (
              <div key={job.id} className="row flex items-center gap-3 text-[13px]">
                <Link to="/jobs/$jobId" params={{ jobId: job.id }} className="min-w-0 flex-1 truncate hover:underline">
                  <span className="font-mono text-xs">{shortId(job.id)}</span> <span className="untrusted text-muted">{job.queue_name}</span>
                </Link>
                <span className="text-xs text-muted">
                  <Time at={job.dead_lettered_at} />
                </span>
                {may("job:write") && (
                  <Button kind="quiet" icon={RotateCw} onClick={() => void redrive(job)}>
                    {t("dead.redrive")}
                  </Button>
                )}
              </div>
            ))}
            {hasNextPage && (
              <p className="flex justify-center py-1">
                <Button kind="quiet" icon={ChevronDown} disabled={isMoreWanted} onClick={askForMore}>
                  {t("pages.more")}
                </Button>
              </p>
            )}
          </>
        )}
      </Asked>
    </div>
  );
}

function shown(pages: { data: Job[]; meta: ListMeta }[], t: Translate): string {
  const count = pages.reduce((sum, page) => sum + page.data.length, 0);
  const head = pages[0]?.meta;
  const total = Math.max(head?.total_items ?? count, count);
  return t("dead.shown", { count: formatNumber(count), total: `${formatNumber(total)}${head?.total_capped ? "+" : ""}` });
}
