/** A channel's state in an app: confirmed by its notices, with the app's own calls predicted on top. */

import type { Filter, Notice } from "./api.js";
import type { Channel } from "./channel.js";
import type { MoveInput } from "./codec.js";
import { Emitter } from "./emitter.js";
import type { CallHandle } from "./handle.js";
import type { CallOptions, Member } from "./member.js";
import { Mirror } from "./mirror.js";
import type { Subscription } from "./notices.js";
import { type PredictedCall, Prediction, type Reducer } from "./predict.js";

/** How an app's state comes from a channel. */
export interface LiveOptions<State> {
  /** Which resources it needs: fewer cost less. A filter of events is ignored. */
  filter?: Pick<Filter, "resource_types" | "addresses">;
  /** The app's state, of the resources that blocks have left. */
  select: (resources: Mirror) => State;
  /** What a call of this app makes of it; without one nothing is predicted. */
  reduce?: Reducer<State>;
}

/** State that follows a channel. Made by `LiveState.start`. */
export class LiveState<State> {
  readonly #mirror = new Mirror();
  readonly #changes = new Emitter<State>();
  readonly #prediction: Prediction<State, CallHandle>;
  /** Calls that are predicted, or ran in a block that can still be taken back. */
  readonly #handles = new Set<CallHandle>();
  readonly #select: (resources: Mirror) => State;
  /** The blocks above it were taken back since the last state that was shown. */
  #backTo = Number.POSITIVE_INFINITY;

  private constructor(
    private readonly subscription: Subscription,
    options: LiveOptions<State>,
  ) {
    this.#select = options.select;
    const reduce = options.reduce ?? ((state: State) => state);
    this.#prediction = new Prediction(options.select(this.#mirror), reduce);
  }

  /** Subscribes; resolves with the first state. */
  static async start<State>(
    channel: Channel,
    options: LiveOptions<State>,
  ): Promise<LiveState<State>> {
    const filter = { ...options.filter, event_types: ["-"] };
    const subscription = await channel.subscribe({ filter });
    const live = new LiveState(subscription, options);
    const first = await subscription.next();
    if (first) live.#take(first);
    void live.#read();
    return live;
  }

  /** With the calls under way applied. */
  get value(): State {
    return this.#prediction.value;
  }

  /** What blocks have made of it. */
  get confirmed(): State {
    return this.#prediction.confirmed;
  }

  /** Calls `listener` with every new value. The answer takes the listener away. */
  onChange(listener: (value: State) => void): () => void {
    return this.#changes.on(listener);
  }

  /** Calls, with the outcome in `value` at once; it is taken away again if the call fails. */
  call(
    member: Member,
    name: string,
    args: readonly MoveInput[],
    options?: CallOptions,
  ): CallHandle {
    const handle = member.call(name, args, options);
    const predicted: PredictedCall = { function: name, args };
    this.#handles.add(handle);
    this.#prediction.add(handle, predicted, { sender: member.address });
    const off = handle.on("status", ({ to }) => this.#follow(handle, to, off));
    this.#changed();
    return handle;
  }

  /** Ends it: the value stays what it is. */
  close(): void {
    this.subscription.close();
  }

  #follow(handle: CallHandle, status: string, off: () => void): void {
    const height = handle.report?.height;
    if (status === "failed" && height === undefined) {
      // Refused before any block: no notice will name it.
      this.#prediction.remove(handle);
      this.#handles.delete(handle);
    } else if (height !== undefined && height <= this.#mirror.height) {
      // Its block was seen, perhaps as part of a snapshot.
      this.#prediction.confirm(this.confirmed, height, [handle]);
    }
    if (status === "final" || status === "settled") off();
    this.#changed();
  }

  async #read(): Promise<void> {
    for await (const notice of this.subscription) this.#take(notice);
  }

  #take(notice: Notice): void {
    this.#mirror.take(notice);
    if (notice.kind === "heights") this.#harden(notice.final);
    // What is shown stays until there is a state to show again.
    else if (!this.#mirror.stale) this.#show(notice);
    else if (notice.kind === "rolled_back") this.#backTo = Math.min(this.#backTo, notice.to);
  }

  #show(notice: Notice): void {
    const state = this.#select(this.#mirror);
    if (notice.kind === "block") {
      const hashes = new Set(notice.calls.map(({ call }) => call));
      const ran = [...this.#handles].filter(({ hash }) => hash !== undefined && hashes.has(hash));
      this.#prediction.confirm(state, notice.height, ran);
    } else if (notice.kind === "rolled_back") {
      this.#prediction.rollBack(state, notice.to);
    } else if (notice.kind === "snapshot") {
      this.#restart(state, notice.height);
    }
    this.#changed();
  }

  /** A snapshot holds the calls of all blocks up to its own; a report from before may be of one that is gone. */
  #restart(state: State, height: number): void {
    const sure = Math.min(height, this.#backTo);
    const ran = [...this.#handles].filter(({ report }) => report && report.height <= sure);
    this.#prediction.rollBack(state, this.#backTo);
    this.#prediction.confirm(state, height, ran);
    this.#backTo = Number.POSITIVE_INFINITY;
  }

  #harden(final: number): void {
    this.#prediction.harden(final);
    for (const handle of this.#handles) {
      if (!this.#prediction.has(handle)) this.#handles.delete(handle);
    }
  }

  #changed(): void {
    this.#changes.emit(this.value);
  }
}
