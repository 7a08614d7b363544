/** Something that changes and says so, in the form that React's `useSyncExternalStore` reads. */
export class Changing {
  readonly #listeners = new Set<() => void>();
  #version = 0;

  /** Another number after every change. */
  readonly version = (): number => this.#version;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  protected changed(): void {
    this.#version += 1;
    for (const listener of this.#listeners) listener();
  }
}
