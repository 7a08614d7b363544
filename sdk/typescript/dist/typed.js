/**
 * Move values as TypeScript has them: what generated clients are made of (docs/develop.md). A `Type`
 * knows its name in Move and its JSON form (docs/api.md, "Move values").
 */
import { FairwayError, refusalOf } from "./errors.js";
/** A value is not of the type that the client was made for: the client may be of another package. */
export class MismatchError extends FairwayError {
    place;
    expected;
    found;
    name = "MismatchError";
    transient = false;
    constructor(
    /** Where in the value, as `.board[3]`; empty for the value itself. */
    place, expected, found) {
        super(`${place || "value"}: expected ${expected}, found ${found}: another package's client?`);
        this.place = place;
        this.expected = expected;
        this.found = found;
    }
    /** The same, one level further out. */
    inside(step) {
        return new MismatchError(step + this.place, this.expected, this.found);
    }
}
function mismatch(expected, value) {
    const text = JSON.stringify(value, (_, inner) => typeof inner === "bigint" ? String(inner) : inner);
    return new MismatchError("", expected, String(text).slice(0, 80));
}
/** Reads what lies one level down, with its place in an error. */
function inside(step, read) {
    try {
        return read();
    }
    catch (error) {
        throw error instanceof MismatchError ? error.inside(step) : error;
    }
}
function primitive(tag, read) {
    return {
        tag,
        read(value) {
            const found = read(value);
            if (found === undefined)
                throw mismatch(tag, value);
            return found;
        },
        write: (value) => value,
    };
}
function integer(value, bits) {
    if (typeof value !== "string" || !/^[0-9]{1,39}$/.test(value))
        return undefined;
    const number = BigInt(value);
    return number < 1n << bits ? number : undefined;
}
export const bool = primitive("bool", (value) => typeof value === "boolean" ? value : undefined);
export const u8 = primitive("u8", (value) => typeof value === "number" && Number.isInteger(value) && value >= 0 && value < 256
    ? value
    : undefined);
export const u64 = primitive("u64", (value) => integer(value, 64n));
export const u128 = primitive("u128", (value) => integer(value, 128n));
export const address = primitive("address", (value) => typeof value === "string" && /^0x[0-9a-f]{64}$/.test(value) ? value : undefined);
/** `0x1::string::String` and `0x1::ascii::String`. */
export const string = primitive("0x1::string::String", (value) => typeof value === "string" ? value : undefined);
function readBytes(value) {
    if (typeof value !== "string" || !/^0x(?:[0-9a-f]{2})*$/.test(value)) {
        throw mismatch("bytes in hex", value);
    }
    return (value.slice(2).match(/../g) ?? []).map((digits) => Number.parseInt(digits, 16));
}
function writeBytes(bytes) {
    return `0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
/** `vector<u8>`. */
export const bytes = {
    tag: "vector<u8>",
    read: (value) => Uint8Array.from(readBytes(value)),
    write: writeBytes,
};
export function vector(items) {
    const hasBytes = items.tag === u8.tag;
    return {
        tag: `vector<${items.tag}>`,
        read(value) {
            if (hasBytes)
                return readBytes(value);
            if (!Array.isArray(value))
                throw mismatch("an array", value);
            return value.map((item, index) => inside(`[${index}]`, () => items.read(item)));
        },
        write(values) {
            if (hasBytes)
                return writeBytes(values);
            return values.map((item) => written(items, item));
        },
    };
}
export function option(inner) {
    return {
        tag: `0x1::option::Option<${inner.tag}>`,
        read: (value) => (value === null ? null : inner.read(value)),
        write: (value) => (value === null ? null : written(inner, value)),
    };
}
function written(type, value) {
    if (!type.write)
        throw mismatch("a type that callers can give", type.tag);
    return type.write(value);
}
/** A struct by its fields, which are asked for late: structs may come in any order. */
export function struct(tag, fields) {
    return {
        tag,
        read(value) {
            if (typeof value !== "object" || value === null || Array.isArray(value)) {
                throw mismatch(tag, value);
            }
            const read = {};
            for (const [name, [origin, type]] of Object.entries(fields())) {
                const inner = Object.hasOwn(value, origin) ? value[origin] : undefined;
                read[name] = inside(`.${origin}`, () => type.read(inner));
            }
            return read;
        },
    };
}
/** The resource of a type under an account; `undefined` if there is none. */
export async function resource(channel, type, owner, at = "head") {
    const { resource: found } = await channel.resource(owner, type.tag, { at });
    return (found.value ?? null) === null ? undefined : type.read(found.value);
}
/** The abort of a module, `0x43::arena`, that a call failed with: its name among `names`. */
export function abort(error, module, names) {
    const details = refusalOf(error, "move_abort");
    if (!details || `${details.address}::${details.module}` !== module)
        return undefined;
    const code = String(details.code);
    return Object.keys(names).find((name) => String(names[name]) === code);
}
//# sourceMappingURL=typed.js.map