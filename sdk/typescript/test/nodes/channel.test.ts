import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type Channel,
  type Client,
  invitationText,
  LiveState,
  Lobby,
  NATIVE,
  type Notice,
  parseInvitation,
  RefusedError,
} from "../../src/index.js";
import { World } from "./world.js";

let world: World;
let id: string;
const clients: Client[] = [];
const channels: Channel[] = [];

beforeAll(async () => {
  world = await World.start(2);
  id = await world.open("payments", { settlement_interval: 500 });
  for (const index of [0, 1]) {
    const client = await world.client(index);
    clients.push(client);
    channels.push(await client.channel(id));
  }
});

afterAll(() => world?.stop());

const PAY = "0x44::payments::pay";

/** A payment by one account to the other. */
function pay(from: number, amount: number, memo = "") {
  const to = world.key(1 - from).address;
  return channels[from]!.member(world.key(from)).call(PAY, [to, NATIVE, amount, memo]);
}

async function balance(account: number, at = 0): Promise<bigint> {
  const args = [world.key(account).address, NATIVE];
  return BigInt((await channels[at]!.view("0x44::payments::balance", args))[0] as string);
}

describe("the ledger", () => {
  test("money moves, and the sender pays gas in no other way", async () => {
    const { ledger } = clients[0]!;
    const to = `0x${"77".repeat(32)}`;
    const before = await ledger.balance(world.key(0).address);
    const report = await ledger.transfer(world.key(0), to, 250n);
    expect(report.events[0]?.type).toBe("0x3::coin::Transferred");
    expect(await ledger.balance(to)).toBe(250n);
    expect(await ledger.balance(world.key(0).address)).toBe(before - 250n);
  });

  test("what the contract refuses is an error with its name", async () => {
    const sent = clients[0]!.ledger.transfer(world.key(0), "0x1", 10n ** 18n);
    await expect(sent).rejects.toMatchObject({
      refusal: { name: "move_abort", details: { module: "coin", name: "E_INSUFFICIENT" } },
    });
  });

  test("a contract's function is called by its ABI, and viewed", async () => {
    const { ledger } = clients[0]!;
    await ledger.call(world.key(0), "0x3::coin::transfer", [NATIVE, "0x78", 5]);
    expect(await ledger.view("0x3::coin::balance", ["0x78", NATIVE])).toEqual(["5"]);
    const wrong = ledger.call(world.key(0), "0x3::coin::transfer", [NATIVE, "0x78", -5]);
    await expect(wrong).rejects.toThrow("invalid args[2]: expected u64, found -5");
  });

  test("many transactions of one account at once take turns", async () => {
    const { ledger } = clients[0]!;
    const to = `0x${"79".repeat(32)}`;
    await Promise.all([1, 2, 3].map((units) => ledger.transfer(world.key(0), to, units)));
    expect(await ledger.balance(to)).toBe(6n);
  });

  test("events are numbered", async () => {
    const events = await clients[0]!.ledger.events(0, 10, id);
    expect(events[0]).toMatchObject({ type: "0x3::channel::ChannelCreated", channel: id });
  });
});

