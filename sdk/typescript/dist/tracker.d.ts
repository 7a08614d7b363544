/** How far the calls of a channel have come, from one subscription that all of them share. */
import type { Connection } from "./connection.js";
/** The last height with each status. */
export interface Heights {
    certified: number;
    final: number;
    settled: number;
}
/** What a tracker tells the calls that follow it. */
export interface Follower {
    /** Heights grew. Whether to go on following. */
    onHeights(heights: Heights): boolean;
    /** The blocks above `to` were taken back. */
    onRollback(to: number): void;
    /** Nothing more will be heard. */
    onEnded(error: Error): void;
}
export declare class Tracker {
    #private;
    private readonly connection;
    private readonly channel;
    /** Counts what took blocks back: a report from before may be of a block that is gone. */
    generation: number;
    readonly heights: Heights;
    constructor(connection: Connection, channel: string);
    follow(follower: Follower): void;
    leave(follower: Follower): void;
}
