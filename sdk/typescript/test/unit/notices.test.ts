import { afterEach, expect, test } from "vitest";
import type { Notice } from "../../src/api.js";
import { Connection } from "../../src/connection.js";
import { RefusedError } from "../../src/errors.js";
import { Subscription } from "../../src/notices.js";
import { Answer, NEVER, type Peer, ScriptedServer, until } from "./server.js";

interface Asked {
  id: number;
  from: number | undefined;
  peer: Peer;
}

/** A node whose subscriptions a test feeds. */
class Feed {
  readonly asked: Asked[] = [];
  refusal: Answer | undefined;
  gone: number[] = [];

  private constructor(
    readonly server: ScriptedServer,
    readonly connection: Connection,
  ) {}

  static async start(): Promise<Feed> {
    let feed: Feed | undefined;
    const server = await ScriptedServer.start({
      "state_channel.subscribe": (params, peer) => {
        if (feed?.refusal) throw feed.refusal;
        const id = 1_000 + (feed?.asked.length ?? 0);
        feed?.asked.push({ id, from: params.from as number | undefined, peer });
        return id;
      },
      "state_channel.unsubscribe": (params) => {
        feed?.gone.push((params as unknown as number[])[0] ?? 0);
        return true;
      },
      "state_channel.list": () => NEVER,
    });
    const backoff = { firstMs: 5, mostMs: 20 };
    feed = new Feed(server, await Connection.open(server.url, { backoff }));
    feeds.push(feed);
    return feed;
  }

  /** The newest subscription, once there are so many. */
  async nth(count: number): Promise<Asked> {
    await until(`subscription ${count}`, () => this.asked.length >= count);
    return this.asked[count - 1] as Asked;
  }

  send(asked: Asked, ...notices: Notice[]): void {
    for (const notice of notices) asked.peer.notify(asked.id, notice);
  }
}

const feeds: Feed[] = [];
afterEach(async () => {
  for (const feed of feeds.splice(0)) {
    feed.connection.close();
    await feed.server.stop();
  }
});

/** Block at a height on a branch. */
function block(height: number, branch = "a", parent = branch): Notice {
  const hash = `${branch}${height}`;
  const empty = { changes: [], events: [], calls: [], state_root: "", time: height };
  return { kind: "block", height, hash, parent: `${parent}${height - 1}`, ...empty };
}

/** A snapshot after block `a<height>`. */
function snapshot(height: number): Notice {
  return { kind: "snapshot", height, hash: `a${height}`, state_root: "", resources: [] };
}

const heights = (final: number): Notice => ({
  kind: "heights",
  certified: final,
  final,
  settled: 0,
});

async function read(subscription: Subscription, count: number): Promise<string[]> {
  const shown: string[] = [];
  while (shown.length < count) {
    const notice = await subscription.next();
    if (!notice) return [...shown, "end"];
    if (notice.kind === "block") shown.push(notice.hash);
    else if (notice.kind === "heights") shown.push(`final ${notice.final}`);
    else if (notice.kind === "rolled_back") shown.push(`back to ${notice.to}`);
    else shown.push(notice.kind);
  }
  return shown;
}

test("a break loses and repeats nothing", async () => {
  const feed = await Feed.start();
  const subscription = await Subscription.start(feed.connection, "0xc", { from: 1 });
  const first = await feed.nth(1);
  feed.send(first, block(1), block(2), block(3));
  expect(await read(subscription, 2)).toEqual(["a1", "a2"]);
  expect(subscription.cursor).toBe(3);
  feed.server.cut();
  const second = await feed.nth(2);
  // The last one again: another in its place would show.
  expect(second.from).toBe(3);
  feed.send(second, block(3), block(4));
  expect(await read(subscription, 2)).toEqual(["a3", "a4"]);
  expect(subscription.cursor).toBe(5);
});

test("blocks taken back while it was away are named", async () => {
  const feed = await Feed.start();
  const subscription = await Subscription.start(feed.connection, "0xc", { from: 1 });
  feed.send(await feed.nth(1), block(1), heights(1), block(2), block(3));
  expect(await read(subscription, 4)).toEqual(["a1", "final 1", "a2", "a3"]);
  feed.server.cut();
  feed.send(await feed.nth(2), block(4, "b"));
  expect(await read(subscription, 1)).toEqual(["back to 1"]);
  const third = await feed.nth(3);
  expect(third.from).toBe(2);
  feed.send(third, block(2, "b", "a"), block(3, "b"), block(4, "b"));
  expect(await read(subscription, 3)).toEqual(["b2", "b3", "b4"]);
});

