// The client of the Move package `tic_tac_toe`, made by `fairway client generate --lang ts`.
// Do not edit it: make it again when the package changes.
// Package 0xaf5765f6b1e95ed13fd607850d442868e3ca1b9bf1b258d2477d4205571d27f6.

import type * as fairway from "@fairway/sdk";
import * as move from "@fairway/sdk/typed";

/** The package that this client was made from. A channel's own is `channel.abi.package`. */
export const PACKAGE = "0xaf5765f6b1e95ed13fd607850d442868e3ca1b9bf1b258d2477d4205571d27f6";

// 0x42::tic_tac_toe
/**
 * A game, stored under X's account. `o` is X itself until somebody joins.
 *
 * Move: `0x42::tic_tac_toe::Game`.
 */
export interface Game {
  readonly x: fairway.Address;
  readonly o: fairway.Address;
  readonly joined: boolean;
  readonly board: Uint8Array;
  readonly moves: bigint;
  readonly asset: fairway.Address;
  readonly stake: bigint;
  readonly pot: Coin;
}

export const Game: move.StructType<Game> = move.struct("0x42::tic_tac_toe::Game", () => ({
  x: ["x", move.address],
  o: ["o", move.address],
  joined: ["joined", move.bool],
  board: ["board", move.bytes],
  moves: ["moves", move.u64],
  asset: ["asset", move.address],
  stake: ["stake", move.u64],
  pot: ["pot", Coin],
}));

/**
 * O joined; X moves first.
 *
 * Move: `0x42::tic_tac_toe::GameBegan`.
 */
export interface GameBegan {
  readonly x: fairway.Address;
  readonly o: fairway.Address;
}

export const GameBegan: move.StructType<GameBegan> = move.struct("0x42::tic_tac_toe::GameBegan", () => ({
  x: ["x", move.address],
  o: ["o", move.address],
}));

/**
 * X opened a game.
 *
 * Move: `0x42::tic_tac_toe::GameOpened`.
 */
export interface GameOpened {
  readonly x: fairway.Address;
  readonly asset: fairway.Address;
  readonly stake: bigint;
}

export const GameOpened: move.StructType<GameOpened> = move.struct("0x42::tic_tac_toe::GameOpened", () => ({
  x: ["x", move.address],
  asset: ["asset", move.address],
  stake: ["stake", move.u64],
}));

/**
 * The game is over; a draw has no winner.
 *
 * Move: `0x42::tic_tac_toe::GameOver`.
 */
export interface GameOver {
  readonly x: fairway.Address;
  readonly o: fairway.Address;
  readonly winner: readonly fairway.Address[];
  readonly paid: bigint;
}

export const GameOver: move.StructType<GameOver> = move.struct("0x42::tic_tac_toe::GameOver", () => ({
  x: ["x", move.address],
  o: ["o", move.address],
  winner: ["winner", move.vector(move.address)],
  paid: ["paid", move.u64],
}));

/**
 * The games that an account plays as O, by their X; stored under O's account.
 *
 * Move: `0x42::tic_tac_toe::Joined`.
 */
export interface Joined {
  readonly games: readonly fairway.Address[];
}

export const Joined: move.StructType<Joined> = move.struct("0x42::tic_tac_toe::Joined", () => ({
  games: ["games", move.vector(move.address)],
}));

/**
 * A cell was marked.
 *
 * Move: `0x42::tic_tac_toe::Marked`.
 */
export interface Marked {
  readonly x: fairway.Address;
  readonly player: fairway.Address;
  readonly cell: bigint;
}

export const Marked: move.StructType<Marked> = move.struct("0x42::tic_tac_toe::Marked", () => ({
  x: ["x", move.address],
  player: ["player", move.address],
  cell: ["cell", move.u64],
}));

/** Why a call aborts in `0x42::tic_tac_toe`: its codes by name. */
export const ticTacToeAborts = {
  /** The account has a game under way as X. */
  E_GAME_UNDER_WAY: 1n,
  /** There is no such game. */
  E_NO_GAME: 2n,
  /** The game has two players already. */
  E_GAME_FULL: 3n,
  /** Nobody plays against themselves. */
  E_SAME_PLAYER: 4n,
  /** The other player is to move, or the game has not begun. */
  E_NOT_YOUR_TURN: 5n,
  /** The board has nine cells, 0 to 8. */
  E_NO_SUCH_CELL: 6n,
  /** Somebody has marked the cell. */
  E_CELL_TAKEN: 7n,
} as const;

