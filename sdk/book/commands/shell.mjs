// One shell for the commands of a page, and terminals for those that go on.
import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

// Every variable is exported, so that terminals have what the shell has. Failures are counted one by
// one: a command that fails does not end the block, as it would not end a reader's shell.
const PRELUDE = `set -aEo pipefail; shopt -s expand_aliases; trap 'FAILED="$FAILED $?"' ERR\n`;
const MARK = "\u0001";

// What a page leaves to defaults has the page's own ports; `dev` takes free ones by itself.
const shim = (program, ports) => `#!/usr/bin/env bash
if [ "$1 $2" = "node init" ]; then
    [[ " $* " == *" --api "* ]] || set -- "$@" --api 127.0.0.1:${ports.at("9101")}
    [[ " $* " == *" --listen "* ]] || set -- "$@" --listen /ip4/127.0.0.1/tcp/${ports.at("9102")}
fi
exec "${program}" "$@"
`;

/** Waits until `ask` answers something else than null; fails with what `late` says after `seconds`. */
export async function until(ask, seconds, late) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await ask();
    if (answer !== null) return answer;
    if (Date.now() > end) throw new Error(await late());
    await sleep(100);
  }
}

export class Shell {
  #bash;
  #printed = "";
  #files;
  #count = 0;
  #terminals = [];

