// Compares what commands print with what a page shows.
//
// Shown text is exact, but for: `…` stands for anything in a line, alone in a line for any lines; a
// shortened id (`0x3b6d…`) is one and the same id throughout a page, and another one than those with
// other digits; the ports that the system chose (from 20000 on) and runs of spaces differ.

const ID = /0x([0-9a-f]{4,})…(?![0-9a-f])|(?<![\w])([0-9a-f]{4,})…/g;
const literal = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
const squeeze = (text) =>
  text
    .split("\n")
    .map((line) => line.replace(/ +/g, " ").trimEnd())
    .join("\n")
    .trim();

/** The regular expression of a shown text, and the shortened ids that its groups capture, in order. */
export function shapeOf(shown) {
  const ids = [];
  const lines = squeeze(shown).split("\n");
  const sources = lines.map((line) => {
    if (line === "…") return "(?:[^\\n]*\\n)*?";
    let source = "";
    let from = 0;
    for (const match of line.matchAll(ID)) {
      ids.push(match[1] ?? match[2]);
      source += `${loose(line.slice(from, match.index))}(?:0x)?([0-9a-f]+)`;
      from = match.index + match[0].length;
    }
    return `${source}${loose(line.slice(from))}\\n`;
  });
  return { regex: new RegExp(`^${sources.join("")}$`), ids };
}

const loose = (text) =>
  literal(text)
    .replaceAll("…", "[^\\n]*")
    .replace(/(127\\\.0\\\.0\\\.1(?::|%3A))[2-6]\d{4}/g, "$1\\d+");

/** What ids a page's shortened ids stand for. */
export class Ids {
  #actual = new Map();

  /** Why `printed` is not what is `shown`, or null. Ids that are new are kept if it is. */
  differs(shown, printed) {
    const { regex, ids } = shapeOf(shown);
    const found = `${squeeze(printed)}\n`.match(regex);
    if (!found) return `printed:\n${printed.trimEnd()}\nshown:\n${shown}`;
    const next = new Map(this.#actual);
    for (const [index, short] of ids.entries()) {
      const id = found[index + 1];
      const known = next.get(short);
      if (known !== undefined && !same(known, id)) {
        return `${short}… is ${known} before and ${id} here`;
      }
      const other = [...next].find(([key, value]) => key !== short && same(value, id));
      if (other) return `${short}… and ${other[0]}… are both ${id}`;
      if (known === undefined || known.length < id.length) next.set(short, id);
    }
    this.#actual = next;
    return null;
  }

  /** The command with full ids in place of shortened ones. */
  fill(command) {
    return command.replace(/0x([0-9a-f]{4,})…/g, (short, digits) => {
      const id = this.#actual.get(digits);
      if (id === undefined) throw new Error(`${short} was not shown in any output before`);
      return `0x${id}`;
    });
  }
}

const same = (one, other) => one.startsWith(other) || other.startsWith(one);
