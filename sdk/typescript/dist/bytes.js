/** Hex text and bytes, as the API writes them: `0x` and lower-case digits. */
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import { invalid } from "./errors.js";
/** `0x` and the bytes as lower-case hex digits. */
export function toHex(bytes) {
    return `0x${bytesToHex(bytes)}`;
}
/** The bytes of a hex text with or without `0x`; `undefined` when it is none. */
export function tryHex(text) {
    const digits = text.startsWith("0x") ? text.slice(2) : text;
    return /^(?:[0-9a-fA-F]{2})*$/.test(digits) ? hexToBytes(digits) : undefined;
}
/** The 32 bytes of an id, hash or key given in full; `what` names it in the error. */
export function idBytes(text, what) {
    const bytes = typeof text === "string" ? tryHex(text) : undefined;
    if (bytes?.length !== 32) {
        throw invalid(what, `expected 0x and 64 hex digits, found ${JSON.stringify(text)}`);
    }
    return bytes;
}
/** The 32 bytes of an address that may be short: `0x2`. `undefined` when it is none. */
export function literalBytes(text) {
    const digits = /^0x([0-9a-fA-F]{1,64})$/.exec(text)?.[1];
    return digits === undefined ? undefined : hexToBytes(digits.padStart(64, "0"));
}
/** An address in full, from its full or short form. */
export function address(text, what = "address") {
    const bytes = literalBytes(text);
    if (!bytes) {
        throw invalid(what, `expected 0x and up to 64 hex digits, found ${JSON.stringify(text)}`);
    }
    return toHex(bytes);
}
/** Move's short form of an address: `0x2`. */
export function short(address) {
    return `0x${address.replace(/^0x0*/, "") || "0"}`;
}
//# sourceMappingURL=bytes.js.map