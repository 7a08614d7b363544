/** How far the calls of a channel have come, from one subscription that all of them share. */

import type { Notice } from "./api.js";
import type { Connection } from "./connection.js";
import { ClosedError, refusalOf } from "./errors.js";
import { Subscription } from "./notices.js";
import { backoffMs, sleep } from "./time.js";

/** Hides every resource and event: no type begins so. */
const NOTHING = { resource_types: ["-"], event_types: ["-"] };
/** The subscription is kept so long for the next call. */
const LINGER_MS = 5_000;
const BACKOFF = { firstMs: 200, mostMs: 5_000 };

/** The last height with each status. */
export interface Heights {
  certified: number;
  final: number;
  settled: number;
}

const NONE: Heights = { certified: 0, final: 0, settled: 0 };

/** What a tracker tells the calls that follow it. */
export interface Follower {
  /** Heights grew. Whether to go on following. */
  onHeights(heights: Heights): boolean;
  /** The blocks above `to` were taken back. */
  onRollback(to: number): void;
  /** Another server, or the same one after a break, tells from here on: it may never have seen the call. */
  onResumed(): void;
  /** Nothing more will be heard. */
  onEnded(error: Error): void;
}

export class Tracker {
  /** Counts what took blocks back: a report from before may be of a block that is gone. */
  generation = 0;
  heights: Heights = NONE;
  readonly #followers = new Set<Follower>();
  #running = false;
  #subscription: Subscription | undefined;
  #lingers: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly connection: Connection,
    private readonly channel: string,
  ) {}

  follow(follower: Follower): void {
    if (!follower.onHeights(this.heights)) return;
    this.#followers.add(follower);
    if (!this.#running) void this.#run();
  }

  leave(follower: Follower): void {
    this.#followers.delete(follower);
    this.#rest();
  }

  async #run(): Promise<void> {
    this.#running = true;
    for (let failures = 0; this.#followers.size > 0; failures += 1) {
      try {
        this.#subscription = await this.#subscribe();
        failures = 0;
        // What ran before may have been at another server, or be gone.
        this.#resumed();
        await this.#subscription.next();
      } catch (error) {
        if (error instanceof ClosedError || refusalOf(error, "channel_not_found")) {
          this.#end(error as Error);
          break;
        }
      }
      this.#unsure();
      if (this.#followers.size > 0 && failures > 0) await sleep(backoffMs(BACKOFF, failures));
    }
    this.#subscription = undefined;
    this.#running = false;
  }

  /** From the node's head on: without `from` it would look through the whole state for a snapshot. */
  async #subscribe(): Promise<Subscription> {
    const { connection, channel } = this;
    const { status } = await connection.request("state_channel.get", { channel });
    // A report from before may be of a block that was taken back since: nobody will say so.
    this.#unsure();
    const options = { filter: NOTHING, from: (status?.head ?? 0) + 1 };
    return Subscription.start(connection, channel, options, {
      notice: (notice: Notice) => this.#take(notice),
      gone: () => this.#unsure(),
      resumed: () => this.#resumed(),
    });
  }

  /** Between two subscriptions anything may have been taken back. */
  #unsure(): void {
    this.generation += 1;
    this.heights = NONE;
  }

  #resumed(): void {
    for (const follower of [...this.#followers]) follower.onResumed();
  }

  #end(error: Error): void {
    const followers = [...this.#followers];
    this.#followers.clear();
    for (const follower of followers) follower.onEnded(error);
  }

  /** When nobody has followed for a while, nothing has to be heard. */
  #rest(): void {
    clearTimeout(this.#lingers);
    if (this.#followers.size > 0) return;
    this.#lingers = setTimeout(() => {
      if (this.#followers.size === 0) this.#subscription?.close();
    }, LINGER_MS);
    (this.#lingers as { unref?: () => void }).unref?.();
  }

  #take(notice: Notice): void {
    if (notice.kind === "heights") {
      const { certified, final, settled } = notice;
      this.heights = { certified, final, settled };
      for (const follower of [...this.#followers]) {
        if (!follower.onHeights(this.heights)) this.#followers.delete(follower);
      }
      this.#rest();
    } else if (notice.kind === "rolled_back" || notice.kind === "skipped") {
      this.generation += 1;
      if (notice.kind === "skipped") return;
      for (const follower of [...this.#followers]) follower.onRollback(notice.to);
    }
  }
}
