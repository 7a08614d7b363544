import { readFileSync } from "node:fs";
import { afterEach, expect, test, vi } from "vitest";
import type { Call, CallReport, Notice, PackageAbi } from "../../src/api.js";
import { Channel } from "../../src/channel.js";
import { Client } from "../../src/client.js";
import { Connection } from "../../src/connection.js";
import { ClosedError, RefusedError, TimedOutError } from "../../src/errors.js";
import { Keypair } from "../../src/keys.js";
import { LiveState } from "../../src/live.js";
import { callHash } from "../../src/wire.js";
import { Answer, NEVER, type Peer, ScriptedServer, until } from "./server.js";

const arguments_ = new URL("../../../fixtures/arguments.json", import.meta.url);
const { abi } = JSON.parse(readFileSync(arguments_, "utf8")) as { abi: PackageAbi };
const PAY = "0x42::app::pay";
const CHANNEL = `0x${"22".repeat(32)}`;

/** A node with one channel, whose log a test writes. */
class Node {
  readonly key = Keypair.fromSeed(new Uint8Array(32).fill(1));
  /** The sequence number of every call that came, in order. */
  readonly came: number[] = [];
  sequence = 0;
  reports = new Map<string, CallReport>();
  answer: (call: Call, time: number) => unknown = (call) => this.run(call);
  readonly watchers: { id: number; peer: Peer }[] = [];
  #height = 0;

  private constructor(
    readonly server: ScriptedServer,
    readonly connection: Connection,
    readonly channel: Channel,
  ) {}

  static async start(requestTimeoutMs = 60_000): Promise<Node> {
    let node: Node | undefined;
    const server = await ScriptedServer.start({
      "state_channel.sequence": () => node?.sequence,
      "state_channel.call": ({ call }) => {
        const given = (call as { call: Call }).call;
        node?.came.push(given.sequence);
        return node?.answer(given, node.came.length);
      },
      "state_channel.report": ({ call }) => node?.reports.get(call as string) ?? null,
      "state_channel.subscribe": (_, peer) => {
        node?.watchers.push({ id: 1 + node.watchers.length, peer });
        return node?.watchers.length;
      },
      "state_channel.unsubscribe": () => true,
      "state_channel.list": () => [],
    });
    const backoff = { firstMs: 5, mostMs: 20 };
    const connection = await Connection.open(server.url, { backoff, requestTimeoutMs });
    node = new Node(server, connection, new Channel(connection, CHANNEL, 1, abi));
    nodes.push(node);
    return node;
  }

  get me() {
    return this.channel.member(this.key);
  }

  pay(amount: number) {
    return this.me.call(PAY, ["0x5", amount]);
  }

  /** The call runs in the next block. */
  run(call: Call, height = ++this.#height): CallReport {
    this.sequence = Math.max(this.sequence, call.sequence + 1);
    const report: CallReport = {
      call: callHash(call),
      height,
      index: 0,
      status: "executed",
      gas_used: 1,
      error: null,
      events: [],
    };
    this.reports.set(report.call, report);
    return report;
  }

  async tell(notice: Notice): Promise<void> {
    await until("a subscription", () => this.watchers.length > 0);
    for (const { id, peer } of this.watchers) peer.notify(id, notice);
  }

  heights(certified: number, final: number, settled: number): Promise<void> {
    return this.tell({ kind: "heights", certified, final, settled });
  }
}

const nodes: Node[] = [];
const unhandled = vi.fn();
process.on("unhandledRejection", unhandled);
afterEach(async () => {
  for (const node of nodes.splice(0)) {
    node.connection.close();
    await node.server.stop();
  }
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(unhandled).not.toHaveBeenCalled();
});

const refused =
  (name: string, code: number, details: object, transient = false) =>
  () => {
    throw Answer.refusal(name, code, details, transient);
  };

