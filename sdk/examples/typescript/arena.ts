// The client of the Move package `arena`, made by `fairway client generate --lang ts`.
// Do not edit it: make it again when the package changes.
// Package 0xf44f763ebc7db2692872e451e3b43c8f14426efeb707e3d36c272598e7118458.

import type * as fairway from "@fairway/sdk";
import * as move from "@fairway/sdk/typed";

/** The package that this client was made from. A channel's own is `channel.abi.package`. */
export const PACKAGE = "0xf44f763ebc7db2692872e451e3b43c8f14426efeb707e3d36c272598e7118458";

// 0x43::arena
/**
 * Who plays, and where the prize lies. Stored under the app's address.
 *
 * Move: `0x43::arena::Arena`.
 */
export interface Arena {
  readonly players: readonly fairway.Address[];
  readonly prizeX: bigint;
  readonly prizeY: bigint;
  readonly ticks: bigint;
  readonly scored: readonly fairway.Address[];
}

export const Arena: move.StructType<Arena> = move.struct("0x43::arena::Arena", () => ({
  players: ["players", move.vector(move.address)],
  prizeX: ["prize_x", move.u64],
  prizeY: ["prize_y", move.u64],
  ticks: ["ticks", move.u64],
  scored: ["scored", move.vector(move.address)],
}));

/**
 * One player's place, step and points. Stored under its account.
 *
 * Move: `0x43::arena::Player`.
 */
export interface Player {
  readonly x: bigint;
  readonly y: bigint;
  readonly stepX: number;
  readonly stepY: number;
  readonly points: bigint;
}

export const Player: move.StructType<Player> = move.struct("0x43::arena::Player", () => ({
  x: ["x", move.u64],
  y: ["y", move.u64],
  stepX: ["step_x", move.u8],
  stepY: ["step_y", move.u8],
  points: ["points", move.u64],
}));

/**
 * The prize lies here now.
 *
 * Move: `0x43::arena::PrizePlaced`.
 */
export interface PrizePlaced {
  readonly x: bigint;
  readonly y: bigint;
}

export const PrizePlaced: move.StructType<PrizePlaced> = move.struct("0x43::arena::PrizePlaced", () => ({
  x: ["x", move.u64],
  y: ["y", move.u64],
}));

/**
 * A player reached the prize.
 *
 * Move: `0x43::arena::Scored`.
 */
export interface Scored {
  readonly player: fairway.Address;
  readonly points: bigint;
}

export const Scored: move.StructType<Scored> = move.struct("0x43::arena::Scored", () => ({
  player: ["player", move.address],
  points: ["points", move.u64],
}));

/**
 * What a player has on the table: of one asset, never zero. Stored under its account.
 *
 * Move: `0x43::arena::Stake`.
 */
export interface Stake {
  readonly coin: Coin;
}

export const Stake: move.StructType<Stake> = move.struct("0x43::arena::Stake", () => ({
  coin: ["coin", Coin],
}));

/**
 * A player put this on the table.
 *
 * Move: `0x43::arena::Staked`.
 */
export interface Staked {
  readonly player: fairway.Address;
  readonly asset: fairway.Address;
  readonly amount: bigint;
}

export const Staked: move.StructType<Staked> = move.struct("0x43::arena::Staked", () => ({
  player: ["player", move.address],
  asset: ["asset", move.address],
  amount: ["amount", move.u64],
}));

/**
 * A player has back what it had on the table.
 *
 * Move: `0x43::arena::Unstaked`.
 */
export interface Unstaked {
  readonly player: fairway.Address;
  readonly asset: fairway.Address;
  readonly amount: bigint;
}

export const Unstaked: move.StructType<Unstaked> = move.struct("0x43::arena::Unstaked", () => ({
  player: ["player", move.address],
  asset: ["asset", move.address],
  amount: ["amount", move.u64],
}));

/**
 * A player that scored took this from the others' stakes onto its own.
 *
 * Move: `0x43::arena::Won`.
 */
export interface Won {
  readonly player: fairway.Address;
  readonly asset: fairway.Address;
  readonly amount: bigint;
}

export const Won: move.StructType<Won> = move.struct("0x43::arena::Won", () => ({
  player: ["player", move.address],
  asset: ["asset", move.address],
  amount: ["amount", move.u64],
}));

/** Why a call aborts in `0x43::arena`: its codes by name. */
export const arenaAborts = {
  /** The account has no player in the arena. */
  E_NO_PLAYER: 1n,
  /** A step is -1, 0 or 1 in each axis, written as 0, 1 or 2. */
  E_BAD_STEP: 2n,
  /** A stake is one unit at least. */
  E_EMPTY_STAKE: 3n,
  /** The account's stake on the table is of another asset: it has to be taken back first. */
  E_OTHER_STAKE: 4n,
  /** The account has nothing on the table. */
  E_NO_STAKE: 5n,
} as const;

