/**
 * State as it will be once the calls under way have run, and as it is again when one of them fails.
 * Pure: it opens no connection and reads no clock.
 *
 * @module @fairway/sdk/predict
 */

/** What a reducer is told beside the call. */
export interface PredictContext {
  /** The account that calls. */
  sender: string;
}

/** What a call is to a reducer. */
export interface PredictedCall<Args = readonly unknown[]> {
  /** `0x44::payments::pay` */
  function: string;
  args: Args;
}

/**
 * What a call makes of a state. It returns a new state and changes none. It may throw when the call would
 * fail: then the call changes nothing.
 */
export type Reducer<State> = (state: State, call: PredictedCall, context: PredictContext) => State;

interface Pending {
  call: PredictedCall;
  context: PredictContext;
  /** The height of the block that ran it, while that may be taken back. */
  ranAt: number | undefined;
}

/**
 * Confirmed state with the calls under way applied on top. A call is known by an id of the caller's choice,
 * and counts in three ways: while it is pending it is predicted; once a block ran it, the confirmed state
 * holds what it did; when that block is taken back it is predicted again.
 */
export class Prediction<State, Id = string> {
  #confirmed: State;
  /** In the order in which they were made. */
  readonly #calls = new Map<Id, Pending>();
  #value: State | undefined;
  #stale = true;

  constructor(
    confirmed: State,
    private readonly reduce: Reducer<State>,
  ) {
    this.#confirmed = confirmed;
  }

  /** What blocks have made of it. */
  get confirmed(): State {
    return this.#confirmed;
  }

  /** The confirmed state with every pending call applied, in order. */
  get value(): State {
    if (this.#stale) {
      this.#value = this.#predict();
      this.#stale = false;
    }
    return this.#value as State;
  }

  /** How many calls are applied on top of the confirmed state. */
  get pending(): number {
    return [...this.#calls.values()].filter((call) => call.ranAt === undefined).length;
  }

  /** Whether the call is predicted, or ran in a block that can still be taken back. */
  has(id: Id): boolean {
    return this.#calls.has(id);
  }

  /** A call was made. The same id a second time changes nothing. */
  add(id: Id, call: PredictedCall, context: PredictContext): void {
    if (this.#calls.has(id)) return;
    this.#calls.set(id, { call, context, ranAt: undefined });
    this.#stale = true;
  }

  /** A call will not run, or needs no prediction any more. */
  remove(id: Id): void {
    if (this.#calls.delete(id)) this.#stale = true;
  }

  /** A block ran these calls: what they did, or that they failed, is in `confirmed`. */
  confirm(confirmed: State, height: number, ran: Iterable<Id>): void {
    this.#confirmed = confirmed;
    for (const id of ran) {
      const pending = this.#calls.get(id);
      if (pending) pending.ranAt = height;
    }
    this.#stale = true;
  }

  /** The blocks above a height were taken back: their calls are predicted again. */
  rollBack(confirmed: State, to: number): void {
    this.#confirmed = confirmed;
    for (const pending of this.#calls.values()) {
      if (pending.ranAt !== undefined && pending.ranAt > to) pending.ranAt = undefined;
    }
    this.#stale = true;
  }

  /** What is final stays: calls that ran up to this height are forgotten. */
  harden(final: number): void {
    for (const [id, pending] of this.#calls) {
      if (pending.ranAt !== undefined && pending.ranAt <= final) this.#calls.delete(id);
    }
  }

  #predict(): State {
    let state = this.#confirmed;
    for (const { call, context, ranAt } of this.#calls.values()) {
      if (ranAt !== undefined) continue;
      try {
        state = this.reduce(state, call, context);
      } catch {
        // The reducer says that it would fail: then it changes nothing.
      }
    }
    return state;
  }
}
