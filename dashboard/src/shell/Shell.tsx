import { Outlet, useNavigate, useRouterState } from "@tanstack/react-router";
import { Suspense, useEffect, useRef, useState } from "react";

import { SessionGate } from "@/api/session";
import { Dialog } from "@/components/Dialog";
import { Skeleton, Wrong } from "@/components/Notices";
import { useTranslate } from "@/i18n/translate";
import { CommandPalette } from "./CommandPalette";
import { Help } from "./Help";
import { togglePaused, useLiveUpdates } from "./live";
import { Login } from "./Login";
import { Navigation } from "./Navigation";
import { PLACES } from "./places";
import { nextTheme } from "./preferences";
import { ProjectChoice, useProject } from "./project";
import { useShortcuts } from "./shortcuts";
import { Toasts } from "./Toasts";
import { ConnectionBanner, TopBar } from "./TopBar";

export function Shell() {
  return (
    <SessionGate
      login={({ onLogin }) => <Login onLogin={onLogin} />}
      broken={(error, again) => <Wrong error={error} again={again} />}
    >
      <ProjectChoice>
        <Frame />
      </ProjectChoice>
      <Toasts />
    </SessionGate>
  );
}

type Open = "menu" | "palette" | "help" | null;

function Frame() {
  const t = useTranslate();
  const project = useProject();
  const [open, setOpen] = useState<Open>(null);
  const close = () => setOpen(null);
  const shown = useRouterState({ select: (state) => state.resolvedLocation?.state.__TSR_key });
  useLiveUpdates(project.id);
  useFrameShortcuts(setOpen);
  return (
    <div className="flex min-h-dvh flex-col">
      <a href="#main" className="sr-only focus:not-sr-only focus:absolute focus:z-50 focus:bg-bg focus:p-2">
        {t("nav.skip")}
      </a>
      <TopBar onMenu={() => setOpen("menu")} onSearch={() => setOpen("palette")} onHelp={() => setOpen("help")} />
      <ConnectionBanner />
      <div className="flex min-h-0 flex-1">
        <aside className="sticky top-12 hidden h-[calc(100dvh-3rem)] w-52 shrink-0 overflow-y-auto border-r border-line bg-panel md:block">
          <Navigation />
        </aside>
        <main id="main" data-shown={shown} tabIndex={-1} className="min-w-0 flex-1 outline-none" key={project.id}>
          <Suspense fallback={<Skeleton lines={8} />}>
            <Outlet />
          </Suspense>
        </main>
      </div>
      <Announcement />
      <Dialog title={t("nav.label")} isOpen={open === "menu"} onClose={close}>
        <Navigation onGo={close} />
      </Dialog>
      <CommandPalette isOpen={open === "palette"} onClose={close} />
      <Help isOpen={open === "help"} onClose={close} />
    </div>
  );
}

/** Says the title of another page to those who do not see that it came. */
function Announcement() {
  const path = useRouterState({ select: (state) => state.resolvedLocation?.pathname });
  const [said, setSaid] = useState("");
  const before = useRef(path);
  useEffect(() => {
    // Who reads by ear or by keys goes on at the new page, not at the link that led there, which may be gone, or among forty others.
    if (before.current !== path && !isOccupied()) (document.querySelector<HTMLElement>("main h1") ?? document.getElementById("main"))?.focus({ preventScroll: true });
    before.current = path;
    const timer = setTimeout(() => setSaid(document.title), ANNOUNCED_AFTER_MS);
    return () => clearTimeout(timer);
  }, [path]);
  return (
    <p className="sr-only" aria-live="polite">
      {said}
    </p>
  );
}

/** Whether somebody writes, or is in a dialog, where the focus belongs. */
const isOccupied = () => document.activeElement?.matches("input, textarea, select, dialog, dialog *") ?? false;

/** By then a page that loads quickly has its title. */
const ANNOUNCED_AFTER_MS = 500;

function useFrameShortcuts(setOpen: (open: Open) => void) {
  const navigate = useNavigate();
  useShortcuts({
    ...Object.fromEntries(PLACES.map((place) => [`g ${place.shortcut}`, () => void navigate({ to: place.to })])),
    "?": () => setOpen("help"),
    "/": () => document.querySelector<HTMLElement>("[data-filter]")?.focus(),
    l: togglePaused,
    t: nextTheme,
  });
  useEffect(() => {
    function press(event: KeyboardEvent) {
      if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      setOpen("palette");
    }
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, [setOpen]);
}
