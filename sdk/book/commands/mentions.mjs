// Commands that a text names, in blocks and in `code`: they exist, and so do their options.
import { execFileSync } from "node:child_process";

export class Mentions {
  #program;
  #targets;
  #helps = new Map();
  count = 0;

  constructor(program, makefile) {
    this.#program = program;
    this.#targets = new Set([...makefile.matchAll(/^([a-z-]+):/gm)].map(([, name]) => name));
  }

  /** What is wrong in a page: `LINE: what`. */
  wrong(text) {
    const found = [];
    let fenced = null;
    for (const [index, line] of text.split("\n").entries()) {
      const fence = line.match(/^\s*```(\w*)/);
      if (fence) fenced = fenced === null ? fence[1] : null;
      else
        for (const code of fenced === null ? spans(line) : commands(fenced, line)) {
          const why = this.#lookUp(code);
          if (why) found.push(`${index + 1}: \`${code}\`: ${why}`);
        }
    }
    return found;
  }

  #lookUp(code) {
    const make = code.match(/^make ([a-z-]+)/);
    if (make) {
      this.count += 1;
      return this.#targets.has(make[1]) ? null : `the Makefile has no ${make[1]}`;
    }
    if (!/^fairway( |$)/.test(code)) return null;
    this.count += 1;
    const words = code
      .split(/\s+(?:--\s|#|\||&&|<|>)/)[0]
      .split(/\s+/)
      .slice(1);
    const path = this.#path(words);
    if (path.unknown) return `there is no command ${path.unknown}`;
    const help = this.#help(path);
    for (const word of words) {
      const [, option] = word.match(/^(--[a-z][a-z-]*)/) ?? [];
      if (option && !new RegExp(`${option}(?![a-z-])`).test(help))
        return `it has no option ${option}`;
    }
    return null;
  }

  /** The names of the command among the words, from the program down. */
  #path(words) {
    const path = [];
    for (let index = 0; index < words.length; index += 1) {
      const word = words[index];
      if (word.startsWith("--") && this.#help(path).includes(`${word} <`)) index += 1;
      if (word.startsWith("--") || word === "…") continue;
      const below = [...this.#help(path).matchAll(/^ {2}([a-z-]+) {2,}/gm)].map(([, name]) => name);
      if (below.length === 0) break;
      if (!below.includes(word) && !this.#isHidden([...path, word])) {
        return Object.assign(path, { unknown: [...path, word].join(" ") });
      }
      path.push(word);
    }
    return path;
  }

  /** Commands that the program runs itself are not listed, and answer all the same. */
  #isHidden(path) {
    try {
      execFileSync(this.#program, [...path, "--help"], { stdio: "ignore" });
      return true;
    } catch {
      return false;
    }
  }

  #help(path) {
    const key = path.join(" ");
    if (!this.#helps.has(key)) {
      const text = execFileSync(this.#program, [...path, "--help"], { encoding: "utf8" });
      const commands = text.split(/^Commands:$/m)[1]?.split(/^Options:$/m)[0] ?? "";
      const options = text.slice(text.indexOf("Options:"));
      this.#helps.set(key, `${commands}\n${options}`);
    }
    return this.#helps.get(key);
  }
}

const spans = (line) => [...line.matchAll(/`([^`]+)`/g)].map(([, code]) => code.trim());
const commands = (language, line) =>
  ["sh", "console"].includes(language)
    ? [...line.replace(/^\$ /, "").matchAll(/(?:^|\$\(|&& )((?:fairway|make) [^)]*)/g)].map(
        ([, code]) => code,
      )
    : [];
