/** How far a subscription has come in the log. Pure: it opens no connection and reads no clock. */

import type { Notice } from "./api.js";

/** Blocks whose hashes are remembered; of more, the last ones. */
const MOST_KNOWN = 1_024;

type Block = Extract<Notice, { kind: "block" }>;
type Snapshot = Extract<Notice, { kind: "snapshot" }>;

/** Where a subscription stands in the log: what is new, what was seen, what was taken back. */
export class Place {
  #next: number | undefined;
  /** Hashes of blocks below `next` that can be taken back, and of the last one, by height, in order. */
  readonly #known = new Map<number, string>();
  /** The height of the snapshot that what was seen begins with. */
  #base: number | undefined;
  /** A snapshot of the height `next` is to come, unless it is too large. */
  #snapshotDue = false;
  /** The last height that can't be taken back. */
  #final = 0;

  constructor(from: number | undefined) {
    this.#next = from === undefined ? undefined : Math.max(1, from);
  }

  /** The first height not seen yet; `undefined` when that is for a snapshot to say. */
  get next(): number | undefined {
    return this.#next;
  }

  /**
   * Where to go on after a break: with the last block that was seen once more, if it can be taken back, so
   * that another one in its place shows at once.
   */
  get afterBreak(): number | undefined {
    const next = this.#next;
    if (next === undefined || !this.#known.has(next - 1)) return next;
    return Math.min(next, Math.max(next - 1, this.#final + 1));
  }

  /** Whether the block follows another one than was seen, or is in its place. */
  isElsewhere(notice: Notice): boolean {
    if (notice.kind !== "block" || this.#next === undefined) return false;
    const last = this.#known.get(this.#next - 1);
    if (!last) return false;
    if (notice.height === this.#next) return notice.parent !== last;
    return notice.height === this.#next - 1 && notice.hash !== last;
  }

  /** Whether blocks before this one are missing. */
  isAhead(notice: Notice): boolean {
    if (notice.kind !== "block" || this.#next === undefined) return false;
    return notice.height > this.#next + (this.#snapshotDue ? 1 : 0);
  }

  /** Forgets what lies above a height, the last final one: what a snapshot held needs another snapshot. */
  goBack(given = this.#final): Notice {
    // What was not seen is not taken back.
    const to = this.#next === undefined ? given : Math.min(given, this.#next - 1);
    if (this.#base !== undefined && to < this.#base) {
      this.#base = undefined;
      this.#next = undefined;
      this.#known.clear();
    } else if (this.#next !== undefined) {
      this.#next = to + 1;
      for (const height of this.#known.keys()) if (height > to) this.#known.delete(height);
    }
    return { kind: "rolled_back", to };
  }

  /** Whether the notice is new. */
  take(notice: Notice): boolean {
    switch (notice.kind) {
      case "heights":
        this.#final = Math.max(this.#final, notice.final);
        this.#forget();
        return true;
      case "rolled_back":
        this.goBack(notice.to);
        return true;
      case "skipped":
        // Not above it: a snapshot of that height follows.
        this.#next = notice.to;
        this.#snapshotDue = true;
        this.#base = undefined;
        this.#known.clear();
        return true;
      case "lagged":
        return false;
      case "snapshot":
        return this.#takeSnapshot(notice);
      case "block":
        return this.#takeBlock(notice);
    }
  }

  #takeSnapshot({ height, hash }: Snapshot): boolean {
    if (this.#next !== undefined && height < this.#next) return false;
    this.#known.clear();
    this.#base = height;
    this.#pass(height, hash);
    return true;
  }

  #takeBlock({ height, hash }: Block): boolean {
    if (this.#next !== undefined && height < this.#next) {
      if (height === this.#next - 1) this.#known.set(height, hash);
      return false;
    }
    this.#pass(height, hash);
    return true;
  }

  #pass(height: number, hash: string): void {
    this.#next = height + 1;
    this.#snapshotDue = false;
    this.#known.set(height, hash);
    this.#forget();
  }

  /** Blocks that can't be taken back, but for the last one, which the next one follows. */
  #forget(): void {
    const first = Math.min(this.#final, (this.#next ?? 0) - 1);
    for (const height of this.#known.keys()) {
      if (height >= first && this.#known.size <= MOST_KNOWN) return;
      this.#known.delete(height);
    }
  }
}