test("a call goes through every status, in order", async () => {
  const node = await Node.start();
  const call = node.pay(1);
  const seen: string[] = [call.status];
  call.on("status", ({ to }) => seen.push(to));
  expect((await call.executed).height).toBe(1);
  await node.heights(1, 0, 0);
  expect((await call.certified).status).toBe("certified");
  await node.heights(2, 1, 0);
  await call.final;
  await node.heights(2, 2, 2);
  expect((await call.settled).status).toBe("settled");
  expect(seen).toEqual(["predicted", "executed", "certified", "final", "settled"]);
  expect(call.hash).toBe(call.report?.call);
});

test("a status that is passed over is reached all the same", async () => {
  const node = await Node.start();
  const call = node.pay(1);
  await call.executed;
  const waits = Promise.all([call.certified, call.final, call.settled]);
  await node.heights(9, 9, 9);
  expect((await waits).map((report) => report.height)).toEqual([1, 1, 1]);
});

test("settled can be asked for after the call was final", async () => {
  const node = await Node.start();
  const call = node.pay(1);
  await call.executed;
  await node.heights(1, 1, 0);
  await call.final;
  const settled = call.settled;
  await node.heights(1, 1, 1);
  expect((await settled).status).toBe("settled");
});

test("a wrong argument is thrown with its place, and nothing is sent", async () => {
  const node = await Node.start();
  expect(() => node.me.call(PAY, ["0x5", "x"])).toThrow('invalid args[1]: expected u64, found "x"');
  expect(() => node.me.call(PAY, ["0x5"])).toThrow(
    "invalid args: expected 2 (to, amount), found 1",
  );
  expect(() => node.me.call("0x42::app::nothing", [])).toThrow(
    "no entry function 0x42::app::nothing",
  );
  expect(() => node.me.call(PAY, ["0x5", 1], { gasLimit: 0 })).toThrow("invalid gasLimit");
  expect(node.server.requests).toEqual([]);
});

test("calls made at once have numbers in the order in which they were made", async () => {
  const node = await Node.start();
  const calls = Array.from({ length: 50 }, (_, index) => node.pay(index + 1));
  await Promise.all(calls.map((call) => call.executed));
  expect(node.came).toEqual(Array.from({ length: 50 }, (_, index) => index));
  expect(node.server.count("state_channel.sequence")).toBe(1);
});

test("at most 512 calls are under way", async () => {
  const node = await Node.start();
  node.answer = () => NEVER;
  for (let count = 0; count < 600; count += 1) node.pay(1);
  await until("512 calls", () => node.came.length === 512);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(node.came.length).toBe(512);
});

test("what waits here is bounded", async () => {
  const node = await Node.start();
  node.answer = () => NEVER;
  const flood = () => {
    for (let count = 0; count < 10_000; count += 1) node.pay(1);
  };
  expect(flood).toThrow("busy with calls waiting in this client");
});

test("a refused call is named, fails every promise asked for, and leaves its number", async () => {
  const node = await Node.start();
  node.answer = refused("not_a_member", 100002, { account: node.key.address });
  const call = node.pay(1);
  const error = await call.final.catch((reason) => reason);
  expect(error).toBeInstanceOf(RefusedError);
  expect(error.refusal.name).toBe("not_a_member");
  expect([call.status, call.error]).toEqual(["failed", error]);
  await expect(call.settled).rejects.toBe(error);
  node.answer = (given) => node.run(given);
  await node.pay(2).executed;
  expect(node.came).toEqual([0, 0]);
  expect(node.server.count("state_channel.sequence")).toBe(2);
});

