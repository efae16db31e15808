import type { ReactNode, TdHTMLAttributes, ThHTMLAttributes } from "react";

import { useTranslate } from "@/i18n/translate";

export function Table({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className="relative overflow-x-auto" tabIndex={0} role="region" aria-label={label}>
      <table aria-label={label} className="w-full border-collapse text-[13px]">
        {children}
      </table>
    </div>
  );
}

interface Aligned {
  isNumber?: boolean;
}

export function Head({ isNumber, className = "", ...rest }: ThHTMLAttributes<HTMLTableCellElement> & Aligned) {
  return (
    <th
      scope="col"
      className={`h-9 border-b border-line bg-panel px-2 text-xs font-medium whitespace-nowrap text-muted first:pl-4 last:pr-4 ${isNumber ? "text-right" : "text-left"} ${className}`}
      {...rest}
    />
  );
}

/** The head of a column of buttons: said, and not shown. */
export function ActionsHead() {
  const t = useTranslate();
  return (
    <Head>
      <span className="sr-only">{t("action.actions")}</span>
    </Head>
  );
}

export function Cell({ isNumber, className = "", ...rest }: TdHTMLAttributes<HTMLTableCellElement> & Aligned) {
  return (
    <td
      className={`row border-b border-line/60 px-2 py-1 ${className.includes("wraps") ? "" : "whitespace-nowrap"} first:pl-4 last:pr-4 ${isNumber ? "text-right" : ""} ${className}`}
      {...rest}
    />
  );
}

/** What a row is about: a screen reader says it with each cell of the row. */
export function NameCell({ className = "", ...rest }: ThHTMLAttributes<HTMLTableCellElement>) {
  return <th scope="row" className={`row border-b border-line/60 px-2 py-1 text-left font-normal whitespace-nowrap first:pl-4 last:pr-4 ${className}`} {...rest} />;
}

export function Row({ children, isChosen = false }: { children: ReactNode; isChosen?: boolean }) {
  return <tr className={`${isChosen ? "bg-accent/8" : "hover:bg-hover"} last:[&>*]:border-b-0`}>{children}</tr>;
}
