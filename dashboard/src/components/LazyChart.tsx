import { type ComponentProps, lazy, Suspense } from "react";

import { served } from "@/shell/served";
import type Plot from "./Chart";

const Chart = lazy(served(() => import("./Chart")));

/** The plotting library comes when there is something to plot. */
export function LazyChart(props: ComponentProps<typeof Plot>) {
  return (
    <Suspense fallback={<div style={{ height: (props.height ?? 180) + 24 }} />}>
      <Chart {...props} />
    </Suspense>
  );
}
