import { useVirtualizer } from "@tanstack/react-virtual";
import { ArrowDownToLine, Download } from "lucide-react";
import { useDeferredValue, useEffect, useMemo, useRef, useState } from "react";

import type { Job, LogLevel, LogLine } from "@/api/types";
import { Button } from "@/components/Button";
import { Empty, Wrong } from "@/components/Notices";
import { visible } from "@/components/Json";
import { save } from "@/format/files";
import { absolute, clock } from "@/format/time";
import { formatNumber, useTranslate } from "@/i18n/translate";
import { usePreferences } from "@/shell/preferences";
import { MOST_LINES, useLogTail } from "./logLines";

const LEVELS: LogLevel[] = ["trace", "debug", "info", "warn", "error"];
const LOOKS: Record<LogLevel, string> = {
  trace: "text-muted",
  debug: "text-muted",
  info: "text-processing",
  warn: "text-retrying",
  error: "text-failed",
};
const LINE_PIXELS = 20;
const SHOWN_CHARACTERS = 2000;

export function Log({ job }: { job: Job }) {
  const t = useTranslate();
  usePreferences();
  const { lines, isEnded, error } = useLogTail(job.id);
  const [least, setLeast] = useState<LogLevel>("trace");
  const [text, setText] = useState("");
  const wanted = useDeferredValue(text.toLowerCase());
  const found = useMemo(() => {
    const from = LEVELS.indexOf(least);
    if (from === 0 && wanted === "") return lines;
    return lines.filter((line) => LEVELS.indexOf(line.level) >= from && (wanted === "" || line.message.toLowerCase().includes(wanted)));
  }, [lines, least, wanted]);
  if (error) return <Wrong error={error} />;
  return (
    <div className="flex flex-col gap-2">
      <div className="flex flex-wrap items-center gap-2">
        <select aria-label={t("log.level")} className="field text-[13px]" value={least} onChange={(event) => setLeast(event.target.value as LogLevel)}>
          {LEVELS.map((level) => (
            <option key={level} value={level}>
              {level === "trace" ? t("log.all_levels") : t("log.from_level", { level })}
            </option>
          ))}
        </select>
        <input
          data-filter
          type="search"
          aria-label={t("log.search")}
          placeholder={t("log.search")}
          className="field min-w-0 flex-1 text-[13px]"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <span className="text-xs text-muted" aria-live="polite">
          {t("log.count", { shown: formatNumber(found.length), all: formatNumber(lines.length) })}
          {lines.length >= MOST_LINES && ` · ${t("log.newest")}`}
        </span>
        <Button icon={Download} disabled={lines.length === 0} onClick={() => download(job, found)}>
          {t("log.download")}
        </Button>
      </div>
      {lines.length === 0 ? <Empty title={t(isEnded ? "log.none" : "log.waiting")} /> : <Lines lines={found} isEnded={isEnded} />}
    </div>
  );
}

function Lines({ lines, isEnded }: { lines: LogLine[]; isEnded: boolean }) {
  const t = useTranslate();
  const place = useRef<HTMLDivElement>(null);
  const [isFollowing, setFollowing] = useState(!isEnded);
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => place.current,
    estimateSize: () => LINE_PIXELS,
    overscan: 20,
  });
  useEffect(() => {
    if (isFollowing && lines.length > 0) virtual.scrollToIndex(lines.length - 1, { align: "end" });
  }, [isFollowing, lines.length, virtual]);
  return (
    <div className="relative">
      <div
        ref={place}
        tabIndex={0}
        role="log"
        aria-label={t("job.tab_log")}
        className="h-[28rem] overflow-auto rounded-md border border-line bg-panel font-mono text-xs/5"
        onWheel={(event) => event.deltaY < 0 && setFollowing(false)}
        onKeyDown={(event) => ["PageUp", "ArrowUp", "Home"].includes(event.key) && setFollowing(false)}
      >
        <div className="relative w-full" style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map((item) => {
            const line = lines[item.index];
            if (line === undefined) return null;
            return (
              <div
                key={item.key}
                ref={virtual.measureElement}
                data-index={item.index}
                className="absolute top-0 left-0 flex w-full gap-3 px-3 hover:bg-hover"
                style={{ transform: `translateY(${item.start}px)` }}
              >
                <time className="shrink-0 text-muted" dateTime={line.logged_at} title={absolute(line.logged_at)}>
                  {clock(line.logged_at, 3)}
                </time>
                <span className={`w-10 shrink-0 ${LOOKS[line.level]}`}>{line.level}</span>
                <span className="untrusted min-w-0 flex-1 whitespace-pre-wrap">{written(line)}</span>
              </div>
            );
          })}
        </div>
      </div>
      {!isFollowing && (
        <Button icon={ArrowDownToLine} className="absolute right-4 bottom-3" onClick={() => setFollowing(true)}>
          {t("log.follow")}
        </Button>
      )}
    </div>
  );
}

function written(line: LogLine): string {
  const extra = isEmpty(line.metadata) ? "" : `  ${JSON.stringify(line.metadata)}`;
  const text = visible(line.message + extra);
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}

const isEmpty = (value: unknown) => value === null || value === undefined || (typeof value === "object" && Object.keys(value).length === 0);

function download(job: Job, lines: LogLine[]): void {
  const text = lines.map((line) => `${line.logged_at} ${line.level} ${line.message}${isEmpty(line.metadata) ? "" : ` ${JSON.stringify(line.metadata)}`}`);
  save(`${job.id}.log`, `${text.join("\n")}\n`);
}
