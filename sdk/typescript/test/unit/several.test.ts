// One connection, several servers: what happens when the one that is used is lost.
import { readFileSync } from "node:fs";
import { afterEach, expect, test, vi } from "vitest";
import type { CallReport, PackageAbi, SignedCall } from "../../src/api.js";
import { Client } from "../../src/client.js";
import { Connection } from "../../src/connection.js";
import { RefusedError, UnreachableError } from "../../src/errors.js";
import { Keypair } from "../../src/keys.js";
import type { ConnectionOptions } from "../../src/options.js";
import { callHash } from "../../src/wire.js";
import { Answer, type Handler, NEVER, type Peer, ScriptedServer, until } from "./server.js";

const FAST: ConnectionOptions = { backoff: { firstMs: 10, mostMs: 40 }, connectTimeoutMs: 1_000 };
const arguments_ = new URL("../../../fixtures/arguments.json", import.meta.url);
const { abi } = JSON.parse(readFileSync(arguments_, "utf8")) as { abi: PackageAbi };
const CHANNEL = `0x${"22".repeat(32)}`;

const open: { close(): void }[] = [];
const servers: ScriptedServer[] = [];
const unhandled = vi.fn();
process.on("unhandledRejection", unhandled);
afterEach(async () => {
  for (const one of open.splice(0)) one.close();
  for (const server of servers.splice(0)) await server.stop();
  expect(unhandled).not.toHaveBeenCalled();
});

async function server(handlers: Record<string, Handler>): Promise<ScriptedServer> {
  const started = await ScriptedServer.start(handlers);
  servers.push(started);
  return started;
}

async function connect(
  given: readonly ScriptedServer[],
  options: ConnectionOptions = {},
): Promise<Connection> {
  const urls = given.map(({ url }) => url);
  const connection = await Connection.open(urls, { ...FAST, ...options });
  open.push(connection);
  return connection;
}

const named = (name: number) => server({ "chain.sequence": () => name });
const whose = (connection: Connection) =>
  connection.request("chain.sequence", { account: "a" }) as Promise<number>;

test("the first that answers is used, and the next one when it is lost", async () => {
  const [first, second] = [await named(1), await named(2)];
  const connection = await connect([first, second]);
  const [left, back] = [vi.fn(), vi.fn()];
  connection.onLeave(left);
  connection.onReconnect(back);
  expect([await whose(connection), connection.url]).toEqual([1, first.url]);
  await first.stop();
  expect([await whose(connection), connection.url]).toEqual([2, second.url]);
  expect(left.mock.calls).toEqual([[{ url: first.url, reason: expect.any(String) }]]);
  expect(back.mock.calls).toEqual([
    [{ url: second.url, from: first.url, awayMs: expect.any(Number), attempts: 2 }],
  ]);
  await first.restart();
  await second.stop();
  expect([await whose(connection), connection.url]).toEqual([1, first.url]);
  await second.restart();
});

test("a connection that broke is first tried where it was", async () => {
  const [first, second] = [await named(1), await named(2)];
  const connection = await connect([first, second]);
  const back = vi.fn();
  connection.onReconnect(back);
  first.cut();
  await until("the connection", () => back.mock.calls.length === 1);
  expect(back.mock.calls[0]?.[0]).toMatchObject({ url: first.url, from: first.url, attempts: 1 });
  expect(second.peers.size).toBe(0);
});

test("one that fell silent is left for the next one", async () => {
  const silent = await server({ "state_channel.list": () => NEVER });
  const second = await named(2);
  const connection = await connect([silent, second], { idleMs: 60 });
  const back = vi.fn();
  connection.onReconnect(back);
  await until("the next server", () => back.mock.calls.length === 1);
  expect(back.mock.calls[0]?.[0]).toMatchObject({ url: second.url, attempts: 1 });
});

test("a request under way is sent to the next server once, and money is not", async () => {
  const lost: Handler = (_, peer) => {
    peer.socket.terminate();
    void first.stop();
    return NEVER;
  };
  const first: ScriptedServer = await server({ "chain.sequence": lost, "chain.faucet": lost });
  const second = await server({ "chain.sequence": () => 2, "chain.faucet": () => null });
  const connection = await connect([first, second]);
  const money = connection.request("chain.faucet", { account: "a", amount: { amount: "1" } });
  const asked = whose(connection);
  await expect(money).rejects.toBeInstanceOf(UnreachableError);
  expect(await asked).toBe(2);
  expect([second.count("chain.sequence"), second.count("chain.faucet")]).toEqual([1, 0]);
  await first.restart();
});

