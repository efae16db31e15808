import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";

import { ApiProblem } from "@/api/problem";
import { useTranslate } from "@/i18n/translate";
import { Button } from "./Button";
import { Skeleton, Wrong } from "./Notices";
import { Page, Panel } from "./Page";

/** A page about one thing: where that cannot be had the page says why, and the way back. */
export function AskedPage<Data>({ query, children }: { query: UseQueryResult<Data>; children: (data: Data) => ReactNode }) {
  const t = useTranslate();
  if (query.data !== undefined) return children(query.data);
  if (!query.isError) return <Skeleton lines={10} />;
  const status = query.error instanceof ApiProblem ? query.error.status : 0;
  const title = status === 404 || status === 422 ? "problem.not_found" : status === 403 ? "problem.not_allowed" : "problem.wrong";
  return (
    <Page title={t(title)} actions={history.length > 1 && <Button onClick={() => history.back()}>{t("problem.back")}</Button>}>
      <Panel>
        <Wrong error={query.error} again={() => void query.refetch()} />
      </Panel>
    </Page>
  );
}
