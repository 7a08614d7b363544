import { expect, test } from "vitest";
import type { ChainEvent } from "../../../typescript/src/index.js";
import { lastPayment } from "../../src/payment.js";

const ANN = "0xaa";
const BOB = "0xbb";

type Told = Pick<ChainEvent, "type" | "transaction" | "data">;
const left = (account: string, paid: string, transaction: string): Told => ({
  type: "0x3::channel::MemberLeft",
  transaction,
  data: { channel: "0xcc", account, paid },
});
const settled = (number: string, height: string, transaction: string): Told => ({
  type: "0x3::settlement::Settled",
  transaction,
  data: { channel: "0xcc", number, height, closes: false },
});
const heartbeat = (transaction: string): Told => ({
  type: "0x3::membership::Heartbeat",
  transaction,
  data: {},
});

/** A chain on which these events are about the channel, and every second one about another. */
function chain(told: Told[]): (from: number, limit: number) => Promise<ChainEvent[]> {
  const all = told.map((event, index) => ({ ...event, number: 2 * index, height: index }));
  return async (from, limit) => all.filter(({ number }) => number >= from).slice(0, limit);
}

test("the settlement that paid is named, not those after it", async () => {
  const events = chain([
    settled("1", "5", "0x01"),
    left(ANN, "90", "0x02"),
    settled("2", "9", "0x02"),
    left(BOB, "110", "0x03"),
    settled("3", "12", "0x03"),
  ]);
  const settlement = { number: 2, height: 9 };
  expect(await lastPayment(events, ANN)).toEqual({ amount: 90n, transaction: "0x02", settlement });
});

test("of two stays the last one's payment counts", async () => {
  const events = chain([
    left(ANN, "90", "0x02"),
    settled("2", "9", "0x02"),
    left(ANN, "70", "0x04"),
    settled("4", "20", "0x04"),
  ]);
  const settlement = { number: 4, height: 20 };
  expect(await lastPayment(events, ANN)).toEqual({ amount: 70n, transaction: "0x04", settlement });
});

test("what no settlement paid names none", async () => {
  const events = chain([left(ANN, "50", "0x02"), settled("1", "5", "0x03")]);
  expect(await lastPayment(events, ANN)).toEqual({ amount: 50n, transaction: "0x02" });
});

test("who was never paid has no payment", async () => {
  const events = chain([left(BOB, "50", "0x02"), settled("1", "5", "0x02")]);
  expect(await lastPayment(events, ANN)).toBeNull();
  expect(await lastPayment(chain([]), ANN)).toBeNull();
});

test("a payment is found behind many heartbeats, also where an answer ends between its events", async () => {
  const before = Array.from({ length: 2_999 }, (_, index) => heartbeat(`0x${index}`));
  const events = chain([...before, left(ANN, "90", "0x02"), settled("2", "9", "0x02")]);
  expect((await lastPayment(events, ANN))?.settlement).toEqual({ number: 2, height: 9 });
});
