import type { BlockView } from "@fairway/sdk";
import { expect, test } from "vitest";
import { ENOUGH, Follower, happened, lookBack, REQUESTS } from "../../src/events.js";
import { lookedText } from "../../src/views/Events.js";

const PAID = "0x44::payments::Paid";
const MOVED = "0x2::vault::Moved";

function block(height: number, ...types: string[]): BlockView {
  const transactions = types.map((type) => ({ events: [{ type, data: null }] }));
  return { height, time: height * 250, transactions } as unknown as BlockView;
}

/** A log of `head` blocks with these events at some heights, and what it was asked for. */
class Log {
  readonly asked: [from: number, limit: number][] = [];
  readonly events = new Map<number, string[]>();

  constructor(
    public head: number,
    /** Blocks of an answer at most. */
    public fits = 100,
  ) {}

  with(types: string[], ...heights: number[]): this {
    for (const height of heights) this.events.set(height, types);
    return this;
  }

  ask = async (from: number, limit: number): Promise<BlockView[]> => {
    this.asked.push([from, limit]);
    const most = Math.max(0, Math.min(limit, this.fits, this.head - from + 1));
    return Array.from({ length: most }, (_, index) =>
      block(from + index, ...(this.events.get(from + index) ?? [])),
    );
  };

  wanted(word = "") {
    return { ask: this.ask, word };
  }
}

const heights = (events: { height: number }[]) => events.map((event) => event.height);

test("events are the newest first, and those of a type alone when one is named", () => {
  const blocks = [block(1, PAID), block(2, MOVED, PAID)];
  expect(happened(blocks, "").map((event) => [event.height, event.place])).toEqual([
    [2, [1, 0]],
    [2, [0, 0]],
    [1, [0, 0]],
  ]);
  expect(happened(blocks, "PAID").map((event) => event.height)).toEqual([2, 1]);
});

test("a look goes back through blocks without events until it has enough", async () => {
  const rare = Array.from({ length: 30 }, (_, index) => 1_000 - index * 10);
  const log = new Log(1_000).with([PAID], ...rare);
  const looked = await lookBack(log.wanted(), 1_000, 1);
  expect(heights(looked.events)).toEqual(rare.slice(0, ENOUGH));
  expect([looked.from, looked.to, looked.since]).toEqual([810, 1_000, 810 * 250]);
  // The next look goes on below, and finds the rest.
  const next = await lookBack(log.wanted(), looked.from - 1, 1);
  expect(heights(next.events)).toEqual(rare.slice(ENOUGH));
});

test("one look asks a bounded number of times and says how far it came", async () => {
  const log = new Log(10_000).with([PAID], 5);
  const looked = await lookBack(log.wanted(), 10_000, 1);
  expect(log.asked.length).toBe(REQUESTS);
  expect(Math.max(...log.asked.map(([, limit]) => limit))).toBe(100);
  expect(looked.events).toEqual([]);
  expect(looked.from).toBe(10_001 - 20 - 40 - 80 - 7 * 100);
});

test("a look ends at the first block that is kept", async () => {
  const log = new Log(100).with([PAID], 60);
  const looked = await lookBack(log.wanted(), 100, 71);
  expect([looked.from, looked.to, looked.events.length]).toEqual([71, 100, 0]);
  expect(log.asked).toEqual([
    [81, 20],
    [71, 10],
  ]);
  expect(await lookBack(log.wanted(), 70, 71)).toEqual({ from: 71, to: 70, events: [] });
});

test("no block is left out where answers end early", async () => {
  const all = Array.from({ length: 12 }, (_, index) => 12 - index);
  const log = new Log(12, 3).with([PAID], ...all);
  const looked = await lookBack(log.wanted(), 12, 1);
  expect(log.asked.length).toBeLessThanOrEqual(REQUESTS);
  expect(heights(looked.events)).toEqual(all.slice(0, looked.events.length));
  expect(looked.from).toBe(13 - looked.events.length);
  const single = await lookBack(new Log(12, 1).with([PAID], ...all).wanted(), 12, 1);
  expect(single.events.length).toBeGreaterThan(0);
  expect(heights(single.events)).toEqual(all.slice(0, single.events.length));
});

test("a block with many events is shown whole", async () => {
  const log = new Log(50).with(Array(70).fill(PAID), 50).with([MOVED], 49);
  const looked = await lookBack(log.wanted(), 50, 1);
  expect([looked.from, looked.events.length]).toEqual([50, 70]);
  const moved = await lookBack(log.wanted("moved"), 50, 1);
  expect(heights(moved.events)).toEqual([49]);
});

test("a look that nobody waits for any more asks for nothing", async () => {
  const log = new Log(5_000);
  const isWanted = () => log.asked.length < 2;
  await lookBack({ ...log.wanted(), isWanted }, 5_000, 1);
  expect(log.asked.length).toBe(2);
});

test("who follows the head is asked for what is new alone, and keeps what it found", async () => {
  const log = new Log(500).with([PAID], 100, 200);
  const follower = new Follower();
  const first = await follower.look(log.wanted(), { head: 500, final: 496, first: 1 });
  expect([first.from, heights(first.events)]).toEqual([1, [200, 100]]);
  log.asked.length = 0;
  log.head = 503;
  log.with([MOVED], 502);
  const second = await follower.look(log.wanted(), { head: 503, final: 503, first: 1 });
  expect(log.asked).toEqual([[497, 7]]);
  expect([second.from, second.to, heights(second.events)]).toEqual([1, 503, [502, 200, 100]]);
  log.asked.length = 0;
  const third = await follower.look(log.wanted(), { head: 503, final: 503, first: 1 });
  expect(log.asked).toEqual([]);
  expect(third).toEqual(second);
});

test("what was taken back before it was final is shown no more", async () => {
  const log = new Log(30).with([PAID], 10, 29);
  const follower = new Follower();
  const before = await follower.look(log.wanted(), { head: 30, final: 25, first: 1 });
  expect(heights(before.events)).toEqual([29, 10]);
  log.events.delete(29);
  log.with([MOVED], 28);
  const after = await follower.look(log.wanted(), { head: 30, final: 25, first: 1 });
  expect(after.events.map(({ height, type }) => [height, type])).toEqual([
    [28, MOVED],
    [10, PAID],
  ]);
});

test("who follows a busy channel keeps the last events alone", async () => {
  const log = new Log(100).with([PAID], ...Array.from({ length: 2_000 }, (_, index) => index + 1));
  const follower = new Follower();
  for (const head of [100, 105, 1_900]) {
    log.head = head;
    const looked = await follower.look(log.wanted(), { head, final: head - 2, first: 1 });
    expect([looked.from, looked.to, looked.events.length]).toEqual([head - 19, head, ENOUGH]);
  }
});

test("a look is told with how far back it went", async () => {
  const log = new Log(10_000).with([PAID], 9_999);
  const said = async (to: number, first: number, word = "") =>
    lookedText(await lookBack(log.wanted(word), to, first), first, word, 10_000 * 250);
  expect(await said(10_000, 1)).toBe(
    "1 event in blocks 9161 to 10000, back to 3 min ago. “Older” looks further back.",
  );
  expect(await said(10_000, 9_900, "moved")).toBe(
    "No such events in blocks 9900 to 10000, back to 25 s ago. This node keeps no older ones.",
  );
  expect(await said(4, 1)).toBe(
    "No events in blocks 1 to 4, back to 42 min ago. There are no older ones.",
  );
  expect(await said(0, 1)).toBe("There is no block to look at.");
});
