/** A member of a channel who calls. */
import { entryFunction, parseFunction } from "./abi.js";
import { encodeArgs } from "./codec.js";
import { fromReport, invalid, RefusedError, TimedOutError, UnreachableError } from "./errors.js";
import { CallHandle } from "./handle.js";
import { backoffMs, sleep } from "./time.js";
import { callHash, invocation, signCall } from "./wire.js";
/** Calls of one member that wait for their first answer; no node takes them further ahead. */
const UNDER_WAY = 512;
/** Calls that wait here for their turn. */
const MOST_QUEUED = 8_192;
const LIFETIME_MS = 60_000;
/** The clocks of client and node may differ by so much. */
const GRACE_MS = 5_000;
/** A busy node is asked again for ten seconds. */
const PATIENCE_MS = 50;
const PATIENCE_TRIES = 200;
const BACKOFF = { firstMs: 100, mostMs: 2_000 };
/** Ran, and failed: its number is used. */
const FAILURES = new Set(["move_abort", "out_of_gas", "execution_failed"]);
/** Answers that a call also gets which ran before, and whose answer was lost. */
const MAYBE_RAN = new Set(["sequence_number", "expired", "not_found"]);
/**
 * Calls in the name of one account, in the order in which they are made. One session an account: two
 * would take each other's sequence numbers.
 */
export class Member {
    channel;
    signer;
    #queue = [];
    #underWay = 0;
    /** The next number; asked for when it is not known. */
    #next;
    #pumping = false;
    /** @internal Made by `Channel.member`. */
    constructor(channel, signer) {
        this.channel = channel;
        this.signer = signer;
    }
    get address() {
        return this.signer.address;
    }
    /** @internal */
    get tracker() {
        return this.channel.tracker;
    }
    /**
     * Calls an entry function. Throws a `RefusedError` at once for an argument that does not fit, with its
     * place; everything later is told by the handle.
     */
    call(name, args, options = {}) {
        return this.order(name, this.operation(name, args, options.typeArgs), options);
    }
    /** Leaves the channel: the next settlement pays the balance. */
    leave(options = {}) {
        return this.order("leave", "leave", options);
    }
    /** Closes the channel; its creator may. Everybody is paid by the last settlement. */
    close(options = {}) {
        return this.order("close", "close", options);
    }
    /** What a call of this function asks for: BCS arguments, by the channel's ABI. */
    operation(name, args, typeArgs = []) {
        const parsed = parseFunction(name);
        const entry = entryFunction(this.channel.abi, parsed);
        return invocation(parsed, typeArgs, encodeArgs(this.channel.abi, entry, typeArgs, args));
    }
    /** Orders any operation; `what` is what the handle says it is. */
    order(what, operation, options = {}) {
        if (this.#queue.length >= MOST_QUEUED) {
            const details = { what: "calls waiting in this client", retry_after_ms: 100 };
            throw new RefusedError({ name: "busy", details }, "busy with calls waiting in this client");
        }
        const handle = new CallHandle(this, what);
        this.#queue.push({ handle, operation, options: checked(options) });
        void this.#pump();
        return handle;
    }
    /** @internal */
    report(call) {
        return this.channel.report(call);
    }
    /** @internal */
    sendAgain(handle) {
        if (handle.signed)
            void this.#deliver(handle, handle.signed);
    }
    /** Numbers, signs and sends what waits, one after another. */
    async #pump() {
        if (this.#pumping)
            return;
        this.#pumping = true;
        try {
            for (let job = this.#queue[0]; job; job = this.#queue[0]) {
                if (this.#underWay >= UNDER_WAY)
                    return;
                // What is under way decides which number is the next.
                if (this.#next === undefined && this.#underWay > 0)
                    return;
                await this.#start(job);
            }
        }
        finally {
            this.#pumping = false;
        }
    }
    async #start(job) {
        try {
            const number = this.#next ?? (await this.channel.sequence(this.address));
            // Before it is signed: an answer that comes meanwhile may forget the number again.
            this.#next = number + 1;
            const signed = await this.#sign(job, number);
            job.handle.onSigned(signed, callHash(signed.call));
            this.#underWay += 1;
            void this.#send(job.handle, signed);
        }
        catch (error) {
            this.#next = undefined;
            job.handle.onRefused(error);
        }
        this.#queue.shift();
    }
    #sign({ operation, options }, sequence) {
        const call = {
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
    async #send(handle, signed) {
        const used = await this.#deliver(handle, signed);
        // The number may or may not be used: the node knows.
        if (!used)
            this.#next = undefined;
        this.#underWay -= 1;
        void this.#pump();
    }
    /** Sends the same signed call until it has an answer. Whether it ran. */
    async #deliver(handle, signed) {
        for (let tries = 0, breaks = 0;;) {
            const { generation } = this.tracker;
            try {
                const report = await this.#ask(signed);
                handle.onExecuted(report, generation);
                return true;
            }
            catch (error) {
                const passes = error instanceof RefusedError && error.transient && tries < PATIENCE_TRIES;
                const broken = error instanceof UnreachableError || error instanceof TimedOutError;
                if (passes) {
                    tries += 1;
                    await sleep(PATIENCE_MS);
                }
                else if (broken && Date.now() < signed.call.expires_at + GRACE_MS) {
                    await sleep(backoffMs(BACKOFF, breaks++));
                }
                else {
                    return this.#conclude(handle, signed, error, generation);
                }
            }
        }
    }
    #ask(signed) {
        const left = signed.call.expires_at + GRACE_MS - Date.now();
        const timeoutMs = Math.max(GRACE_MS, Math.min(left, LIFETIME_MS));
        const params = { call: signed, wait: "executed" };
        return this.channel.connection.request("state_channel.call", params, timeoutMs);
    }
    /** What the last answer means: the log may say that the call ran. Whether it did. */
    async #conclude(handle, signed, error, generation) {
        const name = error instanceof RefusedError ? error.refusal.name : undefined;
        const ran = name !== undefined && FAILURES.has(name);
        if (ran || name === undefined || MAYBE_RAN.has(name)) {
            const report = await this.report(callHash(signed.call)).catch(() => null);
            if (report) {
                const failure = report.error ? (ran ? error : fromReport(report.error)) : undefined;
                handle.onExecuted(report, generation, failure);
                return true;
            }
        }
        handle.onRefused(error);
        return ran;
    }
}
function checked(options) {
    const { gasLimit = 1, lifetimeMs = 1 } = options;
    for (const [what, value] of Object.entries({ gasLimit, lifetimeMs })) {
        if (!Number.isSafeInteger(value) || value <= 0) {
            throw invalid(what, `expected a whole number above 0, found ${value}`);
        }
    }
    return options;
}
//# sourceMappingURL=member.js.map