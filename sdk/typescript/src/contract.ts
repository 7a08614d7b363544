/** The settlement contracts' functions as transaction payloads: what accounts send. */

import { bcs } from "@mysten/bcs";
import { parseFunction } from "./abi.js";
import type { ChannelConfig, LedgerPayload } from "./api.js";
import { address, idBytes, toHex, tryHex } from "./bytes.js";
import { invalid } from "./errors.js";
import { invocation } from "./wire.js";

/** The native asset of the ledger. */
export const NATIVE = `0x${"fa".padStart(64, "0")}`;

/** An amount of an asset in its smallest unit: below 2^64. */
export type Amount = bigint | number | string;

/** What stands behind a member's word. */
export interface Backing {
  /** In the channel's asset, beside the deposit; none by default. */
  collateral?: Amount;
  /** Counted on in the account's stake, and not locked. */
  pooled?: boolean;
}

/** A channel's rules; what is left out has the value that docs/sdk-typescript.md names. */
export type ChannelRules = Partial<Omit<ChannelConfig, "invited">> & { invited?: string[] };

const MAX_U64 = (1n << 64n) - 1n;

/** An amount as an exact number. */
export function amount(value: Amount, what = "amount"): bigint {
  const whole = typeof value === "number" ? Number.isSafeInteger(value) : true;
  const text = String(value);
  if (!whole || !/^[0-9]+$/.test(text) || BigInt(text) > MAX_U64) {
    throw invalid(what, `expected a whole number below 2^64, found ${text}`);
  }
  return BigInt(text);
}

const u64 = (value: Amount, what: string) => bcs.u64().serialize(amount(value, what)).toBytes();
const u8 = (value: number) => bcs.u8().serialize(value).toBytes();
const bool = (value: boolean) => bcs.bool().serialize(value).toBytes();

function call(name: string, args: Uint8Array[]): LedgerPayload {
  return invocation(parseFunction(name), [], args);
}

export function transfer(to: string, units: Amount, asset = NATIVE): LedgerPayload {
  const who = idBytes(address(to, "to"), "to");
  return call("0x3::coin::transfer", [idBytes(address(asset), "asset"), who, u64(units, "amount")]);
}

export const leave = (channel: string) =>
  call("0x3::channel::leave", [idBytes(channel, "channel")]);

export const close = (channel: string) =>
  call("0x3::channel::close", [idBytes(channel, "channel")]);

/** A join by `node`, through `channel::join` or a dApp's function with the same arguments. */
export function join(given: {
  channel: string;
  node: string;
  deposit: Amount;
  endpoints: readonly string[];
  proof: string;
  backing: Backing;
  through: string;
}): LedgerPayload {
  const proof = tryHex(given.proof);
  if (proof?.length !== 64) throw invalid("proof", "expected the 64 bytes of a signature");
  return call(given.through, [
    idBytes(given.channel, "channel"),
    idBytes(given.node, "node"),
    u64(given.deposit, "deposit"),
    bcs.vector(bcs.string()).serialize(given.endpoints).toBytes(),
    bcs.byteVector().serialize(proof).toBytes(),
    u64(given.backing.collateral ?? 0, "collateral"),
    bool(given.backing.pooled ?? false),
  ]);
}

/** The place of a name in an enum of the contract. */
function variant<Name extends string>(what: string, names: readonly Name[], name: Name): number {
  const place = names.indexOf(name);
  if (place < 0) {
    throw invalid(what, `expected ${names.join(" or ")}, found ${JSON.stringify(name)}`);
  }
  return place;
}

/** What a channel gets when nothing else is said. */
export const DEFAULT_RULES = {
  tick_interval: 0,
  settlement_interval: 60_000,
  durability: "synced",
  join_policy: "invited",
  invited: [],
  asset: NATIVE,
  min_deposit: 1,
  max_members: 16,
  gas_table: 1,
  trust_own_node: false,
} as const satisfies Omit<ChannelConfig, "money">;

const DEFAULT_MONEY = {
  settlement_rule: "two_thirds",
  weight_by: "member",
  challenge_window: 600_000,
  collateral: 0,
  fine: 0,
  bond: 0,
  penalty_votes: "two_thirds",
  drop_rule: "close",
} as const satisfies ChannelConfig["money"];

function moneyArgs(given: ChannelConfig["money"]): Uint8Array[] {
  const money = { ...DEFAULT_MONEY, ...given };
  const rules = ["two_thirds", "unanimous", "judged"] as const;
  return [
    u8(variant("settlement_rule", rules, money.settlement_rule)),
    u8(variant("weight_by", ["member", "collateral"], money.weight_by)),
    u64(money.challenge_window, "challenge_window"),
    u64(money.collateral, "collateral"),
    u64(money.fine, "fine"),
    u64(money.bond, "bond"),
    u8(variant("penalty_votes", ["two_thirds", "two"], money.penalty_votes)),
    u8(variant("drop_rule", ["close", "replace"], money.drop_rule)),
  ];
}

/** A channel for the package with this hash. `invited` is sorted here, each account once. */
export function create(packageHash: string, given: ChannelRules): LedgerPayload {
  const rules = { ...DEFAULT_RULES, ...given };
  const invited = [...new Set(rules.invited.map((who) => address(who, "invited")))].sort();
  return call("0x3::channel::create", [
    idBytes(packageHash, "package"),
    u64(rules.tick_interval, "tick_interval"),
    u64(rules.settlement_interval, "settlement_interval"),
    u8(variant("durability", ["synced", "replicated"], rules.durability)),
    u8(variant("join_policy", ["invited", "open"], rules.join_policy as "invited" | "open")),
    bcs
      .vector(bcs.bytes(32))
      .serialize(invited.map((who) => idBytes(who, "invited")))
      .toBytes(),
    idBytes(address(rules.asset, "asset"), "asset"),
    u64(rules.min_deposit, "min_deposit"),
    u64(rules.max_members, "max_members"),
    u8(rules.gas_table),
    bool(rules.trust_own_node),
    ...moneyArgs(given.money ?? {}),
  ]);
}

/** The channel that a report of `create` names. */
export function createdChannel(events: { type: string; data: unknown }[]): string | undefined {
  const event = events.find((candidate) => candidate.type.endsWith("::ChannelCreated"));
  const channel = (event?.data as { channel?: unknown } | undefined)?.channel;
  return typeof channel === "string" ? toHex(idBytes(channel, "channel")) : undefined;
}
