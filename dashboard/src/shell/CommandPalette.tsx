import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type KeyboardEvent, useEffect, useId, useMemo, useState } from "react";

import { api, data } from "@/api/client";
import { useQueues, useTasks } from "@/api/queries";
import { useSession } from "@/api/session";
import { Dialog } from "@/components/Dialog";
import { endingIn, jobIdIn } from "@/format/ids";
import { shortId } from "@/format/numbers";
import { nextLanguage, useTranslate } from "@/i18n/translate";
import { togglePaused } from "./live";
import { PLACES } from "./places";
import { nextTheme } from "./preferences";
import { useProject } from "./project";

interface Command {
  name: string;
  kind: string;
  run: () => void;
}

const MOST = 12;

export function CommandPalette({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const t = useTranslate();
  return (
    <Dialog title={t("palette.title")} isOpen={isOpen} onClose={onClose}>
      <Palette onDone={onClose} />
    </Dialog>
  );
}

function Palette({ onDone }: { onDone: () => void }) {
  const t = useTranslate();
  const [text, setText] = useState("");
  const [place, setPlace] = useState(0);
  const list = useId();
  const commands = useCommands();
  const found = useMemo(() => matching(commands, text), [commands, text]);
  const jobId = jobIdIn(text);
  const ending = useByEnding(text);
  const navigate = useNavigate();
  const shown: Command[] = jobId
    ? [{ name: jobId, kind: t("palette.job"), run: () => void navigate({ to: "/jobs/$jobId", params: { jobId } }) }]
    : [...ending, ...found];
  useEffect(() => setPlace(0), [text]);

  function press(event: KeyboardEvent) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      setPlace((place + step + shown.length) % Math.max(1, shown.length));
    } else if (event.key === "Enter") {
      event.preventDefault();
      choose(shown[place]);
    }
  }
  function choose(command: Command | undefined) {
    if (command === undefined) return;
    onDone();
    command.run();
  }

  return (
    <div className="flex flex-col gap-2">
      <input
        autoFocus
        role="combobox"
        aria-expanded
        aria-controls={list}
        aria-activedescendant={shown[place] && `${list}-${place}`}
        aria-label={t("palette.title")}
        placeholder={t("palette.hint")}
        className="field w-full"
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={press}
      />
      <ul id={list} role="listbox" aria-label={t("palette.title")} className="flex flex-col">
        {shown.map((command, index) => (
          <li
            key={`${command.kind} ${command.name}`}
            id={`${list}-${index}`}
            role="option"
            aria-selected={index === place}
            className={`flex h-8 items-center gap-3 rounded-md px-2 ${index === place ? "bg-hover" : ""}`}
            onMouseMove={() => setPlace(index)}
            onClick={() => choose(command)}
          >
            <span className="untrusted min-w-0 flex-1 truncate">{command.name}</span>
            <span className="text-xs text-muted">{command.kind}</span>
          </li>
        ))}
      </ul>
      {shown.length === 0 && <p className="p-2 text-muted">{t("palette.nothing")}</p>}
    </div>
  );
}

/** Jobs by the last characters of their ids, as pages show them. */
function useByEnding(text: string): Command[] {
  const t = useTranslate();
  const navigate = useNavigate();
  const { id } = useProject();
  const { may } = useSession();
  const ending = endingIn(text);
  const jobs = useQuery({
    queryKey: ["job", id, "ending", ending],
    queryFn: () => data(api.GET("/api/v1/jobs", { params: { query: { project_id: id, id_suffix: ending } } })),
    enabled: ending !== null && may("job:read"),
  });
  if (ending === null) return [];
  return (jobs.data ?? []).map((job) => ({
    name: `${job.job_type} ${shortId(job.id)}`,
    kind: t("palette.job"),
    run: () => void navigate({ to: "/jobs/$jobId", params: { jobId: job.id } }),
  }));
}

function useCommands(): Command[] {
  const t = useTranslate();
  const navigate = useNavigate();
  const { may } = useSession();
  const queues = useQueues();
  const tasks = useTasks();
  return [
    ...PLACES.filter((one) => one.needs === undefined || may(one.needs)).map((one) => ({
      name: t(one.name),
      kind: t("palette.page"),
      run: () => void navigate({ to: one.to }),
    })),
    ...(queues.data ?? []).map((queue) => ({
      name: queue.name,
      kind: t("palette.queue"),
      run: () => void navigate({ to: "/queues/$queueId", params: { queueId: queue.id } }),
    })),
    ...(tasks.data ?? []).map((task) => ({
      name: task.name,
      kind: t("palette.task"),
      run: () => void navigate({ to: "/jobs", search: { type: task.name } }),
    })),
    { name: t("palette.failed"), kind: t("palette.page"), run: () => void navigate({ to: "/jobs", search: { status: "failed" } }) },
    { name: t("theme.switch"), kind: t("palette.action"), run: nextTheme },
    { name: t("live.toggle"), kind: t("palette.action"), run: togglePaused },
    {
      name: "Bahasa Indonesia / English",
      kind: t("palette.action"),
      run: nextLanguage,
    },
  ];
}

/** Those whose letters come in this order, the ones that begin with them first. */
function matching(commands: Command[], text: string): Command[] {
  const wanted = text.trim().toLowerCase();
  const ranked = commands.map((command) => ({ command, rank: rank(command.name.toLowerCase(), wanted) }));
  return ranked
    .filter((one) => one.rank < 3)
    .sort((one, other) => one.rank - other.rank)
    .slice(0, MOST)
    .map((one) => one.command);
}

function rank(name: string, wanted: string): number {
  if (name.startsWith(wanted)) return 0;
  if (name.includes(wanted)) return 1;
  let place = 0;
  for (const letter of name) if (letter === wanted[place]) place += 1;
  return place === wanted.length ? 2 : 3;
}
