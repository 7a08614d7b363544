// Lays out the book's sources in target/book/pages: the documents, what they link to, and the reference
// of the SDKs; RUSTDOC names the folder of the Rust crates'. The documents themselves are not changed.
import { execFileSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { slug } from "../commands/slug.mjs";
import {
  contents,
  decisions,
  files,
  OUT,
  pages as pagesOf,
  placeOf,
  ROOT,
  title,
} from "./contents.mjs";
import { rewrite } from "./links.mjs";

const HERE = fileURLToPath(new URL("..", import.meta.url));
const PAGES = join(OUT, "pages");
const COMMENT = /^<!--[\s\S]*?-->\n?/gm;
function write(place, text) {
  const path = join(PAGES, place);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** A page for each linked file of the repository that is no page of the book; of folders, what is there. */
function showSources(sources) {
  for (const path of sources) {
    if (statSync(join(ROOT, path)).isDirectory()) {
      const list = files(path).map((file) => `- \`${file.slice(path.length + 1)}\``);
      write(`source/${path}/index.md`, `# ${path}\n\nIn the repository:\n\n${list.join("\n")}\n`);
      continue;
    }
    const text = readFileSync(join(ROOT, path), "utf8");
    const fence = "`".repeat(4);
    write(
      `source/${path}.md`,
      `# ${path}\n\n${fence}${extname(path).slice(1)}\n${text}\n${fence}\n`,
    );
  }
}

function listDecisions() {
  const list = decisions().map((path) => `- [${title(path)}](./${path.split("/").at(-1)})`);
  write(
    "adr/index.md",
    `# Decisions\n\nOne page each: what made it necessary, what was chosen, what follows.\n\n${list.join("\n")}\n`,
  );
}

/** The reference of the packages, by TypeDoc, from their sources. */
function describePackages() {
  const args = ["--options", join(HERE, "site/typedoc.json")];
  execFileSync(join(HERE, "node_modules/.bin/typedoc"), args, { cwd: HERE, stdio: "inherit" });
  for (const path of readdirSync(join(PAGES, "reference"), { recursive: true })) {
    if (path.endsWith(".md"))
      write(`reference/${path}`, withoutCounts(join(PAGES, "reference", path)));
  }
}

/** The reference of the Rust crates is a site of its own: it is served as it is. */
function includeCrates() {
  if (!process.env.RUSTDOC) throw new Error("RUSTDOC names no folder: scripts/book.sh makes it");
  cpSync(process.env.RUSTDOC, join(PAGES, "public/rust"), { recursive: true });
}

/** TypeDoc counts some names twice (`#channelinfo-1`): links then name the one heading that is there. */
function withoutCounts(path) {
  const text = readFileSync(path, "utf8");
  const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading);
  const anchors = new Set(headings.map(slug()));
  const there = (whole, name) =>
    anchors.has(name) && !anchors.has(whole.slice(2, -1)) ? `(#${name})` : whole;
  return text.replace(/\(#([\w-]+)-\d+\)/g, there);
}

function sidebar() {
  const link = (place) => `/${place.replace(/index\.md$/, "").replace(/\.md$/, "")}`;
  const groups = contents().map(({ text, items }) => ({
    text,
    items: items.map((item) => {
      if (item.path !== "docs/adr") return { text: item.text, link: link(placeOf(item.path)) };
      const below = decisions().map((path) => ({ text: title(path), link: link(placeOf(path)) }));
      return { text: item.text, link: "/adr/", collapsed: true, items: below };
    }),
  }));
  const reference = groups.find(({ text }) => text === "Reference");
  const packages = JSON.parse(readFileSync(join(PAGES, "reference/typedoc-sidebar.json"), "utf8"));
  reference.items.push({
    text: "TypeScript packages",
    link: "/reference/",
    collapsed: true,
    items: packages,
  });
  const crates = ["fairway_sdk", "fairway_api", "fairway_types"].map((name) => ({
    text: name.replace("_", "-"),
    link: `/rust/${name}/index.html`,
    target: "_self",
  }));
  reference.items.push({ text: "Rust crates", collapsed: true, items: crates });
  return groups;
}

rmSync(OUT, { recursive: true, force: true });
const book = { pages: pagesOf(), sources: new Set(), assets: new Set() };
for (const path of book.pages) {
  const text = readFileSync(join(ROOT, path), "utf8")
    .replace(COMMENT, "")
    .replace(/^```output$/gm, "```text");
  write(placeOf(path), rewrite(path, text, book));
}
for (const asset of book.assets) {
  mkdirSync(dirname(join(PAGES, placeOf(asset))), { recursive: true });
  cpSync(join(ROOT, asset), join(PAGES, placeOf(asset)));
}
// The pages import what this package has installed.
symlinkSync(join(HERE, "node_modules"), join(OUT, "node_modules"));
listDecisions();
showSources(book.sources);
describePackages();
includeCrates();
writeFileSync(join(OUT, "sidebar.json"), JSON.stringify(sidebar()));
