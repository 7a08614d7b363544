// The runner of commands: it has to fail on every page that is wrong.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Mentions } from "../commands/mentions.mjs";
import { blocksOf } from "../commands/page.mjs";
import { runPage } from "../commands/run.mjs";
import { Ids } from "../commands/shape.mjs";
import { builtAt } from "../commands/shell.mjs";

const ticks = "```";
const block = (language, text) => `${ticks}${language}\n${text}\n${ticks}\n`;

async function run(...pages) {
  const root = mkdtempSync(join(tmpdir(), "fairway-pages-"));
  try {
    for (const [index, text] of pages.entries()) writeFileSync(join(root, `${index}.md`), text);
    const path = `${pages.length - 1}.md`;
    return await runPage({ root, path, program: "/bin/true", built: "built", live: new Set() });
  } finally {
    rmSync(root, { recursive: true });
  }
}

test("commands run in order in one shell, and what they print is what is shown", async () => {
  const first = block("sh", "WORD=one\nmkdir -p a && cd a");
  const page = `${first}\n${block("sh", "echo $WORD; basename $PWD")}${block("output", "one\na")}`;
  assert.deepEqual(await run(page), { ran: 2, skipped: 0 });
});

test("another output than shown fails, and says both", async () => {
  const page = block("sh", "echo one") + block("output", "two");
  await assert.rejects(run(page), /0\.md:1[\s\S]*printed:\none\nshown:\ntwo/);
});

test("a command that fails fails the page, also in the middle, unless its error is shown", async () => {
  await assert.rejects(run(block("sh", "false\ntrue")), /failed with 1/);
  await assert.rejects(run(block("sh", "false | cat")), /failed with 1/);
  await assert.rejects(run(block("sh", "no-such-command")), /failed with 127/);
  const shown = block("output", "error 7: none");
  await run(block("sh", "echo error 7: none; false") + shown);
  await assert.rejects(run(block("sh", "echo error 7: none") + shown), /nothing failed/);
});

test("each command of a console block prints its own lines", async () => {
  await run(block("console", "$ echo one\none\n$ echo two\ntwo"));
  await assert.rejects(run(block("console", "$ echo one\n$ echo two\none\ntwo")), /shown/);
});

test("a block is not run for a reason of the list alone", async () => {
  const why = (reason) => `<!-- not run: ${reason} -->\n${block("sh", "false")}`;
  assert.deepEqual(await run(why("takes minutes")), { ran: 0, skipped: 1 });
  await assert.rejects(run(why("no time")), /is no reason/);
});

test("terminals run until they are stopped, or the page ends", async () => {
  const start = `<!-- terminals -->\n${block("sh", "sh -c 'echo up; exec sleep 60'")}${block("output", "up")}`;
  await run(start);
  await run(`${start}\n<!-- stop: sh -c 'echo up; exec sleep 60' -->\n${block("sh", "true")}`);
  await assert.rejects(run(`${start}\n<!-- stop: sleep 60 -->\n`), /no terminal runs/);
  await assert.rejects(run(`<!-- terminals -->\n${block("sh", "sh -c 'exit 3'")}`), /ended with 3/);
});

test("a player reads what terminals show, and goes on until it is named again", async () => {
  const terminal = `<!-- terminals -->\n${block("sh", "sh -c 'echo link 7; exec sleep 60'")}`;
  const hands = (last) =>
    `sh -c 'read a b; echo $b; while [ ! -e go ]; do sleep 0.1; done; ${last}'`;
  const played = (last) =>
    `${terminal}\n<!-- playing: ${hands(last)} -->\nthen\n${block("sh", "touch go")}\n<!-- played: ${hands(last)} -->\n`;
  await run(played("[ $b = 7 ]"));
  await assert.rejects(run(played("[ $b = 8 ]")), /failed with 1, and printed:\n7/);
  await run(`${block("sh", "true")}\n<!-- played: true -->\n`);
  await assert.rejects(run(`${block("sh", "true")}\n<!-- played: false -->\n`), /failed with 1/);
});

