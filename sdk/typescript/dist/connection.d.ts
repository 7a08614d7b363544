/** JSON-RPC 2.0 over a WebSocket that is made again when it breaks. */
import type { Methods } from "./api.js";
import { type Backoff } from "./time.js";
/** How a connection behaves. Times in milliseconds. */
export interface ConnectionOptions {
    /** What the server asks for, if it asks for one. */
    token?: string;
    /** How long one attempt to connect may take, and a request may wait for a connection: 5,000. */
    connectTimeoutMs?: number;
    /** How long a request may wait for its answer: 60,000. */
    requestTimeoutMs?: number;
    /** A connection on which nothing came for so long is asked whether it lives: 15,000. */
    idleMs?: number;
    /** Waits between attempts to connect again: 100 at first, 5,000 at most. */
    backoff?: Backoff;
}
/** Why the connection is gone; it is being made again. */
export interface Left {
    url: string;
    reason: string;
}
/** The connection stands again. */
export interface Reconnected {
    url: string;
    /** How long it was away. */
    awayMs: number;
    /** Attempts that it took. */
    attempts: number;
}
/** Notices of one subscription, as they come. */
export interface Sink {
    /** `bytes` is about what the notice takes in memory. */
    notice(result: unknown, bytes: number): void;
    /** The connection broke: the subscription is over. */
    gone(): void;
}
/** One server. Made by `Connection.open`. */
export declare class Connection {
    #private;
    readonly url: string;
    private constructor();
    /** Connects to `url` (`ws://…`, `wss://…`). */
    static open(url: string, options?: ConnectionOptions): Promise<Connection>;
    /** Whether there is a connection now. */
    get connected(): boolean;
    get closed(): boolean;
    /** Calls `listener` whenever the connection breaks. The answer takes the listener away. */
    onLeave(listener: (left: Left) => void): () => void;
    /** Calls `listener` whenever the connection stands again. The answer takes the listener away. */
    onReconnect(listener: (reconnected: Reconnected) => void): () => void;
    /** Ends the connection for good; what waits fails with `ClosedError`. */
    close(): void;
    /**
     * Sends a request. With no connection it waits for one; when the connection breaks under way, it is
     * sent once more on the next.
     */
    request<Name extends keyof Methods>(method: Name, params: Methods[Name]["params"], timeoutMs?: number): Promise<Methods[Name]["result"]>;
    /** Subscribes; the answer is the subscription's id. It ends with the connection. */
    subscribe(method: string, params: object, sink: Sink): Promise<number>;
    /** Ends a subscription, if the connection it came on still stands. */
    unsubscribe(method: string, id: number): void;
}
