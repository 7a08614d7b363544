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
  /** The connection broke: what was seen and is not final may have been taken back since. */
  #unsure = false;

  constructor(from: number | undefined) {
    this.#next = from === undefined ? undefined : Math.max(1, from);
  }

  /** The first height not seen yet; `undefined` when that is for a snapshot to say. */
  get next(): number | undefined {
    return this.#next;
  }

  /**
   * Where to subscribe from. After a break that is the last block that was seen, once more, if it can be
   * taken back, so that another one in its place shows at once. A snapshot that did not come is asked for.
   */
  resume(broke: boolean): number | undefined {
    if (this.#snapshotDue) {
      this.#next = undefined;
      this.#snapshotDue = false;
    }
    const next = this.#next;
    if (next === undefined) return undefined;
    const open = this.#known.has(next - 1) && next - 1 > this.#final;
    this.#unsure = (this.#unsure || broke) && open;
    return this.#unsure ? next - 1 : next;
  }

  /**
   * Whether the server's log is another one than was seen: its block follows another one, or is in its
   * place; or after a break it has no block there, which it would show before it says how far it is.
   */
  isElsewhere(notice: Notice): boolean {
    if (notice.kind === "heights") return this.#unsure;
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
    if (given <= this.#final) this.#unsure = false;
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
        this.#unsure = false;
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
    this.#unsure = false;
    this.#base = height;
    this.#pass(height, hash);
    return true;
  }

  #takeBlock({ height, hash }: Block): boolean {
    if (this.#next !== undefined && height < this.#next) {
      if (height === this.#next - 1) {
        this.#known.set(height, hash);
        this.#unsure = false;
      }
      return false;
    }
    this.#pass(height, hash);
    return true;
  }

  #pass(height: number, hash: string): void {
    this.#next = height + 1;
    this.#snapshotDue = false;
    this.#unsure = false;
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
