// Runs a TypeScript file of this folder with the page's own settings: `node scripts/run.mjs table.ts`.
import { fileURLToPath } from "node:url";
import { createServer } from "vite";

// What is built is for players: without a word, Vite's server would have React built for its developers.
process.env.NODE_ENV ??= "production";

const root = fileURLToPath(new URL("..", import.meta.url));
const [file, ...args] = process.argv.slice(2);
const server = await createServer({
  root,
  configFile: fileURLToPath(new URL("../vite.config.ts", import.meta.url)),
  appType: "custom",
  logLevel: "error",
  server: { middlewareMode: true, hmr: false, ws: false, watch: null },
});
try {
  const { main } = await server.ssrLoadModule(`/scripts/${file}`);
  await main(args);
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
} finally {
  await server.close();
}
