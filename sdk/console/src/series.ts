/** What a channel does over time: counts that a node gives, as rates and durations between two looks. */
import type { Activity, DurationBucket, Durations } from "@fairway/sdk";

export interface Point {
  /** Seconds since 1970, by the node's clock. */
  time: number;
  orderedPerSecond: number;
  certifiedPerSecond: number;
  /** Of blocks to certified, in milliseconds; `null` when none was certified meanwhile. */
  mean: number | null;
  p99: number | null;
  /** Of calls that waited for it at this node. */
  callMean: number | null;
}

/** How many points are kept: ten minutes of one a second. */
const MOST = 600;
/** Seconds that a chart spans at least. */
const LEAST = 60;

/**
 * Milliseconds below which a part (`0.99`) of what fell into the buckets lies: between the bounds of the
 * bucket that holds it, in proportion. Of what is beyond the last bound nothing more is known than that
 * bound. `null` when nothing fell into any.
 */
export function quantile(buckets: readonly DurationBucket[], part: number): number | null {
  const all = buckets.reduce((sum, bucket) => sum + bucket.count, 0);
  if (all === 0) return null;
  const wanted = part * all;
  let below = 0;
  let from = 0;
  for (const { up_to_us, count } of buckets) {
    if (up_to_us === null || up_to_us === undefined) break;
    if (count > 0 && below + count >= wanted) {
      return (from + ((up_to_us - from) * (wanted - below)) / count) / 1_000;
    }
    below += count;
    from = up_to_us;
  }
  return from / 1_000;
}

/** What took place between two looks alone. */
function since(before: Durations, after: Durations): Durations {
  return {
    count: after.count - before.count,
    sum_us: after.sum_us - before.sum_us,
    buckets: after.buckets.map((bucket, index) => ({
      ...bucket,
      count: bucket.count - (before.buckets[index]?.count ?? 0),
    })),
  };
}

function mean({ count, sum_us }: Durations): number | null {
  return count > 0 ? sum_us / count / 1_000 : null;
}

/** What happened between two looks; `undefined` when the node counts anew, or no time has passed. */
export function between(before: Activity, after: Activity): Point | undefined {
  const seconds = (after.time - before.time) / 1_000;
  const ordered = after.ordered_calls - before.ordered_calls;
  const certified = after.certified_calls - before.certified_calls;
  const blocks = since(before.block_certified_after, after.block_certified_after);
  const calls = since(before.call_certified_after, after.call_certified_after);
  if (seconds <= 0 || Math.min(ordered, certified, blocks.count, calls.count) < 0) return undefined;
  return {
    time: after.time / 1_000,
    orderedPerSecond: ordered / seconds,
    certifiedPerSecond: certified / seconds,
    mean: mean(blocks),
    p99: quantile(blocks.buckets, 0.99),
    callMean: mean(calls),
  };
}

/** What a chart shows, in seconds: the minute until `now`, or as many as there are points. */
export function span(times: readonly number[], now: number): [from: number, to: number] {
  const to = Math.max(now, times.at(-1) ?? now);
  return [Math.min(times[0] ?? now, to - LEAST), to];
}

/** The last points of one channel. */
export class Series {
  readonly points: Point[] = [];
  last: Activity | undefined;

  add(activity: Activity): void {
    const point = this.last && between(this.last, activity);
    this.last = activity;
    if (!point) return;
    this.points.push(point);
    if (this.points.length > MOST) this.points.shift();
  }
}