test("another block in the place of the last one is seen before any that follows", async () => {
  const feed = await Feed.start();
  const subscription = await Subscription.start(feed.connection, "0xc", { from: 1 });
  feed.send(await feed.nth(1), block(1), heights(1), block(2));
  expect(await read(subscription, 3)).toEqual(["a1", "final 1", "a2"]);
  feed.server.cut();
  const second = await feed.nth(2);
  expect(second.from).toBe(2);
  feed.send(second, block(2, "b", "a"));
  expect(await read(subscription, 1)).toEqual(["back to 1"]);
  const third = await feed.nth(3);
  expect(third.from).toBe(2);
  feed.send(third, block(2, "b", "a"));
  expect(await read(subscription, 1)).toEqual(["b2"]);
});

test("a shorter log takes back what was not final, whatever is final in it", async () => {
  const feed = await Feed.start();
  const subscription = await Subscription.start(feed.connection, "0xc", { from: 6 });
  feed.send(await feed.nth(1), block(6), heights(6), block(7), block(8));
  expect(await read(subscription, 4)).toEqual(["a6", "final 6", "a7", "a8"]);
  feed.server.cut();
  const second = await feed.nth(2);
  expect(second.from).toBe(8);
  // It has no block 8: it would have come first.
  feed.send(second, heights(7));
  expect(await read(subscription, 1)).toEqual(["back to 6"]);
  const third = await feed.nth(3);
  expect(third.from).toBe(7);
  feed.send(third, block(7, "b", "a"), heights(7), block(8, "b"));
  expect(await read(subscription, 3)).toEqual(["b7", "final 7", "b8"]);
  expect(feed.asked.length).toBe(3);
});

test("a log that has the last block is believed again", async () => {
  const feed = await Feed.start();
  const subscription = await Subscription.start(feed.connection, "0xc", { from: 6 });
  feed.send(await feed.nth(1), block(6), heights(6), block(7));
  expect(await read(subscription, 3)).toEqual(["a6", "final 6", "a7"]);
  feed.server.cut();
  feed.send(await feed.nth(2), block(7), heights(7), block(8));
  expect(await read(subscription, 2)).toEqual(["final 7", "a8"]);
  expect(feed.asked.length).toBe(2);
});

test("a snapshot that did not come is asked for, and a refusal that lasts ends it", async () => {
  const feed = await Feed.start();
  const subscription = await Subscription.start(feed.connection, "0xc", { from: 1 });
  feed.send(await feed.nth(1), block(1), { kind: "skipped", to: 900 });
  expect(await read(subscription, 2)).toEqual(["a1", "skipped"]);
  const details = { what: "snapshot", actual: 10_001, limit: 10_000 };
  feed.refusal = Answer.refusal("too_large", 100011, details);
  feed.server.cut();
  expect(await read(subscription, 1)).toEqual(["end"]);
  expect(subscription.endedBy?.refusal.name).toBe("too_large");
  expect(feed.asked.length).toBe(1);
});

test("what is final is not asked for again", async () => {
  const feed = await Feed.start();
  const subscription = await Subscription.start(feed.connection, "0xc", { from: 1 });
  feed.send(await feed.nth(1), block(1), block(2), heights(2));
  expect(await read(subscription, 3)).toEqual(["a1", "a2", "final 2"]);
  feed.server.cut();
  expect((await feed.nth(2)).from).toBe(3);
});

test("who lags goes on where the node says", async () => {
  const feed = await Feed.start();
  const subscription = await Subscription.start(feed.connection, "0xc", { from: 1 });
  feed.send(await feed.nth(1), block(1), { kind: "lagged", resume_from: 2 });
  const second = await feed.nth(2);
  expect(second.from).toBe(2);
  feed.send(second, block(2));
  expect(await read(subscription, 2)).toEqual(["a1", "a2"]);
});

test("skipped blocks are followed by a snapshot of that height", async () => {
  const feed = await Feed.start();
  const subscription = await Subscription.start(feed.connection, "0xc", { from: 1 });
  feed.send(await feed.nth(1), { kind: "skipped", to: 900 }, snapshot(900), block(901));
  expect(await read(subscription, 3)).toEqual(["skipped", "snapshot", "a901"]);
  expect(subscription.cursor).toBe(902);
});

test("skipped blocks whose snapshot is too large to be shown leave no gap", async () => {
  const feed = await Feed.start();
  const subscription = await Subscription.start(feed.connection, "0xc", { from: 1 });
  feed.send(await feed.nth(1), { kind: "skipped", to: 900 }, block(901), block(902));
  expect(await read(subscription, 3)).toEqual(["skipped", "a901", "a902"]);
  expect(feed.asked.length).toBe(1);
});

test("a block above the next one leads to a subscription from the next one", async () => {
  const feed = await Feed.start();
  const subscription = await Subscription.start(feed.connection, "0xc", { from: 5 });
  feed.send(await feed.nth(1), block(5), block(7), block(8));
  const second = await feed.nth(2);
  expect(second.from).toBe(6);
  feed.send(second, block(6), block(7));
  expect(await read(subscription, 3)).toEqual(["a5", "a6", "a7"]);
  expect(feed.asked.length).toBe(2);
});

