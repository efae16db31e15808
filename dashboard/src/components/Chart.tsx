import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

import { moments } from "@/format/formats";
import { compact } from "@/format/numbers";
import { zone } from "@/format/time";
import { type Translate, useTranslate } from "@/i18n/translate";
import { usePreferences } from "@/shell/preferences";

export interface Line {
  name: string;
  /** The name of a colour of the theme: `succeeded`, `failed`, ... */
  colour: string;
  values: (number | null)[];
  isDashed?: boolean;
}

interface Props {
  label: string;
  /** Seconds since 1970, or since a beginning where `formatTime` says how these are written. */
  times: number[];
  lines: Line[];
  height?: number;
  format?: (value: number) => string;
  formatTime?: (seconds: number) => string;
  /** Values stay until the next one. */
  isStepped?: boolean;
}

/** Hours and minutes; over more than two days, or where the marks are whole days, the day. */
function shortTime(times: number[], marks: number[]): (moment: number) => string {
  const isLong = (times.at(-1) ?? 0) - (times[0] ?? 0) > 2 * 86_400 || (marks[1] ?? 0) - (marks[0] ?? 0) >= 80_000;
  const part = isLong ? ({ day: "numeric", month: "short" } as const) : ({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const);
  return (moment) => moments({ ...part, timeZone: zone() }).format(moment * 1000);
}

/** Between the marks of a time since a beginning, in seconds. */
const STEPS = [1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400];

/** Between the marks of a count: there is no half of a job. */
const WHOLE_STEPS = Array.from({ length: 30 }, (_, place) => [1, 2, 5][place % 3]! * 10 ** Math.floor(place / 3));

/** A single moment stands in the middle of an hour: by itself it would have an axis of years. */
function span(plot: uPlot, least: number, most: number): [number, number] {
  return plot.data[0].length === 1 ? [least - 1800, least + 1800] : [least, most];
}

/** What a line shows, for those who do not see it. */
function inWords(values: (number | null)[], format: (value: number) => string, t: Translate): string {
  const known = values.filter((value) => value !== null);
  const last = known.at(-1);
  if (last === undefined) return "";
  const [least, most] = known.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [last, last]);
  return t("chart.in_words", { least: format(least), most: format(most), last: format(last) });
}

const colour = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

export default function Chart({ label, times, lines, height = 180, format = compact, formatTime, isStepped = false }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const t = useTranslate();
  const { theme, timeZone, language } = usePreferences();
  const isSparse = lines.every((line) => line.values.filter((value) => value !== null).length < 3);
  const shape = `${lines.map((line) => `${line.name} ${line.colour}`).join()} ${isSparse}`;

  useEffect(() => {
    const box = place.current;
    if (box === null) return;
    const axis = {
      stroke: colour("muted"),
      grid: { stroke: colour("line"), width: 1 },
      ticks: { show: false },
      font: "11px system-ui",
    };
    const options: uPlot.Options = {
      width: Math.max(200, box.clientWidth),
      height,
      legend: { show: false },
      cursor: { y: false, points: { size: 6 } },
      tzDate: (seconds) => (zone() === undefined ? new Date(seconds * 1000) : uPlot.tzDate(new Date(seconds * 1000), zone() ?? "UTC")),
      axes: [
        { ...axis, grid: { show: false }, space: 70, size: 26, incrs: formatTime && STEPS, values: (_, moments) => moments.map(formatTime ?? shortTime(times, moments)) },
        { ...axis, size: 52, space: 34, incrs: format === compact ? WHOLE_STEPS : undefined, values: (_, ticks) => ticks.map(format) },
      ],
      scales: { x: { time: formatTime === undefined, range: formatTime === undefined ? span : undefined }, y: { range: (_, __, most) => [0, most > 0 ? most * 1.08 : 1] } },
      series: [
        {},
        ...lines.map((line) => ({
          label: line.name,
          stroke: colour(line.colour),
          fill: line.isDashed ? undefined : `color-mix(in srgb, ${colour(line.colour)} 14%, transparent)`,
          width: 1.75,
          dash: line.isDashed ? [5, 3] : undefined,
          // A line through one or two values would not be seen.
          points: { show: isSparse, size: 6, fill: colour(line.colour) },
          spanGaps: true,
          paths: isStepped ? uPlot.paths.stepped?.({ align: 1 }) : undefined,
        })),
      ],
    };
    const made = new uPlot(options, [times, ...lines.map((line) => line.values)], box);
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: Math.max(200, box.clientWidth), height }));
    observer.observe(box);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
    // The values come by the effect below: the plot is made anew only when its shape or its colours change.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [shape, height, theme, timeZone, language]);

  useEffect(() => {
    plot.current?.setData([times, ...lines.map((line) => line.values)]);
  }, [times, lines]);

  return (
    <figure aria-label={label} className="flex min-w-0 flex-col gap-2">
      <figcaption className="flex flex-wrap gap-x-4 gap-y-1 text-xs">
        {lines.map((line) => (
          <span key={line.name} className="flex items-center gap-1.5">
            <span aria-hidden className={`w-4 border-t-2 ${line.isDashed ? "border-dashed" : ""}`} style={{ borderColor: `var(--${line.colour})` }} />
            {line.name}
            <span className="sr-only">{inWords(line.values, format, t)}</span>
          </span>
        ))}
      </figcaption>
      <div ref={place} aria-hidden className="min-w-0 overflow-hidden" style={{ height }} />
    </figure>
  );
}
