import { useMemo } from "react";

import type { Throughput } from "@/api/types";
import { useTranslate } from "@/i18n/translate";
import { LazyChart } from "./LazyChart";

export function ThroughputChart({ points }: { points: Throughput[] }) {
  const t = useTranslate();
  const times = useMemo(() => points.map((point) => new Date(point.starts_at).getTime() / 1000), [points]);
  const lines = useMemo(
    () => [
      { name: t("throughput.succeeded"), colour: "succeeded", values: points.map((point) => point.succeeded) },
      { name: t("throughput.failed"), colour: "failed", values: points.map((point) => point.failed), isDashed: true },
    ],
    [points, t],
  );
  return <LazyChart label={t("throughput.title")} times={times} lines={lines} />;
}
