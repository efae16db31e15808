import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  // The server puts its own root before these addresses: the same files work under every path.
  base: "./",
  plugins: [react(), tailwindcss()],
  resolve: { alias: { "@": here("./src") } },
  build: {
    outDir: here("../src/taskforge/dashboard/static"),
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // What all pages are made of is one file: twenty small ones would wait for each other on six connections.
    rolldownOptions: {
      output: { codeSplitting: { groups: [{ name: "parts", test: /src\/(components\/(?!Chart\.)|format\/|i18n\/translate)|lucide-react/ }] } },
    },
  },
  server: { proxy: { "/api": "http://127.0.0.1:8787" } },
});
