/** The example packages of this repository, as the ledger stores them. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { PackageSource } from "../../typescript/src/api.js";

const EXAMPLES = fileURLToPath(new URL("../../../contracts/examples/", import.meta.url));

export const NAMES = ["tic_tac_toe", "arena"] as const;

export function example(name: (typeof NAMES)[number]): PackageSource {
  const folder = join(EXAMPLES, name);
  const manifest = readFileSync(join(folder, "Move.toml"), "utf8");
  const addresses = [...manifest.matchAll(/^(\w+) = "0x([0-9a-f]+)"$/gm)].map(
    ([, key = "", digits = ""]): [string, string] => [key, `0x${digits.padStart(64, "0")}`],
  );
  const sources = join(folder, "sources");
  const files = readdirSync(sources)
    .filter((path) => path.endsWith(".move"))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(sources, path), "utf8") }));
  return { name, addresses, files };
}
