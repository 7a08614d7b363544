// Anchors of headings as code hosts make them, so that links hold there and in the book.
import GithubSlugger from "github-slugger";

/** A function that gives the headings of one page their anchors, in order. */
export function slug() {
  const slugger = new GithubSlugger();
  return (heading) => slugger.slug(plain(heading));
}

const plain = (heading) => heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/[`*]/g, "");
