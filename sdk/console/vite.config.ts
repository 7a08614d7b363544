import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url));
/** Where the page asks while it is worked on: a node that runs with `--http` and `--console`. */
const NODE = process.env.FAIRWAY_CONSOLE ?? "http://127.0.0.1:9103";

// Built from the SDK's sources into files whose names stay: a node embeds them (ADR 0037).
export default defineConfig({
  root: source("."),
  base: "./",
  resolve: { alias: { "@fairway/sdk": source("../typescript/src/index.ts") } },
  server: { proxy: { "/rpc": { target: NODE, ws: true, rewrite: () => "/console/rpc" } } },
  build: {
    outDir: source("../../node/console"),
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        entryFileNames: "console.js",
        assetFileNames: "console[extname]",
        codeSplitting: false,
      },
    },
  },
});
