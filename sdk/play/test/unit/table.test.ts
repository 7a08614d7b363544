import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { packageHash } from "../../../typescript/src/wire.js";
import { example } from "../../scripts/packages.js";
import { devPlayers, main } from "../../scripts/table.js";

const channel = `0x${"ab".repeat(32)}`;
const member = (name: string, index: number) => ({
  name,
  url: `ws://127.0.0.1:${9000 + index}`,
  seed: `0x${`0${index}`.repeat(32)}`,
});
const NAMES = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan"];
const network = (changed: object) =>
  JSON.stringify({
    name: "arena",
    package: packageHash(example("arena")),
    channel,
    members: NAMES.slice(0, 3).map(member),
    ...changed,
  });

test("members of a developer's network have seats, each at the own node first", () => {
  const players = devPlayers(network({}));
  expect(players.map(({ name }) => name)).toEqual(["alice", "bob", "carol"]);
  const [, bob] = players;
  const ports = bob?.seat.nodes.map((node) => node.slice(-4));
  expect(ports).toEqual(["9001", "9000", "9002"]);
  expect(bob?.seat.channel).toBe(channel);
  expect(bob?.seat.seed).toEqual(new Uint8Array(32).fill(1));
});

test("a link names no more nodes than the page takes", () => {
  const players = devPlayers(network({ members: NAMES.map(member) }));
  expect(players.at(-1)?.seat.nodes).toHaveLength(8);
  expect(players.at(-1)?.seat.nodes[0]).toBe("ws://127.0.0.1:9008");
});

test("a network of another package is named, and not played", () => {
  const other = network({ name: "nim", package: "0x12" });
  expect(() => devPlayers(other)).toThrow(/runs nim \(0x12\).*tic_tac_toe and arena alone/);
});

/** A folder that is gone after the test. */
function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "fairway-table-"));
  onTestFinished(() => rmSync(made, { recursive: true }));
  return made;
}

test("without `fairway dev` the file that is missing is named, and what to start", async () => {
  const missing = join(folder(), ".fairway/dev.json");
  await expect(main(["--dev", missing])).rejects.toThrow(
    `there is no ${missing}: start \`fairway dev\` first, which writes it`,
  );
});

test("a file that is there and can't be read is not said to be missing", async () => {
  await expect(main(["--dev", folder()])).rejects.toThrow(/EISDIR/);
});

test("what is not a developer's network is named, with what is wrong with it", async () => {
  const file = join(folder(), "dev.json");
  for (const [text, wrong] of [
    ['{"name": "are', /not JSON/],
    ["[]", /names no members/],
    ['{"members": [null]}', /a member has no name, seed or url/],
  ] as const) {
    writeFileSync(file, text);
    const told = main(["--dev", file]);
    await expect(told).rejects.toThrow(file);
    await expect(told).rejects.toThrow(wrong);
  }
});
