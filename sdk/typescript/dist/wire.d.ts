/** Calls and ledger transactions as BCS: what their hashes and signatures cover. */
import type { Call, FunctionName, LedgerPayload, LedgerTransaction, PackageSource, SignedCall, SignedLedgerTransaction } from "./api.js";
import { type Signer } from "./keys.js";
/** BCS of a call. */
export declare function callBytes(call: Call): Uint8Array;
/** The call's name in reports, notices and logs. */
export declare function callHash(call: Call): string;
/** BCS of a ledger transaction. */
export declare function transactionBytes(transaction: LedgerTransaction): Uint8Array;
/** The transaction's name on the chain. */
export declare function transactionHash(transaction: LedgerTransaction): string;
/** The hash by which a channel names its package. Addresses and files are sorted, each once. */
export declare function packageHash(source: PackageSource): string;
/** Id of the channel that `creator` creates with this number, from 0 on. */
export declare function channelId(chain: number, creator: string, number: number): string;
/** The most gas that a transaction may ask for, by what it does. */
export declare function mostGas(payload: LedgerPayload): number;
/** An invocation with arguments that are BCS already. */
export declare function invocation(name: FunctionName, typeArgs: readonly string[], args: Uint8Array[]): {
    invoke: {
        function: FunctionName;
        type_args: string[];
        args: string[];
    };
};
export declare function signCall(signer: Signer, call: Call): Promise<SignedCall>;
export declare function signTransaction(signer: Signer, transaction: LedgerTransaction): Promise<SignedLedgerTransaction>;
