import { Link } from "@tanstack/react-router";

import { buttonClass } from "@/components/Button";
import { Empty } from "@/components/Notices";
import { useTranslate } from "@/i18n/translate";

export function NotFound() {
  const t = useTranslate();
  return (
    <Empty title={t("state.no_page")}>
      <Link to="/" className={buttonClass()}>
        {t("nav.overview")}
      </Link>
    </Empty>
  );
}
