import { useQuery } from "@tanstack/react-query";
import { CirclePause, Play } from "lucide-react";
import { useState } from "react";

import { api, data, done, whole } from "@/api/client";
import { useAction } from "@/api/queries";
import { useSession } from "@/api/session";
import type { Pause, PauseKind } from "@/api/types";
import { Button } from "@/components/Button";
import { FormDialog } from "@/components/Dialog";
import { Field } from "@/components/Field";
import { Panel } from "@/components/Page";
import { Time } from "@/components/Time";
import { useTranslate, word } from "@/i18n/translate";
import { useProject } from "@/shell/project";

const KINDS: PauseKind[] = ["type", "tag", "key"];

export function usePauses() {
  const { id } = useProject();
  const { may } = useSession();
  return useQuery({
    queryKey: ["queue", id, "pauses"],
    queryFn: () => whole((page) => api.GET("/api/v1/pauses", { params: { query: { project_id: id, ...page } } })),
    // That of a breaker stands with the breakers.
    select: (pauses) => pauses.filter((pause) => pause.kind !== "breaker"),
    enabled: may("queue:read"),
  });
}

function useResume() {
  const t = useTranslate();
  const action = useAction();
  const { id } = useProject();
  return ({ kind, value }: Pick<Pause, "kind" | "value">) =>
    action(() => done(api.DELETE("/api/v1/pauses", { params: { query: { kind, value, project_id: id } } })), t("pauses.resumed", { kind: word("pause_kind", kind), value }));
}

/** What is paused beside queues: tasks, tags and keys. Nothing is shown where nothing is. */
export function Pauses() {
  const t = useTranslate();
  const { may } = useSession();
  const pauses = usePauses();
  const resume = useResume();
  if (pauses.data === undefined || pauses.data.length === 0) return null;
  return (
    <Panel title={t("pauses.title")} isFlush className="border-retrying/40">
      <ul>
        {pauses.data.map((pause) => (
          <li key={pause.id} className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-line/60 px-4 py-2 text-[13px] last:border-0">
            <span className="min-w-0 flex-1 max-sm:basis-full">
              <span className="text-muted">{word("pause_kind", pause.kind)}</span> <span className="untrusted font-medium">{pause.value}</span>
              {pause.reason && <span className="untrusted text-muted"> — {pause.reason}</span>}
            </span>
            <span className="untrusted text-xs text-muted">
              {pause.paused_by && `${t("queue.by", { who: pause.paused_by })} · `}
              <Time at={pause.created_at} />
            </span>
            {may("queue:write") && (
              <Button kind="quiet" icon={Play} onClick={() => void resume(pause)}>
                {t("queues.resume")}
              </Button>
            )}
          </li>
        ))}
      </ul>
    </Panel>
  );
}

/** Pauses jobs of a task, a tag or a key; with a task given, of that one. */
export function PauseJobs({ task }: { task?: string }) {
  const t = useTranslate();
  const action = useAction();
  const { may } = useSession();
  const { id } = useProject();
  const resume = useResume();
  const pauses = usePauses();
  const [isOpen, setOpen] = useState(false);
  const [kind, setKind] = useState<PauseKind>("type");
  const [value, setValue] = useState(task ?? "");
  const [reason, setReason] = useState("");
  if (!may("queue:write")) return null;
  const known = task === undefined ? undefined : pauses.data?.find((pause) => pause.kind === "type" && pause.value === task);
  if (known) {
    return (
      <Button kind="quiet" icon={Play} onClick={() => void resume(known)}>
        {t("queues.resume")}
      </Button>
    );
  }
  const pause = () =>
    action(
      () => data(api.POST("/api/v1/pauses", { params: { query: { project_id: id } }, body: { kind, value: value.trim(), ...(reason ? { reason } : {}) } })),
      t("pauses.paused", { kind: word("pause_kind", kind), value }),
      { undo: () => void resume({ kind, value: value.trim() }) },
    );
  return (
    <>
      <Button kind={task === undefined ? "plain" : "quiet"} icon={CirclePause} onClick={() => setOpen(true)}>
        {t(task === undefined ? "pauses.open" : "queues.pause")}
      </Button>
      <FormDialog title={t("pauses.open")} isOpen={isOpen} onClose={() => setOpen(false)} submit={t("queues.pause")} isDisabled={value.trim() === ""} save={pause}>
        <p className="text-muted">{t("pauses.hint")}</p>
        <div className="grid grid-cols-[8rem_1fr] gap-3">
          <Field label={t("pauses.kind")}>
            <select className="field" disabled={task !== undefined} value={kind} onChange={(event) => setKind(event.target.value as PauseKind)}>
              {KINDS.map((one) => (
                <option key={one} value={one}>
                  {word("pause_kind", one)}
                </option>
              ))}
            </select>
          </Field>
          <Field label={t("pauses.value")}>
            <input className="field min-w-0" disabled={task !== undefined} maxLength={200} value={value} onChange={(event) => setValue(event.target.value)} />
          </Field>
        </div>
        <Field label={t("queues.pause_reason")}>
          <input className="field" maxLength={1000} value={reason} onChange={(event) => setReason(event.target.value)} />
        </Field>
      </FormDialog>
    </>
  );
}