test("servers that are not admitted are passed over, with what stands against them", async () => {
  const [first, second, third] = [await named(1), await named(2), await named(3)];
  const asked: number[] = [];
  const connection = await connect([first, second, third], {
    connectTimeoutMs: 200,
    admit: async ({ url, request }) => {
      asked.push((await request("chain.sequence", { account: "a" })) as number);
      if (url === second.url) throw new Error(`${url} is not wanted`);
    },
  });
  await first.stop();
  expect(await whose(connection)).toBe(3);
  expect(asked).toEqual([1, 2, 3]);
  await third.stop();
  await expect(whose(connection)).rejects.toThrow(/no connection within 200 ms: .+/);
  await Promise.all([first.restart(), third.restart()]);
});

test.each(["while it answers", "between its answers"])(
  "a server that is lost %s whether it will do is passed over",
  async (when) => {
    const [first, third] = [await named(1), await named(3)];
    const second = await server({
      "chain.info": (_, peer) => {
        if (when === "between its answers") setTimeout(() => peer.socket.terminate(), 5);
        else peer.socket.terminate();
        return when === "between its answers" ? {} : NEVER;
      },
    });
    const connection = await connect([first, second, third], {
      admit: async ({ url, request }) => {
        if (url !== second.url) return;
        await request("chain.info", {});
        await until("the break", () => second.peers.size === 0);
        await new Promise((resolve) => setTimeout(resolve, 20));
      },
    });
    await first.stop();
    expect(await whose(connection)).toBe(3);
    expect(second.count("chain.info")).toBe(1);
    await first.restart();
  },
);

test("when none answers, the error names each with its reason", async () => {
  const [first, second] = [await named(1), await named(2)];
  await Promise.all([first.stop(), second.stop()]);
  const failed = await connect([first, second]).catch((error) => error);
  expect(failed).toBeInstanceOf(UnreachableError);
  for (const { url } of [first, second]) {
    expect(failed.message).toMatch(new RegExp(`${url} can't be reached: .*ECONNREFUSED`));
  }
  await Promise.all([first.restart(), second.restart()]);
  await expect(Connection.open([])).rejects.toThrow("expected the address of a server at least");
  const wrong = Connection.open([first.url, "http://127.0.0.1:1"]);
  await expect(wrong).rejects.toThrow('expected ws://… or wss://…, found "http://127.0.0.1:1"');
});

test("what is for one server is not given to another", async () => {
  const [first, second] = [await named(1), await named(2)];
  const connection = await connect([first, second]);
  const ask = () => connection.request("chain.sequence", { account: "a" }, { at: first.url });
  expect(await ask()).toBe(1);
  await first.stop();
  const moved = await ask().catch((error) => error);
  expect(moved).toBeInstanceOf(UnreachableError);
  expect(moved.message).toContain(`moved on to ${second.url}`);
  expect(second.count("chain.sequence")).toBe(0);
  await first.restart();
});

/** A node with one channel that runs calls, or leaves them unanswered. */
class Node {
  readonly came: SignedCall[] = [];
  readonly log = new Map<string, CallReport>();
  readonly watchers: { id: number; peer: Peer }[] = [];
  answers = true;
  runs = true;
  #height = 0;

  private constructor(readonly server: ScriptedServer) {}

  static async start(): Promise<Node> {
    let node: Node | undefined;
    const started = await server({
      "state_channel.list": () => (node?.runs ? [CHANNEL] : []),
      "state_channel.get": () => ({ record: { chain: 1 }, status: null }),
      "state_channel.sequence": () => node?.log.size,
      "state_channel.call": ({ call }) => node?.take(call as SignedCall),
      "state_channel.report": ({ call }) => node?.log.get(call as string) ?? null,
      "state_channel.subscribe": (_, peer) => node?.watchers.push({ id: 1, peer }),
      "state_channel.unsubscribe": () => true,
    });
    node = new Node(started);
    return node;
  }

