import { useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from "react";

import { api, data, done, MOST } from "./client";
import { currentKey, findKey, rememberCsrfToken, keepKey } from "./credentials";
import { askedEarly } from "./early";
import { isUnauthenticated } from "./problem";
import type { Caller, Permission } from "./types";

export interface Session {
  caller: Caller;
  /** When the server said so; 0 where its answer does not hold everything. */
  knownAt: number;
  may: (permission: Permission) => boolean;
}

const Context = createContext<(Session & { logOut: () => Promise<void> }) | null>(null);

export function useSession() {
  const session = useContext(Context);
  if (session === null) throw new Error("this is shown to those who are logged in");
  return session;
}

interface Gate {
  children: ReactNode;
  login: (props: { onLogin: () => Promise<void> }) => ReactNode;
  broken: (error: unknown, again: () => void) => ReactNode;
}

type State = { is: "outside" } | { is: "broken"; error: unknown } | ({ is: "inside" } & Session);

async function ask(): Promise<State> {
  try {
    const caller = await data(api.GET("/api/v1/auth/me", { fetch: askedEarly }));
    rememberCsrfToken(caller.csrf_token);
    const held = new Set<string>(caller.permissions);
    return { is: "inside", caller, knownAt: (caller.projects?.length ?? 0) < MOST ? Date.now() : 0, may: (permission) => held.has(permission) };
  } catch (error) {
    if (!isUnauthenticated(error)) return { is: "broken", error };
    keepKey(null);
    return { is: "outside" };
  }
}

let present: State = { is: "outside" };
const become = (state: State) => (present = state);

/** Done when it is known who comes: the first page is not shown before, and what it asks does not wait for it to be shown. */
export const arrival = findKey().then(ask).then(become);

/** Null is nobody who is logged in. */
export async function whoIsHere(): Promise<Session | null> {
  await arrival;
  return present.is === "inside" ? present : null;
}

/** Lets in who is logged in; everybody else sees the login, at the same address. To be shown after the `arrival`. */
export function SessionGate({ children, login, broken }: Gate) {
  const [state, setState] = useState(present);
  const queries = useQueryClient();
  const change = useCallback((next: State) => setState(become(next)), []);
  const again = useCallback(async () => change(await ask()), [change]);

  useEffect(
    () =>
      queries.getQueryCache().subscribe((event) => {
        if (event.type === "updated" && event.action.type === "error" && isUnauthenticated(event.action.error)) {
          keepKey(null);
          change({ is: "outside" });
        }
      }),
    [queries, change],
  );

  const logOut = useCallback(async () => {
    if (currentKey() === null) await done(api.POST("/api/v1/auth/logout", {}));
    keepKey(null);
    queries.clear();
    change({ is: "outside" });
  }, [queries, change]);

  const session = useMemo(() => (state.is === "inside" ? { ...state, logOut } : null), [state, logOut]);
  if (state.is === "broken") return broken(state.error, () => void again());
  if (session === null) return login({ onLogin: again });
  return <Context.Provider value={session}>{children}</Context.Provider>;
}

/** Shows its children to those who have the permission. */
export function May({ do: permission, children }: { do: Permission; children: ReactNode }) {
  return useSession().may(permission) ? children : null;
}
