// Runs the commands of one page, in order, in an empty folder, against real processes.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, normalize } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { blocksOf, consoleParts } from "./page.mjs";
import { Ports } from "./ports.mjs";
import { Ids } from "./shape.mjs";
import { Shell, until } from "./shell.mjs";

const GIVEN = 300; // seconds in which what a page supposes is brought about
// What a page shows of a command that fails: an error, or what a check found.
const ERROR = /^(error|.*: `)/m;
const PLAY = 120; // seconds in which a player ends
const PATIENCE = 240; // seconds in which a terminal, or a block marked `until`, prints what is shown

const STEPS = ["sh", "console", "stop", "played", "playing"];
const isFile = (marks) => marks?.some(({ name }) => name === "file") ?? false;

/** The blocks that a page runs: those of the page it begins with, then its own. */
export function stepsOf(root, path) {
  const { begin, blocks } = blocksOf(readFileSync(join(root, path), "utf8"), path);
  const own = blocks.filter(({ language, marks }) => STEPS.includes(language) || isFile(marks));
  const steps = own.map((block) => ({ ...block, path }));
  if (!begin) return steps;
  const [file, section] = begin.split("#");
  const before = normalize(join(dirname(path), file));
  const others = stepsOf(root, before);
  const last = others.findLastIndex((step) => step.path === before && step.section === section);
  if (last < 0) throw new Error(`${path}: begins with ${begin}, which has no commands`);
  return [...others.slice(0, last + 1), ...steps];
}

export const isSkipped = (step) => step.marks?.some(({ name }) => name === "not run") ?? false;

/** Runs the page; answers with how many of its own commands' blocks ran and how many are not run. */
export async function runPage({ root, path, program, built, live, verbose }) {
  const steps = stepsOf(root, path);
  const own = steps.filter(
    (step) => step.path === path && ["sh", "console"].includes(step.language),
  );
  const skipped = own.filter(isSkipped).length;
  if (own.length === skipped) return { ran: 0, skipped };
  const texts = steps.flatMap(({ text, output, marks }) => [
    text,
    output ?? "",
    ...(marks ?? []).map(({ value }) => value),
  ]);
  const ports = await Ports.of(texts);
  const folder = mkdtempSync(join(tmpdir(), "fairway-page-"));
  const shell = new Shell({ folder, program, built, ports, root });
  live.add(shell);
  const page = new Page({ shell, ports, root });
  try {
    for (const step of steps) {
      if (isSkipped(step)) continue;
      if (verbose) console.log(`${path}: ${step.path}:${step.line}`);
      await page.run(step).catch((error) => {
        throw new Error(
          `${step.path}:${step.line} (of ${path}):\n${step.text}\n\n${error.message}\n${shell.logs()}`,
        );
      });
    }
    await shell.end();
  } finally {
    shell.kill();
    live.delete(shell);
    rmSync(folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 250 });
  }
  return { ran: own.length - skipped, skipped };
}

class Page {
  #shell;
  #ports;
  #root;
  #ids = new Ids();

  constructor({ shell, ports, root }) {
    this.#shell = shell;
    this.#ports = ports;
    this.#root = root;
  }

  async run(step) {
    if (step.language === "stop") return this.#shell.stop(this.#fill(step.text));
    if (step.language === "playing") return this.#start(step.text, null, this.#shell.shown);
    if (step.language === "played") return this.#play(this.#fill(step.text));
    if (isFile(step.marks)) return this.#write(step);
    const marks = new Set(step.marks.map(({ name }) => name));
    for (const { name, value } of step.marks) {
      if (name === "given") await this.#expect(value, null, GIVEN);
      if (name === "stop") await this.#shell.stop(this.#fill(value));
    }
    const parts = step.language === "console" ? consoleParts(step.text) : [whole(step)];
    for (const { command, output } of parts) {
      if (marks.has("terminals")) await this.#start(command, output);
      else if (marks.has("until")) await this.#repeat(command, output);
      else await this.#expect(command, output);
    }
  }

  #fill(command) {
    return this.#ports.fill(this.#ids.fill(command)).replaceAll("/path/to/fairway", this.#root);
  }

  /** Runs a player to its end; or waits for that of one which plays already. */
  async #play(command) {
    if (!this.#shell.runs(command)) await this.#shell.start(command, this.#shell.shown);
    await this.#shell.finish(command, PLAY);
  }

  async #write({ text, marks }) {
    const { printed } = await this.#shell.run("pwd");
    const file = join(printed.trim(), marks[0].value);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${text}\n`);
  }

  /** Runs commands once. Only those may fail whose error is shown. */
  async #expect(command, output, seconds) {
    const why = await this.#differs(command, output, seconds);
    if (why !== null) throw new Error(why);
  }

  async #differs(command, output, seconds) {
    const { printed, failed } = await this.#shell.run(this.#fill(command), seconds);
    const text = this.#ports.name(printed);
    if (failed.length > 0 && !ERROR.test(output ?? "")) {
      return `failed with ${failed.join(", ")}, and printed:\n${text}`;
    }
    if (failed.length === 0 && /^error/m.test(output ?? "")) {
      return `an error is shown, and nothing failed; printed:\n${text}`;
    }
    return output === null ? null : this.#ids.differs(output, text);
  }

  async #repeat(command, output) {
    if (output === null)
      throw new Error("a block that is repeated until it prints what is shown shows nothing");
    let why = null;
    const ask = async () => {
      why = await this.#differs(command, output);
      return why === null ? true : await sleep(300, null);
    };
    await until(ask, PATIENCE, () => `within ${PATIENCE} s:\n${why}`);
  }

  /** Starts each line in a terminal, and waits for what is shown, or for a line of each. */
  async #start(commands, output, input) {
    const lines = commands.split("\n").filter((line) => line.trim() && !line.startsWith("#"));
    const terminals = [];
    for (const line of lines) terminals.push(await this.#shell.start(this.#fill(line), input));
    let why = null;
    const ask = () => {
      const gone = terminals.find(({ child }) => child.exitCode !== null);
      if (gone) {
        throw new Error(
          `\`${gone.command}\` ended with ${gone.child.exitCode}:\n${gone.printed}${gone.log}`,
        );
      }
      if (terminals.some(({ printed }) => printed === "")) return null;
      if (output === null) return true;
      why = this.#ids.differs(
        output,
        this.#ports.name(terminals.map(({ printed }) => printed).join("")),
      );
      return why === null ? true : null;
    };
    await until(
      ask,
      PATIENCE,
      () => `within ${PATIENCE} s:\n${why ?? "a terminal printed nothing"}`,
    );
  }
}

const whole = ({ text, output }) => ({ command: text, output });
