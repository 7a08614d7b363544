/** The games that the page can play. */
import { MODULE as ARENA } from "./arena.js";
import { MODULE as TIC_TAC_TOE } from "./tic_tac_toe.js";

export type GameName = "tic_tac_toe" | "arena";

interface Known {
  title: string;
  module: string;
  /** Whether the page reads the channel's log from its beginning. */
  history: boolean;
}

export const GAMES: Readonly<Record<GameName, Known>> = {
  tic_tac_toe: { title: "Tic-tac-toe", module: TIC_TAC_TOE, history: true },
  // A block a tick: too many to read again.
  arena: { title: "Arena", module: ARENA, history: false },
};