export type TicTacToeAbort = keyof typeof ticTacToeAborts;

/** The abort that a call failed with, if it was one of these. */
export function ticTacToeAbort(error: unknown): TicTacToeAbort | undefined {
  return move.abort(error, "0x42::tic_tac_toe", ticTacToeAborts);
}

/** What `0x42::tic_tac_toe` can publish. */
export type TicTacToeEvent =
  | { readonly type: "GameBegan"; readonly data: GameBegan }
  | { readonly type: "GameOpened"; readonly data: GameOpened }
  | { readonly type: "GameOver"; readonly data: GameOver }
  | { readonly type: "Marked"; readonly data: Marked };

/** An event of a block or a report; `undefined` if it is of another module. */
export function ticTacToeEvent(event: fairway.EventView): TicTacToeEvent | undefined {
  switch (event.type) {
    case "0x42::tic_tac_toe::GameBegan":
      return { type: "GameBegan", data: GameBegan.read(event.data) };
    case "0x42::tic_tac_toe::GameOpened":
      return { type: "GameOpened", data: GameOpened.read(event.data) };
    case "0x42::tic_tac_toe::GameOver":
      return { type: "GameOver", data: GameOver.read(event.data) };
    case "0x42::tic_tac_toe::Marked":
      return { type: "Marked", data: Marked.read(event.data) };
    default:
      return undefined;
  }
}

/**
 * Calls of `0x42::tic_tac_toe` in the name of a member.
 *
 * Tic-tac-toe for two with a stake: the winner takes both; a draw gives them back, and so does a
 * player that leaves or a channel that closes before the end.
 */
export class TicTacToeCalls {
  readonly #member: fairway.Member;

  constructor(member: fairway.Member) {
    this.#member = member;
  }

  /** Joins X's game with the same stake. */
  join(x: fairway.Address): fairway.CallHandle {
    return this.#member.call("0x42::tic_tac_toe::join", [x]);
  }

  /** Marks a cell of X's game. The last mark of a line wins both stakes. */
  mark(x: fairway.Address, cell: bigint): fairway.CallHandle {
    return this.#member.call("0x42::tic_tac_toe::mark", [x, cell]);
  }

  /** Opens a game with a stake and waits for an opponent. */
  open(asset: fairway.Address, stake: bigint): fairway.CallHandle {
    return this.#member.call("0x42::tic_tac_toe::open", [asset, stake]);
  }
}

/**
 * Views of `0x42::tic_tac_toe`, on one node's state.
 *
 * Tic-tac-toe for two with a stake: the winner takes both; a draw gives them back, and so does a
 * player that leaves or a channel that closes before the end.
 */
export class TicTacToeViews {
  readonly #channel: fairway.Channel;
  readonly #at: fairway.At;

  constructor(channel: fairway.Channel, at: fairway.At = "head") {
    this.#channel = channel;
    this.#at = at;
  }

  /** Nine cells of X's game: 0 empty, 1 X, 2 O. */
  async board(x: fairway.Address): Promise<Uint8Array> {
    const values = await this.#channel.view("0x42::tic_tac_toe::board", [x], { at: this.#at });
    return move.bytes.read(values[0]);
  }

  /** Whether `x` has a game under way. */
  async isPlaying(x: fairway.Address): Promise<boolean> {
    const values = await this.#channel.view("0x42::tic_tac_toe::is_playing", [x], { at: this.#at });
    return move.bool.read(values[0]);
  }
}

// 0x2::lifecycle
/** Why a call aborts in `0x2::lifecycle`: its codes by name. */
export const lifecycleAborts = {
  /** The result is larger than a settlement carries: 8,192 bytes. */
  E_RESULT_TOO_LARGE: 1n,
} as const;

export type LifecycleAbort = keyof typeof lifecycleAborts;

/** The abort that a call failed with, if it was one of these. */
export function lifecycleAbort(error: unknown): LifecycleAbort | undefined {
  return move.abort(error, "0x2::lifecycle", lifecycleAborts);
}

