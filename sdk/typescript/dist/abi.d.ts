/** Move types as the ABI and as text: `vector<u64>`, `0x42::a::B<u64,0x1::c::D>`. */
import type { FunctionAbi, FunctionName, ModuleAbi, StructRef, TypeAbi } from "./api.js";
/** What can be called: a channel's, or what an account published. */
export interface Abi {
    modules: ModuleAbi[];
}
/** A type as text. */
export declare function showType(type: TypeAbi): string;
export declare function showStruct(structure: StructRef): string;
/** The type that a text names. */
export declare function parseType(text: string): TypeAbi;
/** `0x44::payments::pay`, taken apart. */
export declare function parseFunction(text: string): FunctionName;
export declare function showFunction(name: FunctionName): string;
/** The entry function with this name. */
export declare function entryFunction(abi: Abi, name: FunctionName): FunctionAbi;
