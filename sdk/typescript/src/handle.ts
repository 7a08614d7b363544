/** One call and how far it has come. */

import type { CallReport, CallStatus, SignedCall } from "./api.js";
import { Emitter } from "./emitter.js";
import { fromReport, RefusedError } from "./errors.js";
import { writeJson } from "./json.js";
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

const STAGES: readonly CallStatus[] = ["executed", "certified", "final", "settled"];
const FINAL = STAGES.indexOf("final");

interface Stage {
  promise: Promise<CallReport>;
  resolve(report: CallReport): void;
  reject(error: Error): void;
}

/** What the handle asks of the session that made it. */
export interface HandleHost {
  tracker: Tracker;
  /** Sends the same signed call again. */
  sendAgain(handle: CallHandle): void;
  /** The node's report of the call, `null` when its log has none. */
  report(call: string): Promise<CallReport | null>;
}

export class CallHandle implements Follower {
  readonly #host: HandleHost;
  readonly #changes = new Emitter<StatusChange>();
  readonly #stages = new Map<number, Stage>();
  #status: HandleStatus = "predicted";
  #report: CallReport | undefined;
  #error: Error | undefined;
  /** The place in `STAGES` that was reached, -1 before the first. */
  #reached = -1;
  /** Why it ends for good: nothing more can change. */
  #over = false;
  /** Why nothing more is heard of it, though it may go on. */
  #unheard: Error | undefined;
  #generation = 0;
  #confirming = false;
  #signed: SignedCall | undefined;
  #hash: string | undefined;

  /** @internal Made by `Member.call`. */
  constructor(
    host: HandleHost,
    /** What was called: `0x44::payments::pay`, `leave`, `close`, `delegate to` or `revoke` a key. */
    readonly what: string,
  ) {
    this.#host = host;
  }

  get status(): HandleStatus {
    return this.#status;
  }

  /** Why it failed, once `status` is `failed`. */
  get error(): Error | undefined {
    return this.#error;
  }

  /** The call's name in reports and notices, once it is signed. */
  get hash(): string | undefined {
    return this.#hash;
  }

  /** What was signed: the same bytes can be sent by anybody, and run once. */
  get signed(): SignedCall | undefined {
    return this.#signed;
  }

  /** The last report, once there is one. */
  get report(): CallReport | undefined {
    return this.#report;
  }

  /** Calls `listener` on every change of `status`, until it is settled. The answer takes it away. */
  on(_event: "status", listener: (change: StatusChange) => void): () => void {
    const off = this.#changes.on(listener);
    this.#follow();
    return off;
  }

  /** The leader, or this node, ran it. It may still be taken back, when the leader changes. */
  get executed(): Promise<CallReport> {
    return this.#stage("executed");
  }

  /** It survives crashes of nodes with less than a third of the weight. */
  get certified(): Promise<CallReport> {
    return this.#stage("certified");
  }

  /** It survives whatever less than a third of the registered members do. */
  get final(): Promise<CallReport> {
    return this.#stage("final");
  }

  /** A settlement that executed on the chain covers it. Never, where nobody settles. */
  get settled(): Promise<CallReport> {
    return this.#stage("settled");
  }

