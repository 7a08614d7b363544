import fc from "fast-check";
import { expect, test } from "vitest";
import type { Json, Notice, ResourceView } from "../../src/api.js";
import { Mirror } from "../../src/mirror.js";
import { type PredictedCall, Prediction } from "../../src/predict.js";

type Numbers = readonly number[];

/** Appends the argument; odd ones fail. */
const reduce = (state: Numbers, call: PredictedCall): Numbers => {
  const [value] = call.args as [number];
  if (value % 2) throw new Error("odd");
  return [...state, value];
};

const call = (value: number): PredictedCall => ({ function: "0x1::a::b", args: [value] });
const CONTEXT = { sender: "0x1" };

test("a call counts at once, and no more when it fails", () => {
  const prediction = new Prediction<Numbers>([], reduce);
  prediction.add("a", call(2), CONTEXT);
  prediction.add("b", call(4), CONTEXT);
  expect(prediction.value).toEqual([2, 4]);
  expect(prediction.confirmed).toEqual([]);
  prediction.remove("a");
  expect(prediction.value).toEqual([4]);
});

test("a call that the reducer refuses changes nothing", () => {
  const prediction = new Prediction<Numbers>([], reduce);
  prediction.add("a", call(3), CONTEXT);
  expect(prediction.value).toEqual([]);
  expect(prediction.pending).toBe(1);
});

test("a block that is taken back makes its calls predictions again", () => {
  const prediction = new Prediction<Numbers>([], reduce);
  prediction.add("a", call(2), CONTEXT);
  prediction.confirm([2], 5, ["a"]);
  expect([prediction.value, prediction.pending]).toEqual([[2], 0]);
  prediction.rollBack([], 4);
  expect([prediction.value, prediction.pending]).toEqual([[2], 1]);
  prediction.confirm([2], 5, ["a"]);
  prediction.harden(5);
  expect(prediction.has("a")).toBe(false);
  prediction.rollBack([], 4);
  expect(prediction.value).toEqual([]);
});

/** What can happen to a prediction, against a log that is kept beside it. */
const step = fc.oneof(
  fc.record({ kind: fc.constant("call" as const), value: fc.nat(9) }),
  fc.record({ kind: fc.constant("block" as const), count: fc.nat(3) }),
  fc.record({ kind: fc.constant("refuse" as const), which: fc.nat(5) }),
  fc.record({ kind: fc.constant("back" as const), blocks: fc.nat(3) }),
  fc.record({ kind: fc.constant("final" as const), blocks: fc.nat(3) }),
);

test("the value is always the log, then every call that is not in it, in order", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const prediction = new Prediction<Numbers, number>([], reduce);
      const values = new Map<number, number>();
      let waiting: number[] = [];
      let log: number[][] = [];
      let final = 0;
      let next = 0;
      const state = () => log.flat().map((id) => values.get(id) ?? 0);
      const kept = () => state().filter((value) => value % 2 === 0);
      for (const event of steps) {
        if (event.kind === "call") {
          values.set(next, event.value);
          waiting.push(next);
          prediction.add(next, call(event.value), CONTEXT);
          next += 1;
        } else if (event.kind === "block") {
          log.push(waiting.splice(0, event.count));
          prediction.confirm(kept(), log.length, log.at(-1) ?? []);
        } else if (event.kind === "refuse") {
          const [id] = waiting.splice(event.which, 1);
          if (id !== undefined) prediction.remove(id);
        } else if (event.kind === "back") {
          const to = Math.max(final, log.length - event.blocks);
          const back = log.slice(to).flat();
          log = log.slice(0, to);
          waiting = [...back, ...waiting].sort((a, b) => a - b);
          prediction.rollBack(kept(), to);
        } else {
          final = Math.min(log.length, final + event.blocks);
          prediction.harden(final);
        }
        const predicted = waiting
          .map((id) => values.get(id) ?? 0)
          .filter((value) => value % 2 === 0);
        expect(prediction.value).toEqual([...kept(), ...predicted]);
        expect(prediction.confirmed).toEqual(kept());
        expect(prediction.pending).toBe(waiting.length);
      }
    }),
    { numRuns: 500 },
  );
});

const resource = (owner: number, value: Json): ResourceView => ({
  address: `0x${owner}`,
  type: "0x1::a::R",
  value,
});

function block(height: number, changes: ResourceView[]): Notice {
  const hashes = { hash: `${height}`, parent: `${height - 1}`, state_root: "" };
  return { kind: "block", height, ...hashes, time: 0, changes, events: [], calls: [] };
}

const shown = (mirror: Mirror) =>
  Object.fromEntries([...mirror.all()].map(({ address, value }) => [address, value]));

const change = fc.record({ owner: fc.nat(3), value: fc.option(fc.nat(9), { nil: null }) });
const notice = fc.oneof(
  fc.record({ kind: fc.constant("block" as const), changes: fc.array(change, { maxLength: 4 }) }),
  fc.record({ kind: fc.constant("back" as const), blocks: fc.nat(4) }),
  fc.record({ kind: fc.constant("final" as const), blocks: fc.nat(4) }),
);

test("a mirror is what the blocks that still stand have left", () => {
  fc.assert(
    fc.property(fc.array(notice, { maxLength: 60 }), (notices) => {
      const mirror = new Mirror();
      const start = [resource(0, 5), resource(9, "kept")];
      mirror.take({ kind: "snapshot", height: 10, hash: "", state_root: "", resources: start });
      let log: ResourceView[][] = [];
      let final = 0;
      for (const event of notices) {
        if (event.kind === "block") {
          const changes = event.changes.map(({ owner, value }) => resource(owner, value));
          log.push(changes);
          mirror.take(block(10 + log.length, changes));
        } else if (event.kind === "back") {
          const to = Math.max(final, log.length - event.blocks);
          log = log.slice(0, to);
          mirror.take({ kind: "rolled_back", to: 10 + to });
        } else {
          final = Math.min(log.length, final + event.blocks);
          mirror.take({ kind: "heights", certified: 10 + final, final: 10 + final, settled: 0 });
        }
        const expected: Record<string, Json> = {};
        for (const { address, value } of [...start, ...log.flat()]) {
          if (value === null) delete expected[address];
          else expected[address] = value ?? null;
        }
        expect(shown(mirror)).toEqual(expected);
        expect(mirror.height).toBe(10 + log.length);
      }
    }),
    { numRuns: 500 },
  );
});