  take(signed: SignedCall): unknown {
    this.came.push(signed);
    const call = callHash(signed.call);
    const report: CallReport = this.log.get(call) ?? {
      call,
      height: ++this.#height,
      index: 0,
      status: "executed",
      gas_used: 1,
      error: null,
      events: [],
    };
    this.log.set(call, report);
    return this.answers ? report : NEVER;
  }

  async final(height: number): Promise<void> {
    await until("a subscription", () => this.watchers.length > 0);
    const notice = { kind: "heights", certified: height, final: height, settled: 0 };
    for (const [index, { peer }] of this.watchers.entries()) peer.notify(index + 1, notice);
  }
}

async function client(...nodes: Node[]): Promise<Client> {
  const urls = nodes.map((node) => node.server.url);
  const made = await Client.connect(urls, FAST);
  open.push(made);
  return made;
}

const me = Keypair.fromSeed(new Uint8Array(32).fill(1));

async function member(of: Client) {
  const channel = await of.channel(CHANNEL, { abi });
  const pay = (amount: number) => channel.member(me).call("0x42::app::pay", ["0x5", amount]);
  return { channel, pay };
}

test("a call in flight goes to the next node with the same bytes", async () => {
  const [first, second] = [await Node.start(), await Node.start()];
  const { pay } = await member(await client(first, second));
  first.answers = false;
  const calls = [pay(1), pay(2), pay(3)];
  await until("the calls", () => first.came.length === 3);
  await first.server.stop();
  await Promise.all(calls.map((call) => call.executed));
  expect(second.came).toEqual(first.came);
  const next = pay(4);
  await next.executed;
  expect(second.came.at(-1)?.call.sequence).toBe(3);
  await second.final(4);
  expect((await next.final).height).toBe(4);
  await first.server.restart();
});

test("a call that the lost node alone ran is sent to the next one, and none that it knows", async () => {
  const [first, second] = [await Node.start(), await Node.start()];
  const { pay } = await member(await client(first, second));
  const [known, unknown] = [pay(1), pay(2)];
  await Promise.all([known.executed, unknown.executed]);
  second.take(first.came[0] as SignedCall);
  second.came.length = 0;
  const seen: string[] = [];
  unknown.on("status", ({ to }) => seen.push(to));
  await first.server.stop();
  await until("the call", () => second.came.length > 0 && unknown.status === "executed");
  expect(second.came).toEqual([unknown.signed]);
  expect(seen).toEqual(["predicted", "executed"]);
  await second.final(2);
  await Promise.all([known.final, unknown.final]);
  await first.server.restart();
});

test("heights of one node say nothing of another node's blocks", async () => {
  const [first, second] = [await Node.start(), await Node.start()];
  const { pay } = await member(await client(first, second));
  const call = pay(1);
  await call.executed;
  // The next node has another block at this height.
  second.take({ ...(first.came[0] as SignedCall), call: { ...first.came[0]!.call, sequence: 9 } });
  second.answers = false;
  await first.server.stop();
  await second.final(1);
  await until("the call", () => second.came.length === 2);
  expect(call.status).toBe("predicted");
  await first.server.restart();
});

test("a node that does not run the channel is passed over", async () => {
  const nodes = [await Node.start(), await Node.start(), await Node.start()];
  const [first, second, third] = nodes as [Node, Node, Node];
  const made = await client(...nodes);
  const { channel } = await member(made);
  second.runs = false;
  await first.server.stop();
  expect(await channel.sequence(me.address)).toBe(0);
  expect(made.connection.url).toBe(third.server.url);
  await first.server.restart();
});

test("who joins does so at one node, and hears when that was lost under way", async () => {
  const first: ScriptedServer = await server({
    "state_channel.status": () => ({ node: `0x${"01".repeat(32)}`, endpoints: [] }),
    "state_channel.join_proof": () => {
      void first.stop();
      return NEVER;
    },
  });
  const second = await server({
    "state_channel.join_proof": () => {
      throw Answer.refusal("unauthorised", 100012, { reason: "never asked" });
    },
  });
  const made = await Client.connect([first.url, second.url], FAST);
  open.push(made);
  const failed = await made.join(me, CHANNEL, 1n).catch((error) => error);
  expect(failed).toBeInstanceOf(UnreachableError);
  expect(failed).not.toBeInstanceOf(RefusedError);
  expect(second.requests).toEqual([]);
  await first.restart();
});
