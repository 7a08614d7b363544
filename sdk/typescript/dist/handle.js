/** One call and how far it has come. */
import { Emitter } from "./emitter.js";
import { fromReport } from "./errors.js";
const STAGES = ["executed", "certified", "final", "settled"];
const FINAL = STAGES.indexOf("final");
export class CallHandle {
    what;
    #host;
    #changes = new Emitter();
    #stages = new Map();
    #status = "predicted";
    #report;
    #error;
    /** The place in `STAGES` that was reached, -1 before the first. */
    #reached = -1;
    /** Why it ends for good: nothing more can change. */
    #over = false;
    /** Why nothing more is heard of it, though it may go on. */
    #unheard;
    #generation = 0;
    #confirming = false;
    #signed;
    #hash;
    /** @internal Made by `Member.call`. */
    constructor(host, 
    /** What was called: `0x44::payments::pay`, `leave` or `close`. */
    what) {
        this.what = what;
        this.#host = host;
    }
    get status() {
        return this.#status;
    }
    /** Why it failed, once `status` is `failed`. */
    get error() {
        return this.#error;
    }
    /** The call's name in reports and notices, once it is signed. */
    get hash() {
        return this.#hash;
    }
    /** What was signed: the same bytes can be sent by anybody, and run once. */
    get signed() {
        return this.#signed;
    }
    /** The last report, once there is one. */
    get report() {
        return this.#report;
    }
    /** Calls `listener` on every change of `status`, until it is settled. The answer takes it away. */
    on(_event, listener) {
        const off = this.#changes.on(listener);
        this.#follow();
        return off;
    }
    /** The leader, or this node, ran it. It may still be taken back, when the leader changes. */
    get executed() {
        return this.#stage("executed");
    }
    /** It survives crashes of nodes with less than a third of the weight. */
    get certified() {
        return this.#stage("certified");
    }
    /** It survives whatever less than a third of the registered members do. */
    get final() {
        return this.#stage("final");
    }
    /** A settlement that executed on the chain covers it. Never, where nobody settles. */
    get settled() {
        return this.#stage("settled");
    }
    /** Promises are made when they are asked for: nobody else has to handle their rejection. */
    #stage(name) {
        const place = STAGES.indexOf(name);
        const known = this.#stages.get(place);
        if (known)
            return known.promise;
        let stage;
        const promise = new Promise((resolve, reject) => {
            stage = { resolve, reject };
        });
        if (stage)
            this.#stages.set(place, { promise, ...stage });
        this.#settleStages();
        this.#follow();
        return promise;
    }
    #settleStages() {
        for (const [place, stage] of this.#stages) {
            if (this.#error && (this.#over || place === 0))
                stage.reject(this.#error);
            else if (this.#report && place <= this.#reached)
                stage.resolve(this.#report);
            else if (this.#unheard)
                stage.reject(this.#unheard);
        }
    }
    #become(status) {
        const from = this.#status;
        if (from === status)
            return;
        this.#status = status;
        this.#changes.emit({ from, to: status });
    }
    /** How far anybody wants to know. */
    get #wanted() {
        const asked = Math.max(FINAL, ...this.#stages.keys());
        return this.#changes.size > 0 ? STAGES.length - 1 : asked;
    }
    #follow() {
        if (!this.#over && this.#signed && this.#reached < this.#wanted)
            this.#host.tracker.follow(this);
    }
    // What the session tells.
    /** @internal */
    onSigned(signed, hash) {
        this.#signed = signed;
        this.#hash = hash;
        this.#follow();
    }
    /** @internal It ran: `error` is why it failed, if it did. `generation` is from before it was sent. */
    onExecuted(report, generation, error) {
        if (this.#over)
            return;
        this.#report = report;
        this.#generation = generation;
        this.#error = error;
        this.#reach(report.status);
        if (!this.#over)
            this.#follow();
    }
    /** @internal It will not run. */
    onRefused(error) {
        if (this.#over)
            return;
        this.#error = error;
        this.#finish();
        this.#become("failed");
        this.#settleStages();
    }
    #finish() {
        this.#over = true;
        this.#host.tracker.leave(this);
    }
    #reach(status) {
        const place = STAGES.indexOf(status);
        if (place < this.#reached || !this.#report)
            return;
        this.#reached = place;
        this.#report = { ...this.#report, status };
        // A failure that is certified stays one.
        const failed = this.#error !== undefined;
        if ((failed && place > 0) || place === STAGES.length - 1)
            this.#finish();
        this.#become(failed ? "failed" : status);
        this.#settleStages();
    }
    // What the channel's tracker tells.
    /** @internal */
    onHeights(heights) {
        if (this.#over)
            return false;
        const height = this.#report?.height;
        if (height === undefined)
            return true;
        const reached = STAGES.findLast((name) => name !== "executed" && heights[name] >= height);
        if (reached && STAGES.indexOf(reached) > this.#reached)
            this.#harden(reached);
        return !this.#over && this.#reached < this.#wanted;
    }
    /** A height counts for the block that the report is of, not for one that took its place. */
    #harden(status) {
        const { tracker } = this.#host;
        if (this.#reached > 0 || this.#generation === tracker.generation)
            this.#reach(status);
        else if (!this.#confirming)
            void this.#confirm();
    }
    async #confirm() {
        this.#confirming = true;
        const { generation } = this.#host.tracker;
        try {
            const report = await this.#host.report(this.#hash ?? "");
            if (report)
                this.onExecuted(report, generation, report.error ? fromReport(report.error) : undefined);
            else
                this.#takeBack();
        }
        catch {
            // The next heights ask again.
        }
        finally {
            this.#confirming = false;
        }
    }
    /** @internal */
    onRollback(to) {
        if (this.#over || !this.#report || this.#reached > 0)
            return;
        if (this.#report.height > to)
            this.#takeBack();
        else
            this.#generation = this.#host.tracker.generation;
    }
    /** @internal */
    onEnded(error) {
        this.#unheard = error;
        this.#settleStages();
    }
    #takeBack() {
        this.#report = undefined;
        this.#error = undefined;
        this.#reached = -1;
        this.#become("predicted");
        this.#host.sendAgain(this);
    }
}
//# sourceMappingURL=handle.js.map