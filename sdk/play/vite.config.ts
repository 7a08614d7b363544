import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";
import { packageHash } from "../typescript/src/wire.js";
import { example, NAMES } from "./scripts/packages.js";

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const packages = Object.fromEntries(NAMES.map((name) => [packageHash(example(name)), name]));

// The page is built from the SDK's sources: nothing has to be built before.
export default defineConfig({
  root: source("."),
  base: "./",
  define: { __PACKAGES__: JSON.stringify(packages) },
  resolve: {
    alias: {
      "@fairway/sdk": source("../typescript/src/index.ts"),
      "@fairway/react": source("../react/src/index.ts"),
    },
  },
  build: {
    outDir: "dist",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
  },
});
