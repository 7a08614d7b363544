/** Tic-tac-toe: a board of buttons, and one line that says how it stands. */
import type { HandleStatus, LiveState } from "@fairway/sdk";
import { type FormEvent, type KeyboardEvent, useRef, useState } from "react";
import { decimal, fwy, units } from "../../../pages/amount.js";
import type { Feed } from "../feed.js";
import {
  CELLS,
  lastRound,
  nextMark,
  type Round,
  type Table,
  type Told,
  turnOf,
} from "../games/tic_tac_toe.js";
import type { Moves } from "../moves.js";
import type { Play } from "../play.js";
import { nameOf } from "../text.js";
import { Spoken, Status, useChanging } from "./parts.js";

/** How long a move may wait to be ordered. */
const LIFETIME_MS = 20_000;

interface Given {
  play: Play;
  live: LiveState<Table>;
  feed: Feed;
  moves: Moves;
}

export function TicTacToe({ play, live, feed, moves }: Given) {
  useChanging(feed);
  useChanging(moves);
  const me = play.account;
  const told = lastRound(feed.events, me);
  const round = [...live.value.rounds.values()].find((one) => one.x === me || one.o === me);
  const shown = round ?? told;
  const name = (account: string) => nameOf(play.info?.record, account, me);
  const statuses = shown ? cellStatuses(shown, live.confirmed.rounds.get(shown.x), told, feed) : [];
  return (
    <section aria-labelledby="game">
      <h2 id="game" className="unseen">
        Game
      </h2>
      <Spoken
        id="turn"
        text={[failureText(moves), gameText(shown, me, name), lastText(shown, told, feed)].join(
          " ",
        )}
      />
      {shown?.o !== undefined && <Board round={shown} me={me} statuses={statuses} play={play} />}
      {(!shown || shown.over) && <Begin play={play} table={live.value} />}
    </section>
  );
}

/** How hard each marked cell is. */
function cellStatuses(
  shown: Round,
  confirmed: Round | undefined,
  told: Told | undefined,
  feed: Feed,
): (HandleStatus | undefined)[] {
  return shown.board.map((mark, cell) => {
    if (mark === "") return undefined;
    const height =
      told?.x === shown.x && told.board[cell] === mark ? told.heights.get(cell) : undefined;
    if (height !== undefined) return feed.hardness(height);
    return confirmed?.board[cell] === mark ? "executed" : "predicted";
  });
}

/** A move that failed is told until another one is made. */
function failureText(moves: Moves): string {
  const last = moves.all.at(-1);
  return last?.failure ? `Not done, ${last.label}: ${last.failure}.` : "";
}

function gameText(round: Round | undefined, me: string, name: (account: string) => string): string {
  if (!round) return "Open a game, or join one.";
  if (round.over) {
    if (!round.over.winner) return "The game ended without a winner: both have their stakes back.";
    const won = round.over.winner === me;
    return won ? `You won ${fwy(round.over.paid)}.` : `You lost: ${name(round.over.winner)} won.`;
  }
  if (!round.o) {
    return `Your game with a stake of ${fwy(round.stake)} waits for an opponent. Leaving the table gives it back.`;
  }
  const other = name(round.x === me ? round.o : round.x);
  return turnOf(round) === me ? "It is your turn." : `It is ${other}'s turn.`;
}

/** The last move that the log has, and how it stands. */
function lastText(shown: Round | undefined, told: Told | undefined, feed: Feed): string {
  if (!shown || !told || told.x !== shown.x) return "";
  const last = [...told.heights].at(-1);
  if (!last) return "";
  const [cell, height] = last;
  return `Last move: ${told.board[cell]} at ${CELLS[cell]}, ${feed.hardness(height)}.`;
}

interface BoardGiven {
  round: Round;
  me: string;
  statuses: (HandleStatus | undefined)[];
  play: Play;
}

const ROWS = [0, 3, 6];
const STEPS: Readonly<Record<string, number>> = {
  ArrowLeft: -1,
  ArrowRight: 1,
  ArrowUp: -3,
  ArrowDown: 3,
};

