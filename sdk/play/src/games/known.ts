/** The games that the page can play. */
import { MODULE as ARENA } from "./arena.js";
import { MODULE as TIC_TAC_TOE } from "./tic_tac_toe.js";

export type GameName = "tic_tac_toe" | "arena";

export interface Known {
  title: string;
  module: string;
  /** What the player's key may call, and what that is in words. */
  functions: readonly string[];
  may: string;
  /** Those of the functions that take money out of the vault. */
  stakes: readonly string[];
  /** Whether the page reads the channel's log from its beginning. */
  history: boolean;
}

export const GAMES: Readonly<Record<GameName, Known>> = {
  tic_tac_toe: {
    title: "Tic-tac-toe",
    module: TIC_TAC_TOE,
    functions: ["open", "join", "mark"],
    may: "open games, join them, and mark cells",
    stakes: ["open", "join"],
    history: true,
  },
  arena: {
    title: "Arena",
    module: ARENA,
    functions: ["turn", "stake", "unstake"],
    may: "turn your player, stake, and take the stake back",
    stakes: ["stake"],
    // A block a tick: too many to read again.
    history: false,
  },
};
