/** Asking again what a server has put off: nothing of such a request was done. */

import { isLost, RefusedError, refusalOf } from "./errors.js";
import { backoffMs, sleep } from "./time.js";

/** The clocks of client and node may differ by so much. */
export const GRACE_MS = 5_000;
/** Between attempts of what may have been done. */
const BACKOFF = { firstMs: 100, mostMs: 2_000 };
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

/** Whether and when the same signed call or transaction is sent again: it runs once, whoever has it. */
export class Attempts {
  /** An attempt may have reached who executes it, and its answer was lost: it can run until it expires. */
  lost = false;
  readonly #patience: Patience;
  #pauses = 0;

  constructor(
    private readonly expiresAt: number,
    patienceMs: number,
  ) {
    this.#patience = new Patience(patienceMs);
  }

  /** Waits for the next attempt after this error; `false` when there is none. */
  async again(error: unknown): Promise<boolean> {
    this.lost ||= isLost(error);
    const putOff = error instanceof RefusedError && error.transient;
    if (!putOff && !isLost(error)) return false;
    const afterMs = retryAfter(error) ?? 0;
    if (putOff && (await this.#patience.wait(afterMs))) return true;
    if (!this.lost || Date.now() >= this.expiresAt + GRACE_MS) return false;
    this.#pauses += 1;
    // At once the first time, in the order in which those under way were sent.
    if (this.#pauses === 1 && !putOff) return true;
    await sleep(Math.max(afterMs, backoffMs(BACKOFF, this.#pauses - 1)));
    return true;
  }
}
