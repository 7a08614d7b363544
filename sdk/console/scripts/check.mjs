// Fails when the committed build under node/console is not what the sources give.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const committed = fileURLToPath(new URL("../../../node/console", import.meta.url));
const configFile = fileURLToPath(new URL("../vite.config.ts", import.meta.url));
const fresh = mkdtempSync(join(tmpdir(), "fairway-console-"));

function read(folder, name) {
  try {
    return readFileSync(join(folder, name), "utf8");
  } catch {
    return undefined;
  }
}

try {
  await build({ configFile, logLevel: "error", mode: "production", build: { outDir: fresh } });
  const names = [...new Set([...readdirSync(committed), ...readdirSync(fresh)])].sort();
  const other = names.filter((name) => read(committed, name) !== read(fresh, name));
  if (other.length > 0) {
    console.error(`node/console is not built from sdk/console: ${other.join(", ")} differ.`);
    console.error("Run `npm run build -w console` in sdk/, and commit what it writes.");
    process.exitCode = 1;
  } else {
    console.log(`the console's ${names.length} files are as its sources give them`);
  }
} finally {
  rmSync(fresh, { recursive: true, force: true });
}
