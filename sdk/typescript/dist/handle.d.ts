/** One call and how far it has come. */
import type { CallReport, CallStatus, SignedCall } from "./api.js";
import type { Follower, Heights, Tracker } from "./tracker.js";
/**
 * `predicted`: made here, and not known to have run; also after the block it ran in was taken back.
 * `failed`: refused, or failed in execution; `error` says why. The others are the node's.
 */
export type HandleStatus = "predicted" | CallStatus | "failed";
export interface StatusChange {
    from: HandleStatus;
    to: HandleStatus;
}
/** What the handle asks of the session that made it. */
export interface HandleHost {
    tracker: Tracker;
    /** Sends the same signed call again. */
    sendAgain(handle: CallHandle): void;
    /** The node's report of the call, `null` when its log has none. */
    report(call: string): Promise<CallReport | null>;
}
export declare class CallHandle implements Follower {
    #private;
    /** What was called: `0x44::payments::pay`, `leave` or `close`. */
    readonly what: string;
    /** @internal Made by `Member.call`. */
    constructor(host: HandleHost, 
    /** What was called: `0x44::payments::pay`, `leave` or `close`. */
    what: string);
    get status(): HandleStatus;
    /** Why it failed, once `status` is `failed`. */
    get error(): Error | undefined;
    /** The call's name in reports and notices, once it is signed. */
    get hash(): string | undefined;
    /** What was signed: the same bytes can be sent by anybody, and run once. */
    get signed(): SignedCall | undefined;
    /** The last report, once there is one. */
    get report(): CallReport | undefined;
    /** Calls `listener` on every change of `status`, until it is settled. The answer takes it away. */
    on(_event: "status", listener: (change: StatusChange) => void): () => void;
    /** The leader, or this node, ran it. It may still be taken back, when the leader changes. */
    get executed(): Promise<CallReport>;
    /** It survives crashes of nodes with less than a third of the weight. */
    get certified(): Promise<CallReport>;
    /** It survives whatever less than a third of the registered members do. */
    get final(): Promise<CallReport>;
    /** A settlement that executed on the chain covers it. Never, where nobody settles. */
    get settled(): Promise<CallReport>;
    /** @internal */
    onSigned(signed: SignedCall, hash: string): void;
    /** @internal It ran: `error` is why it failed, if it did. `generation` is from before it was sent. */
    onExecuted(report: CallReport, generation: number, error?: Error): void;
    /** @internal It will not run. */
    onRefused(error: Error): void;
    /** @internal */
    onHeights(heights: Heights): boolean;
    /** @internal */
    onRollback(to: number): void;
    /** @internal */
    onEnded(error: Error): void;
}
