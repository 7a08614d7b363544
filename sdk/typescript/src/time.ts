/** Waiting, and backing off. */

/** How long to wait between tries. Times in milliseconds. */
export interface Backoff {
  /** Before the second try; each later one waits twice as long. */
  firstMs: number;
  /** The longest wait. */
  mostMs: number;
}

/** A wait before try `attempt` (from 0 on): between half of what is due and all of it. */
export function backoffMs(backoff: Backoff, attempt: number, random = Math.random): number {
  const due = Math.min(backoff.mostMs, backoff.firstMs * 2 ** Math.min(attempt, 30));
  return due * (0.5 + random() / 2);
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The work's result, or the error after `ms`; the work goes on. */
export function within<T>(work: Promise<T>, ms: number, late: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(late()), ms);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