describe("calls", () => {
  test("a call goes through all statuses", async () => {
    const call = pay(0, 5, "for coffee");
    const seen: string[] = [call.status];
    call.on("status", ({ to }) => seen.push(to));
    const executed = await call.executed;
    expect(executed.events[0]).toMatchObject({
      type: "0x44::payments::Paid",
      data: { amount: "5", memo: "for coffee" },
    });
    expect((await call.certified).height).toBe(executed.height);
    await call.final;
    expect((await call.settled).status).toBe("settled");
    expect(seen[0]).toBe("predicted");
    expect(seen.at(-1)).toBe("settled");
    const order = ["predicted", "executed", "certified", "final", "settled"];
    const places = seen.map((status) => order.indexOf(status));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect((await channels[0]!.report(call.hash!))?.status).toBe("settled");
  });

  test("two members pay each other at once", async () => {
    const before = await balance(0);
    const sent = Array.from({ length: 20 }, (_, index) => [pay(0, 1 + index), pay(1, 2)]).flat();
    await Promise.all(sent.map((call) => call.certified));
    expect(await balance(0)).toBe(before - 210n + 40n);
    expect(await balance(0, 0)).toBe(await balance(0, 1));
  });

  test("the node signs nothing else than this package does", async () => {
    const me = channels[0]!.member(world.key(0));
    const call = me.call(PAY, [world.key(1).address, NATIVE, 1, "hi"]);
    await call.final;
    const prepared = await clients[0]!.connection.request("state_channel.prepare", {
      channel: id,
      sender: me.address,
      request: {
        operation: "invoke",
        function: PAY,
        type_args: [],
        args: [world.key(1).address, NATIVE, 1, "hi"],
      },
    });
    expect(prepared.call.operation).toEqual(call.signed?.call.operation);
  });

  test("what the app refuses has the name of its documentation", async () => {
    const call = pay(0, 0);
    const error = await call.certified.catch((reason) => reason);
    expect(error).toBeInstanceOf(RefusedError);
    expect(error).toMatchObject({
      code: 100005,
      refusal: { name: "move_abort", details: { code: 1, name: "E_ZERO_AMOUNT" } },
    });
    expect(call.status).toBe("failed");
    await pay(0, 1).certified;
  });

  test("who is no member is told so, and what is not there has a name", async () => {
    const { Keypair } = await import("../../src/index.js");
    const stranger = channels[0]!.member(Keypair.generate());
    const call = stranger.call(PAY, [stranger.address, NATIVE, 1, ""]);
    await expect(call.executed).rejects.toMatchObject({ refusal: { name: "not_a_member" } });
    const nothing = channels[0]!.view("0x44::payments::nothing", []);
    await expect(nothing).rejects.toMatchObject({ refusal: { name: "function_not_found" } });
    const wrong = channels[0]!.view("0x44::payments::balance", ["x", NATIVE]);
    await expect(wrong).rejects.toMatchObject({ refusal: { name: "invalid_argument" } });
    const unknown = clients[0]!.channel(`0x${"99".repeat(32)}`);
    await expect(unknown).rejects.toMatchObject({ refusal: { name: "channel_not_found" } });
  });

  test("an expired call is refused, and its number is the next one's", async () => {
    const me = channels[0]!.member(world.key(0));
    const real = Date.now;
    Date.now = () => real() - 120_000;
    const args = [world.key(1).address, NATIVE, 1, ""];
    const call = me.call(PAY, args);
    await expect.poll(() => call.signed).toBeDefined();
    Date.now = real;
    await expect(call.executed).rejects.toMatchObject({ refusal: { name: "expired" } });
    await me.call(PAY, args).certified;
  });
});

describe("reads", () => {
  test("resources, blocks and the ABI", async () => {
    const vault = await channels[0]!.resource(world.key(1).address, "0x2::vault::Vault", {
      at: "final",
    });
    expect(vault.resource.value).toHaveProperty("balances");
    const none = await channels[0]!.resource("0x1", "0x2::vault::Vault");
    expect(none.resource.value).toBeNull();
    const blocks = await channels[0]!.blocks(1, 3);
    expect(blocks.map((block) => block.height)).toEqual([1, 2, 3]);
    expect(channels[0]!.abi.modules[0]?.name).toBe("payments");
    expect((await clients[1]!.status()).channels[0]?.channel).toBe(id);
  });

  test("the state after an earlier block, page by page, and a call's gas by function", async () => {
    const channel = channels[0]!;
    const { height } = await pay(0, 1).certified;
    await pay(0, 1).certified;
    const pages = [await channel.state({ height, limit: 2 })];
    for (let after = pages[0]!.next; after; after = pages.at(-1)!.next)
      pages.push(await channel.state({ height, limit: 2, after }));
    const [block] = await channel.blocks(height, 1);
    expect(new Set(pages.map((page) => page.state_root))).toEqual(new Set([block!.state_root]));
    const entries = pages.flatMap((page) => page.entries);
    const owner = world.key(1).address;
    const vault = entries.find(
      ({ type, ...of }) => type === "0x2::vault::Vault" && of.owner === owner,
    );
    const read = await channel.resource(owner, "0x2::vault::Vault", { height });
    expect(read.resource.value).toEqual(vault!.value);
    const [units] = await channel.view("0x44::payments::balance", [owner, NATIVE], { height });
    expect(BigInt(units as string)).toBe((await balance(1)) - 1n);
    const report = await channel.trace(height, 0);
    expect(report.functions.reduce((sum, { own }) => sum + own, 0)).toBe(report.gas_used);
    await expect(channel.state({ height: 1e9 })).rejects.toMatchObject({
      refusal: { name: "not_found" },
    });
  });
});

