/**
 * What a player is given: nodes, channel and the account's seed, as the fragment of the page's address,
 * which browsers send to no server, or as a file with one seat for each player.
 */

/** A seat at a table. */
export interface Seat {
  /** APIs of nodes of one net, the player's own first. */
  nodes: string[];
  /** `0x` and 64 hex digits. */
  channel: string;
  /** The account's 32 secret bytes. */
  seed: Uint8Array;
  /** What the nodes ask for, if they ask for a token. */
  token?: string;
}

/** A link or file that can't be used; the message says what is wrong with it. */
export class LinkError extends Error {
  override readonly name = "LinkError";
}

/** That a link names. */
export const MOST_NODES = 8;

/** The fragment, with `#`, that `parseLink` reads. */
export function linkText(seat: Seat): string {
  const fields = new URLSearchParams();
  for (const node of seat.nodes) fields.append("node", node);
  fields.set("channel", seat.channel);
  fields.set("seed", toHex(seat.seed));
  if (seat.token !== undefined) fields.set("token", seat.token);
  return `#${fields}`;
}

/** The seat of a page's fragment; `undefined` when there is none. Throws a `LinkError`. */
export function parseLink(fragment: string): Seat | undefined {
  const text = fragment.replace(/^#/, "");
  if (text === "") return undefined;
  const fields = new URLSearchParams(text);
  for (const name of fields.keys()) {
    if (!["node", "channel", "seed", "token"].includes(name)) {
      throw new LinkError(
        `the link has a field ${shown(name)}: expected node, channel, seed, token`,
      );
    }
  }
  const seat = seatOf(fields.getAll("node"), fields.get("channel"), fields.get("seed"));
  const token = fields.get("token");
  return token === null ? seat : { ...seat, token: tokenOf(token) };
}

/** The seats of a table's file, by the players' names. Throws a `LinkError`. */
export function parseFile(text: string): { name: string; seat: Seat }[] {
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch {
    throw new LinkError("the file is not JSON: expected one that `npm run table` wrote");
  }
  const { channel, players } = (file ?? {}) as { channel?: unknown; players?: unknown };
  if (!Array.isArray(players) || players.length === 0) {
    throw new LinkError("the file names no players: expected one that `npm run table` wrote");
  }
  return players.map(
    (player: { name?: unknown; nodes?: unknown; seed?: unknown } | null, index) => ({
      name: typeof player?.name === "string" ? player.name : `player ${index + 1}`,
      seat: seatOf(Array.isArray(player?.nodes) ? player.nodes : [], channel, player?.seed),
    }),
  );
}

function seatOf(nodes: unknown[], channel: unknown, seed: unknown): Seat {
  if (nodes.length === 0) throw new LinkError("the link names no node: expected node=ws://…");
  if (nodes.length > MOST_NODES) {
    throw new LinkError(`the link names ${nodes.length} nodes: at most ${MOST_NODES}`);
  }
  return { nodes: nodes.map(nodeOf), channel: channelOf(channel), seed: seedOf(seed) };
}

function nodeOf(node: unknown): string {
  const url = typeof node === "string" && URL.canParse(node) ? new URL(node) : undefined;
  if (!url || !/^wss?:$/.test(url.protocol)) {
    throw new LinkError(`the link's node ${shown(node)} is no address: expected ws:// or wss://`);
  }
  return String(node);
}

function channelOf(channel: unknown): string {
  if (typeof channel !== "string" || !/^0x[0-9a-f]{64}$/.test(channel)) {
    throw new LinkError(
      `the link's channel ${shown(channel)} is none: expected 0x and 64 hex digits`,
    );
  }
  return channel;
}

/** The seed is secret: it is in no message. */
function seedOf(seed: unknown): Uint8Array {
  const digits = typeof seed === "string" ? /^(?:0x)?([0-9a-f]{64})$/i.exec(seed)?.[1] : undefined;
  if (!digits) {
    const found = typeof seed === "string" ? `${seed.length} characters` : "nothing";
    throw new LinkError(`the link's seed is ${found}: expected 64 hex digits`);
  }
  return Uint8Array.from(digits.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}

/** What a subprotocol's name can carry; secret as well. */
function tokenOf(token: string): string {
  if (/^[A-Za-z0-9\-._~]+$/.test(token)) return token;
  throw new LinkError("the link's token has other characters than letters, digits and - . _ ~");
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function shown(value: unknown): string {
  const text = typeof value === "string" ? value : String(value);
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
