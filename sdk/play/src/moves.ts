/** This player's moves and how far each has come, from the click to the settlement. */
import {
  type CallHandle,
  type CallReport,
  type Client,
  FairwayError,
  type HandleStatus,
  refusalOf,
} from "@fairway/sdk";
import { Changing } from "./changing.js";
import type { Feed } from "./feed.js";

/** Moves that are kept: the newest. */
const MOST_MOVES = 40;
/** How long another node is asked for a move of before: leaders change in less. */
const CARRY_MS = 10_000;
const CARRY_TRIES = 40;

export class Move {
  #report: CallReport | undefined;
  #failure: Error | undefined;

  constructor(
    readonly id: number,
    /** What the player did, as a sentence's beginning: `X at top left`. */
    readonly label: string,
    readonly handle: CallHandle,
    private readonly feed: Feed,
  ) {}

  /** The block that ran it. */
  get height(): number | undefined {
    return (this.#report ?? this.handle.report)?.height;
  }

  get status(): HandleStatus {
    if (this.failure) return "failed";
    const { height } = this;
    return height === undefined ? "predicted" : this.feed.hardness(height);
  }

  /** Why it failed; not while it is only the connection that was changed. */
  get failure(): Error | undefined {
    if (this.#failure) return this.#failure;
    const { error } = this.handle;
    return error?.name === "ClosedError" ? undefined : error;
  }

  /** Whether another node has to be told of it. */
  get open(): boolean {
    const { status } = this;
    return status === "predicted" || status === "executed" || status === "certified";
  }

  /** The same signed call to another node, which runs it once. */
  async carry(client: Client): Promise<void> {
    const { signed } = this.handle;
    if (!signed) {
      this.#failure = new Error("it was not sent before the node went away");
      return;
    }
    const params = { call: signed, wait: "executed" as const };
    for (let tries = 0; ; tries += 1) {
      try {
        this.#report = await client.connection.request("state_channel.call", params, CARRY_MS);
        return;
      } catch (error) {
        const passes = error instanceof FairwayError && error.transient && client.connected;
        if (!passes || tries === CARRY_TRIES) {
          this.#failure = error as Error;
          return;
        }
        await new Promise((done) => setTimeout(done, CARRY_MS / CARRY_TRIES));
      }
    }
  }
}

export class Moves extends Changing {
  #moves: Move[] = [];
  #next = 1;

  constructor(private readonly feed: Feed) {
    super();
  }

  /** In the order in which they were made, the newest last. */
  get all(): readonly Move[] {
    return this.#moves;
  }

  add(label: string, handle: CallHandle): Move {
    const move = new Move(this.#next++, label, handle, this.feed);
    this.#moves = [...this.#moves, move].slice(-MOST_MOVES);
    handle.on("status", () => this.changed());
    this.changed();
    return move;
  }

  /** Tells another node of what the last one may have kept to itself, in order. */
  async carry(client: Client): Promise<void> {
    for (const move of this.#moves) {
      if (move.open) await move.carry(client);
    }
    this.changed();
  }
}

/** Why a move failed, for who made it. */
export function reasonOf(error: Error): string {
  const abort = refusalOf(error, "move_abort");
  if (abort) return ABORTS[abort.name ?? ""] ?? `the game refused it (${abort.name ?? abort.code})`;
  if (refusalOf(error, "sequence_number")) {
    return "another program plays with this account: close it, then try again";
  }
  if (refusalOf(error, "expired")) return "it was not ordered in time, so it was taken back";
  if (error.name === "UnreachableError" || error.name === "TimedOutError") {
    return "no node answered before its time was over";
  }
  return error.message;
}

/** The examples' aborts, in words. */
const ABORTS: Record<string, string> = {
  E_GAME_UNDER_WAY: "you have opened a game already",
  E_NO_GAME: "this game is over",
  E_GAME_FULL: "somebody else has joined this game",
  E_SAME_PLAYER: "nobody plays against themselves",
  E_NOT_YOUR_TURN: "it is not your turn",
  E_NO_SUCH_CELL: "there is no such cell",
  E_CELL_TAKEN: "the cell is taken",
  E_NO_PLAYER: "you have no player in the arena",
  E_BAD_STEP: "a step is one cell",
  E_INSUFFICIENT: "there is not enough money in the channel",
};
