import type { ChainEvent, StateEntry } from "@fairway/sdk";
import { expect, test } from "vitest";
import { history } from "../../src/history.js";
import { pageStart } from "../../src/views/Blocks.js";
import { wanted } from "../../src/views/StateBrowser.js";

test("a page of blocks ends where it is asked to and begins where blocks are kept", () => {
  expect(pageStart(100, 0)).toBe(81);
  expect(pageStart(5, 0)).toBe(1);
  expect(pageStart(100, 95)).toBe(96);
});

test("entries are found by type, owner or what they hold", () => {
  const entry = (key: string, owner: string, value: string): StateEntry => ({
    key,
    kind: "resource",
    owner,
    type: "0x2::vault::Vault",
    value,
    size: 1,
  });
  const page = {
    height: 1,
    state_root: "",
    entries: [entry("a", "0xbfae", "300"), entry("b", "0x3b6d", "200")],
  };
  expect(wanted([page, page], "").length).toBe(4);
  expect(wanted([page], "BFAE").map((one) => one.key)).toEqual(["a"]);
  expect(wanted([page], "200").map((one) => one.key)).toEqual(["b"]);
  expect(wanted([page], "vault").length).toBe(2);
});

test("a channel's history is all that the chain says of it but heartbeats, page by page", async () => {
  const events = Array.from(
    { length: 2_500 },
    (_, number): ChainEvent => ({
      number,
      height: number,
      transaction: "",
      channel: number % 2 === 0 ? "ours" : "theirs",
      type: number % 1_000 === 0 ? "0x3::settlement::Settled" : "0x3::membership::Heartbeat",
      data: null,
    }),
  );
  const asked: number[] = [];
  const ask = async (from: number, limit: number) => {
    asked.push(from);
    return events.slice(from, from + limit);
  };
  const steps = [];
  for await (const step of history(ask, "ours")) steps.push(step);
  expect(asked).toEqual([0, 1_000, 2_000]);
  expect(steps.map((step) => [step.looked, step.done])).toEqual([
    [1_000, false],
    [2_000, false],
    [2_500, true],
  ]);
  expect(steps.at(-1)?.found.map((event) => event.number)).toEqual([0, 1_000, 2_000]);
});
