/** A subscription that goes on after a reconnect, where it stopped. */

import type { Filter, Notice } from "./api.js";
import type { Connection } from "./connection.js";
import { ClosedError, RefusedError } from "./errors.js";
import type { Sink } from "./options.js";
import { Place } from "./place.js";
import { backoffMs, sleep } from "./time.js";

/** What to subscribe to. */
export interface SubscribeOptions {
  /** What to see; everything when left out. A filter never hides a block. */
  filter?: Filter;
  /** Begin with the block at this height; when left out, with a snapshot of the head. */
  from?: number;
}

/** Notices that wait for their reader; with more, the node is asked for the rest later. */
const MOST_WAITING = 1024;
const MOST_BYTES = 32 << 20;
const BACKOFF = { firstMs: 200, mostMs: 2_000 };
/** After so long without a notice the node is asked whether it has more. */
const QUIET_MS = 30_000;

/** Who takes notices as they come. */
export interface Direct {
  notice(notice: Notice): void;
  /** What was said of heights holds no more: the connection broke, or notices are missing. */
  gone(): void;
  /** The subscription goes on, perhaps at another server. */
  resumed(): void;
}

interface Item {
  notice: Notice;
  bytes: number;
  /** Where another subscription would go on after this notice. */
  cursor: number | undefined;
}

/**
 * Notices of one channel, in log order: every block once, none left out, across reconnects and after
 * falling behind, unless the node itself has skipped some (`skipped`). Blocks that were taken back are
 * named by `rolled_back`, also when that happened while there was no connection. When a snapshot held
 * such blocks, another snapshot follows, and stands for all blocks up to its own.
 *
 * Read it with `for await`, or with `next`. One reader: two would share the notices.
 */
export class Subscription implements AsyncIterable<Notice> {
  readonly #connection: Connection;
  readonly #channel: string;
  readonly #filter: Filter | undefined;
  readonly #place: Place;
  readonly #items: Item[] = [];
  #bytes = 0;
  #cursor: number | undefined;
  #stream: number | undefined;
  #ended = false;
  #endedBy: RefusedError | undefined;
  /** So much waits for the reader that the node was told to stop. */
  #full = false;
  #failures = 0;
  /** Subscriptions in a row that were made for what was missing and brought no new block. */
  #detours = 0;
  /** The connection broke since the last subscription. */
  #broke = false;
  #heardAt = Date.now();
  #readers: ((notice: Notice | undefined) => void)[] = [];
  #quiet: ReturnType<typeof setInterval> | undefined;
  #round = 0;

  private constructor(
    connection: Connection,
    channel: string,
    options: SubscribeOptions,
    private readonly direct?: Direct,
  ) {
    this.#connection = connection;
    this.#channel = channel;
    this.#filter = options.filter;
    this.#place = new Place(options.from);
    this.#cursor = options.from;
  }

