/** Arguments as BCS, by their type in the ABI. docs/api.md ("Move values") has the forms. */
import { type Abi } from "./abi.js";
import type { FunctionAbi, Json, TypeAbi } from "./api.js";
/**
 * A value for a Move type. Whole numbers above 2^53 are given as decimal text or as `bigint`; bytes as
 * hex text or as `Uint8Array`.
 */
export type MoveInput = Json | Uint8Array | MoveInput[] | {
    [field: string]: MoveInput;
};
/** The BCS arguments of a call: one for each parameter that is not a leading signer. */
export declare function encodeArgs(abi: Abi, entry: FunctionAbi, typeArgs: readonly string[], args: readonly MoveInput[]): Uint8Array[];
/** The BCS bytes of one value. */
export declare function encode(abi: Abi, type: TypeAbi, value: MoveInput): Uint8Array;
