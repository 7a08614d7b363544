/** How far a subscription has come in the log. Pure: it opens no connection and reads no clock. */

import type { Notice } from "./api.js";

/** Where a subscription stands in the log: what is new, what was seen, what was taken back. */
export class Place {
  /** The first height not seen yet, once one is known. */
  next: number | undefined;
  /** The hash of the block before it, if it was seen. */
  #last: string | undefined;
  /** The last height that can't be taken back. */
  #final = 0;

  constructor(from: number | undefined) {
    this.next = from;
  }

  /**
   * Where to go on after a break: with the last block that was seen once more, if it can be taken back, so
   * that another one in its place shows at once.
   */
  get afterBreak(): number | undefined {
    if (this.next === undefined || this.#last === undefined) return this.next;
    return Math.max(this.next - 1, this.#final + 1);
  }

  /** Whether the block follows another one than was seen, or is in its place. */
  isElsewhere(notice: Notice): boolean {
    if (notice.kind !== "block" || this.next === undefined || this.#last === undefined)
      return false;
    if (notice.height === this.next) return notice.parent !== this.#last;
    return notice.height === this.next - 1 && notice.hash !== this.#last;
  }

  /** Forgets what lies above the last final height. */
  goBack(to = this.#final): Notice {
    this.next = to + 1;
    this.#last = undefined;
    return { kind: "rolled_back", to };
  }

  /** Whether the notice is new. */
  take(notice: Notice): boolean {
    switch (notice.kind) {
      case "heights":
        this.#final = Math.max(this.#final, notice.final);
        return true;
      case "rolled_back":
        this.goBack(notice.to);
        return true;
      case "skipped":
        // Not above it: a snapshot of that height follows.
        this.next = notice.to;
        this.#last = undefined;
        return true;
      case "lagged":
        return false;
      case "snapshot":
      case "block":
        if (this.next !== undefined && notice.height < this.next) return false;
        this.next = notice.height + 1;
        this.#last = notice.kind === "block" ? notice.hash : undefined;
        return true;
    }
  }
}