test("after a refusal the number is asked for once what is under way has its answer", async () => {
  const node = await Node.start();
  const held: (() => void)[] = [];
  node.answer = (call) => {
    if (call.sequence === 0) refused("not_a_member", 100002, { account: "" })();
    return new Promise((resolve) => held.push(() => resolve(node.run(call))));
  };
  const [first, second] = [node.pay(1), node.pay(2)];
  await expect(first.executed).rejects.toBeInstanceOf(RefusedError);
  const third = node.pay(3);
  await until("the second call", () => held.length === 1);
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(node.came).toEqual([0, 1]);
  held.shift()?.();
  await second.executed;
  await until("the third call", () => held.length === 1);
  held.shift()?.();
  await third.executed;
  expect(node.came).toEqual([0, 1, 2]);
  expect(node.server.count("state_channel.sequence")).toBe(2);
});

test("a refusal while the next call is signed leaves no gap and no nonsense in the numbers", async () => {
  const node = await Node.start();
  let slow = Promise.resolve();
  const wallet = {
    address: node.key.address,
    publicKey: node.key.publicKey,
    sign: async (bytes: Uint8Array) => {
      await slow;
      return node.key.sign(bytes);
    },
  };
  const me = node.channel.member(wallet);
  const refuse = refused("not_a_member", 100002, { account: "" });
  let release = () => {};
  node.answer = async (_, time) => {
    if (time === 1) await new Promise<void>((resolve) => (release = resolve));
    refuse();
  };
  const first = me.call(PAY, ["0x5", 1]);
  await until("the first call", () => node.came.length === 1);
  let sign = () => {};
  slow = new Promise((resolve) => {
    sign = resolve;
  });
  const second = me.call(PAY, ["0x5", 2]);
  release();
  await expect(first.executed).rejects.toBeInstanceOf(RefusedError);
  sign();
  await expect(second.executed).rejects.toBeInstanceOf(RefusedError);
  node.answer = (call) => node.run(call);
  await me.call(PAY, ["0x5", 3]).executed;
  expect(node.came).toEqual([0, 1, 0]);
});

test("a failed execution uses its number; it is sure once it is certified", async () => {
  const node = await Node.start();
  node.answer = (call, time) => {
    const report = node.run(call);
    if (time > 1) return report;
    const details = { address: "0x42", module: "app", code: 1, name: "E_ONE" };
    node.reports.set(report.call, {
      ...report,
      error: { name: "move_abort", details, transient: false },
    });
    throw Answer.refusal("move_abort", 100005, details);
  };
  const call = node.pay(1);
  const certified = call.certified.catch((error) => error);
  const error = await call.executed.catch((reason) => reason);
  expect(error.refusal).toMatchObject({ name: "move_abort", details: { name: "E_ONE" } });
  expect(call.status).toBe("failed");
  await node.heights(1, 0, 0);
  expect(await certified).toBe(error);
  await node.pay(2).executed;
  expect(node.came).toEqual([0, 1]);
  expect(node.server.count("state_channel.sequence")).toBe(1);
});

test("a busy node is asked again with the same signed call", async () => {
  const node = await Node.start();
  node.answer = (call, time) => {
    if (time < 4) refused("busy", 100007, { what: "calls", retry_after_ms: 1 }, true)();
    return node.run(call);
  };
  await node.pay(1).executed;
  const sent = node.server.requests.filter(({ method }) => method === "state_channel.call");
  expect(new Set(sent.map(({ params }) => JSON.stringify(params.call))).size).toBe(1);
  expect(sent.length).toBe(4);
});

test("a connection that breaks in mid-call: the same signed call is sent until it is answered", async () => {
  const node = await Node.start();
  node.answer = (call, time) => {
    if (time === 3) return node.run(call);
    node.server.cut();
    return NEVER;
  };
  const report = await node.pay(1).executed;
  expect(report.height).toBe(1);
  const sent = node.server.requests.filter(({ method }) => method === "state_channel.call");
  expect(new Set(sent.map(({ params }) => JSON.stringify(params.call))).size).toBe(1);
});

