import { Link } from "@tanstack/react-router";
import { useState } from "react";

import { api, done } from "@/api/client";
import { useSession } from "@/api/session";
import type { Breaker } from "@/api/types";
import { Collection } from "@/components/Collection";
import { Panel } from "@/components/Page";
import { Status } from "@/components/Status";
import { Time } from "@/components/Time";
import { percent } from "@/format/numbers";
import { duration } from "@/format/time";
import { useTranslate } from "@/i18n/translate";
import { BreakerDialog } from "./BreakerDialog";
import { at, useBreakers } from "./queries";
import { Turn } from "./Turn";

/** The breakers of a project's tasks: how they stand, by what they judge, and the hand at them. */
export function Breakers() {
  const t = useTranslate();
  const { may } = useSession();
  const breakers = useBreakers();
  const [edited, setEdited] = useState<Breaker | "new" | null>(null);
  if (!may("queue:read")) return null;
  return (
    <Panel title={t("breakers.title")} isFlush>
      <Collection
        label={t("breakers.title")}
        note={t("breakers.note")}
        none={t("breakers.none")}
        items={breakers}
        idOf={(breaker) => breaker.id}
        columns={[
          { name: t("queues.state"), of: (breaker) => <State breaker={breaker} /> },
          { name: t("job.task"), of: (breaker) => <Task breaker={breaker} /> },
          { name: t("breakers.rate"), of: (breaker) => <Rate breaker={breaker} />, className: "wraps" },
          { name: t("breakers.until"), of: (breaker) => <Until breaker={breaker} /> },
          { name: t("breakers.since"), of: (breaker) => <Since breaker={breaker} />, className: "wraps" },
          { name: null, of: (breaker) => <Turn breaker={breaker} />, className: "text-right" },
        ]}
        edit={may("queue:write") ? { make: t("breakers.new"), onMake: () => setEdited("new"), change: t("action.edit"), onChange: setEdited } : null}
        removal={{
          button: t("action.delete"),
          title: t("breakers.delete"),
          hint: t("breakers.delete_hint"),
          said: t("breakers.deleted"),
          typed: (breaker) => breaker.job_type,
          remove: (breaker) => done(api.DELETE("/api/v1/breakers/{breaker_id}", at(breaker))),
        }}
      />
      {edited !== null && <BreakerDialog breaker={edited === "new" ? null : edited} onClose={() => setEdited(null)} />}
    </Panel>
  );
}

/** Those that hold jobs back. Nothing is shown where none does. */
export function OpenBreakers() {
  const t = useTranslate();
  const open = (useBreakers().data ?? []).filter((breaker) => breaker.state !== "closed");
  if (open.length === 0) return null;
  return (
    <Panel title={t("breakers.holding")} isFlush className="border-retrying/40">
      <ul>
        {open.map((breaker) => (
          <li key={breaker.id} className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-line/60 px-4 py-2 text-[13px] last:border-0">
            <State breaker={breaker} />
            <span className="min-w-0 flex-1 max-sm:basis-full">
              <Task breaker={breaker} />
              {breaker.reason && <span className="untrusted text-muted"> — {breaker.reason}</span>}
            </span>
            <span className="text-xs text-muted">
              <Until breaker={breaker} />
            </span>
            <Turn breaker={breaker} />
          </li>
        ))}
      </ul>
    </Panel>
  );
}

const State = ({ breaker }: { breaker: Breaker }) => <Status of={`breaker_${breaker.state}`} />;

function Task({ breaker }: { breaker: Breaker }) {
  return (
    <Link to="/jobs" search={{ type: breaker.job_type }} className="untrusted font-medium hover:underline">
      {breaker.job_type}
    </Link>
  );
}

/** What fails now, and from when on it opens. */
function Rate({ breaker }: { breaker: Breaker }) {
  const t = useTranslate();
  const window = duration(breaker.window_seconds * 1000);
  return (
    <span className="flex min-w-40 flex-col py-1">
      <span>{breaker.attempts === 0 ? t("breakers.no_attempts", { window }) : t("breakers.failed", { rate: percent(breaker.failures / breaker.attempts), failures: breaker.failures, attempts: breaker.attempts, window })}</span>
      <span className="text-xs text-muted">{t("breakers.opens", { rate: percent(breaker.failure_rate), attempts: breaker.minimum_attempts })}</span>
    </span>
  );
}

function Until({ breaker }: { breaker: Breaker }) {
  const t = useTranslate();
  if (breaker.state === "closed") return <>—</>;
  if (breaker.state === "half_open") return <>{t("breakers.trying", { succeeded: breaker.probes_succeeded, probes: breaker.probes, running: breaker.probes_under_way })}</>;
  if (breaker.probe_at === null) return <>{t("breakers.by_hand")}</>;
  return (
    <>
      {t("breakers.tries")} <Time at={breaker.probe_at} />
    </>
  );
}

function Since({ breaker }: { breaker: Breaker }) {
  const t = useTranslate();
  return (
    <span className="flex min-w-32 flex-col py-1">
      <Time at={breaker.changed_at} />
      {(breaker.reason || breaker.changed_by) && (
        <span className="untrusted text-xs text-muted">
          {breaker.reason}
          {breaker.changed_by && ` ${t("queue.by", { who: breaker.changed_by })}`}
        </span>
      )}
    </span>
  );
}