  /**
   * A shell in an empty folder. `program` lies where `make build` puts `fairway`, `built` under the
   * home; that is not on the PATH, and no other `fairway` is: the page's own lines lead there.
   */
  constructor({ folder, program, built, ports, root }) {
    const home = join(folder, "home");
    this.#files = join(folder, "run");
    const bin = join(home, built, "debug");
    for (const made of [this.#files, bin]) mkdirSync(made, { recursive: true });
    writeFileSync(join(bin, "fairway"), shim(program, ports));
    chmodSync(join(bin, "fairway"), 0o755);
    const path = [dirname(process.execPath), ...process.env.PATH.split(":")];
    this.#bash = spawn("bash", ["--noprofile", "--norc"], {
      cwd: home,
      detached: true,
      env: {
        HOME: home,
        PATH: path.filter((folder) => !existsSync(join(folder, "fairway"))).join(":"),
        LANG: "C.UTF-8",
        NO_COLOR: "1",
        FAIRWAY_LEDGER: `ws://127.0.0.1:${ports.at("9100")}`,
        FAIRWAY_NODE: `ws://127.0.0.1:${ports.at("9101")}`,
        FAIRWAY_CHAIN_LISTEN: `127.0.0.1:${ports.at("9100")}`,
        FAIRWAY_SDK: join(root, "sdk/typescript"),
        npm_config_cache: process.env.npm_config_cache ?? join(process.env.HOME, ".npm"),
        npm_config_update_notifier: "false",
        npm_config_fund: "false",
        npm_config_audit: "false",
        ...(process.env.CHROMIUM ? { CHROMIUM: process.env.CHROMIUM } : {}),
      },
    });
    for (const stream of [this.#bash.stdout, this.#bash.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => {
        this.#printed += text;
      });
    }
    this.#bash.stdin.on("error", () => {});
    this.#bash.stdin.write(PRELUDE);
  }

  /** Runs commands; answers with what they printed and the exit codes of those that failed. */
  async run(commands, seconds = 120) {
    const file = join(this.#files, `${++this.#count}.sh`);
    writeFileSync(file, `${commands}\n`);
    this.#printed = "";
    this.#bash.stdin.write(
      `FAILED=; . ${file} </dev/null 2>&1; printf '${MARK}%s${MARK}' "$FAILED"\n`,
    );
    const ended = new RegExp(`${MARK}([ 0-9]*)${MARK}`);
    const found = await until(
      () => {
        if (this.#bash.exitCode !== null) throw new Error(`the shell ended:\n${this.#printed}`);
        return this.#printed.match(ended);
      },
      seconds,
      () => `did not end within ${seconds} s, and printed:\n${this.#printed}`,
    );
    const failed = found[1].trim().split(" ").filter(Boolean).map(Number);
    return { printed: this.#printed.slice(0, found.index), failed };
  }

  /** What the terminals show. */
  get shown() {
    return this.#terminals.map(({ printed }) => printed).join("");
  }

  /** Starts a command in a terminal of its own, with the shell's folder and variables. */
  async start(command, input) {
    const name = join(this.#files, `terminal-${this.#terminals.length}`);
    await this.run(`env -0 > ${name}.env; pwd > ${name}.pwd`);
    const env = Object.fromEntries(
      readFileSync(`${name}.env`, "utf8")
        .split("\0")
        .filter(Boolean)
        .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
    );
    const child = spawn("bash", ["-c", `exec ${command}`], {
      cwd: readFileSync(`${name}.pwd`, "utf8").trim(),
      detached: true,
      env,
      stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    });
    child.stdin?.on("error", () => {}); // it read nothing
    child.stdin?.end(input);
    const terminal = { command, child, printed: "", log: "" };
    child.stdout.setEncoding("utf8").on("data", (text) => {
      terminal.printed += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      terminal.log += text;
    });
    this.#terminals.push(terminal);
    return terminal;
  }

  /** Ctrl-C in the last terminal that runs the command. */
  async stop(command) {
    await interrupt(this.#take(command));
  }

  runs(command) {
    return this.#terminals.some((terminal) => terminal.command === command);
  }

  /** Waits until the command ends by itself, and well. */
  async finish(command, seconds) {
    const terminal = this.#terminals.findLast((terminal) => terminal.command === command);
    const shown = () => `and printed:\n${terminal.printed}${terminal.log}`;
    await until(
      () => ended(terminal.child),
      seconds,
      () => `\`${command}\` did not end within ${seconds} s, ${shown()}`,
    );
    this.#take(command);
    const { exitCode, signalCode } = terminal.child;
    if (exitCode !== 0) throw new Error(`failed with ${exitCode ?? signalCode}, ${shown()}`);
  }

  #take(command) {
    const index = this.#terminals.findLastIndex((terminal) => terminal.command === command);
    if (index < 0) throw new Error(`no terminal runs \`${command}\``);
    return this.#terminals.splice(index, 1)[0];
  }

  /** Ctrl-C in all terminals, the last first; then the shell ends. */
  async end() {
    const unended = [];
    for (const terminal of this.#terminals.splice(0).reverse()) {
      await interrupt(terminal).catch((error) => unended.push(error.message));
    }
    this.#bash.stdin.end("exit 0\n");
    await until(
      () => ended(this.#bash),
      5,
      () => "",
    ).catch(() => kill(this.#bash, "SIGKILL"));
    if (unended.length > 0) throw new Error(unended.join("\n"));
  }

  /** Ends everything at once: for a runner that is itself ended. */
  kill() {
    for (const { child } of this.#terminals) kill(child, "SIGKILL");
    kill(this.#bash, "SIGKILL");
  }

  logs() {
    return this.#terminals
      .map(({ command, log }) => `--- ${command}\n${log.split("\n").slice(-15).join("\n")}`)
      .join("\n");
  }
}

/** The Makefile's default folder of what is compiled, under the home. */
export function builtAt(makefile) {
  const [, path] = makefile.match(/^export CARGO_TARGET_DIR \?= \$\(HOME\)\/(.+)$/m) ?? [];
  if (!path) throw new Error("the Makefile names no folder under $(HOME) as CARGO_TARGET_DIR");
  return path;
}

const ended = (child) => (child.exitCode !== null || child.signalCode !== null ? true : null);

function kill(child, signal) {
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It ended already.
  }
}

async function interrupt({ command, child }) {
  kill(child, "SIGINT");
  try {
    await until(
      () => ended(child),
      20,
      () => `\`${command}\` did not end within 20 s of Ctrl-C`,
    );
  } finally {
    kill(child, "SIGKILL");
  }
}

export const programOf = (path) => {
  if (!path)
    throw new Error("FAIRWAY_BIN names the program fairway: cargo build -p fairway makes it");
  if (!existsSync(path)) throw new Error(`FAIRWAY_BIN: there is no ${path}`);
  return path;
};
