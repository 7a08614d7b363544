import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

// The tests run on the SDK's sources: nothing has to be built before.
const sdk = fileURLToPath(new URL("../typescript/src/index.ts", import.meta.url));
const resolve = { alias: { "@fairway/sdk": sdk } };

export default defineConfig({
  test: {
    projects: [
      {
        resolve,
        test: { name: "react", environment: "happy-dom", include: ["test/unit.test.tsx"] },
      },
      {
        resolve,
        test: {
          name: "react-nodes",
          environment: "happy-dom",
          include: ["test/nodes.test.tsx"],
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