  /** Promises are made when they are asked for: nobody else has to handle their rejection. */
  #stage(name: CallStatus): Promise<CallReport> {
    const place = STAGES.indexOf(name);
    const known = this.#stages.get(place);
    if (known) return known.promise;
    let stage: Omit<Stage, "promise"> | undefined;
    const promise = new Promise<CallReport>((resolve, reject) => {
      stage = { resolve, reject };
    });
    if (stage) this.#stages.set(place, { promise, ...stage });
    this.#settleStages();
    this.#follow();
    return promise;
  }

  #settleStages(): void {
    for (const [place, stage] of this.#stages) {
      if (this.#error && (this.#over || place === 0)) stage.reject(this.#error);
      else if (this.#report && place <= this.#reached) stage.resolve(this.#report);
      else if (this.#unheard) stage.reject(this.#unheard);
    }
  }

  #become(status: HandleStatus): void {
    const from = this.#status;
    if (from === status) return;
    this.#status = status;
    this.#changes.emit({ from, to: status });
  }

  /** How far anybody wants to know. */
  get #wanted(): number {
    const asked = Math.max(FINAL, ...this.#stages.keys());
    return this.#changes.size > 0 ? STAGES.length - 1 : asked;
  }

  #follow(): void {
    if (!this.#over && this.#signed && this.#reached < this.#wanted)
      this.#host.tracker.follow(this);
  }

  // What the session tells.

  /** @internal */
  onSigned(signed: SignedCall, hash: string): void {
    this.#signed = signed;
    this.#hash = hash;
    this.#follow();
  }

  /** @internal It ran: `error` is why it failed, if it did. `generation` is from before it was sent. */
  onExecuted(report: CallReport, generation: number, error?: Error): void {
    if (this.#over) return;
    this.#report = report;
    this.#generation = generation;
    this.#error = error;
    this.#reach(report.status);
    if (!this.#over) this.#follow();
  }

  /** @internal It will not run. */
  onRefused(error: Error): void {
    if (this.#over) return;
    this.#error = error;
    this.#finish();
    this.#become("failed");
    this.#settleStages();
  }

  #finish(): void {
    this.#over = true;
    this.#host.tracker.leave(this);
  }

  #reach(status: CallStatus): void {
    const place = STAGES.indexOf(status);
    if (place < this.#reached || !this.#report) return;
    this.#reached = place;
    this.#report = { ...this.#report, status };
    // A failure that is certified stays one.
    const failed = this.#error !== undefined;
    if ((failed && place > 0) || place === STAGES.length - 1) this.#finish();
    this.#become(failed ? "failed" : status);
    this.#settleStages();
  }

  // What the channel's tracker tells.

  /** @internal */
  onHeights(heights: Heights): boolean {
    if (this.#over) return false;
    const height = this.#report?.height;
    if (height === undefined) return true;
    const reached = STAGES.findLast((name) => name !== "executed" && heights[name] >= height);
    if (reached && STAGES.indexOf(reached) > this.#reached) this.#harden(reached);
    return !this.#over && this.#reached < this.#wanted;
  }

  /** A height counts for the block that the report is of, not for one that took its place. */
  #harden(status: CallStatus): void {
    const { tracker } = this.#host;
    if (this.#reached > 0 || this.#generation === tracker.generation) this.#reach(status);
    else if (!this.#confirming) void this.#confirm();
  }

  async #confirm(): Promise<void> {
    this.#confirming = true;
    const { generation } = this.#host.tracker;
    try {
      const report = await this.#host.report(this.#hash ?? "");
      if (report) this.onExecuted(report, generation, this.#failure(report));
      else this.#takeBack();
    } catch {
      // The next heights ask again.
    } finally {
      this.#confirming = false;
    }
  }

  /** Why it failed, if it did: the same error when it is the same failure. */
  #failure({ error }: CallReport): Error | undefined {
    if (!error) return undefined;
    const { refusal } = this.#error instanceof RefusedError ? this.#error : {};
    const isSame = refusal?.name === error.name;
    if (isSame && writeJson(refusal?.details) === writeJson(error.details)) return this.#error;
    return fromReport(error);
  }

  /** @internal */
  onRollback(to: number): void {
    if (this.#over || !this.#report || this.#reached > 0) return;
    if (this.#report.height > to) this.#takeBack();
    else this.#generation = this.#host.tracker.generation;
  }

  /** @internal Whether this server's log has the block, too, nobody says before it is certified. */
  onResumed(): void {
    if (!this.#over && this.#reached === 0 && !this.#confirming) void this.#confirm();
  }

  /** @internal */
  onEnded(error: Error): void {
    this.#unheard = error;
    this.#settleStages();
  }

  #takeBack(): void {
    this.#report = undefined;
    this.#error = undefined;
    this.#reached = -1;
    this.#become("predicted");
    this.#host.sendAgain(this);
  }
}
