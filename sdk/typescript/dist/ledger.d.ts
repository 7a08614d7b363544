/** The settlement chain: through a node, or at the ledger itself. */
import type { ChainEvent, ChainInfo, Json, LedgerPayload, ObservedChannel, PackageSource, SignedLedgerTransaction, TransactionReport } from "./api.js";
import { type MoveInput } from "./codec.js";
import type { Connection } from "./connection.js";
import { type Amount, type ChannelRules } from "./contract.js";
import type { Signer } from "./keys.js";
/** The chain's accounts, channels and packages. */
export declare class Ledger {
    #private;
    readonly connection: Connection;
    /** The chain behind a connection to a node or to a ledger. */
    constructor(connection: Connection);
    /** Where the chain stands now. */
    info(): Promise<ChainInfo>;
    /** The chain's id, which never changes. */
    chain(): Promise<number>;
    /** What an account holds, in the asset's smallest unit; of the native one by default. */
    balance(account: string, asset?: string): Promise<bigint>;
    /** What the contract records of a channel. */
    channel(channel: string): Promise<ObservedChannel>;
    /** A package's sources; the node's word is checked against the hash. */
    package(hash: string): Promise<PackageSource>;
    /** Events of the chain from a number on, at most `limit` and 1,000; of one channel if named. */
    events(from: number, limit?: number, channel?: string): Promise<ChainEvent[]>;
    /** Money for trying things out, on a development chain. */
    faucet(account: string, units: Amount): Promise<TransactionReport>;
    transfer(signer: Signer, to: string, units: Amount, asset?: string): Promise<TransactionReport>;
    /** Registers a package, so that nodes find it by its hash, which is the answer. */
    storePackage(signer: Signer, source: PackageSource): Promise<string>;
    /** Creates a channel for the package with this hash, and answers with its id. */
    createChannel(signer: Signer, hash: string, rules: ChannelRules): Promise<string>;
    /** Asks the contract to take the account out: for when no leader answers. */
    leaveChannel(signer: Signer, channel: string): Promise<TransactionReport>;
    /** Asks the contract to close the channel; its creator may. */
    closeChannel(signer: Signer, channel: string): Promise<TransactionReport>;
    /** Calls an entry function of a contract: `0x3::coin::transfer`, or one that was published. */
    call(signer: Signer, name: string, args: readonly MoveInput[]): Promise<TransactionReport>;
    /** Runs a view of a contract. */
    view(name: string, args: readonly MoveInput[], typeArgs?: string[]): Promise<Json[]>;
    /** Signs and executes; answers when the block is stored. A failed execution is an error. */
    execute(signer: Signer, payload: LedgerPayload): Promise<TransactionReport>;
    /** @internal Work for an account begins when the work before it has ended: it takes a number. */
    inTurn<T>(account: string, work: () => Promise<T>): Promise<T>;
    /** The account's next transaction, signed and not sent. */
    sign(signer: Signer, payload: LedgerPayload): Promise<SignedLedgerTransaction>;
    /**
     * Submits a signed transaction; its report, whatever came of it. One whose answer was lost is looked
     * up before it is called refused.
     */
    deliver(transaction: SignedLedgerTransaction): Promise<TransactionReport>;
    /** An executed transaction's report, by its hash; `null` when the chain has none. */
    transaction(hash: string): Promise<TransactionReport | null>;
}
/** The report of a transaction that did what it was for. */
export declare function succeeded(report: TransactionReport): TransactionReport;
