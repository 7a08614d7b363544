/** Waiting, and backing off. */
/** How long to wait between tries. Times in milliseconds. */
export interface Backoff {
    /** Before the second try; each later one waits twice as long. */
    firstMs: number;
    /** The longest wait. */
    mostMs: number;
}
/** A wait before try `attempt` (from 0 on): between half of what is due and all of it. */
export declare function backoffMs(backoff: Backoff, attempt: number, random?: () => number): number;
export declare function sleep(ms: number): Promise<void>;
/** The work's result, or the error after `ms`; the work goes on. */
export declare function within<T>(work: Promise<T>, ms: number, late: () => Error): Promise<T>;
