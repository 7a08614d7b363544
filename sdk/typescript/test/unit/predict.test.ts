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
const changes = fc.array(change, { maxLength: 4 });
const notice = fc.oneof(
  fc.record({ kind: fc.constant("block" as const), changes }),
  fc.record({ kind: fc.constant("back" as const), blocks: fc.nat(8) }),
  fc.record({ kind: fc.constant("final" as const), blocks: fc.nat(2) }),
  fc.record({ kind: fc.constant("snapshot" as const) }),
);

/** A log of blocks, and the notices of it. */
class Log {
  blocks: ResourceView[][] = [];
  final = 0;

  get state(): Record<string, Json> {
    const state: Record<string, Json> = {};
    for (const { address, value } of this.blocks.flat()) {
      if (value === null) delete state[address];
      else state[address] = value ?? null;
    }
    return state;
  }

  snapshot(): Notice {
    const resources = Object.entries(this.state).map(([address, value]) => ({
      address,
      type: "0x1::a::R",
      value,
    }));
    return { kind: "snapshot", height: this.blocks.length, hash: "", state_root: "", resources };
  }

  take(event: { kind: "block"; changes: { owner: number; value: Json }[] }): Notice {
    const changes = event.changes.map(({ owner, value }) => resource(owner, value));
    this.blocks.push(changes);
    return block(this.blocks.length, changes);
  }

  back(blocks: number): Notice {
    const to = Math.max(this.final, this.blocks.length - blocks);
    this.blocks.length = to;
    return { kind: "rolled_back", to };
  }

  harden(blocks: number): Notice {
    this.final = Math.min(this.blocks.length, this.final + blocks);
    return { kind: "heights", certified: this.final, final: this.final, settled: 0 };
  }
}

test("a mirror is what the blocks that still stand have left, or says that it is stale", () => {
  const before = fc.array(changes, { minLength: 1, maxLength: 10 });
  fc.assert(
    fc.property(before, fc.array(notice, { maxLength: 60 }), (first, events) => {
      const [mirror, log] = [new Mirror(), new Log()];
      for (const changes of first) log.take({ kind: "block", changes });
      let base = log.blocks.length;
      let stale = false;
      mirror.take(log.snapshot());
      for (const event of events) {
        if (event.kind === "block") mirror.take(log.take(event));
        else if (event.kind === "final") mirror.take(log.harden(event.blocks));
        else if (event.kind === "back") mirror.take(log.back(event.blocks));
        else mirror.take(log.snapshot());
        if (event.kind === "snapshot") base = log.blocks.length;
        stale = event.kind === "snapshot" ? false : stale || log.blocks.length < base;
        expect(mirror.stale).toBe(stale);
        if (stale) continue;
        expect(shown(mirror)).toEqual(log.state);
        expect(mirror.height).toBe(log.blocks.length);
      }
    }),
    { numRuns: 1_000 },
  );
});

test("a stale mirror keeps its values, and counts no block as seen that is gone", () => {
  const mirror = new Mirror();
  const resources = [resource(1, "old")];
  mirror.take({ kind: "snapshot", height: 9, hash: "", state_root: "", resources });
  mirror.take({ kind: "rolled_back", to: 7 });
  mirror.take(block(8, [resource(1, "new"), resource(2, "new")]));
  expect([mirror.stale, mirror.height, shown(mirror)]).toEqual([true, 7, { "0x1": "old" }]);
});
