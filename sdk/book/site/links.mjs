// Links of a page as the book needs them: pages by their place in the book, everything else of the
// repository by a page that shows it. What is not there fails.
import { existsSync, statSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { placeOf, ROOT } from "./contents.mjs";

const LINK = /(!?\[(?:[^\][]|\[[^\]]*\])*\]\()([^)\s]+)(\))/g;
const CODE = /^(\s*```)[\s\S]*?^\s*```\s*$|`[^`\n]+`/gm;

/** The text with its links rewritten; `sources` and `assets` collect what else the book must hold. */
export function rewrite(path, text, { pages, sources, assets }) {
  const held = [];
  const masked = text.replace(CODE, (code) => `\uE000${held.push(code) - 1}\uE000`);
  const linked = masked.replace(LINK, (whole, before, target, after) => {
    if (/^[a-z]+:/.test(target) || target.startsWith("#")) return whole;
    const [file, anchor] = target.split("#");
    const found = normalize(join(dirname(path), file)).replace(/\/$/, "");
    if (found.startsWith("..") || !existsSync(join(ROOT, found))) {
      throw new Error(`${path}: links to ${target}, which is not there`);
    }
    const place = placed(found, { pages, sources, assets });
    const from = dirname(placeOf(path));
    const way = relative(from, place) || ".";
    const shown = way.startsWith(".") ? way : `./${way}`;
    return `${before}${shown}${anchor ? `#${anchor}` : ""}${after}`;
  });
  return linked.replace(/\uE000(\d+)\uE000/g, (_, index) => held[Number(index)]);
}

function placed(found, { pages, sources, assets }) {
  if (pages.includes(found)) return placeOf(found);
  if (found === "docs/adr") return "adr/index.md";
  if (/\.(png|svg|jpg)$/.test(found)) {
    assets.add(found);
    return placeOf(found);
  }
  sources.add(found);
  const folder = statSync(join(ROOT, found)).isDirectory();
  return folder ? `source/${found}/index.md` : `source/${found}.md`;
}
