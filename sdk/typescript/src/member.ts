/** A member of a channel who calls. */

import { entryFunction, parseFunction } from "./abi.js";
import type { Call, CallReport, Operation, SignedCall } from "./api.js";
import type { Channel } from "./channel.js";
import { encodeArgs, type MoveInput } from "./codec.js";
import { fromReport, invalid, RefusedError, TimedOutError, UnreachableError } from "./errors.js";
import { CallHandle, type HandleHost } from "./handle.js";
import type { Signer } from "./keys.js";
import { Patience, retryAfter } from "./patience.js";
import { bySession, type Delegation, delegated, sessionKey } from "./sessions.js";
import { backoffMs, sleep } from "./time.js";
import { callHash, invocation, signCall } from "./wire.js";

/** How a call is made. */
export interface CallOptions {
  /** Type arguments: `"u64"`, `"vector<address>"`. */
  typeArgs?: readonly string[];
  /** The most gas it may use: 10,000,000. */
  gasLimit?: number;
  /** How long it may wait to be ordered, in milliseconds: 60,000, at most 600,000. */
  lifetimeMs?: number;
}

/** Calls of one member that wait for their first answer; no node takes them further ahead. */
const UNDER_WAY = 512;
/** Calls that wait here for their turn. */
const MOST_QUEUED = 8_192;
const LIFETIME_MS = 60_000;
/** The clocks of client and node may differ by so much. */
const GRACE_MS = 5_000;
const BACKOFF = { firstMs: 100, mostMs: 2_000 };
/** Ran, and failed: its number is used. */
const FAILURES = new Set(["move_abort", "out_of_gas", "execution_failed", "over_spent"]);
/** Answers that a call also gets which ran before, and whose answer was lost. */
const MAYBE_RAN = new Set(["sequence_number", "expired", "not_found"]);

interface Job {
  handle: CallHandle;
  operation: Operation;
  options: CallOptions;
}

/**
 * Calls in the name of one account, in the order in which they are made. One `Member` a key: two would
 * take each other's sequence numbers.
 */
export class Member implements HandleHost {
  readonly #queue: Job[] = [];
  #underWay = 0;
  /** The next number; asked for when it is not known. */
  #next: number | undefined;
  #pumping = false;

  /** @internal Made by `Channel.member` and `Channel.session`. */
  constructor(
    readonly channel: Channel,
    /** The account's own key, or one that it delegated to. */
    readonly signer: Signer,
    /** The account in whose name it calls. */
    readonly address: string = signer.address,
  ) {}

  /** @internal */
  get tracker() {
    return this.channel.tracker;
  }

  /**
   * Calls an entry function. Throws a `RefusedError` at once for an argument that does not fit, with its
   * place; everything later is told by the handle.
   */
  call(name: string, args: readonly MoveInput[], options: CallOptions = {}): CallHandle {
    return this.order(name, this.operation(name, args, options.typeArgs), options);
  }

  /** Leaves the channel: the next settlement pays the balance. */
  leave(options: CallOptions = {}): CallHandle {
    return this.order("leave", "leave", options);
  }

  /** Closes the channel; its creator may. Everybody is paid by the last settlement. */
  close(options: CallOptions = {}): CallHandle {
    return this.order("close", "close", options);
  }

  /**
   * Lets a key call for this account, within limits, in place of what that key was delegated before.
   * What is wrong with the limits is thrown, but for the expiry, which goes by the channel's time.
   */
  delegate(given: Delegation, options: CallOptions = {}): CallHandle {
    const session = delegated(this.channel.abi, this.address, given);
    return this.order(`delegate to ${session.key}`, { delegate: session }, options);
  }

  /** Takes back what was delegated to a public key, from the block on that orders this. */
  revoke(key: string, options: CallOptions = {}): CallHandle {
    const known = sessionKey(key);
    return this.order(`revoke ${known}`, { revoke: { key: known } }, options);
  }

  /** What a call of this function asks for: BCS arguments, by the channel's ABI. */
  operation(name: string, args: readonly MoveInput[], typeArgs: readonly string[] = []): Operation {
    const parsed = parseFunction(name);
    const entry = entryFunction(this.channel.abi, parsed);
    return invocation(parsed, typeArgs, encodeArgs(this.channel.abi, entry, typeArgs, args));
  }

  /**
   * Orders any operation; `what` is what the handle says it is. Throws `unauthorised` for what a session
   * key may not sign.
   */
  order(what: string, operation: Operation, options: CallOptions = {}): CallHandle {
    const due = this.#due(what, operation);
    if (this.#queue.length >= MOST_QUEUED) {
      const details = { what: "calls waiting in this client", retry_after_ms: 100 };
      throw new RefusedError({ name: "busy", details }, "busy with calls waiting in this client");
    }
    const handle = new CallHandle(this, what);
    this.#queue.push({ handle, operation: due, options: checked(options) });
    void this.#pump();
    return handle;
  }

