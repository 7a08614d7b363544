/** Events of a channel's blocks: looked for from a height downwards, so far and no further in one go. */
import type { BlockView, Json } from "@fairway/sdk";

/** Events with which a look ends. */
export const ENOUGH = 20;
/** Requests with which a look ends, whatever it found. */
export const REQUESTS = 10;
/** Blocks of a look's first request, and of any: each asks for twice as many as the one before. */
const FIRST = 20;
const MOST = 100;

export interface Happened {
  height: number;
  time: number;
  /** Of its transaction in the block, and its own among that one's. */
  place: [number, number];
  type: string;
  data: Json;
}

/** What a look has seen: all such events of the blocks `from` to `to`; of none when `from` is above. */
export interface Looked {
  from: number;
  to: number;
  /** When block `from` was made; `undefined` when none was seen. */
  since?: number;
  /** The newest first. */
  events: Happened[];
}

/** What is looked for, and where. */
export interface Wanted {
  /** Blocks by their heights, fewer than asked for when an answer grows too large. */
  ask(from: number, limit: number): Promise<BlockView[]>;
  /** Part of the events' types. */
  word: string;
  /** Whether anybody still waits for it. */
  isWanted?(): boolean;
}

/** What happened in blocks, the newest first, of types that hold `word`. */
export function happened(blocks: readonly BlockView[], word: string): Happened[] {
  const all = blocks.flatMap((block) =>
    block.transactions.flatMap((transaction, at) =>
      transaction.events.map((event, number) => ({
        height: block.height,
        time: block.time,
        place: [at, number] as [number, number],
        type: event.type,
        data: event.data,
      })),
    ),
  );
  return all.filter((event) => event.type.toLowerCase().includes(word.toLowerCase())).reverse();
}

/** Without the blocks below the one in which there are enough: no block is shown in part. */
function cut(looked: Looked): Looked {
  const last = looked.events[ENOUGH - 1];
  if (!last) return looked;
  const events = looked.events.filter((event) => event.height >= last.height);
  return { ...looked, from: last.height, since: last.time, events };
}

/** Looks at block `to` and those below it, down to `first`. */
export async function lookBack(wanted: Wanted, to: number, first: number): Promise<Looked> {
  let looked: Looked = { from: to + 1, to, events: [] };
  let size = FIRST;
  for (let asked = 0; asked < REQUESTS && looked.from > first; asked += 1) {
    if (wanted.isWanted?.() === false) break;
    const from = Math.max(first, looked.from - size);
    const limit = looked.from - from;
    const blocks = await wanted.ask(from, limit);
    // The log became shorter meanwhile.
    if (blocks.length === 0) break;
    if (blocks.length < limit) {
      // The newest of them did not fit into the answer: as many as fit are asked for.
      size = blocks.length;
      continue;
    }
    const events = [...looked.events, ...happened(blocks, wanted.word)];
    const since = blocks[0]?.time;
    looked = { from, to, events, ...(since !== undefined && { since }) };
    if (events.length >= ENOUGH) break;
    size = Math.min(MOST, size * 2);
  }
  return cut(looked);
}

/** A channel's heights that matter here. */
export interface Heights {
  head: number;
  final: number;
  /** The first block that is kept. */
  first: number;
}

/** Looks from the head downwards, again and again: what was final is not asked for again. */
export class Follower {
  #kept: Looked | undefined;
  #final = 0;

  async look(wanted: Wanted, { head, final, first }: Heights): Promise<Looked> {
    const stable = this.#kept && Math.min(this.#kept.to, this.#final);
    const known = this.#kept && stable !== undefined && this.#kept.from <= stable + 1;
    const floor = known ? Math.max(first, stable + 1) : first;
    const above = await lookBack(wanted, head, floor);
    const joined = known && above.from === stable + 1 ? join(above, this.#kept, stable) : above;
    this.#kept = joined;
    this.#final = final;
    return joined;
  }
}

/** `above` and what was kept of the blocks up to `stable`, which lie right below it. */
function join(above: Looked, kept: Looked | undefined, stable: number): Looked {
  if (!kept) return above;
  const events = [...above.events, ...kept.events.filter((event) => event.height <= stable)];
  const since = kept.since ?? above.since;
  return cut({ from: kept.from, to: above.to, events, ...(since !== undefined && { since }) });
}
