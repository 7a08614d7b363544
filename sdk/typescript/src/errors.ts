/** What can go wrong, by what an app does about it. */

import type { RefusalData } from "./api.js";
import { REFUSALS, type RefusalDetails, type RefusalName } from "./refusals.js";

/** Why a node, a channel or the chain said no: `name` tells which fields `details` has. */
export type Refusal = {
  [Name in RefusalName]: { name: Name; details: RefusalDetails[Name] };
}[RefusalName];

/** Every error of this package. */
export abstract class FairwayError extends Error {
  abstract override readonly name: string;
  /** Whether the same request may succeed later without a change. */
  abstract readonly transient: boolean;
}

/** The node, the channel or the chain said no; or this package did, before anything was sent. */
export class RefusedError extends FairwayError {
  override readonly name = "RefusedError";
  /** The stable code, of the table in docs/errors.md. */
  readonly code: number;
  readonly transient: boolean;

  constructor(
    readonly refusal: Refusal,
    message: string,
  ) {
    super(message);
    this.code = REFUSALS[refusal.name].code;
    this.transient = REFUSALS[refusal.name].transient;
  }

  /** Whether it is this refusal. */
  is(name: RefusalName): boolean {
    return this.refusal.name === name;
  }
}

/** A refusal that this version does not know, or an error of JSON-RPC itself. */
export class RpcError extends FairwayError {
  override readonly name = "RpcError";
  readonly transient = false;

  constructor(
    readonly code: number,
    message: string,
    readonly data?: unknown,
  ) {
    super(`the server answered with error ${code}: ${message}`);
  }
}

/** There is no connection. What was asked for may or may not have happened. */
export class UnreachableError extends FairwayError {
  override readonly name = "UnreachableError";
  readonly transient = true;

  constructor(
    readonly url: string,
    readonly reason: string,
  ) {
    super(`${url} can't be reached: ${reason}`);
  }
}

/** No answer in time. A call may still be ordered until it expires: ask for its report. */
export class TimedOutError extends FairwayError {
  override readonly name = "TimedOutError";
  readonly transient = true;

  constructor(
    readonly url: string,
    readonly what: string,
    readonly afterMs: number,
    /** The last that it sent and that was neither an answer nor a notice, if it sent such a thing. */
    readonly strange?: string,
  ) {
    const sent = strange === undefined ? "" : `; it sent what is no message: ${strange}`;
    super(`${url} did not answer ${what} within ${afterMs} ms${sent}`);
  }
}

/** The server is something else than a node or a ledger, or another version. */
export class ProtocolError extends FairwayError {
  override readonly name = "ProtocolError";
  readonly transient = false;

  constructor(
    readonly url: string,
    readonly reason: string,
  ) {
    super(`${url} answered with something else than expected: ${reason}`);
  }
}

/** The app closed the client. */
export class ClosedError extends FairwayError {
  override readonly name = "ClosedError";
  readonly transient = false;

  constructor(readonly url: string) {
    super(`the client of ${url} was closed by the app`);
  }
}

/** Whether a request ended without an answer that can be read: what it asked for may have been done. */
export function isLost(error: unknown): boolean {
  return (
    error instanceof UnreachableError ||
    error instanceof TimedOutError ||
    error instanceof ProtocolError
  );
}

/** The refusal that is meant, if the error is one with this name. */
export function refusalOf<Name extends RefusalName>(
  error: unknown,
  name: Name,
): RefusalDetails[Name] | undefined {
  if (!(error instanceof RefusedError) || error.refusal.name !== name) return undefined;
  return error.refusal.details as RefusalDetails[Name];
}

/** A refusal of this package's own, as a node would word it. */
export function invalid(what: string, reason: string): RefusedError {
  const refusal: Refusal = { name: "invalid_argument", details: { what, reason } };
  return new RefusedError(refusal, `invalid ${what}: ${reason}`);
}

export function functionNotFound(name: string): RefusedError {
  const refusal: Refusal = { name: "function_not_found", details: { function: name } };
  return new RefusedError(refusal, `no entry function ${name}`);
}

function isRefusalData(data: unknown): data is RefusalData {
  const named = data as Partial<RefusalData> | null | undefined;
  return typeof named?.name === "string" && Object.hasOwn(REFUSALS, named.name);
}

/** The error that `data` of an answer or a report shows. `code` is that of the answer, if it had one. */
export function fromData(data: unknown, message: string, code = 0): FairwayError {
  if (!isRefusalData(data)) return new RpcError(code, message, data);
  return new RefusedError({ name: data.name, details: data.details } as Refusal, message);
}

/** The failure that a report tells, in the node's words where it has its own. */
export function fromReport(data: RefusalData): FairwayError {
  return fromData(data, worded(data));
}

function worded({ name, details }: RefusalData): string {
  const fields = (details ?? {}) as Record<string, unknown>;
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
  if (name === "over_spent") {
    const { asset, left, spent } = fields;
    return (
      `the call takes ${spent} of asset ${asset} out of the vault, its session key may take ${left}: ` +
      "sign with the account's key, or delegate more"
    );
  }
  const shown = Object.entries(fields).map(([field, value]) => `${field} ${String(value)}`);
  return shown.length ? `${name}: ${shown.join(", ")}` : name;
}