test("a gap that stays is asked for again and again, with pauses", async () => {
  const feed = await Feed.start();
  await Subscription.start(feed.connection, "0xc", { from: 6 });
  const began = Date.now();
  for (let round = 1; round <= 4; round += 1) {
    const asked = await feed.nth(round);
    expect(asked.from).toBe(6);
    feed.send(asked, block(7));
  }
  // At once, after 200 ms, after 400 ms; half of each is random.
  expect(Date.now() - began).toBeGreaterThanOrEqual(290);
});

test("nothing lies below the first block", async () => {
  const feed = await Feed.start();
  const subscription = await Subscription.start(feed.connection, "0xc", { from: 0 });
  feed.send(await feed.nth(1), block(1));
  expect(await read(subscription, 1)).toEqual(["a1"]);
  expect(feed.asked.length).toBe(1);
});

test("who lags passes over nothing, wherever the node would go on", async () => {
  const feed = await Feed.start();
  const subscription = await Subscription.start(feed.connection, "0xc", { from: 1 });
  feed.send(await feed.nth(1), block(1), { kind: "lagged", resume_from: 9 });
  expect((await feed.nth(2)).from).toBe(2);
  feed.send(await feed.nth(2), block(2), block(3), { kind: "lagged", resume_from: 2 });
  feed.send(await feed.nth(3), block(4));
  expect((await feed.nth(3)).from).toBe(4);
  expect(await read(subscription, 4)).toEqual(["a1", "a2", "a3", "a4"]);
});

test("a roll-back below the snapshot leads to another snapshot", async () => {
  const feed = await Feed.start();
  const subscription = await Subscription.start(feed.connection, "0xc", {});
  const first = await feed.nth(1);
  feed.send(first, snapshot(9), heights(6), block(10), { kind: "rolled_back", to: 7 });
  feed.send(first, block(8, "b", "a"), block(9, "b"));
  const expected = ["snapshot", "final 6", "a10", "back to 7"];
  expect(await read(subscription, 4)).toEqual(expected);
  expect(subscription.cursor).toBeUndefined();
  const second = await feed.nth(2);
  expect(second.from).toBeUndefined();
  feed.send(second, snapshot(12), block(13));
  expect(await read(subscription, 2)).toEqual(["snapshot", "a13"]);
  expect(subscription.cursor).toBe(14);
});

test("a roll-back to the snapshot or above it does not", async () => {
  const feed = await Feed.start();
  const subscription = await Subscription.start(feed.connection, "0xc", {});
  feed.send(await feed.nth(1), snapshot(9), block(10), { kind: "rolled_back", to: 9 });
  feed.send(await feed.nth(1), block(10, "b", "a"));
  expect(await read(subscription, 4)).toEqual(["snapshot", "a10", "back to 9", "b10"]);
  expect(feed.asked.length).toBe(1);
});

test("a block that does not follow the snapshot's leads to another snapshot", async () => {
  const feed = await Feed.start();
  const subscription = await Subscription.start(feed.connection, "0xc", {});
  feed.send(await feed.nth(1), snapshot(9), heights(8), block(10, "b"));
  expect(await read(subscription, 3)).toEqual(["snapshot", "final 8", "back to 8"]);
  const second = await feed.nth(2);
  expect(second.from).toBeUndefined();
  feed.send(second, snapshot(10));
  expect(await read(subscription, 1)).toEqual(["snapshot"]);
});

test("after a break the snapshot's block is known by its hash", async () => {
  const feed = await Feed.start();
  const subscription = await Subscription.start(feed.connection, "0xc", {});
  feed.send(await feed.nth(1), snapshot(9), heights(8));
  expect(await read(subscription, 2)).toEqual(["snapshot", "final 8"]);
  feed.server.cut();
  const second = await feed.nth(2);
  expect(second.from).toBe(9);
  feed.send(second, block(9), block(10));
  expect(await read(subscription, 1)).toEqual(["a10"]);
  feed.send(second, { kind: "rolled_back", to: 9 });
  expect(await read(subscription, 1)).toEqual(["back to 9"]);
  feed.server.cut();
  const third = await feed.nth(3);
  expect(third.from).toBe(9);
  feed.send(third, block(9, "b"));
  expect(await read(subscription, 1)).toEqual(["back to 8"]);
  expect((await feed.nth(4)).from).toBeUndefined();
});

test("a final snapshot is not asked for again", async () => {
  const feed = await Feed.start();
  const subscription = await Subscription.start(feed.connection, "0xc", {});
  feed.send(await feed.nth(1), snapshot(9), heights(9));
  expect(await read(subscription, 2)).toEqual(["snapshot", "final 9"]);
  feed.server.cut();
  expect((await feed.nth(2)).from).toBe(10);
});

