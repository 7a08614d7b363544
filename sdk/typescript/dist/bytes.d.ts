/** Hex text and bytes, as the API writes them: `0x` and lower-case digits. */
/** `0x` and the bytes as lower-case hex digits. */
export declare function toHex(bytes: Uint8Array): string;
/** The bytes of a hex text with or without `0x`; `undefined` when it is none. */
export declare function tryHex(text: string): Uint8Array | undefined;
/** The 32 bytes of an id, hash or key given in full; `what` names it in the error. */
export declare function idBytes(text: string, what: string): Uint8Array;
/** The 32 bytes of an address that may be short: `0x2`. `undefined` when it is none. */
export declare function literalBytes(text: string): Uint8Array | undefined;
/** An address in full, from its full or short form. */
export declare function address(text: string, what?: string): string;
/** Move's short form of an address: `0x2`. */
export declare function short(address: string): string;
