import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";

import { Skeleton, Wrong } from "./Notices";

interface Props<Data> {
  query: UseQueryResult<Data>;
  lines?: number;
  children: (data: Data) => ReactNode;
}

/** What was asked for: lines while it comes, what went wrong where it did, else the thing itself. */
export function Asked<Data>({ query, lines, children }: Props<Data>) {
  if (query.data !== undefined) return children(query.data);
  if (query.isError) return <Wrong error={query.error} again={() => void query.refetch()} />;
  return <Skeleton lines={lines} />;
}
