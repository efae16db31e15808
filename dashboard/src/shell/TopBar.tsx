import { useNavigate } from "@tanstack/react-router";
import { CircleHelp, LogOut, Menu, Moon, Pause, Play, Radio, Search, Sun } from "lucide-react";

import { ENVIRONMENT } from "@/api/root";
import { useSession } from "@/api/session";
import { Button, IconButton } from "@/components/Button";
import { nextLanguage, useTranslate } from "@/i18n/translate";
import { togglePaused, useLive } from "./live";
import { isDark, nextTheme, usePreferences } from "./preferences";
import { useProject } from "./project";
import { tell } from "./toasts";

interface Props {
  onMenu: () => void;
  onSearch: () => void;
  onHelp: () => void;
}

export function TopBar({ onMenu, onSearch, onHelp }: Props) {
  const t = useTranslate();
  const { language } = usePreferences();
  const { caller, logOut } = useSession();
  return (
    <header className="sticky top-0 z-30 flex h-12 items-center gap-1.5 border-b border-line bg-panel px-2 md:px-3">
      <span className="md:hidden">
        <IconButton icon={Menu} label={t("nav.open")} onClick={onMenu} />
      </span>
      <Brand />
      <Environment />
      <ProjectSwitch />
      <div className="flex-1" />
      <Button kind="plain" icon={Search} onClick={onSearch} className="text-muted">
        <span className="max-sm:sr-only">{t("palette.open")}</span>
        <kbd aria-hidden className="hidden font-mono text-[11px] lg:inline">
          Ctrl K
        </kbd>
      </Button>
      <LiveSwitch />
      <Button
        kind="quiet"
        className="px-2! max-sm:hidden"
        lang={language === "en" ? "id" : "en"}
        onClick={nextLanguage}
      >
        {language === "en" ? "Bahasa Indonesia" : "English"}
      </Button>
      <IconButton icon={isDark() ? Sun : Moon} label={t("theme.switch")} onClick={nextTheme} className="max-sm:hidden" />
      <IconButton icon={CircleHelp} label={t("help.open")} onClick={onHelp} />
      <IconButton
        icon={LogOut}
        label={t("login.log_out", { who: caller.label })}
        onClick={() => void logOut().catch(tell)}
      />
    </header>
  );
}

function Brand() {
  return (
    <span className="mr-1 flex items-center gap-2 font-semibold tracking-tight">
      <svg aria-hidden viewBox="0 0 32 32" className="size-5">
        <rect width="32" height="32" rx="7" className="fill-accent" />
        <path d="M8 10h16M8 16h11M8 22h6" className="stroke-accent-ink" strokeWidth="3" strokeLinecap="round" />
      </svg>
      <span className="hidden sm:inline">TaskForge</span>
    </span>
  );
}

/** Production looks like no other: nobody shall take the one for the other. */
function Environment() {
  const t = useTranslate();
  if (ENVIRONMENT === "") return null;
  const look = /^prod/i.test(ENVIRONMENT) ? "border-failed/50 bg-failed/10 text-failed" : "border-scheduled/50 bg-scheduled/10 text-scheduled";
  return (
    <span title={t("nav.environment")} className={`untrusted max-w-32 truncate rounded border px-1.5 text-xs font-semibold max-sm:max-w-20 ${look}`}>
      {ENVIRONMENT}
    </span>
  );
}

function ProjectSwitch() {
  const t = useTranslate();
  const navigate = useNavigate();
  const { id, name, all } = useProject();
  if (all.length < 2) return name ? <span className="untrusted truncate text-[13px] text-muted">{name}</span> : null;
  return (
    <select
      aria-label={t("project.switch")}
      value={id}
      onChange={(event) => void navigate({ to: "/", search: { project: event.target.value } })}
      className="field h-8 max-w-44 min-w-0 truncate text-[13px]"
    >
      {all.map((project) => (
        <option key={project.id} value={project.id}>
          {project.name}
        </option>
      ))}
    </select>
  );
}

function LiveSwitch() {
  const t = useTranslate();
  const { isPaused, connection, holds, isBehind } = useLive();
  const state = isPaused ? "paused" : connection !== "open" ? "connecting" : holds > 0 ? "held" : "live";
  const looks = {
    live: "text-succeeded",
    held: "text-retrying",
    paused: "text-retrying",
    connecting: "text-muted",
  }[state];
  return (
    <Button
      kind="quiet"
      className={`px-2! ${looks}`}
      icon={state === "live" ? Radio : state === "held" || state === "paused" ? Pause : Play}
      title={t("live.hint")}
      onClick={togglePaused}
    >
      <span className="max-sm:sr-only">{t(`live.${state}`)}</span>
      {isBehind && <span aria-hidden>•</span>}
    </Button>
  );
}

/** Told when the stream is gone: what is shown may be old. */
export function ConnectionBanner() {
  const t = useTranslate();
  const { connection } = useLive();
  if (connection !== "lost") return null;
  return (
    <div role="status" className="border-b border-retrying/40 bg-retrying/10 px-4 py-1.5 text-center text-[13px] text-retrying">
      {t("live.lost")}
    </div>
  );
}
