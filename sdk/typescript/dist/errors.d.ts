/** What can go wrong, by what an app does about it. */
import type { RefusalData } from "./api.js";
import { type RefusalDetails, type RefusalName } from "./refusals.js";
/** Why a node, a channel or the chain said no: `name` tells which fields `details` has. */
export type Refusal = {
    [Name in RefusalName]: {
        name: Name;
        details: RefusalDetails[Name];
    };
}[RefusalName];
/** Every error of this package. */
export declare abstract class FairwayError extends Error {
    abstract readonly name: string;
    /** Whether the same request may succeed later without a change. */
    abstract readonly transient: boolean;
}
/** The node, the channel or the chain said no; or this package did, before anything was sent. */
export declare class RefusedError extends FairwayError {
    readonly refusal: Refusal;
    readonly name = "RefusedError";
    /** The stable code, of the table in docs/errors.md. */
    readonly code: number;
    readonly transient: boolean;
    constructor(refusal: Refusal, message: string);
    /** Whether it is this refusal. */
    is(name: RefusalName): boolean;
}
/** A refusal that this version does not know, or an error of JSON-RPC itself. */
export declare class RpcError extends FairwayError {
    readonly code: number;
    readonly data?: unknown;
    readonly name = "RpcError";
    readonly transient = false;
    constructor(code: number, message: string, data?: unknown);
}
/** There is no connection. What was asked for may or may not have happened. */
export declare class UnreachableError extends FairwayError {
    readonly url: string;
    readonly reason: string;
    readonly name = "UnreachableError";
    readonly transient = true;
    constructor(url: string, reason: string);
}
/** No answer in time. A call may still be ordered until it expires: ask for its report. */
export declare class TimedOutError extends FairwayError {
    readonly url: string;
    readonly what: string;
    readonly afterMs: number;
    readonly name = "TimedOutError";
    readonly transient = true;
    constructor(url: string, what: string, afterMs: number);
}
/** The server is something else than a node or a ledger, or another version. */
export declare class ProtocolError extends FairwayError {
    readonly url: string;
    readonly reason: string;
    readonly name = "ProtocolError";
    readonly transient = false;
    constructor(url: string, reason: string);
}
/** The app closed the client. */
export declare class ClosedError extends FairwayError {
    readonly url: string;
    readonly name = "ClosedError";
    readonly transient = false;
    constructor(url: string);
}
/** The refusal that is meant, if the error is one with this name. */
export declare function refusalOf<Name extends RefusalName>(error: unknown, name: Name): RefusalDetails[Name] | undefined;
/** A refusal of this package's own, as a node would word it. */
export declare function invalid(what: string, reason: string): RefusedError;
export declare function functionNotFound(name: string): RefusedError;
/** The error that `data` of an answer or a report shows. `code` is that of the answer, if it had one. */
export declare function fromData(data: unknown, message: string, code?: number): FairwayError;
/** The failure that a report tells, in the node's words where it has its own. */
export declare function fromReport(data: RefusalData): FairwayError;
