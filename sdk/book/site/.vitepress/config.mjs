// The book's settings. Its pages are laid out by assemble.mjs.
import { readFileSync } from "node:fs";
import GithubSlugger from "github-slugger";
import { OUT } from "../contents.mjs";

const sidebar = JSON.parse(readFileSync(`${OUT}/sidebar.json`, "utf8"));

export default {
  title: "Fairway",
  description: "State channels for Move contracts",
  lang: "en",
  srcDir: `${OUT}/pages`,
  outDir: `${OUT}/site`,
  cacheDir: `${OUT}/cache`,
  // Code hosts show the same pages: anchors are theirs, and nothing is a template.
  markdown: {
    html: false,
    anchor: { slugify: (heading) => new GithubSlugger().slug(heading) },
    languageAlias: { move: "rust", txt: "text" },
  },
  vue: { template: { compilerOptions: { delimiters: ["\u0001{", "}\u0001"] } } },
  vite: { build: { chunkSizeWarningLimit: 2_000 } },
  themeConfig: {
    sidebar,
    outline: { level: [2, 3] },
    search: { provider: "local" },
  },
};
