/** A node, as apps use it. */
import type { ChannelInfo, Joined, NodeStatus } from "./api.js";
import { Channel } from "./channel.js";
import { Connection, type ConnectionOptions, type Left, type Reconnected } from "./connection.js";
import * as contract from "./contract.js";
import type { Signer } from "./keys.js";
import { Ledger } from "./ledger.js";
/** How an account joins. */
export interface JoinOptions {
    /** What stands behind the member's word; nothing by default. */
    backing?: contract.Backing;
    /** The function that lets members in, with the arguments of `0x3::channel::join`, the default. */
    through?: string;
}
export declare class Client {
    #private;
    readonly connection: Connection;
    /** The settlement chain, through the node. */
    readonly ledger: Ledger;
    private constructor();
    /**
     * Connects to a node at `url` (`ws://…`, `wss://…`). Fails with `UnreachableError` when there is none;
     * a connection that breaks later is made again.
     */
    static connect(url: string, options?: ConnectionOptions): Promise<Client>;
    /** Whether there is a connection now. */
    get connected(): boolean;
    /** Calls `listener` whenever the connection breaks. The answer takes the listener away. */
    onLeave(listener: (left: Left) => void): () => void;
    /** Calls `listener` whenever the connection stands again. The answer takes the listener away. */
    onReconnect(listener: (reconnected: Reconnected) => void): () => void;
    /** Ends the connection for good: what waits fails with `ClosedError`, subscriptions end. */
    close(): void;
    /** The node and every channel it runs. */
    status(): Promise<NodeStatus>;
    /** Ids of the channels that the node runs. */
    list(): Promise<string[]>;
    /** A channel as the chain records it, and where it stands on this node. */
    info(channel: string): Promise<ChannelInfo>;
    /** A channel that the node runs. The same object every time. */
    channel(id: string): Promise<Channel>;
    /**
     * Joins a channel with a deposit in the asset's smallest unit; this node acts for the account, and runs
     * the channel from then on. The account can call once `member` has resolved.
     */
    join(signer: Signer, channel: string, deposit: contract.Amount, options?: JoinOptions): Promise<Joined>;
    /** Lets the node run a channel of which it is a member already. */
    open(channel: string): Promise<ChannelInfo>;
    /** Resolves when the channel counts the account among its members: then it can call. */
    member(channel: string, account: string, timeoutMs?: number): Promise<void>;
}
