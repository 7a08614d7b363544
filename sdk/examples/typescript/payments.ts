// The client of the Move package `payments`, made by `fairway client generate --lang ts`.
// Do not edit it: make it again when the package changes.
// Package 0xfdb07760e47fbebe93db66a2f93c7c6756523bb76450d305a83ffc1843783d75.

import type * as fairway from "@fairway/sdk";
import * as move from "@fairway/sdk/typed";

/** The package that this client was made from. A channel's own is `channel.abi.package`. */
export const PACKAGE = "0xfdb07760e47fbebe93db66a2f93c7c6756523bb76450d305a83ffc1843783d75";

// 0x44::payments
/**
 * `amount` of `asset` went from one member to another.
 *
 * Move: `0x44::payments::Paid`.
 */
export interface Paid {
  readonly from: fairway.Address;
  readonly to: fairway.Address;
  readonly asset: fairway.Address;
  readonly amount: bigint;
  readonly memo: string;
}

export const Paid: move.StructType<Paid> = move.struct("0x44::payments::Paid", () => ({
  from: ["from", move.address],
  to: ["to", move.address],
  asset: ["asset", move.address],
  amount: ["amount", move.u64],
  memo: ["memo", move.string],
}));

/**
 * What a member has sent so far.
 *
 * Move: `0x44::payments::Sent`.
 */
export interface Sent {
  readonly payments: bigint;
}

export const Sent: move.StructType<Sent> = move.struct("0x44::payments::Sent", () => ({
  payments: ["payments", move.u64],
}));

/** Why a call aborts in `0x44::payments`: its codes by name. */
export const paymentsAborts = {
  /** Nobody pays nothing. */
  E_ZERO_AMOUNT: 1n,
} as const;

export type PaymentsAbort = keyof typeof paymentsAborts;

/** The abort that a call failed with, if it was one of these. */
export function paymentsAbort(error: unknown): PaymentsAbort | undefined {
  return move.abort(error, "0x44::payments", paymentsAborts);
}

/** What `0x44::payments` can publish. */
export type PaymentsEvent =
  | { readonly type: "Paid"; readonly data: Paid };

/** An event of a block or a report; `undefined` if it is of another module. */
export function paymentsEvent(event: fairway.EventView): PaymentsEvent | undefined {
  switch (event.type) {
    case "0x44::payments::Paid":
      return { type: "Paid", data: Paid.read(event.data) };
    default:
      return undefined;
  }
}

/**
 * Calls of `0x44::payments` in the name of a member.
 *
 * Payments between the members of a channel.
 */
export class PaymentsCalls {
  readonly #member: fairway.Member;

  constructor(member: fairway.Member) {
    this.#member = member;
  }

  /** Pays `amount` of `asset` to another member. */
  pay(to: fairway.Address, asset: fairway.Address, amount: bigint, memo: string): fairway.CallHandle {
    return this.#member.call("0x44::payments::pay", [to, asset, amount, memo]);
  }
}

/**
 * Views of `0x44::payments`, on one node's state.
 *
 * Payments between the members of a channel.
 */
export class PaymentsViews {
  readonly #channel: fairway.Channel;
  readonly #at: fairway.At;

  constructor(channel: fairway.Channel, at: fairway.At = "head") {
    this.#channel = channel;
    this.#at = at;
  }

  /** What `account` holds of `asset`. */
  async balance(account: fairway.Address, asset: fairway.Address): Promise<bigint> {
    const values = await this.#channel.view("0x44::payments::balance", [account, asset], { at: this.#at });
    return move.u64.read(values[0]);
  }

  /** How many payments `account` has made. */
  async sent(account: fairway.Address): Promise<bigint> {
    const values = await this.#channel.view("0x44::payments::sent", [account], { at: this.#at });
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