  /**
   * Subscribes. Refusals of this first time are thrown. With `direct`, notices are given to it as they
   * come, in order with the answers of the connection, and `next` tells the end alone.
   */
  static async start(
    connection: Connection,
    channel: string,
    options: SubscribeOptions,
    direct?: Direct,
  ): Promise<Subscription> {
    const subscription = new Subscription(connection, channel, options, direct);
    await subscription.#subscribe();
    subscription.#quiet = setInterval(() => subscription.#look(), QUIET_MS);
    (subscription.#quiet as { unref?: () => void }).unref?.();
    return subscription;
  }

  /** The first height that was not read yet: where another subscription would go on. */
  get cursor(): number | undefined {
    return this.#cursor;
  }

  /** Why there are no more notices, when a refusal ended them. */
  get endedBy(): RefusedError | undefined {
    return this.#endedBy;
  }

  /**
   * The next notice; `undefined` when closed, when the node no longer runs the channel, or refuses to go on
   * for another reason that lasts, such as a snapshot that has become too large (`endedBy`).
   */
  next(): Promise<Notice | undefined> {
    const item = this.#items.shift();
    if (item) {
      this.#bytes -= item.bytes;
      this.#cursor = item.cursor;
      if (this.#stream === undefined) this.#resume();
      return Promise.resolve(item.notice);
    }
    if (this.#ended) return Promise.resolve(undefined);
    return new Promise((resolve) => this.#readers.push(resolve));
  }

  /** Ends it. Whoever waits for a notice gets `undefined`. */
  close(): void {
    this.#stop();
    this.#items.length = 0;
    this.#end();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Notice, void, undefined> {
    try {
      for (let notice = await this.next(); notice; notice = await this.next()) yield notice;
    } finally {
      this.close();
    }
  }

  async #subscribe(): Promise<void> {
    const from = this.#place.resume(this.#broke);
    const round = ++this.#round;
    const sink: Sink = {
      notice: (result, bytes) => {
        if (round === this.#round) this.#take(result as Notice, bytes);
      },
      gone: () => {
        if (round === this.#round) void this.#resumeElsewhere();
      },
    };
    const params = { channel: this.#channel, from, filter: this.#filter };
    const id = await this.#connection.subscribe("state_channel.subscribe", params, sink);
    this.#heardAt = Date.now();
    this.#failures = 0;
    this.#broke = false;
    // Notices that came with the answer may have ended it already.
    if (round === this.#round && !this.#ended) this.#stream = id;
    else this.#connection.unsubscribe("state_channel.unsubscribe", id);
  }

  #stop(): void {
    this.#round += 1;
    if (this.#stream === undefined) return;
    this.#connection.unsubscribe("state_channel.unsubscribe", this.#stream);
    this.#stream = undefined;
  }

  #end(): void {
    this.#ended = true;
    clearInterval(this.#quiet);
    for (const reader of this.#readers.splice(0)) reader(undefined);
  }

  /** The connection broke. */
  async #resumeElsewhere(): Promise<void> {
    this.direct?.gone();
    this.#broke = true;
    await this.#again();
    if (!this.#ended) this.direct?.resumed();
  }

  /** Subscribes again from where it stands, for as long as it takes. */
  async #again(pauseMs = 0): Promise<void> {
    this.#stop();
    if (this.#full) return;
    const round = this.#round;
    if (pauseMs > 0) await sleep(pauseMs);
    while (!this.#ended && round === this.#round) {
      try {
        await this.#subscribe();
        return;
      } catch (error) {
        // The attempt that failed opened a round of its own.
        if (this.#round !== round + 1 && this.#round !== round) return;
        this.#round = round;
        const lasts = error instanceof RefusedError && !error.transient;
        if (error instanceof ClosedError || lasts) {
          if (lasts) this.#endedBy = error;
          this.#end();
          return;
        }
        await sleep(backoffMs(BACKOFF, this.#failures++));
      }
    }
  }

  /** Goes on once the reader has caught up. */
  #resume(): void {
    const waits = this.#items.length > MOST_WAITING / 2 || this.#bytes > MOST_BYTES / 2;
    if (this.#full && !waits) {
      this.#full = false;
      void this.#again();
    }
  }

  #take(notice: Notice, bytes: number): void {
    this.#heardAt = Date.now();
    if (this.#ended) return;
    const { next } = this.#place;
    if (notice.kind === "lagged" || this.#place.isAhead(notice)) {
      this.#anew();
    } else if (this.#place.isElsewhere(notice)) {
      this.#deliver(this.#place.goBack(), 0);
      this.#anew();
    } else if (this.#place.take(notice)) {
      if (notice.kind === "block") this.#detours = 0;
      this.#deliver(notice, bytes);
      // Blocks of the snapshot were taken back: another one takes its place.
      if (next !== undefined && this.#place.next === undefined) this.#anew();
    }
  }

  /** Asks for what is missing: at once, then with pauses for as long as no new block comes of it. */
  #anew(): void {
    const pauseMs = this.#detours > 0 ? backoffMs(BACKOFF, this.#detours - 1) : 0;
    this.#detours += 1;
    this.direct?.gone();
    void this.#again(pauseMs);
  }

  #deliver(notice: Notice, bytes: number): void {
    const cursor = this.#place.next;
    if (this.direct) {
      this.#cursor = cursor;
      this.direct.notice(notice);
      return;
    }
    const reader = this.#readers.shift();
    if (reader) {
      this.#cursor = cursor;
      reader(notice);
      return;
    }
    const last = this.#items.at(-1);
    if (notice.kind === "heights" && last?.notice.kind === "heights") {
      last.notice = notice;
      return;
    }
    this.#items.push({ notice, bytes, cursor });
    this.#bytes += bytes;
    if (this.#items.length < MOST_WAITING && this.#bytes < MOST_BYTES) return;
    this.#full = true;
    this.#stop();
  }

  /** `lagged` may not arrive: a node that has more than was shown is asked again. */
  async #look(): Promise<void> {
    const { next } = this.#place;
    const idle = Date.now() - this.#heardAt > QUIET_MS;
    if (!idle || this.#stream === undefined || next === undefined) return;
    const round = this.#round;
    const asked = this.#connection.request("state_channel.get", { channel: this.#channel });
    const info = await asked.catch(() => undefined);
    const behind = (info?.status?.head ?? 0) >= next && this.#place.next === next;
    if (behind && round === this.#round) void this.#again();
  }
}
