/** Arguments as BCS, by their type in the ABI. docs/api.md ("Move values") has the forms. */
import { bcs } from "@mysten/bcs";
import { parseType, showStruct, showType } from "./abi.js";
import { literalBytes, tryHex } from "./bytes.js";
import { invalid } from "./errors.js";
const MOST_DEPTH = 16;
const STD = `0x${"1".padStart(64, "0")}`;
const LIMITS = { u8: (1n << 8n) - 1n, u64: (1n << 64n) - 1n, u128: (1n << 128n) - 1n };
/** The BCS arguments of a call: one for each parameter that is not a leading signer. */
export function encodeArgs(abi, entry, typeArgs, args) {
    const first = entry.params.findIndex((param) => byValue(param.type) !== "signer");
    const params = first < 0 ? [] : entry.params.slice(first);
    if (params.length !== args.length) {
        const names = params.map((param) => param.name).join(", ");
        throw invalid("args", `expected ${params.length} (${names}), found ${args.length}`);
    }
    const types = typeArgs.map(typeArgument);
    return params.map((param, index) => {
        const writer = new Writer(abi, `args[${index}]`);
        writer.write(substitute(byValue(param.type), types), args[index] ?? null, 0);
        return writer.bytes();
    });
}
/** The BCS bytes of one value. */
export function encode(abi, type, value) {
    const writer = new Writer(abi, "value");
    writer.write(type, value, 0);
    return writer.bytes();
}
function typeArgument(text) {
    try {
        return parseType(text);
    }
    catch {
        throw invalid("type argument", text);
    }
}
function byValue(type) {
    return typeof type === "object" && "reference" in type ? type.reference : type;
}
/** The type with its parameters filled in; one without an argument stays. */
function substitute(type, args) {
    if (typeof type === "string")
        return type;
    if ("type_param" in type)
        return args[type.type_param] ?? type;
    if ("vector" in type)
        return { vector: substitute(type.vector, args) };
    if ("reference" in type)
        return { reference: substitute(type.reference, args) };
    if ("mut_reference" in type)
        return { mut_reference: substitute(type.mut_reference, args) };
    const type_args = type.struct.type_args.map((arg) => substitute(arg, args));
    return { struct: { ...type.struct, type_args } };
}
/** A whole number from a number, a `bigint` or decimal text. */
function integer(value) {
    if (typeof value === "bigint")
        return value;
    if (typeof value === "number")
        return Number.isSafeInteger(value) ? BigInt(value) : undefined;
    return typeof value === "string" && /^[0-9]+$/.test(value) ? BigInt(value) : undefined;
}
function shown(value) {
    const text = JSON.stringify(value, (_, inner) => {
        if (typeof inner === "bigint")
            return Number(inner);
        return inner instanceof Uint8Array ? Array.from(inner) : inner;
    });
    return [...(text ?? String(value))].slice(0, 80).join("");
}
function isObject(value) {
    const plain = typeof value === "object" && value !== null;
    return plain && !Array.isArray(value) && !(value instanceof Uint8Array);
}
class Writer {
    abi;
    path;
    #parts = [];
    constructor(abi, path) {
        this.abi = abi;
        this.path = path;
    }
    bytes() {
        const all = new Uint8Array(this.#parts.reduce((sum, part) => sum + part.length, 0));
        let at = 0;
        for (const part of this.#parts) {
            all.set(part, at);
            at += part.length;
        }
        return all;
    }
    write(type, value, depth) {
        if (depth > MOST_DEPTH)
            throw this.#refuse(`at most ${MOST_DEPTH} levels`, value);
        if (typeof type === "string")
            this.#primitive(type, value);
        else if ("vector" in type)
            this.#vector(type, value, depth);
        else if ("struct" in type)
            this.#struct(type.struct, value, depth);
        else
            throw this.#refuse(`a type that can be given, not ${showType(type)}`, value);
    }
    #refuse(expected, value) {
        return invalid(this.path, `expected ${expected}, found ${shown(value)}`);
    }
    #put(bytes) {
        this.#parts.push(bytes);
    }
    #length(length) {
        this.#put(bcs.uleb128().serialize(length).toBytes());
    }
    /** Writes a value one level down, with its place in the path of an error. */
    #inside(step, type, value, depth) {
        const outside = this.path;
        this.path += step;
        this.write(type, value, depth + 1);
        this.path = outside;
    }
    #primitive(type, value) {
        if (type === "bool") {
            if (typeof value !== "boolean")
                throw this.#refuse(type, value);
            this.#put(bcs.bool().serialize(value).toBytes());
        }
        else if (type === "address") {
            const bytes = typeof value === "string" ? literalBytes(value) : undefined;
            if (!bytes)
                throw this.#refuse(type, value);
            this.#put(bytes);
        }
        else if (type === "u8" || type === "u64" || type === "u128") {
            this.#integer(type, value);
        }
        else {
            throw this.#refuse(`a type that can be given, not ${type}`, value);
        }
    }
    #integer(type, value) {
        const unsafe = typeof value === "number" && Number.isInteger(value) && value > 2 ** 53;
        const number = integer(value);
        if (number === undefined || number < 0n || number > LIMITS[type]) {
            throw this.#refuse(unsafe ? `${type} (above 2^53 as text or bigint)` : type, value);
        }
        if (type === "u8")
            this.#put(bcs.u8().serialize(Number(number)).toBytes());
        else
            this.#put(bcs[type]().serialize(number).toBytes());
    }
    #vector(type, value, depth) {
        if (type.vector === "u8" && (typeof value === "string" || value instanceof Uint8Array)) {
            const given = typeof value !== "string" ? value : undefined;
            const bytes = given ?? (String(value).startsWith("0x") ? tryHex(String(value)) : undefined);
            if (!bytes)
                throw this.#refuse(showType(type), value);
            this.#put(bcs.byteVector().serialize(bytes).toBytes());
            return;
        }
        if (!Array.isArray(value))
            throw this.#refuse(showType(type), value);
        this.#length(value.length);
        for (const [index, item] of value.entries()) {
            this.#inside(`[${index}]`, type.vector, item, depth);
        }
    }
    #struct(structure, value, depth) {
        const { address, module, name, type_args } = structure;
        const [inner] = type_args;
        const known = address === STD ? `${module}::${name}/${type_args.length}` : "";
        if (known === "string::String/0") {
            if (typeof value !== "string")
                throw this.#refuse("a string", value);
            this.#put(bcs.string().serialize(value).toBytes());
        }
        else if (known === "ascii::String/0") {
            // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII begins with them.
            const ascii = typeof value === "string" && /^[\x00-\x7f]*$/.test(value);
            if (!ascii)
                throw this.#refuse("an ASCII string", value);
            this.#put(bcs.string().serialize(value).toBytes());
        }
        else if (known === "option::Option/1" && inner) {
            this.#length(value === null ? 0 : 1);
            if (value !== null)
                this.write(inner, value, depth + 1);
        }
        else {
            this.#fields(structure, value, depth);
        }
    }
    #fields(structure, value, depth) {
        const definition = this.#definition(structure);
        if (!definition)
            throw this.#refuse(`a known struct, not ${showStruct(structure)}`, value);
        const names = definition.fields.map((field) => field.name);
        const expected = `an object with exactly ${names.join(", ")}`;
        if (!isObject(value) || Object.keys(value).length !== names.length) {
            throw this.#refuse(expected, value);
        }
        for (const field of definition.fields) {
            if (!Object.hasOwn(value, field.name))
                throw this.#refuse(expected, value);
            const type = substitute(field.type, structure.type_args);
            this.#inside(`.${field.name}`, type, value[field.name] ?? null, depth);
        }
    }
    #definition(structure) {
        const { address, module, name } = structure;
        const found = this.abi.modules.find((m) => m.address === address && m.name === module);
        return found?.structs.find((candidate) => candidate.name === name);
    }
}
//# sourceMappingURL=codec.js.map