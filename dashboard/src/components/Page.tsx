import { type ReactNode, useEffect, useRef } from "react";

interface Props {
  title: string;
  heading?: ReactNode;
  note?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}

export function Page({ title, heading, note, actions, children }: Props) {
  const first = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · TaskForge`;
  }, [title]);
  useEffect(() => {
    // Who came to a page that was not there yet waits at its frame.
    if (document.activeElement?.id === "main") first.current?.focus({ preventScroll: true });
  }, []);
  return (
    <div className="mx-auto flex w-full max-w-[1440px] flex-col gap-4 px-4 py-5 md:px-6">
      <header className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <div className="flex min-w-0 flex-col max-sm:basis-full sm:flex-1">
          <h1 ref={first} tabIndex={-1} className="untrusted outline-none flex flex-wrap items-center gap-x-3 gap-y-1">{heading ?? title}</h1>
          {note && <div className="text-[13px] text-muted">{note}</div>}
        </div>
        {actions && <div className="flex flex-wrap items-center gap-2">{actions}</div>}
      </header>
      {children}
    </div>
  );
}

interface PanelProps {
  title?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
  className?: string;
  isFlush?: boolean;
}

export function Panel({ title, actions, children, className = "", isFlush = false }: PanelProps) {
  return (
    <section className={`min-w-0 rounded-lg border border-line bg-bg ${className}`}>
      {(title || actions) && (
        <div className="flex min-h-11 flex-wrap items-center gap-2 border-b border-line px-4 py-1.5">
          <h2 className="min-w-0 flex-1">{title}</h2>
          {actions}
        </div>
      )}
      <div className={isFlush ? "" : "p-4"}>{children}</div>
    </section>
  );
}

export function Facts({ children }: { children: ReactNode }) {
  return <dl className="grid grid-cols-[minmax(7rem,auto)_minmax(0,1fr)] gap-x-4 gap-y-1.5 text-[13px]">{children}</dl>;
}

export function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt className="text-muted">{name}</dt>
      <dd className="untrusted min-w-0">{children}</dd>
    </>
  );
}
