/** Asking again what a server has put off: nothing of such a request was done. */

import { refusalOf } from "./errors.js";
import { sleep } from "./time.js";

/** Between two tries at least, whatever the server says. */
const LEAST_MS = 50;

/**
 * How long a server asks to be left alone before the same request (`rate_limited`, `busy`), in
 * milliseconds; `undefined` when it was another error.
 */
export function retryAfter(error: unknown): number | undefined {
  const refusal = refusalOf(error, "rate_limited") ?? refusalOf(error, "busy");
  return refusal && Math.max(0, Number(refusal.retry_after_ms));
}

/** The time that one request may be put off in all. */
export class Patience {
  constructor(private leftMs: number) {}

  /**
   * Waits for as long as the server asked for, and up to a quarter longer, so that those who were put off
   * together don't come back together. Answers `false` at once when that is longer than is left.
   */
  async wait(afterMs: number, random = Math.random): Promise<boolean> {
    const due = Math.max(LEAST_MS, afterMs) * (1 + random() / 4);
    if (!(due <= this.leftMs)) return false;
    this.leftMs -= due;
    await sleep(due);
    return true;
  }
}

/** Does `work` again for as long as it is put off and the patience lasts; then its error is thrown. */
export async function patiently<T>(patience: Patience, work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const after = retryAfter(error);
      if (after === undefined || !(await patience.wait(after))) throw error;
    }
  }
}
