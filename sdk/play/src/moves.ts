/** This player's moves and how far each has come, from the click to the settlement. */
import { type CallHandle, type HandleStatus, refusalOf } from "@fairway/sdk";
import { fwy } from "../../pages/amount.js";
import { Changing } from "./changing.js";
import type { Feed } from "./feed.js";

/** Moves that are kept: the newest. */
const MOST_MOVES = 40;
export class Move {
  constructor(
    readonly id: number,
    /** What the player did, as a sentence's beginning: `X at top left`. */
    readonly label: string,
    readonly handle: CallHandle,
    private readonly feed: Feed,
  ) {}

  get status(): HandleStatus {
    if (this.handle.error) return "failed";
    const height = this.handle.report?.height;
    return height === undefined ? "predicted" : this.feed.hardness(height);
  }

  /** Why it failed, in words; `undefined` while it did not. */
  get failure(): string | undefined {
    const { error, signed } = this.handle;
    return error && reasonOf(error, signed?.call.expires_at);
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
}

/** Why a call that was to expire then failed, for who made it. */
export function reasonOf(error: Error, expiresAt?: number): string {
  const abort = refusalOf(error, "move_abort");
  if (abort) return ABORTS[abort.name ?? ""] ?? `the game refused it (${abort.name ?? abort.code})`;
  if (refusalOf(error, "sequence_number")) {
    return "another program signs with this key, too: try again";
  }
  const over = refusalOf(error, "over_spent");
  if (over) {
    const [spent, left] = [fwy(BigInt(over.spent)), fwy(BigInt(over.left))];
    return `it takes ${spent}, and you allowed this page ${left} more`;
  }
  if (refusalOf(error, "unauthorised")) return "you do not allow this page to do it any more";
  const expired = refusalOf(error, "expired");
  if (expired && expiresAt !== undefined && expired.expires_at !== expiresAt) {
    return "what you allowed this page has expired";
  }
  if (expired) return "it was not ordered in time, so it was taken back";
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
  E_EMPTY_STAKE: "a stake is one unit at least",
  E_OTHER_STAKE: "your stake is of another asset: take it back first",
  E_NO_STAKE: "you have nothing at stake",
  E_INSUFFICIENT: "there is not enough money in the channel",
};
