// What the book holds: docs/README.md lists its pages, in order; decisions are listed by their files.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../..", import.meta.url)).replace(/\/$/, "");
export const OUT = join(ROOT, "target/book");

const ENTRY = /^- \[([^\]]+)\]\(([^)#]+)\)/;

/** Where a page of the repository lies in the book. */
export function placeOf(path) {
  if (path === "docs/README.md") return "index.md";
  if (path === "README.md") return "project.md";
  if (path.startsWith("docs/")) return path.slice("docs/".length);
  return path.toLowerCase();
}

/** Files that git knows or would know, below a folder. */
export const files = (folder) =>
  execFileSync("git", ["ls-files", "-co", "--exclude-standard", "--", folder], { cwd: ROOT })
    .toString()
    .trim()
    .split("\n")
    .filter(Boolean);

export const title = (path) => {
  const found = readFileSync(join(ROOT, path), "utf8").match(/^# (.+)$/m);
  if (!found) throw new Error(`${path} has no title`);
  return found[1];
};

export const decisions = () => files("docs/adr").filter((path) => /\/\d{4}-.*\.md$/.test(path));

/** The groups of the contents: { text, items: [{ text, path }] }. */
export function contents() {
  const groups = [];
  for (const line of readFileSync(join(ROOT, "docs/README.md"), "utf8").split("\n")) {
    const heading = line.match(/^## (.+)$/);
    const entry = line.match(ENTRY);
    if (heading) groups.push({ text: heading[1], items: [] });
    else if (entry)
      groups.at(-1).items.push({ text: entry[1], path: normalize(`docs/${entry[2]}`) });
  }
  return groups;
}

/** All pages; fails when a page of docs/ is not in the contents, or is there twice. */
export function pages() {
  const listed = contents().flatMap(({ items }) => items.map(({ path }) => path));
  const twice = listed.find((path, index) => listed.indexOf(path) !== index);
  if (twice) throw new Error(`docs/README.md lists ${twice} twice`);
  const there = files("docs").filter((path) => /^docs\/[^/]+\.md$/.test(path));
  const missing = there.filter((path) => path !== "docs/README.md" && !listed.includes(path));
  if (missing.length > 0) throw new Error(`docs/README.md does not list ${missing.join(", ")}`);
  return ["docs/README.md", ...listed.filter((path) => path !== "docs/adr"), ...decisions()];
}
