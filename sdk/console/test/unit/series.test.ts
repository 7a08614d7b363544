import type { Activity } from "@fairway/sdk";
import { expect, test } from "vitest";
import { between, quantile, Series, span } from "../../src/series.js";
import { data, options } from "../../src/views/Chart.js";

const BOUNDS = [1_000, 2_000, null];

function activity(time: number, calls: number, counts: number[], sum_us = 0): Activity {
  const buckets = BOUNDS.map((up_to_us, index) => ({ up_to_us, count: counts[index] ?? 0 }));
  const count = counts.reduce((sum, one) => sum + one, 0);
  return {
    time,
    ordered_calls: calls,
    certified_calls: calls,
    rolled_back_calls: 0,
    queued: 0,
    proposals: 0,
    votes: 0,
    divergences: 0,
    block_certified_after: { count, sum_us, buckets },
    call_certified_after: { count: 0, sum_us: 0, buckets: [] },
  };
}

test("rates and durations are of what came between two looks alone", () => {
  const point = between(activity(1_000, 10, [5, 5], 9_000), activity(3_000, 30, [5, 9], 15_000));
  expect(point).toEqual({
    time: 3,
    orderedPerSecond: 10,
    certifiedPerSecond: 10,
    mean: 1.5,
    p99: 1.99,
    callMean: null,
  });
  const calls = { count: 2, sum_us: 8_000, buckets: [] };
  const asked = { ...activity(2_000, 10, []), call_certified_after: calls };
  expect(between(activity(1_000, 10, []), asked)).toMatchObject({ mean: null, callMean: 4 });
});

test("no call answered is no duration, and not none", () => {
  const point = between(activity(1_000, 10, [5]), activity(2_000, 11, [5]));
  expect(point).toMatchObject({ orderedPerSecond: 1, mean: null, p99: null });
});

test("a node that counts anew, or a look at the same moment, gives no point", () => {
  expect(between(activity(1_000, 10, [5]), activity(2_000, 3, [5]))).toBeUndefined();
  expect(between(activity(1_000, 10, [5]), activity(2_000, 12, [4]))).toBeUndefined();
  expect(between(activity(1_000, 10, [5]), activity(1_000, 12, [6]))).toBeUndefined();
});

test("quantile lies in its bucket in proportion, and at the last bound when it is beyond", () => {
  const buckets = (...counts: number[]) => activity(0, 0, counts).block_certified_after.buckets;
  expect(quantile(buckets(10, 10, 0), 0.25)).toBe(0.5);
  expect(quantile(buckets(10, 10, 0), 0.5)).toBe(1);
  expect(quantile(buckets(0, 4, 0), 0.5)).toBe(1.5);
  expect(quantile(buckets(1, 0, 99), 0.99)).toBe(2);
  expect(quantile(buckets(0, 0, 0), 0.99)).toBeNull();
});

test("series keeps ten minutes, and goes on after the node counted anew", () => {
  const series = new Series();
  for (let second = 1; second <= 700; second += 1) series.add(activity(second * 1_000, second, []));
  expect(series.points.length).toBe(600);
  expect(series.points.at(-1)).toMatchObject({ time: 700, orderedPerSecond: 1 });
  series.add(activity(701_000, 0, []));
  expect(series.points.at(-1)?.time).toBe(700);
  series.add(activity(702_000, 5, []));
  expect(series.points.at(-1)).toMatchObject({ time: 702, orderedPerSecond: 5 });
});

test("a chart spans the last minute, and more once there are points of more", () => {
  expect(span([], 1_000)).toEqual([940, 1_000]);
  expect(span([999], 1_000)).toEqual([940, 1_000]);
  expect(span([500, 999], 1_000)).toEqual([500, 1_000]);
});

test("a chart's time axis has that span and the time of day, without any point too", () => {
  const line = { label: "", colour: "--final", values: [], shown: String };
  const seconds = Date.UTC(2026, 10, 23, 12, 0, 0) / 1_000;
  expect(data([seconds - 60, seconds], [], [line])).toEqual([
    [seconds - 60, seconds],
    [null, null],
  ]);
  const { scales, axes } = options(300, [seconds - 60, seconds], [line], () => "black");
  expect(scales?.x?.range).toEqual([seconds - 60, seconds]);
  const mark = axes?.[0]?.values as (plot: unknown, marks: number[]) => string[];
  expect(mark(undefined, [seconds, seconds + 15])).toEqual([
    expect.stringMatching(/^[0-9]{2}:[0-9]{2}:00$/),
    expect.stringMatching(/^[0-9]{2}:[0-9]{2}:15$/),
  ]);
});
