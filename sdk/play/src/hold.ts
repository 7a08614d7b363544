/**
 * One tab an account: two would play each other's turns. Browsers that have no locks, or give none to
 * pages without TLS, let every tab in, each with a key of its own.
 */

export type Hold = { held: true; lost: Promise<void>; release(): void } | { held: false };

/** How long a tab that closes may take to let go. */
const WAIT_MS = 500;

/**
 * Takes the account of a channel for this tab; `held` is false while another tab has it. With `steal`
 * it is taken from that one, whose `lost` resolves.
 */
export function hold(name: string, steal = false): Promise<Hold> {
  // Absent outside of secure contexts, whatever the types say.
  const locks = navigator.locks as LockManager | undefined;
  if (!locks) {
    return Promise.resolve({ held: true, lost: new Promise(() => {}), release: () => {} });
  }
  return new Promise((resolve) => {
    let lose = () => {};
    const lost = new Promise<void>((done) => {
      lose = done;
    });
    const mode = steal ? { steal } : { signal: AbortSignal.timeout(WAIT_MS) };
    const asked = locks.request(
      `fairway-play ${name}`,
      mode,
      () => new Promise<void>((release) => resolve({ held: true, lost, release })),
    );
    asked.catch(() => {
      // Not given in time, or another tab has stolen it.
      resolve({ held: false });
      lose();
    });
  });
}
