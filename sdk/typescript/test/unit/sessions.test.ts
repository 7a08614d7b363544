import { readFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { PackageAbi, SignedCall } from "../../src/api.js";
import { Channel } from "../../src/channel.js";
import { Connection } from "../../src/connection.js";
import { RefusedError, refusalOf } from "../../src/errors.js";
import { NATIVE } from "../../src/index.js";
import { Keypair } from "../../src/keys.js";
import type { Delegation } from "../../src/sessions.js";
import { callHash } from "../../src/wire.js";
import { Answer, ScriptedServer } from "./server.js";

const arguments_ = new URL("../../../fixtures/arguments.json", import.meta.url);
const { abi } = JSON.parse(readFileSync(arguments_, "utf8")) as { abi: PackageAbi };
const PAY = "0x42::app::pay";
const CHANNEL = `0x${"22".repeat(32)}`;
const FULL_TWO = `0x${"2".padStart(64, "0")}`;
const alice = Keypair.fromSeed(new Uint8Array(32).fill(1));
const key = Keypair.fromSeed(new Uint8Array(32).fill(7));

let server: ScriptedServer;
let connection: Connection;
let channel: Channel;
/** What came, in order, and the next number of each key's address. */
let came: SignedCall[];
let numbers: Map<string, number>;
let answer: (signed: SignedCall) => void;

beforeEach(async () => {
  came = [];
  numbers = new Map([
    [alice.address, 40],
    [key.publicKey, 3],
  ]);
  answer = () => {};
  server = await ScriptedServer.start({
    "state_channel.sequence": ({ account, session }) => numbers.get((session ?? account) as string),
    "state_channel.sessions": ({ channel, account }) => [{ channel, account }],
    "state_channel.call": ({ call }) => {
      const signed = call as SignedCall;
      came.push(signed);
      answer(signed);
      const place = { call: callHash(signed.call), height: came.length, index: 0 };
      return { ...place, status: "executed", gas_used: 1, error: null, events: [] };
    },
    "state_channel.report": () => null,
    "state_channel.subscribe": () => 1,
    "state_channel.unsubscribe": () => true,
  });
  connection = await Connection.open(server.url, {});
  channel = new Channel(connection, CHANNEL, 1, abi);
});

afterEach(async () => {
  connection.close();
  await server.stop();
});

/** Three hours for `pay`, and so much money. */
function delegation(change: Partial<Delegation> = {}): Delegation {
  const spending = [{ asset: NATIVE, amount: 10 }];
  const expires_at = 1_800_000_000_000;
  return { key: key.publicKey, functions: [PAY], spending, expires_at, ...change };
}

/** What is thrown. */
function thrown(run: () => unknown): RefusedError {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(RefusedError);
    return error as RefusedError;
  }
  throw new Error("nothing was thrown");
}

test("a session key calls for its account, and counts with its own numbers", async () => {
  const silent = channel.session(alice.address, key);
  expect(silent.address).toBe(alice.address);
  const calls = [silent, channel.member(alice), silent].map((by) => by.call(PAY, ["0x5", 1]));
  await Promise.all(calls.map((call) => call.executed));
  const [first, account, second] = calls.map((call) => call.signed as SignedCall);
  for (const signed of [first, account, second]) expect(signed?.call.sender).toBe(alice.address);
  expect([first, account, second].map((signed) => signed?.call.sequence)).toEqual([3, 40, 4]);
  expect([first, account].map((signed) => signed?.key)).toEqual([key.publicKey, alice.publicKey]);
  const { invoke } = (account as SignedCall).call.operation as { invoke: object };
  expect(first?.call.operation).toEqual({ session: { key: key.publicKey, ...invoke } });
});

test("there is one member for an account and a key, and the account's own key is no session", () => {
  const short = `0x${alice.address.slice(2).replace(/^0+/, "")}`;
  expect(channel.session(short, key)).toBe(channel.session(alice.address, key));
  expect(channel.session(alice.address, alice)).toBe(channel.member(alice));
  expect(channel.session(alice.address, key)).not.toBe(channel.member(key));
  expect(thrown(() => channel.session("alice", key)).message).toContain("invalid account");
});

test("what a session key may not sign is refused before anything is sent", () => {
  const silent = channel.session(alice.address, key);
  const attempts = {
    leave: () => silent.leave(),
    close: () => silent.close(),
    delegate: () => silent.delegate(delegation()),
    revoke: () => silent.revoke(key.publicKey),
  };
  for (const [what, attempt] of Object.entries(attempts)) {
    const error = thrown(attempt);
    expect(refusalOf(error, "unauthorised")?.reason, what).toContain(`functions only, not ${what}`);
  }
  expect(server.count("state_channel.call") + server.count("state_channel.sequence")).toBe(0);
});

