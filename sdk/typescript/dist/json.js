/** JSON whose whole numbers keep their value: what a `number` cannot hold exactly is a `bigint`. */
import { toHex } from "./bytes.js";
const MARK = "\u0000bigint:";
/** A string, or an integer of sixteen digits or more. */
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d{16,}(?![\d.eE])/g;
function mark(token) {
    if (token.startsWith('"') || Number.isSafeInteger(Number(token)))
        return token;
    return `"\\u0000bigint:${token}"`;
}
/** Parses a message. Throws a `SyntaxError` when it is no JSON. */
export function parseJson(text) {
    if (!/[:,[\s]-?\d{16}/.test(text))
        return JSON.parse(text);
    return JSON.parse(text.replace(TOKEN, mark), (_, value) => typeof value === "string" && value.startsWith(MARK) ? BigInt(value.slice(MARK.length)) : value);
}
/** Writes a message: a `bigint` as decimal text, bytes as hex text, as the API takes them. */
export function writeJson(value) {
    return JSON.stringify(value, (_, inner) => {
        if (typeof inner === "bigint")
            return String(inner);
        return inner instanceof Uint8Array ? toHex(inner) : inner;
    });
}
//# sourceMappingURL=json.js.map