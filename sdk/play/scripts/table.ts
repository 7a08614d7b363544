/**
 * A link for each player of a table on a developer net, and the page, served until it is interrupted. The
 * table is made, with an account with money for each node; or it is the channel of `fairway dev`.
 */
import { readFileSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build, preview } from "vite";
import { type ChannelRules, Client, Keypair } from "../../typescript/src/index.js";
import { packageHash } from "../../typescript/src/wire.js";
import { linkText, MOST_NODES, parseFile, type Seat } from "../src/link.js";
import { example, NAMES } from "./packages.js";

type Name = (typeof NAMES)[number];

/** Who plays, and at which seat. */
export interface Player {
  name: string;
  seat: Seat;
}

/** 100 FWY for each player. */
const MONEY = 100_000_000n;
const RULES: Readonly<Record<Name, ChannelRules>> = {
  tic_tac_toe: { settlement_interval: 5_000 },
  arena: { settlement_interval: 5_000, tick_interval: 250 },
};
const USAGE = `usage: npm run table -w play -- --node ws://… --node ws://… [--game tic_tac_toe|arena]
         [--file table.json] [--port 0] [--no-page]
       npm run table -w play -- --dev FOLDER/.fairway/dev.json [--file table.json] [--port 0] [--no-page]
One player for each --node, which is the player's own; the others are for when it is away. With --dev
the members of the network that \`fairway dev\` runs.`;

const CONFIG = fileURLToPath(new URL("../vite.config.ts", import.meta.url));

export async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      dev: { type: "string" },
      node: { type: "string", multiple: true, default: [] },
      game: { type: "string", default: "tic_tac_toe" },
      file: { type: "string" },
      port: { type: "string", default: "0" },
      "no-page": { type: "boolean", default: false },
    },
  });
  const players = values.dev
    ? playersOf(named(values.dev))
    : await newPlayers(values.node, values.game);
  if (values.file) writeFileSync(named(values.file), fileOf(players), { mode: 0o600 });
  const page = values["no-page"] ? undefined : await serve(Number(values.port));
  for (const { name, seat } of players) {
    console.log(`${name}: ${page?.url ?? ""}${linkText(seat)}`);
  }
  if (page) await page.ended;
}

/** npm runs this in the package's folder; a path is meant from where npm was called. */
const named = (path: string) => resolve(process.env.INIT_CWD ?? "", path);

function playersOf(path: string): Player[] {
  try {
    return devPlayers(readFileSync(path, "utf8"));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") {
      throw new Error(`there is no ${path}: start \`fairway dev\` first, which writes it`);
    }
    throw code ? error : new Error(`${path}: ${message}`);
  }
}

/** The members of the network that `fairway dev` describes, who are in its channel already. */
export function devPlayers(text: string): Player[] {
  const { channel, members, name, package: hash } = parseDevFile(text);
  if (!NAMES.some((known) => packageHash(example(known)) === hash)) {
    const games = NAMES.join(" and ");
    throw new Error(`the network runs ${name} (${hash}), and the page plays ${games} alone`);
  }
  const nodes = members.map(({ url }) => url);
  const players = members.map(({ name, seed }, index) => {
    return { name, nodes: ownFirst(nodes, index), seed };
  });
  return parseFile(JSON.stringify({ channel, players }));
}

/** What is used of `.fairway/dev.json`. */
interface DevFile {
  name: string;
  package: string;
  channel: string;
  members: { name: string; seed: string; url: string }[];
}

function parseDevFile(text: string): DevFile {
  let file: DevFile | null;
  try {
    file = JSON.parse(text);
  } catch {
    throw new Error("it is not JSON: expected what `fairway dev` wrote");
  }
  if (!Array.isArray(file?.members)) {
    throw new Error("it names no members: expected what `fairway dev` wrote");
  }
  if (!file.members.every((member) => member?.name && member.seed && member.url)) {
    throw new Error("a member has no name, seed or url: expected what `fairway dev` wrote");
  }
  return file;
}

async function newPlayers(nodes: readonly string[], game: string): Promise<Player[]> {
  const name = NAMES.find((known) => known === game);
  if (!name) throw new Error(`no game ${JSON.stringify(game)}\n${USAGE}`);
  if (nodes.length < 2) throw new Error(`${nodes.length} nodes: two at least\n${USAGE}`);
  const seats = await table(nodes, name);
  return seats.map((seat, index) => ({ name: `player ${index + 1}`, seat }));
}

/** A link's nodes: the player's own, and others for when it is away. */
function ownFirst(nodes: readonly string[], own: number): string[] {
  const others = nodes.filter((_, other) => other !== own);
  return [nodes[own] as string, ...others].slice(0, MOST_NODES);
}

/** The channel and a seat for each node. */
export async function table(nodes: readonly string[], name: Name): Promise<Seat[]> {
  const keys = nodes.map(() => Keypair.generate());
  const clients: Client[] = [];
  try {
    // Each is asked for, so that no link names a node that is not there.
    for (const node of nodes) clients.push(await Client.connect(node));
    const client = clients[0] as Client;
    for (const key of keys) await client.ledger.faucet(key.address, MONEY);
    const creator = keys[0] as Keypair;
    const hash = await client.ledger.storePackage(creator, example(name));
    const invited = keys.map(({ address }) => address);
    const channel = await client.ledger.createChannel(creator, hash, { ...RULES[name], invited });
    return keys.map((key, index) => {
      return { nodes: ownFirst(nodes, index), channel, seed: key.secretSeed() };
    });
  } finally {
    for (const one of clients) one.close();
  }
}

function fileOf(seated: readonly Player[]): string {
  const players = seated.map(({ name, seat: { nodes, seed } }) => {
    return { name, nodes, seed: Buffer.from(seed).toString("hex") };
  });
  return `${JSON.stringify({ channel: seated[0]?.seat.channel, players }, undefined, 2)}\n`;
}

/** Builds the page and serves it on loopback; `ended` resolves on an interrupt. */
async function serve(port: number): Promise<{ url: string; ended: Promise<void> }> {
  await build({ configFile: CONFIG, logLevel: "error" });
  const options = { host: "127.0.0.1", port, strictPort: port !== 0 };
  const server = await preview({ configFile: CONFIG, logLevel: "error", preview: options });
  const address = server.httpServer.address() as AddressInfo;
  const ended = new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  }).then(() => server.close());
  return { url: `http://127.0.0.1:${address.port}/`, ended };
}
