/** A member of a channel who calls. */
import type { CallReport, Operation } from "./api.js";
import type { Channel } from "./channel.js";
import { type MoveInput } from "./codec.js";
import { CallHandle, type HandleHost } from "./handle.js";
import type { Signer } from "./keys.js";
/** How a call is made. */
export interface CallOptions {
    /** Type arguments: `"u64"`, `"vector<address>"`. */
    typeArgs?: readonly string[];
    /** The most gas it may use: 10,000,000. */
    gasLimit?: number;
    /** How long it may wait to be ordered, in milliseconds: 60,000, at most 600,000. */
    lifetimeMs?: number;
}
/**
 * Calls in the name of one account, in the order in which they are made. One session an account: two
 * would take each other's sequence numbers.
 */
export declare class Member implements HandleHost {
    #private;
    readonly channel: Channel;
    readonly signer: Signer;
    /** @internal Made by `Channel.member`. */
    constructor(channel: Channel, signer: Signer);
    get address(): string;
    /** @internal */
    get tracker(): import("./tracker.js").Tracker;
    /**
     * Calls an entry function. Throws a `RefusedError` at once for an argument that does not fit, with its
     * place; everything later is told by the handle.
     */
    call(name: string, args: readonly MoveInput[], options?: CallOptions): CallHandle;
    /** Leaves the channel: the next settlement pays the balance. */
    leave(options?: CallOptions): CallHandle;
    /** Closes the channel; its creator may. Everybody is paid by the last settlement. */
    close(options?: CallOptions): CallHandle;
    /** What a call of this function asks for: BCS arguments, by the channel's ABI. */
    operation(name: string, args: readonly MoveInput[], typeArgs?: readonly string[]): Operation;
    /** Orders any operation; `what` is what the handle says it is. */
    order(what: string, operation: Operation, options?: CallOptions): CallHandle;
    /** @internal */
    report(call: string): Promise<CallReport | null>;
    /** @internal */
    sendAgain(handle: CallHandle): void;
}
