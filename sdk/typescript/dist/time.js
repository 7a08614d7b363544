/** Waiting, and backing off. */
/** A wait before try `attempt` (from 0 on): between half of what is due and all of it. */
export function backoffMs(backoff, attempt, random = Math.random) {
    const due = Math.min(backoff.mostMs, backoff.firstMs * 2 ** Math.min(attempt, 30));
    return due * (0.5 + random() / 2);
}
export function sleep(ms) {
    return new Promise((resolve) => setTimeout(resolve, ms));
}
/** The work's result, or the error after `ms`; the work goes on. */
export function within(work, ms, late) {
    return new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(late()), ms);
        work.then(resolve, reject).finally(() => clearTimeout(timer));
    });
}
//# sourceMappingURL=time.js.map