/**
 * Move values as TypeScript has them: what generated clients are made of (docs/develop.md). A `Type`
 * knows its name in Move and its JSON form (docs/api.md, "Move values").
 *
 * @module @fairway/sdk/typed
 */

import type { Address, At, Json } from "./api.js";
import type { Channel } from "./channel.js";
import type { MoveInput } from "./codec.js";
import { FairwayError, refusalOf } from "./errors.js";

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
export class MismatchError extends FairwayError {
  override readonly name = "MismatchError";
  readonly transient = false;

  constructor(
    /** Where in the value, as `.board[3]`; empty for the value itself. */
    readonly place: string,
    readonly expected: string,
    readonly found: string,
  ) {
    super(`${place || "value"}: expected ${expected}, found ${found}: another package's client?`);
  }

  /** The same, one level further out. */
  inside(step: string): MismatchError {
    return new MismatchError(step + this.place, this.expected, this.found);
  }
}

function mismatch(expected: string, value: unknown): MismatchError {
  const text = JSON.stringify(value, (_, inner) =>
    typeof inner === "bigint" ? String(inner) : inner,
  );
  return new MismatchError("", expected, String(text).slice(0, 80));
}

/** Reads what lies one level down, with its place in an error. */
function inside<T>(step: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof MismatchError ? error.inside(step) : error;
  }
}

function primitive<T extends MoveInput>(
  tag: string,
  read: (value: Json | undefined) => T | undefined,
): Type<T> {
  return {
    tag,
    read(value) {
      const found = read(value);
      if (found === undefined) throw mismatch(tag, value);
      return found;
    },
    write: (value) => value,
  };
}

function integer(value: Json | undefined, bits: bigint): bigint | undefined {
  if (typeof value !== "string" || !/^[0-9]{1,39}$/.test(value)) return undefined;
  const number = BigInt(value);
  return number < 1n << bits ? number : undefined;
}

export const bool: Type<boolean> = primitive("bool", (value) =>
  typeof value === "boolean" ? value : undefined,
);

export const u8: Type<number> = primitive("u8", (value) =>
  typeof value === "number" && Number.isInteger(value) && value >= 0 && value < 256
    ? value
    : undefined,
);

export const u64: Type<bigint> = primitive("u64", (value) => integer(value, 64n));

export const u128: Type<bigint> = primitive("u128", (value) => integer(value, 128n));

export const address: Type<Address> = primitive("address", (value) =>
  typeof value === "string" && /^0x[0-9a-f]{64}$/.test(value) ? value : undefined,
);

/** `0x1::string::String` and `0x1::ascii::String`. */
export const string: Type<string> = primitive("0x1::string::String", (value) =>
  typeof value === "string" ? value : undefined,
);

function readBytes(value: Json | undefined): number[] {
  if (typeof value !== "string" || !/^0x(?:[0-9a-f]{2})*$/.test(value)) {
    throw mismatch("bytes in hex", value);
  }
  return (value.slice(2).match(/../g) ?? []).map((digits) => Number.parseInt(digits, 16));
}

function writeBytes(bytes: Iterable<number>): string {
  return `0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/** `vector<u8>`. */
export const bytes: Type<Uint8Array> = {
  tag: "vector<u8>",
  read: (value) => Uint8Array.from(readBytes(value)),
  write: writeBytes,
};

/** A vector; one of `u8` as numbers, which `bytes` has as a `Uint8Array`. */
export function vector<T>(items: Type<T>): Type<readonly T[]>;
export function vector<T>(items: StructType<T>): StructType<readonly T[]>;
export function vector<T>(items: StructType<T> & Partial<Type<T>>): Type<readonly T[]> {
  const hasBytes = items.tag === u8.tag;
  return {
    tag: `vector<${items.tag}>`,
    read(value) {
      if (hasBytes) return readBytes(value) as unknown as T[];
      if (!Array.isArray(value)) throw mismatch("an array", value);
      return value.map((item, index) => inside(`[${index}]`, () => items.read(item)));
    },
    write(values) {
      if (hasBytes) return writeBytes(values as unknown as readonly number[]);
      return values.map((item) => written(items, item));
    },
  };
}

/** `0x1::option::Option`: `null` for none. */
export function option<T>(inner: Type<T>): Type<T | null>;
export function option<T>(inner: StructType<T>): StructType<T | null>;
export function option<T>(inner: StructType<T> & Partial<Type<T>>): Type<T | null> {
  return {
    tag: `0x1::option::Option<${inner.tag}>`,
    read: (value) => (value === null ? null : inner.read(value)),
    write: (value) => (value === null ? null : written(inner, value)),
  };
}

function written<T>(type: StructType<T> & Partial<Type<T>>, value: T): MoveInput {
  if (!type.write) throw mismatch("a type that callers can give", type.tag);
  return type.write(value);
}

/** Each field's name in Move and its type. */
type Fields<T> = { readonly [Name in keyof T]: readonly [string, StructType<T[Name]>] };

/** A struct by its fields, which are asked for late: structs may come in any order. */
export function struct<T extends object>(tag: string, fields: () => Fields<T>): StructType<T> {
  return {
    tag,
    read(value) {
      if (typeof value !== "object" || value === null || Array.isArray(value)) {
        throw mismatch(tag, value);
      }
      const read: Partial<T> = {};
      for (const [name, [origin, type]] of Object.entries(fields()) as [
        keyof T,
        Fields<T>[keyof T],
      ][]) {
        const inner = Object.hasOwn(value, origin) ? value[origin] : undefined;
        read[name] = inside(`.${origin}`, () => type.read(inner));
      }
      return read as T;
    },
  };
}

/** The resource of a type under an account; `undefined` if there is none. */
export async function resource<T>(
  channel: Channel,
  type: StructType<T>,
  owner: Address,
  at: At = "head",
): Promise<T | undefined> {
  const { resource: found } = await channel.resource(owner, type.tag, { at });
  return (found.value ?? null) === null ? undefined : type.read(found.value);
}

/** The abort of a module, `0x43::arena`, that a call failed with: its name among `names`. */
export function abort<Name extends string>(
  error: unknown,
  module: string,
  names: Readonly<Record<Name, bigint>>,
): Name | undefined {
  const details = refusalOf(error, "move_abort");
  if (!details || `${details.address}::${details.module}` !== module) return undefined;
  const code = String(details.code);
  return (Object.keys(names) as Name[]).find((name) => String(names[name]) === code);
}