  /** The operation as this member's key signs it. */
  #due(what: string, operation: Operation): Operation {
    if (this.signer.address === this.address) return operation;
    return bySession(what, operation, this.signer.publicKey);
  }

  /** @internal */
  report(call: string): Promise<CallReport | null> {
    return this.channel.report(call);
  }

  /** @internal */
  sendAgain(handle: CallHandle): void {
    if (!handle.signed) return;
    // Under way again: its number is used, though the node may not know it yet.
    this.#underWay += 1;
    void this.#send(handle, handle.signed);
  }

  /** Numbers, signs and sends what waits, one after another. */
  async #pump(): Promise<void> {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      for (let job = this.#queue[0]; job; job = this.#queue[0]) {
        if (this.#underWay >= UNDER_WAY) return;
        // What is under way decides which number is the next.
        if (this.#next === undefined && this.#underWay > 0) return;
        await this.#start(job);
      }
    } finally {
      this.#pumping = false;
    }
  }

  /** The session key whose numbers the calls count with; none for those of the account's own key. */
  get #session(): string | undefined {
    return this.signer.address === this.address ? undefined : this.signer.publicKey;
  }

  async #start(job: Job): Promise<void> {
    try {
      const number = this.#next ?? (await this.channel.sequence(this.address, this.#session));
      // Before it is signed: an answer that comes meanwhile may forget the number again.
      this.#next = number + 1;
      const signed = await this.#sign(job, number);
      job.handle.onSigned(signed, callHash(signed.call));
      this.#underWay += 1;
      void this.#send(job.handle, signed);
    } catch (error) {
      this.#next = undefined;
      job.handle.onRefused(error as Error);
    }
    this.#queue.shift();
  }

  #sign({ operation, options }: Job, sequence: number): Promise<SignedCall> {
    const call: Call = {
      chain: this.channel.chain,
      channel: this.channel.id,
      sender: this.address,
      sequence,
      operation,
      gas_limit: options.gasLimit ?? 10_000_000,
      expires_at: Date.now() + (options.lifetimeMs ?? LIFETIME_MS),
    };
    return signCall(this.signer, call);
  }

  async #send(handle: CallHandle, signed: SignedCall): Promise<void> {
    await this.#deliver(handle, signed);
    this.#underWay -= 1;
    void this.#pump();
  }

  /** Sends the same signed call until it has an answer: whichever nodes get it, it runs once. */
  async #deliver(handle: CallHandle, signed: SignedCall): Promise<void> {
    const patience = new Patience(this.channel.connection.patienceMs);
    for (let breaks = 0; ; ) {
      const { generation } = this.tracker;
      try {
        const report = await this.#ask(signed);
        handle.onExecuted(report, generation);
        return;
      } catch (error) {
        const passes = error instanceof RefusedError && error.transient;
        const broken = error instanceof UnreachableError || error instanceof TimedOutError;
        if (passes && (await patience.wait(retryAfter(error) ?? 0))) continue;
        if (broken && Date.now() < signed.call.expires_at + GRACE_MS) {
          await sleep(backoffMs(BACKOFF, breaks++));
        } else {
          return this.#conclude(handle, signed, error as Error, generation);
        }
      }
    }
  }

  #ask(signed: SignedCall): Promise<CallReport> {
    const left = signed.call.expires_at + GRACE_MS - Date.now();
    const timeoutMs = Math.max(GRACE_MS, Math.min(left, LIFETIME_MS));
    const params = { call: signed, wait: "executed" as const };
    // `#deliver` itself asks again.
    const options = { timeoutMs, patienceMs: 0 };
    return this.channel.connection.request("state_channel.call", params, options);
  }

  /** What the last answer means: the log may say that the call ran. */
  async #conclude(
    handle: CallHandle,
    signed: SignedCall,
    error: Error,
    generation: number,
  ): Promise<void> {
    const name = error instanceof RefusedError ? error.refusal.name : undefined;
    const ran = name !== undefined && FAILURES.has(name);
    if (ran || name === undefined || MAYBE_RAN.has(name)) {
      const report = await this.report(callHash(signed.call)).catch(() => null);
      if (report) {
        const failure = report.error ? (ran ? error : fromReport(report.error)) : undefined;
        handle.onExecuted(report, generation, failure);
        return;
      }
    }
    // The number may or may not be used: the node knows. Before anybody calls again because of the error.
    if (!ran) this.#next = undefined;
    handle.onRefused(error);
  }
}

function checked(options: CallOptions): CallOptions {
  const { gasLimit = 1, lifetimeMs = 1 } = options;
  for (const [what, value] of Object.entries({ gasLimit, lifetimeMs })) {
    if (!Number.isSafeInteger(value) || value <= 0) {
      throw invalid(what, `expected a whole number above 0, found ${value}`);
    }
  }
  return options;
}
