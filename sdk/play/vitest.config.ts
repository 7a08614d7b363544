import { defineConfig, mergeConfig } from "vitest/config";
import page from "./vite.config.js";

export default mergeConfig(
  page,
  defineConfig({
    test: {
      projects: [
        { extends: true, test: { name: "play", include: ["test/unit/**/*.test.ts"] } },
        {
          extends: true,
          test: {
            name: "play-browser",
            include: ["test/browser/**/*.test.ts"],
            testTimeout: 240_000,
            hookTimeout: 240_000,
            fileParallelism: false,
          },
        },
      ],
    },
  }),
);
