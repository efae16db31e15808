import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { answers } from "@/api/cache";
import { arrival } from "@/api/session";
import { learn } from "@/i18n/translate";
import { router } from "@/router";
import "@/styles.css";

const place = document.getElementById("root");
if (place === null) throw new Error("the page has no place for the dashboard");
const root = place;

function show(): void {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={answers}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </StrictMode>,
  );
}

// What index.html shows stays until the program of the first page has come as well, and it is known whom it is shown to.
void Promise.all([learn(), router.load().catch(() => null), arrival]).then(show);
