/** The settlement contracts' functions as transaction payloads: what accounts send. */
import type { ChannelConfig, LedgerPayload } from "./api.js";
/** The native asset of the ledger. */
export declare const NATIVE: string;
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
export type ChannelRules = Partial<Omit<ChannelConfig, "invited">> & {
    invited?: string[];
};
/** An amount as an exact number. */
export declare function amount(value: Amount, what?: string): bigint;
export declare function transfer(to: string, units: Amount, asset?: string): LedgerPayload;
export declare const leave: (channel: string) => LedgerPayload;
export declare const close: (channel: string) => LedgerPayload;
/** A join by `node`, through `channel::join` or a dApp's function with the same arguments. */
export declare function join(given: {
    channel: string;
    node: string;
    deposit: Amount;
    endpoints: readonly string[];
    proof: string;
    backing: Backing;
    through: string;
}): LedgerPayload;
/** What a channel gets when nothing else is said. */
export declare const DEFAULT_RULES: {
    readonly tick_interval: 0;
    readonly settlement_interval: 60000;
    readonly durability: "synced";
    readonly join_policy: "invited";
    readonly invited: [];
    readonly asset: string;
    readonly min_deposit: 1;
    readonly max_members: 16;
    readonly gas_table: 1;
    readonly trust_own_node: false;
};
/** A channel for the package with this hash. `invited` is sorted here, each account once. */
export declare function create(packageHash: string, given: ChannelRules): LedgerPayload;
/** The channel that a report of `create` names. */
export declare function createdChannel(events: {
    type: string;
    data: unknown;
}[]): string | undefined;
