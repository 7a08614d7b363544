/**
 * Makes a table on a developer net: an account with money for each node, a channel of the game, a link for
 * each player. Then serves the page until it is interrupted.
 */
import { writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build, preview } from "vite";
import { type ChannelRules, Client, Keypair } from "../../typescript/src/index.js";
import { linkText, type Seat } from "../src/link.js";
import { example, NAMES } from "./packages.js";

type Name = (typeof NAMES)[number];

/** 100 FWY for each player. */
const MONEY = 100_000_000n;
const RULES: Readonly<Record<Name, ChannelRules>> = {
  tic_tac_toe: { settlement_interval: 5_000 },
  arena: { settlement_interval: 5_000, tick_interval: 250 },
};
const USAGE = `usage: npm run table -w play -- --node ws://… --node ws://… [--game tic_tac_toe|arena]
         [--file table.json] [--port 0] [--no-page]
One player for each --node, which is the player's own; the others are for when it is away.`;

const CONFIG = fileURLToPath(new URL("../vite.config.ts", import.meta.url));

export async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      node: { type: "string", multiple: true, default: [] },
      game: { type: "string", default: "tic_tac_toe" },
      file: { type: "string" },
      port: { type: "string", default: "0" },
      "no-page": { type: "boolean", default: false },
    },
  });
  const name = NAMES.find((known) => known === values.game);
  if (!name) throw new Error(`no game ${JSON.stringify(values.game)}\n${USAGE}`);
  if (values.node.length < 2)
    throw new Error(`${values.node.length} nodes: two at least\n${USAGE}`);
  const seats = await table(values.node, name);
  if (values.file) writeFileSync(values.file, fileOf(seats), { mode: 0o600 });
  const page = values["no-page"] ? undefined : await serve(Number(values.port));
  for (const [index, seat] of seats.entries()) {
    console.log(`player ${index + 1}: ${page?.url ?? ""}${linkText(seat)}`);
  }
  if (page) await page.ended;
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
      const others = nodes.filter((_, other) => other !== index);
      return { nodes: [nodes[index] as string, ...others], channel, seed: key.secretSeed() };
    });
  } finally {
    for (const one of clients) one.close();
  }
}

function fileOf(seats: readonly Seat[]): string {
  const players = seats.map(({ nodes, seed }, index) => {
    return { name: `player ${index + 1}`, nodes, seed: Buffer.from(seed).toString("hex") };
  });
  return `${JSON.stringify({ channel: seats[0]?.channel, players }, undefined, 2)}\n`;
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
