/**
 * One tab an account: two would take each other's sequence numbers. Browsers that have no locks, or give
 * none to pages without TLS, let every tab in; the channel then refuses the clash (`sequence_number`).
 */

export type Hold = { held: true; lost: Promise<void>; release(): void } | { held: false };

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
    const mode = steal ? { steal } : { ifAvailable: true };
    const asked = locks.request(`fairway-play ${name}`, mode, (lock) => {
      if (!lock) {
        resolve({ held: false });
        return undefined;
      }
      return new Promise<void>((release) => resolve({ held: true, lost, release }));
    });
    // Rejects when another tab steals it.
    asked.catch(() => lose());
  });
}
