// The client of the Move package `shapes`, made by `fairway client generate --lang ts`.
// Do not edit it: make it again when the package changes.
// Package 0x792e07b8a73931b96a856931fe9d9c0040314628e5e1378b28fb992d1bdd7154.

import type * as fairway from "@fairway/sdk";
import * as move from "@fairway/sdk/typed";

/** The package that this client was made from. A channel's own is `channel.abi.package`. */
export const PACKAGE = "0x792e07b8a73931b96a856931fe9d9c0040314628e5e1378b28fb992d1bdd7154";

// 0x77::shapes
/**
 * One of each.
 *
 * Move: `0x77::shapes::All`.
 */
export interface All {
  readonly small: number;
  readonly long: bigint;
  readonly longer: bigint;
  readonly yes: boolean;
  readonly who: fairway.Address;
  readonly text: string;
  readonly bytes: Uint8Array;
  readonly lists: readonly (readonly bigint[])[];
  readonly maybe: bigint | null;
  readonly pairs: readonly Pair<bigint>[];
}

export const All: move.StructType<All> = move.struct("0x77::shapes::All", () => ({
  small: ["small", move.u8],
  long: ["long", move.u64],
  longer: ["longer", move.u128],
  yes: ["yes", move.bool],
  who: ["who", move.address],
  text: ["text", move.string],
  bytes: ["bytes", move.bytes],
  lists: ["lists", move.vector(move.vector(move.u64))],
  maybe: ["maybe", move.option(move.u64)],
  pairs: ["pairs", move.vector(Pair(move.u64))],
}));

/**
 * What an account keeps, of a type that its caller chose.
 *
 * Move: `0x77::shapes::Kept`.
 */
export interface Kept<T0> {
  readonly what: T0;
  readonly type: number;
}

export function Kept<T0>(type0: move.Type<T0>): move.StructType<Kept<T0>> {
  return move.struct(`0x77::shapes::Kept<${type0.tag}>`, () => ({
    what: ["what", type0],
    type: ["type", move.u8],
  }));
}

/**
 * A type that is nowhere in its fields.
 *
 * Move: `0x77::shapes::Marked`.
 */
export interface Marked<T0> {
  readonly times: bigint;
  readonly _phantom0?: T0;
}

export function Marked<T0>(type0: move.Type<T0>): move.StructType<Marked<T0>> {
  return move.struct(`0x77::shapes::Marked<${type0.tag}>`, () => ({
    times: ["times", move.u64],
  }));
}

/**
 * Two of a kind.
 *
 * Move: `0x77::shapes::Pair`.
 */
export interface Pair<T0> {
  readonly left: T0;
  readonly right: T0;
}

export function Pair<T0>(type0: move.Type<T0>): move.StructType<Pair<T0>> {
  return move.struct(`0x77::shapes::Pair<${type0.tag}>`, () => ({
    left: ["left", type0],
    right: ["right", type0],
  }));
}

/**
 * Something of a type that its caller chose was kept.
 *
 * Move: `0x77::shapes::Stored`.
 */
export interface Stored<T0> {
  readonly by: fairway.Address;
  readonly what: T0;
}

export function Stored<T0>(type0: move.Type<T0>): move.StructType<Stored<T0>> {
  return move.struct(`0x77::shapes::Stored<${type0.tag}>`, () => ({
    by: ["by", move.address],
    what: ["what", type0],
  }));
}

/** Why a call aborts in `0x77::shapes`: its codes by name. */
export const shapesAborts = {
  /** Nothing is kept under this account. */
  E_NOTHING_KEPT: 1n,
  /** `type` is a word of both languages. */
  E_TYPE: 2n,
} as const;

export type ShapesAbort = keyof typeof shapesAborts;

/** The abort that a call failed with, if it was one of these. */
export function shapesAbort(error: unknown): ShapesAbort | undefined {
  return move.abort(error, "0x77::shapes", shapesAborts);
}

/**
 * Calls of `0x77::shapes` in the name of a member.
 *
 * Every shape of function, struct and value that a client is generated for.
 */
export class ShapesCalls {
  readonly #member: fairway.Member;

  constructor(member: fairway.Member) {
    this.#member = member;
  }

  /** Keeps one of each. */
  keepAll(small: number, long: bigint, longer: bigint, yes: boolean, who: fairway.Address, text: string, bytes: Uint8Array, lists: readonly (readonly bigint[])[], maybe: bigint | null): fairway.CallHandle {
    return this.#member.call("0x77::shapes::keep_all", [small, long, longer, yes, who, text, move.bytes.write(bytes), move.vector(move.vector(move.u64)).write(lists), move.option(move.u64).write(maybe)]);
  }

  /** Keeps nothing, in place of what was kept of this type, and counts. */
  mark<T0>(type0: move.Type<T0>): fairway.CallHandle {
    return this.#member.call("0x77::shapes::mark", [], { typeArgs: [type0.tag] });
  }

  /** A word of both languages, that is refused. */
  new_(match: bigint): fairway.CallHandle {
    return this.#member.call("0x77::shapes::new", [match]);
  }
}

/**
 * Views of `0x77::shapes`, on one node's state.
 *
 * Every shape of function, struct and value that a client is generated for.
 */
export class ShapesViews {
  readonly #channel: fairway.Channel;
  readonly #at: fairway.At;

  constructor(channel: fairway.Channel, at: fairway.At = "head") {
    this.#channel = channel;
    this.#at = at;
  }

  /** What the account keeps of everything. */
  async all(account: fairway.Address): Promise<All> {
    const values = await this.#channel.view("0x77::shapes::all", [account], { at: this.#at });
    return All.read(values[0]);
  }

  /** What the account keeps of this type, and its number. */
  async kept<T0>(type0: move.Type<T0>, account: fairway.Address): Promise<[readonly T0[], number]> {
    const values = await this.#channel.view("0x77::shapes::kept", [account], { at: this.#at, typeArgs: [type0.tag] });
    return [move.vector(type0).read(values[0]), move.u8.read(values[1])];
  }

  /** How often the account has kept something of this type. */
  async times<T0>(type0: move.Type<T0>, account: fairway.Address): Promise<bigint> {
    const values = await this.#channel.view("0x77::shapes::times", [account], { at: this.#at, typeArgs: [type0.tag] });
    return move.u64.read(values[0]);
  }

  /** Twice the same. */
  async twice<T0>(type0: move.Type<T0>, what: T0): Promise<Pair<T0>> {
    const values = await this.#channel.view("0x77::shapes::twice", [type0.write(what)], { at: this.#at, typeArgs: [type0.tag] });
    return Pair(type0).read(values[0]);
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
