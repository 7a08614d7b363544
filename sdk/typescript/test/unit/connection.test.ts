import { afterEach, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { Connection } from "../../src/connection.js";
import {
  ClosedError,
  ProtocolError,
  RefusedError,
  RpcError,
  TimedOutError,
  UnreachableError,
} from "../../src/errors.js";
import { parseJson, writeJson } from "../../src/json.js";
import type { ConnectionOptions } from "../../src/options.js";
import { openInBrowser } from "../../src/socket.js";
import { backoffMs } from "../../src/time.js";
import { Answer, type Handler, NEVER, ScriptedServer, until } from "./server.js";

const open: { close(): void }[] = [];
const servers: ScriptedServer[] = [];
const FAST: ConnectionOptions = { backoff: { firstMs: 10, mostMs: 40 }, connectTimeoutMs: 2_000 };

afterEach(async () => {
  for (const one of open.splice(0)) one.close();
  for (const server of servers.splice(0)) await server.stop();
});

async function server(handlers: Record<string, Handler>): Promise<ScriptedServer> {
  const started = await ScriptedServer.start(handlers);
  servers.push(started);
  return started;
}

async function connect(url: string, options: ConnectionOptions = FAST): Promise<Connection> {
  const connection = await Connection.open(url, options);
  open.push(connection);
  return connection;
}

test("nobody listening is an error that names the address and the reason", async () => {
  const stopped = await ScriptedServer.start({});
  await stopped.stop();
  const failed = await Connection.open(stopped.url).catch((error) => error);
  expect(failed).toBeInstanceOf(UnreachableError);
  expect(failed.message).toContain(stopped.url);
  expect(failed.message).toContain("ECONNREFUSED");
});

test("what is no address is refused with the reason", async () => {
  for (const url of ["", "nowhere", "ftp://127.0.0.1"]) {
    const failed = await Connection.open(url).catch((error) => error);
    expect(failed).toBeInstanceOf(RefusedError);
    expect(failed.message).toMatch(/^invalid url or token: /);
  }
});

test("a server that gives a subscription no number is taken for something else", async () => {
  const node = await server({ "state_channel.subscribe": () => "one" });
  const connection = await connect(node.url);
  const sink = { notice: () => {}, gone: () => {} };
  const subscribed = connection.subscribe("state_channel.subscribe", {}, sink);
  await expect(subscribed).rejects.toBeInstanceOf(ProtocolError);
});

test("a token goes as a header", async () => {
  const node = await server({});
  await connect(node.url, { ...FAST, token: "secret" });
  expect(node.headers[0]?.authorization).toBe("Bearer secret");
});

test("in a browser a token goes as a subprotocol", async () => {
  const node = await server({});
  vi.stubGlobal("WebSocket", WebSocket);
  try {
    const socket = openInBrowser(node.url, "secret");
    await new Promise((resolve) => {
      socket.onopen = resolve;
    });
    socket.close();
    expect(node.headers[0]?.["sec-websocket-protocol"]).toBe("fairway.token.secret");
    vi.stubGlobal("WebSocket", undefined);
    expect(() => openInBrowser(node.url, undefined)).toThrow("there is no WebSocket here");
  } finally {
    vi.unstubAllGlobals();
  }
});

test("answers find their requests in whatever order they come", async () => {
  const node = await server({
    "chain.sequence": async ({ account }) => {
      await new Promise((resolve) => setTimeout(resolve, account === "slow" ? 60 : 1));
      return account === "slow" ? 1 : 2;
    },
  });
  const connection = await connect(node.url);
  const slow = connection.request("chain.sequence", { account: "slow" });
  expect(await connection.request("chain.sequence", { account: "fast" })).toBe(2);
  expect(await slow).toBe(1);
});

test("refusals keep code, name and fields; other errors keep their code", async () => {
  const node = await server({
    "chain.info": () => {
      throw Answer.refusal("too_large", 100011, { what: "call", actual: 9, limit: 8 });
    },
    "state_channel.status": () => {
      throw new Answer({ code: 123456, message: "later", data: { name: "later", details: {} } });
    },
  });
  const connection = await connect(node.url);
  const refused = await connection.request("chain.info", {}).catch((error) => error);
  expect(refused).toBeInstanceOf(RefusedError);
  expect(refused).toMatchObject({
    code: 100011,
    transient: false,
    refusal: { name: "too_large", details: { what: "call", actual: 9, limit: 8 } },
  });
  const unknown = await connection.request("state_channel.status", {}).catch((error) => error);
  expect(unknown).toBeInstanceOf(RpcError);
  expect(unknown.code).toBe(123456);
});

test("a server that never answers is an error after the request's time", async () => {
  const node = await server({ "chain.info": () => NEVER });
  const connection = await connect(node.url, { ...FAST, requestTimeoutMs: 50 });
  const late = await connection.request("chain.info", {}).catch((error) => error);
  expect(late).toBeInstanceOf(TimedOutError);
  expect(late.message).toContain("chain.info");
});

test("a request under way is sent once more when the connection breaks", async () => {
  let times = 0;
  const node: ScriptedServer = await server({
    "chain.sequence": () => {
      times += 1;
      if (times === 1) {
        node.cut();
        return NEVER;
      }
      return 7;
    },
  });
  const connection = await connect(node.url);
  expect(await connection.request("chain.sequence", { account: "a" })).toBe(7);
  expect(times).toBe(2);
});

test("money is not asked for twice", async () => {
  const node: ScriptedServer = await server({
    "chain.faucet": () => {
      node.cut();
      return NEVER;
    },
  });
  const connection = await connect(node.url);
  const asked = connection.request("chain.faucet", { account: "a", amount: { amount: "1" } });
  await expect(asked).rejects.toBeInstanceOf(UnreachableError);
  expect(node.count("chain.faucet")).toBe(1);
});

test("leaving and coming back are told, and requests wait meanwhile", async () => {
  const node = await server({ "chain.sequence": () => 3 });
  const connection = await connect(node.url);
  const left = vi.fn();
  const back = vi.fn();
  connection.onLeave(left);
  const off = connection.onReconnect(back);
  await node.stop();
  await until("the break", () => left.mock.calls.length === 1);
  expect(connection.connected).toBe(false);
  const asked = connection.request("chain.sequence", { account: "a" });
  await node.restart();
  expect(await asked).toBe(3);
  expect(back).toHaveBeenCalledTimes(1);
  expect(back.mock.calls[0]?.[0]).toMatchObject({ url: node.url });
  off();
  node.cut();
  await until("the second break", () => left.mock.calls.length === 2);
  await until("the connection", () => connection.connected);
  expect(back).toHaveBeenCalledTimes(1);
});

test("a request with no connection fails after the time to connect", async () => {
  const node = await server({});
  const connection = await connect(node.url, { ...FAST, connectTimeoutMs: 100 });
  await node.stop();
  await until("the break", () => !connection.connected);
  await expect(connection.request("chain.info", {})).rejects.toBeInstanceOf(UnreachableError);
  await node.restart();
});

test("a silent connection is taken for broken", async () => {
  const node = await server({ "state_channel.list": () => NEVER });
  const connection = await connect(node.url, { ...FAST, idleMs: 60 });
  const left = vi.fn();
  connection.onLeave(left);
  await until("the break", () => left.mock.calls.length > 0);
  expect(left.mock.calls[0]?.[0].reason).toMatch(/^silent for \d+ ms$/);
  expect(node.count("state_channel.list")).toBeGreaterThan(0);
});

test("an idle connection whose server lives stays", async () => {
  const node = await server({ "state_channel.list": () => [] });
  const connection = await connect(node.url, { ...FAST, idleMs: 30 });
  const left = vi.fn();
  connection.onLeave(left);
  await until("some signs of life", () => node.count("state_channel.list") > 4);
  expect(left).not.toHaveBeenCalled();
});

test("a client that was itself held up does not take its server for gone", async () => {
  const node = await server({ "state_channel.list": () => [] });
  const connection = await connect(node.url, { ...FAST, idleMs: 150 });
  const left = vi.fn();
  connection.onLeave(left);
  // As a tab that nobody looks at: nothing runs, then the timer is far too late.
  const end = Date.now() + 600;
  while (Date.now() < end);
  await until("a sign of life", () => node.count("state_channel.list") > 0);
  expect(left).not.toHaveBeenCalled();
});

test("what is no JSON ends what waits, with what was wrong", async () => {
  const node = await server({
    "chain.info": (_, peer) => {
      peer.socket.send("<html>");
      return NEVER;
    },
  });
  const connection = await connect(node.url);
  await expect(connection.request("chain.info", {})).rejects.toBeInstanceOf(ProtocolError);
});

test("closing fails what waits and everything after it", async () => {
  const node = await server({ "chain.info": () => NEVER });
  const connection = await connect(node.url);
  const asked = connection.request("chain.info", {});
  await until("the request", () => node.count("chain.info") === 1);
  connection.close();
  await expect(asked).rejects.toBeInstanceOf(ClosedError);
  await expect(connection.request("chain.info", {})).rejects.toBeInstanceOf(ClosedError);
});

test("closing while it is away ends the attempts", async () => {
  const node = await server({});
  const connection = await connect(node.url);
  await node.stop();
  await until("the break", () => !connection.connected);
  const asked = connection.request("chain.info", {});
  connection.close();
  await expect(asked).rejects.toBeInstanceOf(ClosedError);
  await node.restart();
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(node.peers.size).toBe(0);
});

test("waits grow to their limit and keep a random half", () => {
  const backoff = { firstMs: 100, mostMs: 1_000 };
  const least = [0, 1, 2, 3, 4, 50].map((attempt) => backoffMs(backoff, attempt, () => 0));
  expect(least).toEqual([50, 100, 200, 400, 500, 500]);
  expect(backoffMs(backoff, 1_000, () => 1)).toBe(1_000);
});

test("whole numbers keep their value, in both directions", () => {
  const text =
    '{"a":9007199254740993,"b":"9007199254740993:1234567890123456789","c":12,"d":[18446744073709551615,1.5]}';
  const value = parseJson(text) as Record<string, unknown>;
  expect(value).toEqual({
    a: 9007199254740993n,
    b: "9007199254740993:1234567890123456789",
    c: 12,
    d: [18446744073709551615n, 1.5],
  });
  expect(writeJson({ a: 5n, b: new Uint8Array([1, 2]) })).toBe('{"a":"5","b":"0x0102"}');
  const quoted = JSON.stringify({ memo: '", 12345678901234567890 "', n: 1 });
  expect(parseJson(quoted)).toEqual({ memo: '", 12345678901234567890 "', n: 1 });
});
