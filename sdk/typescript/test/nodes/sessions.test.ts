import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type CallRequest,
  type Channel,
  type Delegation,
  Keypair,
  type Member,
  NATIVE,
} from "../../src/index.js";
import { World } from "./world.js";

const PAY = "0x44::payments::pay";

let world: World;
let channels: Channel[];
let alice: Member;

beforeAll(async () => {
  world = await World.start(2);
  const id = await world.open("payments");
  channels = await Promise.all([0, 1].map(async (at) => (await world.client(at)).channel(id)));
  alice = channels[0]!.member(world.key(0));
});

afterAll(() => world?.stop());

/** Payments of so much in all, for ten minutes. */
function delegation(key: Keypair, units: number, change: Partial<Delegation> = {}): Delegation {
  const spending = [{ asset: NATIVE, amount: units }];
  const expires_at = Date.now() + 600_000;
  return { key: key.publicKey, functions: [PAY], spending, expires_at, ...change };
}

function pay(by: Member, amount: number) {
  return by.call(PAY, [world.key(1).address, NATIVE, amount, ""]).certified;
}

/** The name of what a call or a read is refused with. */
async function refusal(attempt: Promise<unknown>): Promise<string> {
  const error = await attempt.then(
    () => undefined,
    (reason) => reason,
  );
  return error?.refusal?.name ?? `no refusal: ${error}`;
}

async function balance(at: number): Promise<bigint> {
  const args = [world.key(0).address, NATIVE];
  return BigInt((await channels[at]!.view("0x44::payments::balance", args))[0] as string);
}

/** A member that calls for Alice at the other node: not only her own holds the key to its limits. */
function bySession(key: Keypair): Member {
  return channels[1]!.session(alice.address, key);
}

test("a session key and its account call at once, each with numbers of its own", async () => {
  const key = Keypair.generate();
  const silent = bySession(key);
  expect(await refusal(pay(silent, 1))).toBe("unauthorised");
  await alice.delegate(delegation(key, 100)).certified;
  const before = await balance(0);
  const calls = Array.from({ length: 20 }, () => [pay(silent, 1), pay(alice, 2)]).flat();
  const reports = await Promise.all(calls);
  expect(new Set(reports.map(({ call }) => call)).size).toBe(40);
  expect(await balance(0)).toBe(before - 60n);
  expect(await used(key)).toBe(20);
  const [session] = (await channels[0]!.sessions(alice.address)).filter(
    (one) => one.key === key.publicKey,
  );
  expect(session?.spending).toEqual([{ asset: NATIVE, amount: "80" }]);
});

/** How many calls a session key has made since it was delegated to: its numbers begin at a multiple. */
async function used(key: Keypair): Promise<number> {
  return (await channels[0]!.sequence(alice.address, key.publicKey)) % 2 ** 24;
}

test("a session spends what was delegated and no more", async () => {
  const key = Keypair.generate();
  const silent = bySession(key);
  await alice.delegate(delegation(key, 10)).certified;
  await pay(silent, 4);
  const before = await balance(0);
  const over = silent.call(PAY, [world.key(1).address, NATIVE, 7, ""]);
  await expect(over.certified).rejects.toMatchObject({
    code: 100029,
    refusal: { name: "over_spent", details: { asset: NATIVE, left: 6, spent: 7 } },
  });
  expect(over.status).toBe("failed");
  expect(await balance(0)).toBe(before);
  await pay(silent, 6);
  expect(await refusal(pay(silent, 1))).toBe("over_spent");
  await alice.delegate(delegation(key, 1)).certified;
  await pay(silent, 1);
  expect(await used(key)).toBe(5);
});

test("a session calls the functions that were delegated, and all where none is named", async () => {
  const id = await world.open("tic_tac_toe");
  const channel = await (await world.client(0)).channel(id);
  const [key, account] = [Keypair.generate(), channel.member(world.key(0))];
  const silent = channel.session(account.address, key);
  const game = "0x42::tic_tac_toe";
  const open = () => silent.call(`${game}::open`, [NATIVE, 5]).certified;
  await account.delegate(delegation(key, 5, { functions: [`${game}::mark`] })).certified;
  expect(await refusal(open())).toBe("unauthorised");
  expect(() => silent.leave()).toThrow("functions only, not leave");
  await account.delegate(delegation(key, 5, { functions: [] })).certified;
  await open();
  expect((await channel.sessions(account.address))[0]?.spending).toEqual([]);
});

test("the node refuses what is wrong with the time", async () => {
  const key = Keypair.generate();
  const day = 24 * 3_600_000;
  for (const expires_at of [Date.now() - day, Date.now() + 31 * day]) {
    const attempt = alice.delegate(delegation(key, 1, { expires_at }));
    expect(await refusal(attempt.certified)).toBe("invalid_argument");
  }
  await pay(alice, 1);
});

test("a session ends when it expires, and when it is revoked", async () => {
  const key = Keypair.generate();
  const silent = bySession(key);
  const expires_at = Date.now() + 2_000;
  await alice.delegate(delegation(key, 50, { expires_at })).certified;
  await pay(silent, 1);
  const patience = { timeout: 10_000, interval: 200 };
  await expect.poll(() => refusal(pay(silent, 1)), patience).toBe("expired");
  expect(Date.now()).toBeGreaterThan(expires_at);

  await alice.delegate(delegation(key, 50)).certified;
  await pay(silent, 1);
  await alice.revoke(key.publicKey).certified;
  expect(await refusal(pay(silent, 1))).toBe("unauthorised");
  const left = await channels[1]!.sessions(alice.address);
  expect(left.map((session) => session.key)).not.toContain(key.publicKey);
  expect(await balance(0)).toBe(await balance(1));
});

test("the node prepares what this package signs for a session key", async () => {
  const key = Keypair.generate();
  await alice.delegate(delegation(key, 10)).certified;
  const silent = bySession(key);
  const args = [world.key(1).address, NATIVE, 1, "hi"];
  const call = silent.call(PAY, args);
  await call.certified;
  const { connection, id } = channels[1]!;
  const session = key.publicKey;
  const request: CallRequest = { operation: "invoke", function: PAY, args, session };
  const sender = alice.address;
  const params = { channel: id, sender, request };
  const prepared = await connection.request("state_channel.prepare", params);
  expect(prepared.call.operation).toEqual(call.signed?.call.operation);
  expect(prepared.call.sequence).toBe((call.signed?.call.sequence ?? 0) + 1);
});
