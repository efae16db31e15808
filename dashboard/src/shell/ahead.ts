import type { FetchQueryOptions } from "@tanstack/react-query";

import { answers } from "@/api/cache";
import { type Session, whoIsHere } from "@/api/session";
import { chosenProject } from "./project";

interface Asker {
  /** The project that the page will show. */
  id: string | undefined;
  may: Session["may"];
}

type Question = FetchQueryOptions<any, any, any, any>;

/** For a route: what its page asks is asked when somebody goes there or points at a link to it, not after it is shown. */
export function ahead(questions: (asker: Asker, search: Record<string, unknown>) => (Question | false)[]) {
  return ({ location }: { location: { search: object } }): void => {
    const search = location.search as Record<string, unknown>;
    void whoIsHere().then((session) => {
      if (session === null) return;
      const id = chosenProject(session.caller, answers.getQueryData(["projects"]), search.project).id;
      for (const question of questions({ id, may: session.may }, search)) if (question) void answers.prefetchQuery(question);
    });
  };
}
