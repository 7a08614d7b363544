/** Tic-tac-toe as the page sees it: what the contract keeps, and what a call will make of it. */
import { type Json, type Mirror, NATIVE, type Reducer } from "@fairway/sdk";
import type { Happened } from "../feed.js";

export const MODULE = "0x42::tic_tac_toe";
export const CELLS = [
  "top left",
  "top centre",
  "top right",
  "middle left",
  "centre",
  "middle right",
  "bottom left",
  "bottom centre",
  "bottom right",
] as const;

export type Mark = "" | "X" | "O";

export interface Round {
  x: string;
  /** Absent until somebody joins. */
  o: string | undefined;
  board: readonly Mark[];
  stake: bigint;
  /** Absent while it goes on; without a winner it is a draw, or was broken off. */
  over?: { winner: string | undefined; paid: bigint };
}

export interface Table {
  /** By X's account. */
  rounds: ReadonlyMap<string, Round>;
  /** What each member has in the channel and not in a game. */
  vaults: ReadonlyMap<string, bigint>;
}

const MARKS: readonly Mark[] = ["", "X", "O"];
const EMPTY: readonly Mark[] = Array(9).fill("");
const LINES = [
  [0, 1, 2],
  [3, 4, 5],
  [6, 7, 8],
  [0, 3, 6],
  [1, 4, 7],
  [2, 5, 8],
  [0, 4, 8],
  [2, 4, 6],
] as const;

interface GameResource {
  x: string;
  o: string;
  joined: boolean;
  board: string;
  stake: string;
}

export const FILTER = { resource_types: [`${MODULE}::Game`, "0x2::vault::Vault"] };

export function select(resources: Mirror): Table {
  const rounds = new Map<string, Round>();
  const vaults = vaultsOf(resources);
  for (const { address, value } of resources.all(`${MODULE}::Game`)) {
    const game = value as unknown as GameResource;
    const digits = game.board.replace(/^0x/, "").match(/../g) ?? [];
    const board = digits.map((byte) => MARKS[Number.parseInt(byte, 16)] ?? "");
    const o = game.joined ? game.o : undefined;
    rounds.set(address, { x: game.x, o, board, stake: BigInt(game.stake) });
  }
  return { rounds, vaults };
}

/** The native asset in every member's vault. */
export function vaultsOf(resources: Mirror): Map<string, bigint> {
  const vaults = new Map<string, bigint>();
  for (const { address, value } of resources.all("0x2::vault::Vault")) {
    const { balances } = value as unknown as { balances: Balance[] };
    vaults.set(address, nativeOf(balances));
  }
  return vaults;
}

interface Balance {
  asset: string;
  amount: string;
}

/** The native asset among balances or coins. */
export function nativeOf(balances: readonly Balance[]): bigint {
  const native = balances.find(({ asset }) => BigInt(asset) === BigInt(NATIVE));
  return BigInt(native?.amount ?? 0);
}

/** What an account has staked in games under way. */
export function stakeOf({ rounds }: Table, account: string): bigint {
  const mine = [...rounds.values()].filter(
    (round) => !round.over && [round.x, round.o].includes(account),
  );
  return mine.reduce((sum, { stake }) => sum + stake, 0n);
}

export const reduce: Reducer<Table> = (table, { function: name, args }, { sender }) => {
  if (name === `${MODULE}::open`) return opened(table, sender, args[1] as bigint);
  if (name === `${MODULE}::join`) return joined(table, sender, args[0] as string);
  if (name === `${MODULE}::mark`) return marked(table, sender, args[0] as string, Number(args[1]));
  return table;
};

function opened(table: Table, x: string, stake: bigint): Table {
  const running = table.rounds.get(x);
  if (running && !running.over) throw new Error("a game is under way");
  return withRound(taken(table, x, stake), { x, o: undefined, board: EMPTY, stake });
}

function joined(table: Table, o: string, x: string): Table {
  const round = roundOf(table, x);
  if (round.o || o === x) throw new Error("the game is full, or the player's own");
  return withRound(taken(table, o, round.stake), { ...round, o });
}

function marked(table: Table, player: string, x: string, cell: number): Table {
  const round = roundOf(table, x);
  if (round.o === undefined || turnOf(round) !== player) throw new Error("not this player's turn");
  if (round.board[cell] !== "") throw new Error("the cell is taken");
  const mark = nextMark(round);
  const board = round.board.map((now, index) => (index === cell ? mark : now));
  const won = lineOf(board) !== undefined;
  if (!won && board.includes("")) return withRound(table, { ...round, board });
  const winner = won ? player : undefined;
  return withRound(table, { ...round, board, over: { winner, paid: 2n * round.stake } });
}

function roundOf(table: Table, x: string): Round {
  const round = table.rounds.get(x);
  if (!round || round.over) throw new Error("there is no such game");
  return round;
}

function withRound(table: Table, round: Round): Table {
  return { ...table, rounds: new Map(table.rounds).set(round.x, round) };
}

function taken(table: Table, account: string, units: bigint): Table {
  const left = (table.vaults.get(account) ?? 0n) - units;
  if (left < 0n) throw new Error("not enough in the vault");
  return { ...table, vaults: new Map(table.vaults).set(account, left) };
}

/** Whose turn it is: X begins. */
export function nextMark(round: Round): "X" | "O" {
  return round.board.filter((mark) => mark !== "").length % 2 === 0 ? "X" : "O";
}

export function turnOf(round: Round): string | undefined {
  return nextMark(round) === "X" ? round.x : round.o;
}

/** The cells of a full line. */
export function lineOf(board: readonly Mark[]): readonly number[] | undefined {
  return LINES.find(
    ([a, b, c]) => board[a] !== "" && board[a] === board[b] && board[a] === board[c],
  );
}

/** A round as its events tell it, with the height of each cell's mark. */
export interface Told extends Round {
  heights: ReadonlyMap<number, number>;
  endedAt?: number;
}

/** The last round that an account was in, from the events; also when its resource is gone. */
export function lastRound(events: readonly Happened[], account: string): Told | undefined {
  const rounds = new Map<string, Told>();
  let last: Told | undefined;
  for (const event of events) {
    const told = tell(rounds, event);
    if (told && (told.x === account || told.o === account)) last = told;
  }
  return last;
}

function tell(rounds: Map<string, Told>, { type, data, height }: Happened): Told | undefined {
  const event = data as Record<string, Json>;
  const x = String(event.x);
  const begun: Told = { x, o: undefined, board: EMPTY, stake: 0n, heights: new Map() };
  const round = rounds.get(x) ?? begun;
  const next = after(round.over ? begun : round, type.slice(MODULE.length + 2), event, height);
  if (next) rounds.set(x, next);
  return next;
}

function after(round: Told, what: string, event: Record<string, Json>, height: number) {
  switch (what) {
    case "GameOpened":
      return { ...round, stake: BigInt(String(event.stake)) };
    case "GameBegan":
      return { ...round, o: String(event.o) };
    case "Marked": {
      const cell = Number(event.cell);
      const mark: Mark = event.player === round.x ? "X" : "O";
      const board = round.board.map((now, index) => (index === cell ? mark : now));
      return { ...round, board, heights: new Map(round.heights).set(cell, height) };
    }
    case "GameOver": {
      const winner = (event.winner as string[])[0];
      return { ...round, endedAt: height, over: { winner, paid: BigInt(String(event.paid)) } };
    }
    default:
      return undefined;
  }
}