describe("subscriptions", () => {
  test("events come by their filter, and callbacks one after another", async () => {
    const seen: Notice[] = [];
    let busy = false;
    const listening = await channels[1]!.listen(
      async (notice) => {
        expect(busy).toBe(false);
        busy = true;
        await new Promise((resolve) => setTimeout(resolve, 1));
        busy = false;
        seen.push(notice);
      },
      { filter: { event_types: ["0x44::payments::Paid"], resource_types: ["0x44::"] } },
    );
    const call = pay(0, 3, "seen");
    await call.certified;
    const memos = () =>
      seen
        .flatMap((notice) => (notice.kind === "block" ? notice.events : []))
        .map((event) => event.data);
    await expect.poll(memos).toContainEqual(expect.objectContaining({ memo: "seen" }));
    expect(seen[0]?.kind).toBe("snapshot");
    const types = seen
      .flatMap((n) => (n.kind === "snapshot" ? n.resources : []))
      .map((r) => r.type);
    expect(new Set(types)).toEqual(new Set(["0x44::payments::Sent"]));
    listening.close();
    await listening.ended;
  });

  test("a filter that does not exist is refused", async () => {
    const filter = { nothing: [] } as object;
    await expect(channels[0]!.subscribe({ filter })).rejects.toMatchObject({ code: -32602 });
  });
});

describe("prediction", () => {
  test("a call counts at once, once, and not at all when it fails", async () => {
    const owner = world.key(0).address;
    const type = "0x44::payments::Sent";
    const live = await LiveState.start(channels[0]!, {
      filter: { resource_types: [type], addresses: [owner] },
      select: (mirror) => Number((mirror.get(owner, type) as { payments: string })?.payments ?? 0),
      reduce: (count) => count + 1,
    });
    const before = live.value;
    const seen: number[] = [];
    live.onChange((value) => seen.push(value));
    const me = channels[0]!.member(world.key(0));
    const args = (amount: number) => [world.key(1).address, NATIVE, amount, ""];
    const calls = [1, 2, 3].map((amount) => live.call(me, PAY, args(amount)));
    expect([live.value, live.confirmed]).toEqual([before + 3, before]);
    await Promise.all(calls.map((call) => call.final));
    await expect.poll(() => live.confirmed).toBe(before + 3);
    expect(live.value).toBe(before + 3);
    expect(Math.max(...seen)).toBe(before + 3);
    const failing = live.call(me, PAY, args(0));
    expect(live.value).toBe(before + 4);
    await expect(failing.certified).rejects.toThrow();
    await expect.poll(() => live.value).toBe(before + 3);
    live.close();
  });
});

describe("the lobby", () => {
  test("a table is found, taken, and ready; presence shows who is gone", async () => {
    const lobby = new Lobby(clients[0]!);
    const { record } = await clients[0]!.info(id);
    const rules = { settlement_interval: 0, invited: [world.key(1).address], max_members: 2 };
    const table = await lobby.create(world.key(0), record.package, rules, 100n);
    const asked = { package: record.package, account: world.key(1).address };
    const found = await lobby.find(asked);
    expect(found.channels.map(({ channel }) => channel)).toEqual([table.channel]);
    expect(found.channels[0]).toMatchObject({
      seats: 1,
      deposit: 1n,
      creator: world.key(0).address,
    });
    const stranger = await lobby.find({ ...asked, account: `0x${"55".repeat(32)}` });
    expect(stranger.channels).toEqual([]);
    const invitation = parseInvitation(invitationText(table));
    const other = new Lobby(clients[1]!);
    await expect(other.accept(world.key(1), { ...invitation, chain: 9 }, 1n)).rejects.toThrow(
      "it is for chain 9, this is 1",
    );
    await other.accept(world.key(1), invitation, 100n);
    expect((await lobby.ready(table.channel, 2)).map(({ present }) => present)).toEqual([
      true,
      true,
    ]);
    expect((await lobby.find(asked)).channels).toEqual([]);
    const later = await lobby.find({ ...asked, cursor: found.cursor });
    expect(later.cursor).toBeGreaterThanOrEqual(found.cursor);
    await world.node(1).kill();
    await expect
      .poll(() => lobby.presence(table.channel), { timeout: 10_000 })
      .toEqual([
        expect.objectContaining({ account: world.key(0).address, present: true }),
        expect.objectContaining({ account: world.key(1).address, present: false }),
      ]);
    await world.node(1).start();
  });
});
