// Every link of the built book leads somewhere: to a file, and where it names an anchor, to one that is
// there. VitePress itself looks at pages alone.
import { readdirSync, readFileSync } from "node:fs";
import { join, posix, relative } from "node:path";
import { OUT } from "./contents.mjs";

const SITE = join(OUT, "site");
const files = new Set(
  readdirSync(SITE, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(SITE, join(entry.parentPath, entry.name))),
);
// The crates' reference is checked by rustdoc, whose scripts make some of its links and anchors.
const pages = [...files].filter((file) => file.endsWith(".html") && !file.startsWith("rust/"));
const texts = new Map(pages.map((page) => [page, readFileSync(join(SITE, page), "utf8")]));
const ids = new Map(
  [...texts].map(([page, text]) => [
    page,
    new Set([...text.matchAll(/\bid="([^"]+)"/g)].map(([, id]) => plain(id))),
  ]),
);

function plain(text) {
  return decodeURIComponent(text.replaceAll("&amp;", "&").replaceAll("&quot;", '"'));
}

/** The file that a link of a page leads to, or null. */
function fileOf(page, way) {
  if (way === "") return page;
  const path = posix.normalize(
    way.startsWith("/") ? way.slice(1) : posix.join(posix.dirname(page), way),
  );
  const bare = path.replace(/^\.?\/?$/, "").replace(/\/$/, "");
  const tries = [bare, `${bare}.html`, posix.join(bare, "index.html")];
  return tries.find((file) => files.has(file)) ?? null;
}

const dead = new Set();
for (const [page, text] of texts) {
  if (/>\s*\{\{/.test(text)) dead.add(`${page}: a template was not filled in`);
}
let count = 0;
for (const [page, text] of texts) {
  for (const [, link] of text.matchAll(/\b(?:href|src)="([^"]*)"/g)) {
    if (/^[a-z]+:/.test(link)) continue;
    count += 1;
    const [way, anchor] = plain(link).split("#");
    const file = fileOf(page, way);
    if (file === null) dead.add(`${page}: there is no ${link}`);
    else if (anchor && ids.has(file) && !ids.get(file).has(anchor)) {
      dead.add(`${page}: ${file} has no #${anchor}`);
    }
  }
}
for (const line of dead) console.error(line);
console.log(`book: ${pages.length} pages, ${count} links, ${dead.size} dead`);
if (count === 0 || dead.size > 0) process.exitCode = 1;
