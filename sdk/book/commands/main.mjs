// Every command that the documents show is run: node commands/main.mjs [PAGE ...] [--verbose]
// FAIRWAY_BIN names the program. Without names: all pages, and every mention of a command is looked up.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Mentions } from "./mentions.mjs";
import { runPage } from "./run.mjs";
import { builtAt, programOf } from "./shell.mjs";

const AT_ONCE = 2; // pages: most of their time they wait, but some play in a browser on four nodes

const root = fileURLToPath(new URL("../../..", import.meta.url)).replace(/\/$/, "");
const named = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
const verbose = process.argv.includes("--verbose");
const program = resolve(programOf(process.env.FAIRWAY_BIN));

const listed = execFileSync("git", ["ls-files", "-co", "--exclude-standard", "*.md"], {
  cwd: root,
});
const pages = listed.toString().trim().split("\n");
const unknown = named.filter((page) => !pages.includes(page));
if (unknown.length > 0) throw new Error(`no page of this repository: ${unknown.join(", ")}`);

const live = new Set();
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => {
    for (const shell of live) shell.kill();
    process.exit(1);
  });
}

let failed = 0;
const report = (message) => {
  failed += 1;
  console.error(`\n${message}\n`);
};

const makefile = readFileSync(join(root, "Makefile"), "utf8");
const built = builtAt(makefile);
const mentions = new Mentions(program, makefile);
for (const page of pages) {
  for (const wrong of mentions.wrong(readFileSync(join(root, page), "utf8")))
    report(`${page}:${wrong}`);
}

const totals = { ran: 0, skipped: 0 };
const queue = named.length > 0 ? [...named] : [...pages];
async function work() {
  for (let path = queue.shift(); path; path = queue.shift()) {
    const begun = Date.now();
    try {
      const { ran, skipped } = await runPage({ root, path, program, built, live, verbose });
      totals.ran += ran;
      totals.skipped += skipped;
      const seconds = ((Date.now() - begun) / 1000).toFixed(1);
      if (ran + skipped > 0)
        console.log(`${path}: ${ran} blocks run, ${skipped} not, ${seconds} s`);
    } catch (error) {
      report(error.message);
    }
  }
}
await Promise.all(Array.from({ length: AT_ONCE }, work));

console.log(`commands: ${totals.ran} blocks passed, ${failed} failed, ${totals.skipped} not run`);
console.log(`mentions: ${mentions.count} commands and options looked up`);
process.exitCode = failed > 0 ? 1 : 0;