// 0x2::random
/** Why a call aborts in `0x2::random`: its codes by name. */
export const randomAborts = {
  /** The bound of a draw is zero. */
  E_EMPTY_RANGE: 1n,
} as const;

export type RandomAbort = keyof typeof randomAborts;

/** The abort that a call failed with, if it was one of these. */
export function randomAbort(error: unknown): RandomAbort | undefined {
  return move.abort(error, "0x2::random", randomAborts);
}

// 0x2::vault
/** Move: `0x2::vault::Balance`. */
export interface Balance {
  readonly asset: fairway.Address;
  readonly amount: bigint;
}

export const Balance: move.StructType<Balance> = move.struct("0x2::vault::Balance", () => ({
  asset: ["asset", move.address],
  amount: ["amount", move.u64],
}));

/**
 * Value on its way: it can be stored, but neither copied nor dropped.
 *
 * Move: `0x2::vault::Coin`.
 */
export interface Coin {
  readonly asset: fairway.Address;
  readonly amount: bigint;
}

export const Coin: move.StructType<Coin> = move.struct("0x2::vault::Coin", () => ({
  asset: ["asset", move.address],
  amount: ["amount", move.u64],
}));

/**
 * A member's balances, sorted by asset, without zeros. The host reads this layout.
 *
 * Move: `0x2::vault::Vault`.
 */
export interface Vault {
  readonly balances: readonly Balance[];
}

export const Vault: move.StructType<Vault> = move.struct("0x2::vault::Vault", () => ({
  balances: ["balances", move.vector(Balance)],
}));

/** Why a call aborts in `0x2::vault`: its codes by name. */
export const vaultAborts = {
  /** The account has no vault: it is not a member of the channel. */
  E_NO_VAULT: 1n,
  /** The vault or coin holds less than asked for. */
  E_INSUFFICIENT: 2n,
  /** The two coins are of different assets. */
  E_OTHER_ASSET: 3n,
  /** The coin still holds something. */
  E_NOT_ZERO: 4n,
  /** The host's lists differ in length. */
  E_LENGTHS: 5n,
} as const;

export type VaultAbort = keyof typeof vaultAborts;

/** The abort that a call failed with, if it was one of these. */
export function vaultAbort(error: unknown): VaultAbort | undefined {
  return move.abort(error, "0x2::vault", vaultAborts);
}

/**
 * Calls of `0x2::vault` in the name of a member.
 *
 * Assets inside a channel. Each member has a vault; the host credits it with the deposit that the
 * settlement chain locked, and the vaults' balances are what a settlement pays out.
 */
export class VaultCalls {
  readonly #member: fairway.Member;

  constructor(member: fairway.Member) {
    this.#member = member;
  }

  /** Moves `amount` of `asset` from one member to another. */
  transfer(to: fairway.Address, asset: fairway.Address, amount: bigint): fairway.CallHandle {
    return this.#member.call("0x2::vault::transfer", [to, asset, amount]);
  }
}

/**
 * Views of `0x2::vault`, on one node's state.
 *
 * Assets inside a channel. Each member has a vault; the host credits it with the deposit that the
 * settlement chain locked, and the vaults' balances are what a settlement pays out.
 */
export class VaultViews {
  readonly #channel: fairway.Channel;
  readonly #at: fairway.At;

  constructor(channel: fairway.Channel, at: fairway.At = "head") {
    this.#channel = channel;
    this.#at = at;
  }

  /** What `account` holds of `asset`; zero without a vault. */
  async balance(account: fairway.Address, asset: fairway.Address): Promise<bigint> {
    const values = await this.#channel.view("0x2::vault::balance", [account, asset], { at: this.#at });
    return move.u64.read(values[0]);
  }

  /** Whether `account` is a member that can receive assets. */
  async hasVault(account: fairway.Address): Promise<boolean> {
    const values = await this.#channel.view("0x2::vault::has_vault", [account], { at: this.#at });
    return move.bool.read(values[0]);
  }

  /** A coin of nothing. */
  async zero(asset: fairway.Address): Promise<Coin> {
    const values = await this.#channel.view("0x2::vault::zero", [asset], { at: this.#at });
    return Coin.read(values[0]);
  }
}
