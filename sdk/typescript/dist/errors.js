/** What can go wrong, by what an app does about it. */
import { REFUSALS } from "./refusals.js";
/** Every error of this package. */
export class FairwayError extends Error {
}
/** The node, the channel or the chain said no; or this package did, before anything was sent. */
export class RefusedError extends FairwayError {
    refusal;
    name = "RefusedError";
    /** The stable code, of the table in docs/errors.md. */
    code;
    transient;
    constructor(refusal, message) {
        super(message);
        this.refusal = refusal;
        this.code = REFUSALS[refusal.name].code;
        this.transient = REFUSALS[refusal.name].transient;
    }
    /** Whether it is this refusal. */
    is(name) {
        return this.refusal.name === name;
    }
}
/** A refusal that this version does not know, or an error of JSON-RPC itself. */
export class RpcError extends FairwayError {
    code;
    data;
    name = "RpcError";
    transient = false;
    constructor(code, message, data) {
        super(`the server answered with error ${code}: ${message}`);
        this.code = code;
        this.data = data;
    }
}
/** There is no connection. What was asked for may or may not have happened. */
export class UnreachableError extends FairwayError {
    url;
    reason;
    name = "UnreachableError";
    transient = true;
    constructor(url, reason) {
        super(`${url} can't be reached: ${reason}`);
        this.url = url;
        this.reason = reason;
    }
}
/** No answer in time. A call may still be ordered until it expires: ask for its report. */
export class TimedOutError extends FairwayError {
    url;
    what;
    afterMs;
    name = "TimedOutError";
    transient = true;
    constructor(url, what, afterMs) {
        super(`${url} did not answer ${what} within ${afterMs} ms`);
        this.url = url;
        this.what = what;
        this.afterMs = afterMs;
    }
}
/** The server is something else than a node or a ledger, or another version. */
export class ProtocolError extends FairwayError {
    url;
    reason;
    name = "ProtocolError";
    transient = false;
    constructor(url, reason) {
        super(`${url} answered with something else than expected: ${reason}`);
        this.url = url;
        this.reason = reason;
    }
}
/** The app closed the client. */
export class ClosedError extends FairwayError {
    url;
    name = "ClosedError";
    transient = false;
    constructor(url) {
        super(`the client of ${url} was closed by the app`);
        this.url = url;
    }
}
/** The refusal that is meant, if the error is one with this name. */
export function refusalOf(error, name) {
    if (!(error instanceof RefusedError) || error.refusal.name !== name)
        return undefined;
    return error.refusal.details;
}
/** A refusal of this package's own, as a node would word it. */
export function invalid(what, reason) {
    const refusal = { name: "invalid_argument", details: { what, reason } };
    return new RefusedError(refusal, `invalid ${what}: ${reason}`);
}
export function functionNotFound(name) {
    const refusal = { name: "function_not_found", details: { function: name } };
    return new RefusedError(refusal, `no entry function ${name}`);
}
function isRefusalData(data) {
    const named = data;
    return typeof named?.name === "string" && Object.hasOwn(REFUSALS, named.name);
}
/** The error that `data` of an answer or a report shows. `code` is that of the answer, if it had one. */
export function fromData(data, message, code = 0) {
    if (!isRefusalData(data))
        return new RpcError(code, message, data);
    return new RefusedError({ name: data.name, details: data.details }, message);
}
/** The failure that a report tells, in the node's words where it has its own. */
export function fromReport(data) {
    return fromData(data, worded(data));
}
function worded({ name, details }) {
    const fields = (details ?? {});
    const { address, module, code, limit, used, reason } = fields;
    if (name === "move_abort") {
        const named = fields.name ? ` (${fields.name})` : "";
        return `aborted in ${address}::${module} with code ${code}${named}`;
    }
    if (name === "out_of_gas") {
        return `out of gas after ${used} of ${limit}: raise gas_limit or do less in one call`;
    }
    if (name === "execution_failed") {
        return `execution failed with VM status ${code}${reason ? `: ${reason}` : ""}`;
    }
    const shown = Object.entries(fields).map(([field, value]) => `${field} ${String(value)}`);
    return shown.length ? `${name}: ${shown.join(", ")}` : name;
}
//# sourceMappingURL=errors.js.map