/** How far the calls of a channel have come, from one subscription that all of them share. */
import { ClosedError, refusalOf } from "./errors.js";
import { Subscription } from "./notices.js";
import { backoffMs, sleep } from "./time.js";
/** Hides every resource and event: no type begins so. */
const NOTHING = { resource_types: ["-"], event_types: ["-"] };
/** The subscription is kept so long for the next call. */
const LINGER_MS = 5_000;
const BACKOFF = { firstMs: 200, mostMs: 5_000 };
export class Tracker {
    connection;
    channel;
    /** Counts what took blocks back: a report from before may be of a block that is gone. */
    generation = 0;
    heights = { certified: 0, final: 0, settled: 0 };
    #followers = new Set();
    #running = false;
    #subscription;
    #lingers;
    constructor(connection, channel) {
        this.connection = connection;
        this.channel = channel;
    }
    follow(follower) {
        if (!follower.onHeights(this.heights))
            return;
        this.#followers.add(follower);
        if (!this.#running)
            void this.#run();
    }
    leave(follower) {
        this.#followers.delete(follower);
        this.#rest();
    }
    async #run() {
        this.#running = true;
        for (let failures = 0; this.#followers.size > 0; failures += 1) {
            try {
                const { connection, channel } = this;
                const take = (notice) => this.#take(notice);
                const hidden = { filter: NOTHING };
                this.#subscription = await Subscription.start(connection, channel, hidden, take);
                failures = 0;
                await this.#subscription.next();
            }
            catch (error) {
                if (error instanceof ClosedError || refusalOf(error, "channel_not_found")) {
                    this.#end(error);
                    break;
                }
            }
            // Between two subscriptions anything may have been taken back.
            this.generation += 1;
            if (this.#followers.size > 0 && failures > 0)
                await sleep(backoffMs(BACKOFF, failures));
        }
        this.#subscription = undefined;
        this.#running = false;
    }
    #end(error) {
        const followers = [...this.#followers];
        this.#followers.clear();
        for (const follower of followers)
            follower.onEnded(error);
    }
    /** When nobody has followed for a while, nothing has to be heard. */
    #rest() {
        clearTimeout(this.#lingers);
        if (this.#followers.size > 0)
            return;
        this.#lingers = setTimeout(() => {
            if (this.#followers.size === 0)
                this.#subscription?.close();
        }, LINGER_MS);
        this.#lingers.unref?.();
    }
    #take(notice) {
        if (notice.kind === "heights") {
            Object.assign(this.heights, {
                certified: notice.certified,
                final: notice.final,
                settled: notice.settled,
            });
            for (const follower of [...this.#followers]) {
                if (!follower.onHeights(this.heights))
                    this.#followers.delete(follower);
            }
            this.#rest();
        }
        else if (notice.kind === "rolled_back" || notice.kind === "skipped") {
            this.generation += 1;
            if (notice.kind === "skipped")
                return;
            for (const follower of [...this.#followers])
                follower.onRollback(notice.to);
        }
    }
}
//# sourceMappingURL=tracker.js.map