import { QueryClient } from "@tanstack/react-query";

import { isMoving } from "@/shell/live";
import { isPassing } from "./problem";

/** What the server has answered. */
export const answers = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 2000,
      // What the server refuses it will refuse again; while nothing moves a second try would wait for ever.
      retry: (count, error) => count < 2 && isMoving() && isPassing(error),
      // A server on this machine is there when no network is.
      networkMode: "always",
    },
  },
});