/** A grid as screen readers know it: arrow keys move, Enter or space marks. */
function Board({ round, me, statuses, play }: BoardGiven) {
  const [at, setAt] = useState(4);
  const cells = useRef<(HTMLButtonElement | null)[]>([]);
  const mine = play.mayPlay && !round.over && turnOf(round) === me;
  const mark = (cell: number) => {
    if (!mine || round.board[cell] !== "") return;
    play.call("mark", [round.x, cell], `${nextMark(round)} at ${CELLS[cell]}`, LIFETIME_MS);
  };
  const move = (event: KeyboardEvent) => {
    const step = STEPS[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const leavesRow = Math.abs(step) === 1 && Math.floor((at + step) / 3) !== Math.floor(at / 3);
    const to = at + step;
    if (leavesRow || to < 0 || to > 8) return;
    setAt(to);
    cells.current[to]?.focus();
  };
  const button = (cell: number) => (
    <button
      type="button"
      ref={(element) => {
        cells.current[cell] = element;
      }}
      tabIndex={cell === at ? 0 : -1}
      aria-disabled={!mine || round.board[cell] !== ""}
      aria-label={[CELLS[cell], round.board[cell] || "empty", statuses[cell]]
        .filter(Boolean)
        .join(", ")}
      className={`cell ${statuses[cell] ?? "empty"}`}
      onFocus={() => setAt(cell)}
      onClick={() => mark(cell)}
    >
      <span className="mark">{round.board[cell]}</span>
      {statuses[cell] && <Status status={statuses[cell]} />}
    </button>
  );
  return (
    // biome-ignore lint/a11y/useSemanticElements: a table with buttons is no grid to screen readers
    <div role="grid" aria-label="Board" className="board" onKeyDown={move} tabIndex={-1}>
      {ROWS.map((first) => (
        // biome-ignore lint/a11y: rows hold the focus in none but their cells' buttons
        <div role="row" key={first} className="row">
          {[first, first + 1, first + 2].map((cell) => (
            // biome-ignore lint/a11y: as above
            <div role="gridcell" key={cell}>
              {button(cell)}
            </div>
          ))}
        </div>
      ))}
    </div>
  );
}

/** Games that can be joined, and a new one. */
function Begin({ play, table }: { play: Play; table: Table }) {
  const vault = play.money.vault ?? 0n;
  const [text, setText] = useState(() => decimal(vault / 10n));
  const stake = units(text);
  const wrong = stake === undefined || stake > vault;
  const open = [...table.rounds.values()].filter((round) => !round.o && round.x !== play.account);
  const begin = (event: FormEvent) => {
    event.preventDefault();
    if (stake === undefined || wrong || !play.mayPlay) return;
    play.call("open", ["0xfa", stake], `a game for ${fwy(stake)}`, LIFETIME_MS);
  };
  return (
    <>
      <ul className="plain" aria-label="Open games">
        {open.map((round) => (
          <li key={round.x}>
            <button
              type="button"
              aria-disabled={round.stake > vault || !play.mayPlay}
              onClick={() =>
                round.stake <= vault && play.call("join", [round.x], "join the game", LIFETIME_MS)
              }
            >
              Join {nameOf(play.info?.record, round.x, play.account)}'s game for {fwy(round.stake)}
            </button>
          </li>
        ))}
      </ul>
      <form onSubmit={begin}>
        <label>
          Stake in FWY{" "}
          <input
            inputMode="decimal"
            value={text}
            aria-invalid={wrong}
            aria-describedby="stake-error"
            onChange={(event) => setText(event.target.value)}
          />
        </label>
        <button type="submit" aria-disabled={wrong || !play.mayPlay}>
          Open a game
        </button>
        <p id="stake-error" role="alert">
          {wrong && `The stake has to be an amount of at most ${fwy(vault)}.`}
        </p>
      </form>
    </>
  );
}
