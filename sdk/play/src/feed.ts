/** What happened in the channel and how far it has hardened, also when another node is asked for the rest. */
import type { Channel, EventView, HandleStatus, Listening, Notice } from "@fairway/sdk";
import { Changing } from "./changing.js";

/** An event and the block that it is in. */
export interface Happened extends EventView {
  height: number;
}

type Hardness = Exclude<HandleStatus, "predicted" | "failed">;

/** Events that are kept: the newest. */
const MOST_EVENTS = 300;

export class Feed extends Changing {
  #events: Happened[] = [];
  #certified = 0;
  #final = 0;
  #settled = 0;
  #listening: Listening | undefined;

  /** `module` is the app's: `0x42::tic_tac_toe`. With `history`, it begins with the channel's first block. */
  constructor(
    readonly module: string,
    private readonly history: boolean,
  ) {
    super();
  }

  /** In log order, at most 300. */
  get events(): readonly Happened[] {
    return this.#events;
  }

  /** How hard a block at this height is, if it is in the log. */
  hardness(height: number): Hardness {
    if (height <= this.#settled) return "settled";
    if (height <= this.#final) return "final";
    return height <= this.#certified ? "certified" : "executed";
  }

  /** Goes on with what this channel's node tells. What was not final is told again. */
  async follow(channel: Channel): Promise<void> {
    this.stop();
    const from = this.#final > 0 ? this.#final + 1 : 1;
    this.#rollBack(this.#final);
    const filter = { event_types: [`${this.module}::`], resource_types: ["-"] };
    const start = this.history || this.#final > 0 ? { from } : {};
    this.#listening = await channel.listen((notice) => this.take(notice), { filter, ...start });
  }

  stop(): void {
    this.#listening?.close();
    this.#listening = undefined;
  }

  take(notice: Notice): void {
    if (notice.kind === "block") {
      for (const event of notice.events) this.#events.push({ ...event, height: notice.height });
      this.#events.splice(0, this.#events.length - MOST_EVENTS);
      if (notice.events.length === 0) return;
    } else if (notice.kind === "heights") {
      if (!this.#harden(notice)) return;
    } else if (notice.kind === "rolled_back") {
      this.#rollBack(notice.to);
    }
    this.changed();
  }

  #harden(heights: { certified: number; final: number; settled: number }): boolean {
    const before = this.#certified + this.#final + this.#settled;
    this.#certified = Math.max(this.#certified, heights.certified);
    this.#final = Math.max(this.#final, heights.final);
    this.#settled = Math.max(this.#settled, heights.settled);
    return this.#certified + this.#final + this.#settled > before;
  }

  #rollBack(to: number): void {
    this.#events = this.#events.filter((event) => event.height <= to);
    this.#certified = Math.min(this.#certified, Math.max(to, this.#final));
  }
}
