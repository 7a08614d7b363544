/** The fields of every refusal, by its name. Causes and cures: docs/errors.md. */
export interface RefusalDetails {
    /** The node does not run the channel, or the chain does not know it. */
    channel_not_found: {
        channel: string;
    };
    /** The account is not on the member list yet, or no more. */
    not_a_member: {
        account: string;
    };
    /** A signature does not verify, or the key is not the sender's. */
    bad_signature: {
        what: string;
        key: string;
    };
    /** The number was used, or is too far ahead. */
    sequence_number: {
        account: string;
        expected: number;
        actual: number;
    };
    /** The contract or app aborted. */
    move_abort: {
        address: string;
        module: string;
        code: number;
        name: string | null;
    };
    /** More gas was needed than the limit. */
    out_of_gas: {
        used: number;
        limit: number;
    };
    /** A bounded queue is full. */
    busy: {
        what: string;
        retry_after_ms: number;
    };
    /** This node has no leader to send to. */
    no_leader: {
        reason: string;
    };
    /** The channel is closed. */
    closed: Record<string, never>;
    /** An argument has another type, count or form. */
    invalid_argument: {
        what: string;
        reason: string;
    };
    /** Something is over its limit. */
    too_large: {
        what: string;
        actual: number;
        limit: number;
    };
    /** The caller may not do this. */
    unauthorised: {
        reason: string;
    };
    /** The call names another channel. */
    wrong_channel: {
        expected: string;
        actual: string;
    };
    /** The call or transaction names another chain. */
    wrong_chain: {
        expected: number;
        actual: number;
    };
    /** Its time has passed. */
    expired: {
        expires_at: number;
        now: number;
    };
    /** There is no such entry function or view. */
    function_not_found: {
        function: string;
    };
    /** Sources that do not hash to what the chain names. */
    package_mismatch: {
        expected: string;
        actual: string;
    };
    /** A package breaks a limit. */
    package_refused: {
        rule: string;
        location: string;
        actual: string;
        limit: string;
    };
    /** The package does not compile. */
    compile_error: {
        diagnostics: string;
    };
    /** Bytes that are not what they should be. */
    malformed: {
        what: string;
        reason: string;
    };
    /** The settlement chain does not answer. */
    chain_unreachable: {
        reason: string;
    };
    /** The settlement chain refused. */
    chain_rejected: {
        reason: string;
    };
    /** The disk takes no writes, so nothing is signed. */
    storage_full: {
        reason: string;
    };
    /** The VM failed with a status of its own. */
    execution_failed: {
        code: number;
        reason: string | null;
    };
    /** What was asked for is not here. */
    not_found: {
        what: string;
    };
    /** Not available yet. */
    not_ready: {
        what: string;
        reason: string;
    };
    /** The channel's gas table is not one that this version has. */
    gas_table_unknown: {
        table: number;
        known: number[];
    };
    /** A block that this node keeps no more. */
    pruned: {
        what: string;
        above: number;
    };
    /** A bug. */
    internal: {
        reason: string;
    };
}
export type RefusalName = keyof RefusalDetails;
/** The stable code of every refusal, and whether the same request may succeed later. */
export declare const REFUSALS: Readonly<Record<RefusalName, {
    code: number;
    transient: boolean;
}>>;
