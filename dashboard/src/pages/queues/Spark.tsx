import type { Trend } from "@/api/types";
import { useTranslate } from "@/i18n/translate";

const WIDTH = 84;
const HEIGHT = 20;
const GAP = 1;

/** The last hour of a queue in a row of a list: what ended in each five minutes, what failed in red. */
export function Spark({ trend }: { trend: Trend | undefined }) {
  const t = useTranslate();
  if (trend === undefined) return <span className="text-muted">—</span>;
  const steps = trend.succeeded.map((succeeded, index) => ({ succeeded, failed: trend.failed[index] ?? 0 }));
  const most = Math.max(1, ...steps.map((step) => step.succeeded + step.failed));
  const width = WIDTH / steps.length;
  const high = (count: number) => (count === 0 ? 0 : Math.max(1.5, (count / most) * HEIGHT));
  const sum = (counts: number[]) => counts.reduce((total, one) => total + one, 0);
  return (
    <svg role="img" aria-label={t("queues.trend_of", { succeeded: sum(trend.succeeded), failed: sum(trend.failed) })} width={WIDTH} height={HEIGHT} className="inline-block align-middle">
      {steps.map(({ succeeded, failed }, index) => {
        const [red, all] = [high(failed), high(succeeded + failed)];
        const place = { x: index * width, width: width - GAP };
        return (
          <g key={index}>
            <rect {...place} y={HEIGHT - 1} height={1} className="fill-line" />
            <rect {...place} y={HEIGHT - all} height={all} className="fill-succeeded" />
            <rect {...place} y={HEIGHT - red} height={red} className="fill-failed" />
          </g>
        );
      })}
    </svg>
  );
}
