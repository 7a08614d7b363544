/** The settlement contracts' functions as transaction payloads: what accounts send. */
import { bcs } from "@mysten/bcs";
import { parseFunction } from "./abi.js";
import { address, idBytes, toHex, tryHex } from "./bytes.js";
import { invalid } from "./errors.js";
import { invocation } from "./wire.js";
/** The native asset of the ledger. */
export const NATIVE = `0x${"fa".padStart(64, "0")}`;
const MAX_U64 = (1n << 64n) - 1n;
/** An amount as an exact number. */
export function amount(value, what = "amount") {
    const whole = typeof value === "number" ? Number.isSafeInteger(value) : true;
    const text = String(value);
    if (!whole || !/^[0-9]+$/.test(text) || BigInt(text) > MAX_U64) {
        throw invalid(what, `expected a whole number below 2^64, found ${text}`);
    }
    return BigInt(text);
}
const u64 = (value, what) => bcs.u64().serialize(amount(value, what)).toBytes();
const u8 = (value) => bcs.u8().serialize(value).toBytes();
const bool = (value) => bcs.bool().serialize(value).toBytes();
function call(name, args) {
    return invocation(parseFunction(name), [], args);
}
export function transfer(to, units, asset = NATIVE) {
    const who = idBytes(address(to, "to"), "to");
    return call("0x3::coin::transfer", [idBytes(address(asset), "asset"), who, u64(units, "amount")]);
}
export const leave = (channel) => call("0x3::channel::leave", [idBytes(channel, "channel")]);
export const close = (channel) => call("0x3::channel::close", [idBytes(channel, "channel")]);
/** A join by `node`, through `channel::join` or a dApp's function with the same arguments. */
export function join(given) {
    const proof = tryHex(given.proof);
    if (proof?.length !== 64)
        throw invalid("proof", "expected the 64 bytes of a signature");
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
function variant(what, names, name) {
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
};
const DEFAULT_MONEY = {
    settlement_rule: "two_thirds",
    weight_by: "member",
    challenge_window: 600_000,
    collateral: 0,
    fine: 0,
    bond: 0,
    penalty_votes: "two_thirds",
    drop_rule: "close",
};
function moneyArgs(given) {
    const money = { ...DEFAULT_MONEY, ...given };
    const rules = ["two_thirds", "unanimous", "judged"];
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
export function create(packageHash, given) {
    const rules = { ...DEFAULT_RULES, ...given };
    const invited = [...new Set(rules.invited.map((who) => address(who, "invited")))].sort();
    return call("0x3::channel::create", [
        idBytes(packageHash, "package"),
        u64(rules.tick_interval, "tick_interval"),
        u64(rules.settlement_interval, "settlement_interval"),
        u8(variant("durability", ["synced", "replicated"], rules.durability)),
        u8(variant("join_policy", ["invited", "open"], rules.join_policy)),
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
export function createdChannel(events) {
    const event = events.find((candidate) => candidate.type.endsWith("::ChannelCreated"));
    const channel = event?.data?.channel;
    return typeof channel === "string" ? toHex(idBytes(channel, "channel")) : undefined;
}
//# sourceMappingURL=contract.js.map