// Reads the blocks of a page that show commands, and what the page says about how they run.
//
// A fence named `sh` holds commands; one named `output` right after it is what they print. A fence named
// `console` holds both: commands behind `$ `, what each prints below it. An HTML comment right before a
// block says more:
//   <!-- not run: WHY -->     the block is shown and not run; WHY is one of NOT_RUN
//   <!-- terminals -->        each line goes on in a terminal of its own, until the page ends or a `stop`
//   <!-- until -->            the block reads what takes its time: repeated until it prints what is shown
//   <!-- given: COMMAND -->   brings about what the text supposes; run before the block
//   <!-- stop: COMMAND -->    Ctrl-C in the terminal that runs COMMAND; its end is waited for
//   <!-- file: PATH -->       the block, in whatever language, is what the reader writes to PATH
//   <!-- played: COMMAND -->  does what the text asks of the reader's hands: a browser, a game; alone. It
//                             reads from its standard input what the terminals show
//   <!-- playing: COMMAND --> the same, where hands go on: its first line is waited for, and its end where
//                             `played` names it again
// and one before the first block of a page: <!-- begin: PAGE#ANCHOR --> runs the blocks of another page
// up to the end of that section first.
import { slug } from "./slug.mjs";

export const NOT_RUN = {
  "compiles the node": "what is run here is a node that is built already",
  "CI runs it": "a target of make that .ci/run runs by itself, or a part of one",
  "is set up": "packages that scripts/book.sh has set up before, in the folder that it runs in",
  "takes minutes": "a demonstration, a measurement, or a test that somebody starts for a reason",
  "changes the system": "needs root, systemd, or an engine for containers",
  "needs a cheat": "a member's node that breaks a rule, which only tests have",
  "is a template": "a form with words to be replaced, shown with real ones elsewhere",
};

export const LANGUAGES = new Set(
  "sh output console text json html ts tsx js rust toml yaml move".split(" "),
);

/** Marks that are steps by themselves where no block follows. */
const ALONE = ["stop", "played", "playing"];

/** A line of a block of another language that is a command all the same. */
const COMMAND = /^\s*(\$ )?(fairway|make|npm) /;

const FENCE = /^(\s*)(`{3,})(.*)$/;
const COMMENT =
  /^<!-- (not run|terminals|until|given|stop|begin|file|played|playing)(?:: (.*?))? -->$/;

/** The blocks of a page: { line, language, text, marks, output, section }. */
export function blocksOf(text, path) {
  const blocks = [];
  let open = null;
  let marks = [];
  let section = "";
  let begin = null;
  let prose = true;
  const slugs = slug();
  const fail = (line, what) => {
    throw new Error(`${path}:${line}: ${what}`);
  };
  /** Marks before a text: those that need no block are steps by themselves. */
  const alone = (line) => {
    for (const { name, value } of marks) {
      if (!ALONE.includes(name)) fail(line, `"${name}" stands before no block`);
      blocks.push({ line, language: name, section, text: value });
    }
    marks = [];
  };
  for (const [index, line] of text.split("\n").entries()) {
    const number = index + 1;
    const fence = line.match(FENCE);
    if (open) {
      if (fence && fence[2] === open.ticks && fence[3] === "") {
        close(blocks, open, prose, fail);
        prose = false;
        open = null;
      } else open.lines.push(line.slice(open.indent));
      continue;
    }
    if (fence) {
      const language = fence[3].trim();
      if (!LANGUAGES.has(language)) {
        fail(number, `a block of "${language}": name one of ${[...LANGUAGES].join(", ")}`);
      }
      open = { line: number, language, ticks: fence[2], indent: fence[1].length, lines: [] };
      Object.assign(open, { marks, section });
      marks = [];
      continue;
    }
    const comment = line.match(COMMENT);
    if (comment) {
      const [, name, value] = comment;
      if (name === "begin") begin = value;
      else marks.push({ name, value: value ?? "" });
      if (name === "not run" && !NOT_RUN[value]) {
        fail(number, `not run: "${value}" is no reason: ${Object.keys(NOT_RUN).join("; ")}`);
      }
      continue;
    }
    if (
      line.startsWith("<!--") &&
      /<!--\s*(not|run|term|until|given|stop|begin|file|play)/.test(line)
    ) {
      fail(number, `this comment is not understood: ${line}`);
    }
    if (line.trim() === "") continue;
    alone(number);
    prose = true;
    const heading = line.match(/^#+ (.*)$/);
    if (heading) section = slugs(heading[1]);
  }
  if (open) fail(open.line, "this block has no end");
  alone(text.split("\n").length);
  return { begin, blocks };
}

function close(blocks, open, prose, fail) {
  const { line, language, marks, section } = open;
  const text = open.lines.join("\n");
  if (language !== "output") {
    const runs = language === "sh" || language === "console";
    if (marks.some(({ name }) => (name === "file") === runs)) {
      fail(line, `a block of ${language} has no such mark as ${marks[0].name}`);
    }
    const command = runs ? undefined : open.lines.find((line) => COMMAND.test(line));
    if (command) fail(line, `"${command}" in a block of ${language}, which is not run: name it sh`);
    blocks.push({ line, language, text, marks, section, output: null });
    return;
  }
  const last = blocks.at(-1);
  if (!last || prose || last.language !== "sh" || last.output !== null) {
    fail(line, "output that stands right after no commands");
  }
  last.output = text;
}

/** The parts of a `console` block: { command, output }. */
export function consoleParts(text) {
  const parts = [];
  for (const line of text.split("\n")) {
    if (line.startsWith("$ ")) parts.push({ command: line.slice(2), lines: [] });
    else if (parts.length === 0) throw new Error(`output before the first command: ${line}`);
    else parts.at(-1).lines.push(line);
  }
  return parts.map(({ command, lines }) => ({ command, output: lines.join("\n") }));
}
