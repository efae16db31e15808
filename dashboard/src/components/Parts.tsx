import { type ReactNode, useState } from "react";

import { WHOLE } from "@/api/client";
import { formatNumber, useTranslate } from "@/i18n/translate";
import { Pager } from "./Pager";

const AT_ONCE = 100;

/** Of what is here as a whole as much as a table holds well, with the way to the rest. */
export function Parts<Item>({ items, children }: { items: Item[]; children: (part: Item[]) => ReactNode }) {
  const t = useTranslate();
  const [wanted, setWanted] = useState(1);
  const last = Math.max(1, Math.ceil(items.length / AT_ONCE));
  const total = `${formatNumber(items.length)}${items.length >= WHOLE ? "+" : ""}`;
  const page = Math.min(wanted, last);
  const [from, to] = [(page - 1) * AT_ONCE, Math.min(page * AT_ONCE, items.length)];
  return (
    <>
      {children(items.slice(from, to))}
      <Pager page={page} hasMore={page < last} onGo={setWanted} note={t("pages.of", { from: from + 1, to, total })} />
    </>
  );
}
