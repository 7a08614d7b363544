import type { Notice } from "@fairway/sdk";
import { expect, test } from "vitest";
import { Feed } from "../../src/feed.js";

const block = (height: number, ...events: string[]): Notice => ({
  kind: "block",
  height,
  hash: `0x${height}`,
  parent: `0x${height - 1}`,
  time: 0,
  state_root: "0x",
  changes: [],
  calls: [],
  events: events.map((type) => ({ type, data: null })),
});
const heights = (certified: number, final: number, settled: number) =>
  ({ kind: "heights", certified, final, settled }) as const;

test("blocks harden and never soften, whatever a node that is behind says", () => {
  const feed = new Feed("0x42::t", true);
  feed.take(block(1, "a"));
  expect(feed.hardness(1)).toBe("executed");
  feed.take(heights(1, 0, 0));
  expect(feed.hardness(1)).toBe("certified");
  feed.take(heights(3, 1, 0));
  expect(feed.hardness(1)).toBe("final");
  feed.take(heights(1, 0, 0));
  expect([feed.hardness(1), feed.hardness(2)]).toEqual(["final", "certified"]);
  feed.take(heights(3, 3, 2));
  expect([feed.hardness(2), feed.hardness(3), feed.hardness(4)]).toEqual([
    "settled",
    "final",
    "executed",
  ]);
});

test("events of blocks that were taken back are gone", () => {
  const feed = new Feed("0x42::t", true);
  feed.take(block(1, "a"));
  feed.take(block(2, "b", "c"));
  feed.take(heights(2, 1, 0));
  let told = 0;
  feed.subscribe(() => (told += 1));
  feed.take({ kind: "rolled_back", to: 1 });
  expect(feed.events.map(({ type }) => type)).toEqual(["a"]);
  expect(feed.hardness(2)).toBe("executed");
  feed.take(block(2, "d"));
  expect(feed.events.map(({ type, height }) => [type, height])).toEqual([
    ["a", 1],
    ["d", 2],
  ]);
  expect(told).toBe(2);
});
