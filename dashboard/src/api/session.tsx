import { useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useCallback, useContext, useEffect, useState } from "react";

import { api, data, done, MOST } from "./client";
import { currentKey, findKey, rememberCsrfToken, keepKey } from "./credentials";
import { askedEarly } from "./early";
import { isUnauthenticated } from "./problem";
import type { Caller, Permission } from "./types";

interface Session {
  caller: Caller;
  /** When the server said so; 0 where its answer does not hold everything. */
  knownAt: number;
  may: (permission: Permission) => boolean;
  logOut: () => Promise<void>;
}

const Context = createContext<Session | null>(null);

export function useSession(): Session {
  const session = useContext(Context);
  if (session === null) throw new Error("this is shown to those who are logged in");
  return session;
}

interface Gate {
  children: ReactNode;
  login: (props: { onLogin: () => Promise<void> }) => ReactNode;
  waiting: ReactNode;
  broken: (error: unknown, again: () => void) => ReactNode;
}

type State = { is: "asking" } | { is: "outside" } | { is: "broken"; error: unknown } | { is: "inside"; caller: Caller; knownAt: number };

/** Lets in who is logged in; everybody else sees the login, at the same address. */
export function SessionGate({ children, login, waiting, broken }: Gate) {
  const [state, setState] = useState<State>({ is: "asking" });
  const queries = useQueryClient();

  const ask = useCallback(async () => {
    try {
      const caller = await data(api.GET("/api/v1/auth/me", { fetch: askedEarly }));
      rememberCsrfToken(caller.csrf_token);
      setState({ is: "inside", caller, knownAt: (caller.projects?.length ?? 0) < MOST ? Date.now() : 0 });
    } catch (error) {
      if (!isUnauthenticated(error)) return setState({ is: "broken", error });
      keepKey(null);
      setState({ is: "outside" });
    }
  }, []);

  useEffect(() => {
    void findKey().then(ask);
  }, [ask]);

  useEffect(
    () =>
      queries.getQueryCache().subscribe((event) => {
        if (event.type === "updated" && event.action.type === "error" && isUnauthenticated(event.action.error)) {
          keepKey(null);
          setState({ is: "outside" });
        }
      }),
    [queries],
  );

  const logOut = useCallback(async () => {
    if (currentKey() === null) await done(api.POST("/api/v1/auth/logout", {}));
    keepKey(null);
    queries.clear();
    setState({ is: "outside" });
  }, [queries]);

  if (state.is === "asking") return waiting;
  if (state.is === "broken") return broken(state.error, () => void ask());
  if (state.is === "outside") return login({ onLogin: ask });
  const held = new Set<string>(state.caller.permissions);
  const session = { caller: state.caller, knownAt: state.knownAt, may: (permission: Permission) => held.has(permission), logOut };
  return <Context.Provider value={session}>{children}</Context.Provider>;
}

/** Shows its children to those who have the permission. */
export function May({ do: permission, children }: { do: Permission; children: ReactNode }) {
  return useSession().may(permission) ? children : null;
}