test("a call that ran before its answer was lost is found in the log", async () => {
  const node = await Node.start();
  node.answer = (call, time) => {
    if (time === 1) {
      node.run(call);
      node.server.cut();
      return NEVER;
    }
    return refused("sequence_number", 100004, { account: "", expected: 1, actual: 0 })();
  };
  expect((await node.pay(1).executed).height).toBe(1);
});

test("a sequence number that is another's is refused", async () => {
  const node = await Node.start();
  node.answer = refused("sequence_number", 100004, { account: "", expected: 9, actual: 0 });
  await expect(node.pay(1).executed).rejects.toMatchObject({
    refusal: { name: "sequence_number" },
  });
});

test("a node that never answers ends with an error after the call has expired", async () => {
  const node = await Node.start();
  node.answer = () => NEVER;
  vi.useFakeTimers({ toFake: ["setTimeout", "Date"] });
  try {
    const call = node.me.call(PAY, ["0x5", 1], { lifetimeMs: 1_000 });
    const ended = call.executed.catch((error) => error);
    await vi.waitFor(async () => {
      await vi.advanceTimersByTimeAsync(500);
      expect(call.status).toBe("failed");
    });
    expect(await ended).toBeInstanceOf(TimedOutError);
  } finally {
    vi.useRealTimers();
  }
});

test("a block that is taken back makes its calls predicted again, and sends them again", async () => {
  const node = await Node.start();
  const call = node.pay(1);
  const seen: string[] = [];
  call.on("status", ({ to }) => seen.push(to));
  await call.executed;
  await until("the subscription", () => node.server.count("state_channel.subscribe") === 1);
  node.answer = (given) => node.run(given, 3);
  await node.tell({ kind: "rolled_back", to: 0 });
  await until("the call again", () => node.came.length === 2);
  await until("its second block", () => call.report?.height === 3);
  await node.heights(1, 1, 0);
  expect(call.status).toBe("executed");
  await node.heights(3, 3, 0);
  expect((await call.final).height).toBe(3);
  expect(seen).toEqual(["executed", "predicted", "executed", "final"]);
});

test("heights after an unheard-of roll-back count for the block that has the call now", async () => {
  const node = await Node.start();
  let hold: (report: CallReport) => void = () => {};
  node.answer = (call) =>
    new Promise((resolve) => {
      hold = () => resolve(node.run(call, 1));
    });
  const call = node.pay(1);
  await until("the call", () => node.came.length === 1);
  await node.tell({ kind: "rolled_back", to: 0 });
  hold({} as CallReport);
  await call.executed;
  const moved = node.reports.get(call.hash ?? "") as CallReport;
  node.reports.set(moved.call, { ...moved, height: 5 });
  await node.heights(2, 2, 0);
  await until("the question", () => node.server.count("state_channel.report") === 1);
  await until("the answer", () => call.report?.height === 5);
  expect(call.status).toBe("executed");
  await node.heights(5, 5, 0);
  expect((await call.final).height).toBe(5);
});

test("promises that nobody asked for fail without a word", async () => {
  const node = await Node.start();
  node.answer = refused("closed", 100009, {});
  const call = node.pay(1);
  await until("the failure", () => call.status === "failed");
  expect(call.error).toBeInstanceOf(RefusedError);
});

test("closing the client fails what is under way", async () => {
  const node = await Node.start();
  node.answer = () => NEVER;
  const call = node.pay(1);
  const ended = call.executed.catch((error) => error);
  await until("the call", () => node.came.length === 1);
  node.connection.close();
  expect(await ended).toBeInstanceOf(ClosedError);
});

test("closing the client fails what waits for more, and leaves what was reached", async () => {
  const node = await Node.start();
  const call = node.pay(1);
  const report = await call.executed;
  const final = call.final.catch((error) => error);
  node.connection.close();
  expect(await final).toBeInstanceOf(ClosedError);
  await expect(call.settled).rejects.toBeInstanceOf(ClosedError);
  expect([call.status, await call.executed]).toEqual(["executed", report]);
});

