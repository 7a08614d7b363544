import { readFileSync } from "node:fs";
import { Client, Keypair, NATIVE, type Notice, refusalOf, type SignedCall } from "@fairway/sdk";
import { act, cleanup, renderHook, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Answer, type Peer, ScriptedServer } from "../../typescript/test/unit/server.js";
import { useCall, useChannel, usePresence, useResource } from "../src/index.js";

const path = `${import.meta.dirname}/../../fixtures/arguments.json`;
const { abi } = JSON.parse(readFileSync(path, "utf8"));
const ID = `0x${"22".repeat(32)}`;
const key = Keypair.fromSeed(new Uint8Array(32).fill(1));

let server: ScriptedServer;
let client: Client;
let feed: (notice: Notice) => void = () => {};
let ended = 0;
let heard = 1_000;

beforeEach(async () => {
  ended = 0;
  server = await ScriptedServer.start({
    "state_channel.abi": ({ channel }) => {
      if (channel === ID) return abi;
      throw Answer.refusal("channel_not_found", 100001, { channel });
    },
    "state_channel.get": () => ({
      record: { chain: 1 },
      status: {
        members: [
          { account: key.address, heard_at: heard },
          { account: "b", heard_at: 9_000 },
        ],
      },
    }),
    "state_channel.sequence": () => 0,
    "state_channel.call": () => {
      throw Answer.refusal("not_a_member", 100002, { account: key.address });
    },
    "state_channel.subscribe": (_, peer: Peer) => {
      feed = (notice) => peer.notify(1, notice);
      return 1;
    },
    "state_channel.unsubscribe": () => {
      ended += 1;
      return true;
    },
    "state_channel.list": () => [],
  });
  client = await Client.connect(server.url);
});

afterEach(async () => {
  cleanup();
  client.close();
  await server.stop();
});

test("a channel is loaded, or its error shown", async () => {
  const { result, rerender } = renderHook(({ id }) => useChannel(client, id), {
    initialProps: { id: null as string | null },
  });
  expect(result.current.loading).toBe(true);
  rerender({ id: ID });
  await waitFor(() => expect(result.current.value?.id).toBe(ID));
  rerender({ id: `0x${"33".repeat(32)}` });
  expect(result.current.value).toBeUndefined();
  await waitFor(() => expect(result.current.error?.message).toContain("channel_not_found"));
});

test("a resource follows its blocks, and its subscription ends with the component", async () => {
  const channel = await client.channel(ID);
  const type = "0x42::app::Coin";
  const { result, unmount } = renderHook(() => useResource(channel, "0x5", type));
  await waitFor(() => expect(server.count("state_channel.subscribe")).toBe(1));
  const resources = [{ address: "0x5", type, value: { amount: "1" } }];
  feed({ kind: "snapshot", height: 1, hash: "", state_root: "", resources });
  await waitFor(() => expect(result.current.value).toEqual({ amount: "1" }));
  const rest = { hash: "2", parent: "1", time: 0, state_root: "", events: [], calls: [] };
  feed({ kind: "block", height: 2, changes: [{ address: "0x5", type, value: null }], ...rest });
  await waitFor(() => expect(result.current.value).toBeNull());
  unmount();
  await waitFor(() => expect(ended).toBe(1));
});

test("a call shows what is wrong with it, before and after it is sent", async () => {
  const member = (await client.channel(ID)).member(key);
  const { result } = renderHook(() => useCall(member, "0x42::app::pay"));
  expect(result.current.status).toBeUndefined();
  act(() => void result.current.call(["0x5", "x"]));
  expect(result.current.error?.message).toBe('invalid args[1]: expected u64, found "x"');
  expect(server.count("state_channel.call")).toBe(0);
  act(() => void result.current.call(["0x5", 1]));
  expect(result.current.status).toBe("predicted");
  await waitFor(() => expect(result.current.status).toBe("failed"));
  expect(result.current.error?.message).toContain("not_a_member");
});

test("a call by a session key is signed by it, and shows that it spent too much", async () => {
  const session = Keypair.fromSeed(new Uint8Array(32).fill(7));
  server.handlers["state_channel.call"] = ({ call }) => {
    const { call: inside, key: by } = call as SignedCall;
    const spent = { asset: NATIVE, left: 3, spent: 4 };
    if (
      inside.sender === key.address &&
      by === session.publicKey &&
      "session" in Object(inside.operation)
    )
      throw Answer.refusal("over_spent", 100029, spent);
    throw Answer.refusal("internal", 100099, { reason: "another call than expected" });
  };
  const member = (await client.channel(ID)).session(key.address, session);
  const { result } = renderHook(() => useCall(member, "0x42::app::pay"));
  act(() => void result.current.call(["0x5", 4]));
  await waitFor(() => expect(result.current.status).toBe("failed"));
  expect(refusalOf(result.current.error, "over_spent")).toMatchObject({ left: 3, spent: 4 });
});

test("a call without a member is an error, not a crash", () => {
  const { result } = renderHook(() => useCall(null, "0x42::app::pay"));
  act(() => void result.current.call([]));
  expect(result.current.error?.message).toContain("before there was a member");
});

test("presence is asked for again", async () => {
  heard = 1_000;
  const { result } = renderHook(() => usePresence(client, ID, 20));
  await waitFor(() => expect(result.current.value?.map((p) => p.present)).toEqual([false, true]));
  heard = 8_999;
  await waitFor(() => expect(result.current.value?.map((p) => p.present)).toEqual([true, true]));
});