test("a session is delegated sorted and in full, and revoked by its key", async () => {
  const spending = [
    { asset: NATIVE, amount: 2n ** 64n - 1n },
    { asset: "0x2", amount: "7" },
  ];
  const me = channel.member(alice);
  const delegate = me.delegate(delegation({ key: key.publicKey.toUpperCase().slice(2), spending }));
  const revoke = me.revoke(key.publicKey);
  await Promise.all([delegate.executed, revoke.executed]);
  expect(delegate.what).toBe(`delegate to ${key.publicKey}`);
  expect(came.map((signed) => signed.call.operation)).toEqual([
    {
      delegate: {
        key: key.publicKey,
        functions: [{ address: `0x${"42".padStart(64, "0")}`, module: "app", function: "pay" }],
        spending: [
          { asset: FULL_TWO, amount: "7" },
          { asset: NATIVE, amount: "18446744073709551615" },
        ],
        expires_at: 1_800_000_000_000,
      },
    },
    { revoke: { key: key.publicKey } },
  ]);
});

test("what `sessions` answers can be delegated again", async () => {
  const me = channel.member(alice);
  const first = me.delegate(delegation());
  await first.executed;
  const { delegate } = (first.signed as SignedCall).call.operation as { delegate: Delegation };
  const again = me.delegate(delegate);
  await again.executed;
  expect(again.signed?.call.operation).toEqual({ delegate });
  const asked = await channel.sessions("0x2");
  expect(asked).toEqual([{ channel: CHANNEL, account: FULL_TWO }]);
});

test.each<[string, Partial<Delegation>, string]>([
  ["a short key", { key: "0x12" }, "invalid session key: expected 0x and 64 hex digits"],
  ["its own key", { key: alice.publicKey }, "invalid session: its key is the account's own"],
  ["a function by half", { functions: ["app::pay"] }, "invalid function: expected 0xADDRESS"],
  ["a function that is not", { functions: ["0x42::app::pya"] }, "no entry function 0x42::app::pya"],
  ["too many functions", { functions: Array(33).fill(PAY) }, "at most 32 functions, found 33"],
  ["a date", { expires_at: new Date() as unknown as number }, "expires_at is in milliseconds"],
  ["half a millisecond", { expires_at: 1.5 }, "found 1.5"],
  ["no asset", { spending: [{ asset: "FWY", amount: 1 }] }, "invalid spending[0].asset"],
  ["nothing", { spending: [{ asset: NATIVE, amount: 0 }] }, "invalid spending[0].amount: expected"],
  [
    "less",
    { spending: [{ asset: NATIVE, amount: -1 }] },
    "invalid spending[0].amount: expected a whole",
  ],
  [
    "an asset twice",
    { spending: ["0x2", FULL_TWO].map((asset) => ({ asset, amount: 1 })) },
    `invalid spending: ${FULL_TWO} is listed twice`,
  ],
])("a session with %s is refused before anything is sent", (_, change, message) => {
  const error = thrown(() => channel.member(alice).delegate(delegation(change)));
  expect(error.message).toContain(message);
  expect(server.count("state_channel.sequence")).toBe(0);
});

test("a key to revoke is given in full", () => {
  const error = thrown(() => channel.member(alice).revoke("0x7"));
  expect(error.message).toBe('invalid session key: expected 0x and 64 hex digits, found "0x7"');
});

test("a call that would spend too much used its number", async () => {
  const details = { asset: NATIVE, left: 6, spent: 7 };
  answer = ({ call }) => {
    if (call.sequence === 3) throw Answer.refusal("over_spent", 100029, details);
  };
  const silent = channel.session(alice.address, key);
  const over = silent.call(PAY, ["0x5", 7]);
  const error = await over.executed.catch((reason) => reason);
  expect(refusalOf(error, "over_spent")).toEqual(details);
  await silent.call(PAY, ["0x5", 1]).executed;
  await silent.call(PAY, ["0x5", 1]).executed;
  expect(came.map((signed) => signed.call.sequence)).toEqual([3, 4, 5]);
  expect(server.count("state_channel.sequence")).toBe(1);
});

test("a call that was refused left its number to one made at once because of it", async () => {
  answer = () => {
    if (came.length === 1)
      throw Answer.refusal("unauthorised", 100012, { reason: "not delegated" });
  };
  const silent = channel.session(alice.address, key);
  const again = () => silent.call(PAY, ["0x5", 1]).executed;
  await silent.call(PAY, ["0x5", 7]).executed.catch(again);
  expect(came.map((signed) => signed.call.sequence)).toEqual([3, 3]);
});
