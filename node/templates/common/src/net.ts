/** The network that `fairway dev` runs, as `.fairway/dev.json` describes it. */

import { readFileSync } from "node:fs";
import { type Channel, Client, Keypair, type Member } from "@fairway/sdk";

export interface Network {
  readonly channel: string;
  readonly ledger: string;
  /** The asset that everybody has. */
  readonly asset: string;
  readonly members: readonly {
    readonly name: string;
    readonly address: string;
    readonly seed: string;
    readonly url: string;
  }[];
}

/** A member of the network's channel, connected to its own node. */
export interface Player {
  readonly client: Client;
  readonly channel: Channel;
  readonly member: Member;
}

/** The network that runs now. */
export function network(): Network {
  return JSON.parse(readFileSync(process.env["FAIRWAY_DEV"] ?? ".fairway/dev.json", "utf8"));
}

/** Connects as one of the members: `alice`, `bob` and so on. */
export async function connect(name: string): Promise<Player> {
  const { channel: id, members } = network();
  const found = members.find((member) => member.name === name);
  if (!found) {
    throw new Error(`no member ${name}: there are ${members.map(({ name }) => name).join(", ")}`);
  }
  const key = Keypair.fromSeed(Buffer.from(found.seed.slice(2), "hex"));
  const client = await Client.connect(found.url);
  const channel = await client.channel(id);
  return { client, channel, member: channel.member(key) };
}
