/** Account keys, and the hashes and bytes that are signed. */
/** What a hash is over. */
export type HashDomain = "account" | "call" | "ledger-transaction" | "package" | "channel";
/** What a signature is over. */
export type SigningDomain = "call" | "ledger-transaction";
/** SHA-256 of the domain and the bytes. */
export declare function hash(domain: HashDomain, bytes: Uint8Array): Uint8Array;
/** What an ed25519 signature of this domain covers. */
export declare function signingBytes(domain: SigningDomain, bcs: Uint8Array): Uint8Array;
/** Who signs: a `Keypair`, or a wallet that keeps the key to itself. */
export interface Signer {
    /** The account, `0x` and 64 hex digits. */
    readonly address: string;
    /** The ed25519 public key, `0x` and 64 hex digits. */
    readonly publicKey: string;
    /** The 64 bytes of the ed25519 signature (RFC 8032, no prehash) over exactly these bytes. */
    sign(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>;
}
/** The account of an ed25519 public key of 32 bytes. */
export declare function addressOf(publicKey: Uint8Array): string;
/** An ed25519 key in memory. */
export declare class Keypair implements Signer {
    #private;
    readonly address: string;
    readonly publicKey: string;
    private constructor();
    /** A new key, of the system's randomness. */
    static generate(): Keypair;
    /** The key of 32 secret bytes. They are copied. */
    static fromSeed(seed: Uint8Array): Keypair;
    sign(bytes: Uint8Array): Uint8Array;
    /** The 32 secret bytes, to be kept where nobody else reads them. */
    secretSeed(): Uint8Array;
}
/** Whether a key signed exactly these bytes. */
export declare function verifies(publicKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean;
