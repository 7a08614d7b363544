// A client of several nodes: the one that it is at is killed in mid-game, again and again.
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Channel, type Client, LiveState, NATIVE, type Reconnected } from "../../src/index.js";
import { memos, World } from "./world.js";

let world: World;
let id: string;
let client: Client;
let channel: Channel;

beforeAll(async () => {
  world = await World.start(4);
  id = await world.open("payments");
  client = await world.connect([0, 1, 2].map((index) => world.node(index).url));
  channel = await client.channel(id);
});

afterAll(() => world?.stop());

const pay = (memo: string) =>
  channel
    .member(world.key(0))
    .call("0x44::payments::pay", [world.key(1).address, NATIVE, 1, memo], { lifetimeMs: 60_000 });

test("the node is killed in mid-game: every call runs once, in order, and the cursor goes on", async () => {
  const [heights, seen]: [number[], Map<number, string[]>] = [[], new Map()];
  const listening = await channel.listen((notice) => {
    if (notice.kind === "rolled_back") {
      for (const height of seen.keys()) if (height > notice.to) seen.delete(height);
    }
    if (notice.kind !== "block") return;
    heights.push(notice.height);
    const told = notice.events.map((event) => (event.data as { memo: string }).memo);
    seen.set(notice.height, told);
  });
  const paid = await LiveState.start(channel, {
    filter: { resource_types: ["0x44::payments::Sent"], addresses: [world.key(0).address] },
    select: (resources) => {
      const sent = resources.get(world.key(0).address, "0x44::payments::Sent");
      return Number((sent as { payments: string } | undefined)?.payments ?? 0);
    },
  });
  const moves: Reconnected[] = [];
  const off = client.onReconnect((moved) => moves.push(moved));
  const calls = [];
  // The first that is killed leads the channel.
  for (const victim of [0, 1]) {
    expect(client.connection.url).toBe(world.node(victim).url);
    for (let n = 0; n < 60; n += 1) {
      calls.push(pay(`${victim}.${n}`));
      if (n === 40) void world.node(victim).kill();
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    await expect.poll(() => moves.length, { timeout: 10_000 }).toBe(victim + 1);
    await Promise.all(calls.map((call) => call.final));
    await world.node(victim).start();
  }
  const ways = moves.map(({ from, url }) => [from, url]);
  expect(ways).toEqual([0, 1].map((index) => [world.node(index).url, world.node(index + 1).url]));
  const expected = [0, 1].flatMap((v) => Array.from({ length: 60 }, (_, n) => `${v}.${n}`));
  expect(await memos(channel)).toEqual(expected);
  // No call was signed twice: 120 numbers for 120 calls.
  expect(await channel.sequence(world.key(0).address)).toBe(120);
  const shown = () =>
    [...seen.keys()].sort((a, b) => a - b).flatMap((height) => seen.get(height) ?? []);
  await expect.poll(shown, { timeout: 10_000 }).toEqual(expected);
  const order = [...seen.keys()].sort((a, b) => a - b);
  expect(order).toEqual(order.map((_, index) => (order[0] ?? 0) + index));
  await expect.poll(() => paid.value, { timeout: 10_000 }).toBe(120);
  off();
  paid.close();
  listening.close();
});

test("a node that is frozen is left for the next one, and its calls with it", async () => {
  const urls = [2, 3].map((index) => world.node(index).url);
  const other = await world.connect(urls, { idleMs: 500, connectTimeoutMs: 2_000 });
  const there = await other.channel(id);
  const payer = there.member(world.key(2));
  const paying = (memo: string) =>
    payer.call("0x44::payments::pay", [world.key(1).address, NATIVE, 1, memo]);
  await paying("before").final;
  world.node(2).freeze();
  const calls = Array.from({ length: 10 }, (_, n) => paying(`frozen ${n}`));
  await Promise.all(calls.map((call) => call.final));
  expect(other.connection.url).toBe(urls[1]);
  world.node(2).thaw();
  const log = (await memos(there)).filter((memo) => memo.startsWith("frozen"));
  expect(log).toEqual(calls.map((_, n) => `frozen ${n}`));
  expect(await there.sequence(world.key(2).address)).toBe(11);
});

test("a node that does not run the channel is passed over", async () => {
  const lone = await world.create("payments");
  const at = [2, 3, 0].map((index) => world.node(index).url);
  for (const index of [2, 0]) {
    const joining = await world.client(index);
    await joining.join(world.key(index), lone, 1_000);
    await joining.member(lone, world.key(index).address);
  }
  const other = await world.connect(at);
  const there = await other.channel(lone);
  await world.node(2).kill();
  await expect.poll(() => other.connection.url, { timeout: 10_000 }).toBe(at[2]);
  expect(await there.sequence(world.key(0).address)).toBe(0);
  await world.node(2).start();
});

test("a client that asks more often than it may is put off, and has every answer", async () => {
  const token = "a".repeat(32);
  await world.node(3).kill();
  await world.node(3).start({
    FAIRWAY_ACCESS_TOKENS: token,
    FAIRWAY_ACCESS_REQUESTS_PER_SECOND: "40",
    FAIRWAY_ACCESS_BURST: "10",
  });
  const { url } = world.node(3);
  const patient = await world.connect(url, { token });
  const began = Date.now();
  const asked = Array.from({ length: 60 }, () => patient.list());
  for (const list of await Promise.all(asked)) expect(list).toContain(id);
  // 10 at once, 50 at 40 a second.
  expect(Date.now() - began).toBeGreaterThan(1_000);
  const impatient = await world.connect(url, { token, patienceMs: 0 });
  const hasty = await Promise.allSettled(Array.from({ length: 60 }, () => impatient.list()));
  const refused = hasty.filter((one) => one.status === "rejected").map(({ reason }) => reason);
  expect(refused.length).toBeGreaterThan(10);
  for (const error of refused) expect(error.refusal.name).toBe("rate_limited");
});
