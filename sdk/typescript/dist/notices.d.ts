/** A subscription that goes on after a reconnect, where it stopped. */
import type { Filter, Notice } from "./api.js";
import type { Connection } from "./connection.js";
/** What to subscribe to. */
export interface SubscribeOptions {
    /** What to see; everything when left out. A filter never hides a block. */
    filter?: Filter;
    /** Begin with the block at this height; when left out, with a snapshot of the head. */
    from?: number;
}
/** Where a subscription stands in the log: what is new, what was seen, what was taken back. */
export declare class Place {
    #private;
    /** The first height not seen yet, once one is known. */
    next: number | undefined;
    constructor(from: number | undefined);
    /** Whether the block follows another one than was seen. */
    isElsewhere(notice: Notice): boolean;
    /** Forgets what lies above the last final height. */
    goBack(to?: number): Notice;
    /** Whether the notice is new. */
    take(notice: Notice): boolean;
}
/**
 * Notices of one channel, in log order: every block once, none left out, across reconnects and after
 * falling behind, unless the node itself has skipped some (`skipped`). Blocks that were taken back are
 * named by `rolled_back`, also when that happened while there was no connection.
 *
 * Read it with `for await`, or with `next`. One reader: two would share the notices.
 */
export declare class Subscription implements AsyncIterable<Notice> {
    #private;
    private readonly direct?;
    private constructor();
    /**
     * Subscribes. Refusals of this first time are thrown. With `direct`, notices are given to it as they
     * come, in order with the answers of the connection, and `next` tells the end alone.
     */
    static start(connection: Connection, channel: string, options: SubscribeOptions, direct?: (notice: Notice) => void): Promise<Subscription>;
    /** The first height that was not read yet: where another subscription would go on. */
    get cursor(): number | undefined;
    /** The next notice; `undefined` when closed, or when the node no longer runs the channel. */
    next(): Promise<Notice | undefined>;
    /** Ends it. Whoever waits for a notice gets `undefined`. */
    close(): void;
    [Symbol.asyncIterator](): AsyncGenerator<Notice, void, undefined>;
}
