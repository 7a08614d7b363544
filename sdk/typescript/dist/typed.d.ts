/**
 * Move values as TypeScript has them: what generated clients are made of (docs/develop.md). A `Type`
 * knows its name in Move and its JSON form (docs/api.md, "Move values").
 */
import type { Address, At, Json } from "./api.js";
import type { Channel } from "./channel.js";
import type { MoveInput } from "./codec.js";
import { FairwayError } from "./errors.js";
/** A Move type and the TypeScript type of its values. */
export interface Type<T> {
    /** Its name in Move: `u64`, `vector<address>`, `0x43::arena::Player`. */
    readonly tag: string;
    /** A value as a node sends it. Throws a `MismatchError` for another one. */
    read(value: Json | undefined): T;
    /** A value as calls and views take it. */
    write(value: T): MoveInput;
}
/** A struct: a resource, an event, or a part of one. */
export type StructType<T> = Omit<Type<T>, "write">;
/** A value is not of the type that the client was made for: the client may be of another package. */
export declare class MismatchError extends FairwayError {
    /** Where in the value, as `.board[3]`; empty for the value itself. */
    readonly place: string;
    readonly expected: string;
    readonly found: string;
    readonly name = "MismatchError";
    readonly transient = false;
    constructor(
    /** Where in the value, as `.board[3]`; empty for the value itself. */
    place: string, expected: string, found: string);
    /** The same, one level further out. */
    inside(step: string): MismatchError;
}
export declare const bool: Type<boolean>;
export declare const u8: Type<number>;
export declare const u64: Type<bigint>;
export declare const u128: Type<bigint>;
export declare const address: Type<Address>;
/** `0x1::string::String` and `0x1::ascii::String`. */
export declare const string: Type<string>;
/** `vector<u8>`. */
export declare const bytes: Type<Uint8Array>;
/** A vector; one of `u8` as numbers, which `bytes` has as a `Uint8Array`. */
export declare function vector<T>(items: Type<T>): Type<readonly T[]>;
export declare function vector<T>(items: StructType<T>): StructType<readonly T[]>;
/** `0x1::option::Option`: `null` for none. */
export declare function option<T>(inner: Type<T>): Type<T | null>;
export declare function option<T>(inner: StructType<T>): StructType<T | null>;
/** Each field's name in Move and its type. */
type Fields<T> = {
    readonly [Name in keyof T]: readonly [string, StructType<T[Name]>];
};
/** A struct by its fields, which are asked for late: structs may come in any order. */
export declare function struct<T extends object>(tag: string, fields: () => Fields<T>): StructType<T>;
/** The resource of a type under an account; `undefined` if there is none. */
export declare function resource<T>(channel: Channel, type: StructType<T>, owner: Address, at?: At): Promise<T | undefined>;
/** The abort of a module, `0x43::arena`, that a call failed with: its name among `names`. */
export declare function abort<Name extends string>(error: unknown, module: string, names: Readonly<Record<Name, bigint>>): Name | undefined;
export {};