test("a signer that refuses fails its call alone", async () => {
  const node = await Node.start();
  let refuses = true;
  const wallet = {
    address: node.key.address,
    publicKey: node.key.publicKey,
    sign: async (bytes: Uint8Array) => {
      if (refuses) throw new Error("the user said no");
      return node.key.sign(bytes);
    },
  };
  const me = node.channel.member(wallet);
  await expect(me.call(PAY, ["0x5", 1]).executed).rejects.toThrow("the user said no");
  refuses = false;
  await me.call(PAY, ["0x5", 1]).executed;
  expect(node.came).toEqual([0]);
});

const COUNT = "0x42::app::Count";

/** A block that holds a call and leaves this count. */
function counted(height: number, call: string, count: number): Notice {
  const changes = [{ address: "0x1", type: COUNT, value: { count } }];
  const hashes = { hash: `${height}`, parent: `${height - 1}`, state_root: "" };
  const calls = [{ call, index: 0, error: null }];
  return { kind: "block", height, ...hashes, time: 0, changes, events: [], calls };
}

async function live(node: Node): Promise<LiveState<number>> {
  const starting = LiveState.start(node.channel, {
    select: (mirror) => (mirror.get("0x1", COUNT) as { count: number } | undefined)?.count ?? 0,
    reduce: (count) => count + 1,
  });
  await node.tell({ kind: "snapshot", height: 0, hash: "", state_root: "", resources: [] });
  return starting;
}

test("a predicted call counts once, whichever comes first: its answer or its block", async () => {
  const node = await Node.start();
  const state = await live(node);
  const first = state.call(node.me, PAY, ["0x5", 1]);
  expect([state.value, state.confirmed]).toEqual([1, 0]);
  await first.executed;
  await node.tell(counted(1, first.hash ?? "", 1));
  await until("the block", () => state.confirmed === 1);
  expect(state.value).toBe(1);
  let answer = () => {};
  node.answer = (call) =>
    new Promise((resolve) => {
      answer = () => resolve(node.run(call));
    });
  const second = state.call(node.me, PAY, ["0x5", 1]);
  await until("the call", () => node.came.length === 2);
  expect(state.value).toBe(2);
  await node.tell(counted(2, second.hash ?? "", 2));
  await until("the block", () => state.confirmed === 2);
  expect(state.value).toBe(2);
  answer();
  await second.executed;
  expect(state.value).toBe(2);
});

test("a refused call is rolled back; one whose block is taken back is predicted again", async () => {
  const node = await Node.start();
  const state = await live(node);
  const call = state.call(node.me, PAY, ["0x5", 1]);
  await call.executed;
  await node.tell(counted(1, call.hash ?? "", 1));
  await until("the block", () => state.confirmed === 1);
  node.answer = () => NEVER;
  await node.tell({ kind: "rolled_back", to: 0 });
  await until("the roll-back", () => state.confirmed === 0);
  expect(state.value).toBe(1);
  await node.tell(counted(1, call.hash ?? "", 1));
  await until("the block again", () => state.confirmed === 1);
  expect(state.value).toBe(1);
  node.answer = refused("closed", 100009, {});
  const late = state.call(node.me, PAY, ["0x5", 1]);
  expect(state.value).toBe(2);
  await until("the refusal", () => late.status === "failed");
  expect(state.value).toBe(1);
});

test("an app's own ABI is used, and the node is not asked for it", async () => {
  const server = await ScriptedServer.start({
    "state_channel.get": () => ({ record: { chain: 9 }, status: null }),
    "state_channel.list": () => [],
  });
  const client = await Client.connect(server.url);
  const channel = await client.channel(CHANNEL, { abi, chain: 1 });
  expect([channel.abi, channel.chain]).toEqual([abi, 1]);
  expect(server.count("state_channel.abi")).toBe(0);
  expect(await client.channel(CHANNEL)).toBe(channel);
  client.close();
  await server.stop();
});
