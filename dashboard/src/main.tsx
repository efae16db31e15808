import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { isPassing } from "@/api/problem";
import { learn } from "@/i18n/translate";
import { router } from "@/router";
import { isMoving } from "@/shell/live";
import "@/styles.css";

const queries = new QueryClient({
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

const place = document.getElementById("root");
if (place === null) throw new Error("the page has no place for the dashboard");
const root = place;

function show(): void {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={queries}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </StrictMode>,
  );
}

// What index.html shows stays until the program of the first page has come as well.
void Promise.all([learn(), router.load().catch(() => null)]).then(show);
