/**
 * A channel's resources as its notices tell them, also when blocks are taken back. Pure: it opens no
 * connection and reads no clock.
 */

import type { Json, Notice, ResourceView } from "./api.js";

interface Undo {
  height: number;
  /** Values before the block, by key. */
  before: Map<string, ResourceView | undefined>;
}

const keyOf = (address: string, type: string) => `${address} ${type}`;

export class Mirror {
  readonly #resources = new Map<string, ResourceView>();
  /** Blocks that can still be taken back, in order. */
  #undo: Undo[] = [];
  #height = 0;
  #final = 0;
  /** The height of the snapshot that it began with. */
  #base = 0;
  #stale = false;

  /** The height of the last block that is in it. */
  get height(): number {
    return this.#height;
  }

  /**
   * Blocks that its snapshot held were taken back. What they changed is not known, so it keeps its values
   * and takes no blocks until the next snapshot, which a subscription asks for by itself.
   */
  get stale(): boolean {
    return this.#stale;
  }

  /** A resource's value, `undefined` when there is none, or the filter hides it. */
  get(address: string, type: string): Json | undefined {
    return this.#resources.get(keyOf(address, type))?.value ?? undefined;
  }

  /** Every resource whose type starts so, by no order. */
  *all(typePrefix = ""): IterableIterator<ResourceView> {
    for (const resource of this.#resources.values()) {
      if (resource.type.startsWith(typePrefix)) yield resource;
    }
  }

  /** Takes a notice in. Notices come in the order of their subscription. */
  take(notice: Notice): void {
    switch (notice.kind) {
      case "snapshot":
        this.#restart(notice.height, notice.resources);
        break;
      case "block":
        this.#apply(notice.height, notice.changes);
        break;
      case "rolled_back":
        this.#rollBack(notice.to);
        break;
      case "heights":
        this.#harden(notice.final);
        break;
      case "skipped":
      case "lagged":
        // A snapshot follows, or the subscription goes on by itself.
        break;
    }
  }

  #restart(height: number, resources: ResourceView[]): void {
    this.#resources.clear();
    this.#undo = [];
    this.#height = height;
    this.#base = height;
    this.#stale = false;
    for (const resource of resources) {
      this.#resources.set(keyOf(resource.address, resource.type), resource);
    }
  }

  #apply(height: number, changes: ResourceView[]): void {
    if (this.#stale) return;
    const before = new Map<string, ResourceView | undefined>();
    for (const change of changes) {
      const key = keyOf(change.address, change.type);
      if (!before.has(key)) before.set(key, this.#resources.get(key));
      this.#write(key, change.value === null ? undefined : change);
    }
    this.#height = height;
    if (height > this.#final) this.#undo.push({ height, before });
  }

  #rollBack(to: number): void {
    this.#height = Math.min(this.#height, to);
    if (to < this.#base) this.#stale = true;
    if (this.#stale) return;
    for (let last = this.#undo.at(-1); last && last.height > to; last = this.#undo.at(-1)) {
      for (const [key, value] of last.before) this.#write(key, value);
      this.#undo.pop();
    }
  }

  /** What is final is not taken back. */
  #harden(final: number): void {
    this.#final = Math.max(this.#final, final);
    const first = this.#undo.findIndex((block) => block.height > this.#final);
    this.#undo = first < 0 ? [] : this.#undo.slice(first);
  }

  #write(key: string, value: ResourceView | undefined): void {
    if (value) this.#resources.set(key, value);
    else this.#resources.delete(key);
  }
}