test("a block is known also when what followed it was taken back", async () => {
  const feed = await Feed.start();
  const subscription = await Subscription.start(feed.connection, "0xc", { from: 1 });
  feed.send(await feed.nth(1), block(1), block(2), block(3), { kind: "rolled_back", to: 2 });
  expect(await read(subscription, 4)).toEqual(["a1", "a2", "a3", "back to 2"]);
  feed.server.cut();
  const second = await feed.nth(2);
  expect(second.from).toBe(2);
  feed.send(second, block(2, "b", "a"));
  expect(await read(subscription, 1)).toEqual(["back to 0"]);
  expect((await feed.nth(3)).from).toBe(1);
});

test("what was not seen yet is not passed over, whatever is final or taken back", async () => {
  const feed = await Feed.start();
  const subscription = await Subscription.start(feed.connection, "0xc", { from: 1 });
  feed.send(await feed.nth(1), block(1), heights(50), { kind: "rolled_back", to: 60 });
  expect(await read(subscription, 3)).toEqual(["a1", "final 50", "back to 60"]);
  feed.server.cut();
  const second = await feed.nth(2);
  expect(second.from).toBe(2);
  feed.send(second, block(2, "b"));
  expect(await read(subscription, 1)).toEqual(["back to 1"]);
});

test("a backlog is bounded: the node is stopped, and asked for the rest once it is read", async () => {
  const feed = await Feed.start();
  const subscription = await Subscription.start(feed.connection, "0xc", { from: 1 });
  const first = await feed.nth(1);
  const all = Array.from({ length: 5_000 }, (_, index) => block(index + 1));
  feed.send(first, ...all);
  await until("the unsubscription", () => feed.gone.includes(first.id));
  const seen: string[] = [];
  for (let round = 2; seen.length < all.length; round += 1) {
    const reading = read(subscription, Math.min(1_024, all.length - seen.length));
    seen.push(...(await reading));
    if (seen.length === all.length) break;
    const asked = await feed.nth(round);
    expect(asked.from).toBe(seen.length + 1);
    feed.send(asked, ...all.slice(seen.length));
    await until(
      "a full backlog",
      () => feed.gone.length >= round || all.length - seen.length < 1_024,
    );
  }
  expect(seen).toEqual(all.map((notice) => (notice.kind === "block" ? notice.hash : "")));
});

test("heights that nobody read yet become one", async () => {
  const feed = await Feed.start();
  const subscription = await Subscription.start(feed.connection, "0xc", { from: 1 });
  const first = await feed.nth(1);
  for (let final = 1; final <= 3_000; final += 1) feed.send(first, heights(final));
  feed.send(first, block(1));
  await until("all of it", () => first.peer.socket.bufferedAmount === 0);
  const seen = await read(subscription, 2);
  expect(seen[1] === "a1" || seen[1]?.startsWith("final")).toBe(true);
  expect(feed.gone).toEqual([]);
});

test("it ends when the node no longer runs the channel", async () => {
  const feed = await Feed.start();
  const subscription = await Subscription.start(feed.connection, "0xc", { from: 1 });
  feed.refusal = Answer.refusal("channel_not_found", 100001, { channel: "0xc" });
  const reading = read(subscription, 1);
  feed.server.cut();
  expect(await reading).toEqual(["end"]);
});

test("other refusals after a break are asked again", async () => {
  const feed = await Feed.start();
  const subscription = await Subscription.start(feed.connection, "0xc", { from: 1 });
  feed.refusal = Answer.refusal("not_ready", 100026, { what: "channel", reason: "young" }, true);
  feed.server.cut();
  await until("a refused attempt", () => feed.server.count("state_channel.subscribe") >= 2);
  feed.refusal = undefined;
  feed.send(await feed.nth(2), block(1));
  expect(await read(subscription, 1)).toEqual(["a1"]);
});

test("a refused first subscription is thrown", async () => {
  const feed = await Feed.start();
  feed.refusal = Answer.refusal("not_ready", 100026, { what: "channel", reason: "young" }, true);
  const started = Subscription.start(feed.connection, "0xc", {});
  await expect(started).rejects.toBeInstanceOf(RefusedError);
});

test("leaving the loop unsubscribes", async () => {
  const feed = await Feed.start();
  const subscription = await Subscription.start(feed.connection, "0xc", { from: 1 });
  const asked = await feed.nth(1);
  feed.send(asked, block(1), block(2));
  for await (const notice of subscription) {
    if (notice.kind === "block") break;
  }
  await until("the unsubscription", () => feed.gone.includes(asked.id));
  expect(await subscription.next()).toBeUndefined();
});
