// What a server puts off (`rate_limited`, `busy`) is sent again when it says, and not for ever.
import { readFileSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import type { PackageAbi, SignedCall } from "../../src/api.js";
import { Channel } from "../../src/channel.js";
import { Connection } from "../../src/connection.js";
import { RefusedError } from "../../src/errors.js";
import { Keypair } from "../../src/keys.js";
import { Patience, retryAfter } from "../../src/patience.js";
import { callHash } from "../../src/wire.js";
import { Answer, type Handler, ScriptedServer } from "./server.js";

const arguments_ = new URL("../../../fixtures/arguments.json", import.meta.url);
const { abi } = JSON.parse(readFileSync(arguments_, "utf8")) as { abi: PackageAbi };

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

const limited = (ms: number) =>
  Answer.refusal("rate_limited", 100030, { retry_after_ms: ms }, true);
const busy = (ms: number) =>
  Answer.refusal("busy", 100007, { what: "requests", retry_after_ms: ms }, true);

/** A server that refuses the first so many requests of a method, and the times at which they came. */
async function refusing(method: string, refusals: Answer[], answer: Handler, patienceMs?: number) {
  const times: number[] = [];
  const server = await ScriptedServer.start({
    [method]: (params, peer) => {
      const refusal = refusals[times.push(Date.now()) - 1];
      if (refusal) throw refusal;
      return answer(params, peer);
    },
    "state_channel.sequence": () => 0,
    "state_channel.subscribe": () => 1,
    "state_channel.unsubscribe": () => true,
    "state_channel.report": () => null,
  });
  const connection = await Connection.open(server.url, {
    ...(patienceMs !== undefined && { patienceMs }),
  });
  open.push({
    close: () => {
      connection.close();
      return server.stop();
    },
  });
  return { server, connection, times };
}

test.each([
  ["rate_limited", limited],
  ["busy", busy],
])("a request that is %s is sent again no sooner than the server says", async (_, refusal) => {
  const { connection, times } = await refusing(
    "chain.sequence",
    [refusal(120), refusal(60)],
    () => 7,
  );
  expect(await connection.request("chain.sequence", { account: "a" })).toBe(7);
  const [first = 0, second = 0, third = 0] = times;
  // The timer may fire a millisecond early.
  expect(second - first).toBeGreaterThanOrEqual(119);
  expect(third - second).toBeGreaterThanOrEqual(59);
});

test("patience ends: the refusal is thrown, with how long to wait", async () => {
  const always = Array.from({ length: 100 }, () => limited(40));
  const { connection, times } = await refusing("chain.sequence", always, () => 7, 300);
  const failed = await connection.request("chain.sequence", { account: "a" }).catch((e) => e);
  expect(failed).toBeInstanceOf(RefusedError);
  expect(retryAfter(failed)).toBe(40);
  // At least 50 ms apart, 300 in all.
  expect(times.length).toBeGreaterThan(2);
  expect(times.length).toBeLessThanOrEqual(7);
});

test("a wait that is longer than the patience is not begun, and none without patience", async () => {
  const { connection, times } = await refusing("chain.sequence", [limited(500)], () => 7, 300);
  const began = Date.now();
  const failed = connection.request("chain.sequence", { account: "a" });
  await expect(failed).rejects.toMatchObject({ refusal: { name: "rate_limited" } });
  expect(Date.now() - began).toBeLessThan(250);
  const impatient = await refusing("chain.sequence", [busy(1)], () => 7);
  const asked = impatient.connection.request("chain.sequence", { account: "a" }, { patienceMs: 0 });
  await expect(asked).rejects.toMatchObject({ refusal: { name: "busy" } });
  expect([times.length, impatient.times.length]).toEqual([1, 1]);
});

test("other refusals are thrown at once", async () => {
  const refusal = Answer.refusal("not_ready", 100026, { what: "channel", reason: "young" }, true);
  const { connection, times } = await refusing("chain.sequence", [refusal], () => 7);
  const failed = connection.request("chain.sequence", { account: "a" });
  await expect(failed).rejects.toMatchObject({ refusal: { name: "not_ready" } });
  expect(times.length).toBe(1);
});

test("a subscription is asked for again, too", async () => {
  const { connection, times } = await refusing("state_channel.x", [limited(60)], () => 5);
  const sink = { notice: () => {}, gone: () => {} };
  expect(await connection.subscribe("state_channel.x", {}, sink)).toBe(5);
  expect(times.length).toBe(2);
});

/** A channel whose node refuses the first calls. */
async function calling(refusals: Answer[], patienceMs?: number) {
  const run: Handler = ({ call }) => ({
    call: callHash((call as SignedCall).call),
    height: 1,
    index: 0,
    status: "executed",
    gas_used: 1,
    error: null,
    events: [],
  });
  const made = await refusing("state_channel.call", refusals, run, patienceMs);
  const channel = new Channel(made.connection, `0x${"22".repeat(32)}`, 1, abi);
  const me = channel.member(Keypair.fromSeed(new Uint8Array(32).fill(1)));
  return { ...made, pay: () => me.call("0x42::app::pay", ["0x5", 1]) };
}

test("a call that is put off is sent again, the same bytes, when the node says", async () => {
  const { server, times, pay } = await calling([limited(100), busy(70)]);
  await pay().executed;
  const sent = server.requests.filter(({ method }) => method === "state_channel.call");
  expect(new Set(sent.map(({ params }) => JSON.stringify(params))).size).toBe(1);
  const [first = 0, second = 0, third = 0] = times;
  expect([second - first >= 99, third - second >= 69]).toEqual([true, true]);
});

test("a call that is put off for too long fails with the refusal", async () => {
  const always = Array.from({ length: 100 }, () => limited(60));
  const { times, pay } = await calling(always, 200);
  await expect(pay().executed).rejects.toMatchObject({ refusal: { name: "rate_limited" } });
  expect(times.length).toBeLessThanOrEqual(4);
  const impatient = await calling([limited(1)], 0);
  await expect(impatient.pay().executed).rejects.toMatchObject({ code: 100030 });
  expect(impatient.times.length).toBe(1);
});

test("waits are spread, and their sum is bounded", async () => {
  const patience = new Patience(150);
  const began = Date.now();
  expect(await patience.wait(0, () => 1)).toBe(true);
  expect(Date.now() - began).toBeGreaterThanOrEqual(61);
  expect(await patience.wait(0, () => 0)).toBe(true);
  expect(await patience.wait(0, () => 0)).toBe(false);
  expect(await new Patience(1e9).wait(Number.NaN)).toBe(false);
});
