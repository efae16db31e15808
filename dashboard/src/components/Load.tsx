/** How much of something is taken: a bar, and the numbers. */
export function Load({ used, most }: { used: number; most: number }) {
  const part = most > 0 ? Math.min(1, used / most) : 0;
  return (
    <span className="inline-flex items-center gap-2 text-[13px] whitespace-nowrap">
      <span aria-hidden className="h-1.5 w-16 overflow-hidden rounded-full bg-line">
        <span className={`block h-full rounded-full ${part >= 1 ? "bg-retrying" : "bg-processing"}`} style={{ width: `${part * 100}%` }} />
      </span>
      {used}/{most}
    </span>
  );
}
