import type { LucideIcon } from "lucide-react";
import type { ButtonHTMLAttributes } from "react";

type Kind = "primary" | "plain" | "quiet" | "danger";

interface Props extends ButtonHTMLAttributes<HTMLButtonElement> {
  kind?: Kind;
  icon?: LucideIcon;
}

const KINDS: Record<Kind, string> = {
  primary: "bg-accent text-accent-ink border-transparent hover:opacity-90",
  plain: "bg-bg text-ink border-strong-line/60 hover:bg-hover",
  quiet: "bg-transparent text-muted border-transparent hover:bg-hover hover:text-ink",
  danger: "bg-bg text-failed border-failed/50 hover:bg-failed/8",
};

export function buttonClass(kind: Kind = "plain"): string {
  return `inline-flex h-8 shrink-0 items-center justify-center gap-1.5 rounded-md border px-3 text-[13px] font-medium whitespace-nowrap disabled:border-line disabled:bg-panel disabled:text-muted disabled:hover:bg-panel ${KINDS[kind]}`;
}

export function Button({ kind = "plain", icon: Icon, className = "", children, type = "button", ...rest }: Props) {
  return (
    <button type={type} className={`${buttonClass(kind)} ${className}`} {...rest}>
      {Icon && <Icon aria-hidden className="size-3.5" />}
      {children}
    </button>
  );
}

interface IconProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  icon: LucideIcon;
  label: string;
}

export function IconButton({ icon: Icon, label, className = "", ...rest }: IconProps) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      className={`inline-flex size-8 shrink-0 items-center justify-center rounded-md text-muted hover:bg-hover hover:text-ink disabled:text-muted ${className}`}
      {...rest}
    >
      <Icon aria-hidden className="size-4" />
    </button>
  );
}
