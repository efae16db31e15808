import { Link } from "@tanstack/react-router";

import { useSession } from "@/api/session";
import { useTranslate } from "@/i18n/translate";
import { PLACES } from "./places";

export function Navigation({ onGo }: { onGo?: () => void }) {
  const t = useTranslate();
  const { may } = useSession();
  return (
    <nav aria-label={t("nav.label")} className="flex flex-col gap-0.5 p-2">
      {PLACES.filter((place) => place.needs === undefined || may(place.needs)).map(({ to, name, icon: Icon, shortcut }) => (
        <Link
          key={to}
          to={to}
          onClick={onGo}
          activeOptions={{ exact: to === "/", includeSearch: false }}
          className="group flex h-8 items-center gap-2.5 rounded-md px-2.5 text-[13px]"
          activeProps={{ className: "bg-hover font-semibold text-ink" }}
          inactiveProps={{ className: "text-muted hover:bg-hover hover:text-ink" }}
        >
          <Icon aria-hidden className="size-4" />
          <span className="flex-1">{t(name)}</span>
          <kbd aria-hidden className="hidden font-mono text-[11px] text-muted group-hover:inline">
            g {shortcut}
          </kbd>
        </Link>
      ))}
    </nav>
  );
}
