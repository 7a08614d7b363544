// Connections that are cut and nodes that are killed, under way.
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Channel, type Client, NATIVE } from "../../src/index.js";
import { type CutProxy, memos, World } from "./world.js";

let world: World;
let id: string;
let proxy: CutProxy;
let client: Client;
let channel: Channel;

beforeAll(async () => {
  world = await World.start(2);
  id = await world.open("payments");
  proxy = await world.proxy(0);
  client = await world.client(0, proxy.url);
  channel = await client.channel(id);
});

afterAll(() => world?.stop());

const pay = (memo: string) =>
  channel.member(world.key(0)).call("0x44::payments::pay", [world.key(1).address, NATIVE, 1, memo]);

test("cuts in mid-call: every call runs once, the subscription loses and repeats nothing", async () => {
  const seen: string[] = [];
  const heights: number[] = [];
  const listening = await channel.listen((notice) => {
    if (notice.kind !== "block") return;
    heights.push(notice.height);
    for (const event of notice.events) seen.push((event.data as { memo: string }).memo);
  });
  let left = 0;
  let back = 0;
  const offs = [client.onLeave(() => (left += 1)), client.onReconnect(() => (back += 1))];
  const calls = [];
  for (let round = 0; round < 6; round += 1) {
    for (let n = 0; n < 20; n += 1) calls.push(pay(`${round}.${n}`));
    await new Promise((resolve) => setTimeout(resolve, 40));
    proxy.cut();
    await expect.poll(() => back, { timeout: 10_000 }).toBe(round + 1);
  }
  await Promise.all(calls.map((call) => call.final));
  const expected = Array.from({ length: 6 }, (_, r) =>
    Array.from({ length: 20 }, (_, n) => `${r}.${n}`),
  ).flat();
  expect(await memos(channel)).toEqual(expected);
  await expect.poll(() => seen, { timeout: 10_000 }).toEqual(expected);
  expect(heights).toEqual(Array.from(heights, (_, index) => (heights[0] ?? 0) + index));
  expect(left).toBe(6);
  for (const off of offs) off();
  listening.close();
});

test("a call that is made while there is no connection runs when there is one", async () => {
  proxy.refuses = true;
  proxy.cut();
  await expect.poll(() => client.connected).toBe(false);
  const call = pay("away");
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(call.status).toBe("predicted");
  proxy.refuses = false;
  await call.final;
  expect((await memos(channel)).filter((memo) => memo === "away")).toEqual(["away"]);
});

test("the node is killed and started again: calls and cursor go on", async () => {
  const subscription = await channel.subscribe();
  await pay("before").final;
  const calls = Array.from({ length: 10 }, (_, index) => pay(`kill ${index}`));
  await world.node(0).kill();
  await expect.poll(() => client.connected).toBe(false);
  await world.node(0).start();
  await Promise.all(calls.map((call) => call.final));
  const log = await memos(channel);
  for (let index = 0; index < 10; index += 1) {
    expect(log.filter((memo) => memo === `kill ${index}`)).toEqual([`kill ${index}`]);
  }
  // What is left after roll-backs is the log.
  const blocks = new Map<number, string[]>();
  for await (const notice of subscription) {
    if (notice.kind === "rolled_back") {
      for (const height of blocks.keys()) if (height > notice.to) blocks.delete(height);
    }
    if (notice.kind !== "block") continue;
    const shown = notice.events.map((event) => (event.data as { memo: string }).memo);
    blocks.set(notice.height, shown);
    if ([...blocks.values()].flat().includes("kill 9")) break;
  }
  const order = [...blocks.keys()].sort((a, b) => a - b);
  expect(order).toEqual(order.map((_, index) => (order[0] ?? 0) + index));
  const shown = order.flatMap((height) => blocks.get(height) ?? []);
  expect(shown).toEqual(log.slice(log.indexOf("before")).slice(0, shown.length));
});
