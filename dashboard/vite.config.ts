import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { defineConfig, type Plugin } from "vite";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Tells early.js the file of each language's words, so that it comes together with the program and not after it. */
const words: Plugin = {
  name: "words",
  apply: "build",
  transformIndexHtml: {
    order: "post",
    handler: (_html, { bundle = {} }) =>
      Object.values(bundle).flatMap((file) => {
        const [, language] = (file.type === "chunk" && /i18n\/(\w+)\.json$/.exec(file.facadeModuleId ?? "")) || [];
        return language === undefined ? [] : [{ tag: "meta", attrs: { name: `taskforge-words-${language}`, content: `./${file.fileName}` }, injectTo: "head-prepend" as const }];
      }),
  },
};

/** Packs each file once and for all: beside it lies what the server sends. */
const packed: Plugin = {
  name: "packed",
  apply: "build",
  writeBundle({ dir }, files) {
    for (const name of Object.keys(files).filter((name) => name.startsWith("assets/"))) {
      const path = `${dir}/${name}`;
      writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }));
    }
  },
};

export default defineConfig({
  // The server puts its own root before these addresses: the same files work under every path.
  base: "./",
  plugins: [react(), tailwindcss(), words, packed],
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