export type ArenaAbort = keyof typeof arenaAborts;

/** The abort that a call failed with, if it was one of these. */
export function arenaAbort(error: unknown): ArenaAbort | undefined {
  return move.abort(error, "0x43::arena", arenaAborts);
}

/** What `0x43::arena` can publish. */
export type ArenaEvent =
  | { readonly type: "PrizePlaced"; readonly data: PrizePlaced }
  | { readonly type: "Scored"; readonly data: Scored }
  | { readonly type: "Staked"; readonly data: Staked }
  | { readonly type: "Unstaked"; readonly data: Unstaked }
  | { readonly type: "Won"; readonly data: Won };

/** An event of a block or a report; `undefined` if it is of another module. */
export function arenaEvent(event: fairway.EventView): ArenaEvent | undefined {
  switch (event.type) {
    case "0x43::arena::PrizePlaced":
      return { type: "PrizePlaced", data: PrizePlaced.read(event.data) };
    case "0x43::arena::Scored":
      return { type: "Scored", data: Scored.read(event.data) };
    case "0x43::arena::Staked":
      return { type: "Staked", data: Staked.read(event.data) };
    case "0x43::arena::Unstaked":
      return { type: "Unstaked", data: Unstaked.read(event.data) };
    case "0x43::arena::Won":
      return { type: "Won", data: Won.read(event.data) };
    default:
      return undefined;
  }
}

/**
 * Calls of `0x43::arena` in the name of a member.
 *
 * An arena for many: every tick moves each player one step in its direction; who steps on the prize
 * scores, and the prize appears somewhere else. The scores are the channel's result: for each account
 * that scored, 32 bytes of address and 8 of points, lowest byte first.
 *
 * Who wants to play for money puts some on the table. A player with a stake that scores takes one unit
 * from every other stake of the same asset, onto its own; without a stake it scores points alone:
 * nobody wins without risking. What lies on the table is its player's to take back at any time, and
 * goes back when it leaves or the channel closes.
 */
export class ArenaCalls {
  readonly #member: fairway.Member;

  constructor(member: fairway.Member) {
    this.#member = member;
  }

  /** Puts `amount` of `asset` from the caller's vault on the table, to what it has there. */
  stake(asset: fairway.Address, amount: bigint): fairway.CallHandle {
    return this.#member.call("0x43::arena::stake", [asset, amount]);
  }

  /** Turns the caller's player. */
  turn(stepX: number, stepY: number): fairway.CallHandle {
    return this.#member.call("0x43::arena::turn", [stepX, stepY]);
  }

  /** Takes what the caller has on the table back into its vault. */
  unstake(): fairway.CallHandle {
    return this.#member.call("0x43::arena::unstake", []);
  }
}

/**
 * Views of `0x43::arena`, on one node's state.
 *
 * An arena for many: every tick moves each player one step in its direction; who steps on the prize
 * scores, and the prize appears somewhere else. The scores are the channel's result: for each account
 * that scored, 32 bytes of address and 8 of points, lowest byte first.
 *
 * Who wants to play for money puts some on the table. A player with a stake that scores takes one unit
 * from every other stake of the same asset, onto its own; without a stake it scores points alone:
 * nobody wins without risking. What lies on the table is its player's to take back at any time, and
 * goes back when it leaves or the channel closes.
 */
export class ArenaViews {
  readonly #channel: fairway.Channel;
  readonly #at: fairway.At;

  constructor(channel: fairway.Channel, at: fairway.At = "head") {
    this.#channel = channel;
    this.#at = at;
  }

  /** Points of `account`; zero if it never played. */
  async points(account: fairway.Address): Promise<bigint> {
    const values = await this.#channel.view("0x43::arena::points", [account], { at: this.#at });
    return move.u64.read(values[0]);
  }

  /** Column and row of `account`'s player. */
  async position(account: fairway.Address): Promise<[bigint, bigint]> {
    const values = await this.#channel.view("0x43::arena::position", [account], { at: this.#at });
    return [move.u64.read(values[0]), move.u64.read(values[1])];
  }

  /** Column and row of the prize. */
  async prize(): Promise<[bigint, bigint]> {
    const values = await this.#channel.view("0x43::arena::prize", [], { at: this.#at });
    return [move.u64.read(values[0]), move.u64.read(values[1])];
  }

  /** Units that `account` has on the table. */
  async table(account: fairway.Address): Promise<bigint> {
    const values = await this.#channel.view("0x43::arena::table", [account], { at: this.#at });
    return move.u64.read(values[0]);
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