test("a page begins with another one up to a section", async () => {
  const other = `# A\n\n## One\n\n${block("sh", "W=1")}\n## Two\n\n${block("sh", "W=2")}`;
  const page = `<!-- begin: 0.md#one -->\n${block("sh", "echo $W")}${block("output", "1")}`;
  assert.deepEqual(await run(other, page), { ran: 1, skipped: 0 });
  await assert.rejects(run(other, page.replace("#one", "#three")), /has no commands/);
});

test("the command is found where the page's own lines lead", async () => {
  await assert.rejects(run(block("sh", "fairway")), /failed with 127/);
  const moved = block("sh", "mkdir away && cd away && fairway");
  await assert.rejects(run(block("sh", "alias fairway=built/debug/fairway") + moved), /127/);
  await run(block("sh", 'export PATH="$HOME/built/debug:$PATH"') + moved);
});

test("where the Makefile compiles to is read from it", () => {
  assert.equal(builtAt("export CARGO_TARGET_DIR ?= $(HOME)/.cache/a/target\n"), ".cache/a/target");
  assert.throws(() => builtAt("CARGO_TARGET_DIR = target\n"), /names no folder/);
});

test("files that a page shows are written", async () => {
  const page = `<!-- file: a/b.json -->\n${block("json", "{}")}\n${block("sh", "cat a/b.json")}${block("output", "{}")}`;
  await run(page);
});

test("marks, languages and outputs out of place are refused", () => {
  const parse = (text) => () => blocksOf(text, "page.md");
  assert.throws(parse(block("", "ls")), /page\.md:1: a block of ""/);
  assert.throws(parse("<!-- until -->\ntext"), /stands before no block/);
  assert.throws(parse("<!-- not-run: x -->\n"), /not understood/);
  assert.throws(
    parse(`${block("sh", "ls")}text\n${block("output", "a")}`),
    /right after no commands/,
  );
  assert.throws(parse(`<!-- until -->\n${block("json", "{}")}`), /has no such mark/);
  assert.throws(parse(block("text", "then\nfairway node run n")), /in a block of text/);
  assert.throws(parse(`${ticks}sh\nls`), /has no end/);
});

test("a shortened id is one id throughout a page, and no other one's", () => {
  const ids = new Ids();
  assert.equal(ids.differs("0x3b6d… and 0x3646…", "0xaaaa1111 and 0xbbbb2222"), null);
  assert.equal(ids.fill("pay 0x3646… 5"), "pay 0xbbbb2222 5");
  assert.equal(ids.differs("3b6d… again", "aaaa11 again"), null);
  assert.match(ids.differs("0x3b6d…", "0xcccc3333"), /is aaaa1111 before/);
  assert.match(ids.differs("0x9999…", "0xbbbb2222"), /are both/);
  assert.throws(() => ids.fill("0x7777…"), /was not shown/);
});

test("numbers are exact, … is anything in a line, and alone any lines", () => {
  const same = (shown, printed) => new Ids().differs(shown, printed) === null;
  assert.ok(same("at height …, 5 gas", "at height 17, 5 gas"));
  assert.ok(!same("at height …, 5 gas", "at height 17, 6 gas"));
  assert.ok(same("a\n…\nz", "a\nb\nc\nz") && same("a\n…\nz", "a\nz"));
  assert.ok(!same("a\nz", "a\nb\nz"));
  assert.ok(same("0x00…00fa", "0x0000000000fa") && !same("0x00…00fa", "0x0000000000fb"));
  assert.ok(same("ws://127.0.0.1:41753", "ws://127.0.0.1:33841"));
  assert.ok(!same("ws://127.0.0.1:9101", "ws://127.0.0.1:9111"));
});

test("commands, options and targets that do not exist are found where they are named", () => {
  const mentions = new Mentions(process.execPath, "test: setup\n");
  assert.deepEqual(mentions.wrong("run `make test`"), []);
  assert.match(mentions.wrong("a\nrun `make tests`")[0], /^2: .*has no tests/);
  assert.match(
    mentions.wrong(block("sh", "fairway --no-such-option"))[0],
    /no option --no-such-option/,
  );
});
