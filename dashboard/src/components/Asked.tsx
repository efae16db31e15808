import type { ReactNode } from "react";

import { Skeleton, Wrong } from "./Notices";

/** What is known of a question: of a query, or of a part of its answer. */
export interface Question<Data> {
  data: Data | undefined;
  isError: boolean;
  error: unknown;
  refetch: () => unknown;
}

interface Props<Data> {
  query: Question<Data>;
  lines?: number;
  children: (data: Data) => ReactNode;
}

/** What was asked for: lines while it comes, what went wrong where it did, else the thing itself. */
export function Asked<Data>({ query, lines, children }: Props<Data>) {
  if (query.data !== undefined) return children(query.data);
  if (query.isError) return <Wrong error={query.error} again={() => void query.refetch()} />;
  return <Skeleton lines={lines} />;
}
