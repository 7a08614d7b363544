/** A channel on one node: calls, views, notices. */
import type { At, BlockView, CallReport, ChannelInfo, Json, Notice, PackageAbi, Proposed, ResourceRead, Viewed } from "./api.js";
import type { MoveInput } from "./codec.js";
import type { Connection } from "./connection.js";
import type { Signer } from "./keys.js";
import { Member } from "./member.js";
import { type SubscribeOptions, Subscription } from "./notices.js";
import { Tracker } from "./tracker.js";
/** How a view or resource is read. */
export interface ReadOptions {
    /** Which state is read: the newest (`head`) by default. */
    at?: At;
}
export interface ViewOptions extends ReadOptions {
    typeArgs?: string[];
}
/** A channel that the node runs. Made by `Client.channel`. */
export declare class Channel {
    #private;
    readonly connection: Connection;
    readonly id: string;
    /** The settlement chain's id, which every call names. */
    readonly chain: number;
    /** What can be called. */
    readonly abi: PackageAbi;
    /** @internal */
    readonly tracker: Tracker;
    /** @internal */
    constructor(connection: Connection, id: string, 
    /** The settlement chain's id, which every call names. */
    chain: number, 
    /** What can be called. */
    abi: PackageAbi);
    /** Calls in the name of an account: the same session every time, since there may be one alone. */
    member(signer: Signer): Member;
    /** The channel as the chain records it, and where it stands on this node. */
    info(): Promise<ChannelInfo>;
    /** The number that the account's next call must have, after this node's head. */
    sequence(account: string): Promise<number>;
    /** The values that a view returns. */
    view(name: string, args: readonly MoveInput[], options?: ViewOptions): Promise<Json[]>;
    /** As `view`, with the height that was read. */
    viewed(name: string, args: readonly MoveInput[], options?: ViewOptions): Promise<Viewed>;
    /** One resource, by its owner and type: `value` is `null` when there is none. */
    resource(owner: string, type: string, options?: ReadOptions): Promise<ResourceRead>;
    /** Blocks from a height on, at most `limit` and 100. */
    blocks(from: number, limit?: number): Promise<BlockView[]>;
    /** An ordered call's report, by its hash; `null` when this node's log has none. */
    report(call: string): Promise<CallReport | null>;
    /** Proposes a settlement of what is final. */
    proposeSettlement(): Promise<Proposed>;
    /** State changes, events and statuses, across reconnects. */
    subscribe(options?: SubscribeOptions): Promise<Subscription>;
    /**
     * As `subscribe`, with each notice given to `listener`, one after another: the next one when it has
     * returned, or what it returned has resolved. What it throws ends the subscription and goes to
     * `ended`, which otherwise resolves when the subscription ends.
     */
    listen(listener: (notice: Notice) => void | Promise<void>, options?: SubscribeOptions): Promise<Listening>;
}
/** A subscription that is read by a callback. */
export interface Listening {
    subscription: Subscription;
    ended: Promise<void>;
    close(): void;
}
