/** Account keys, and the hashes and bytes that are signed. */

import { ed25519 } from "@noble/curves/ed25519.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { toHex } from "./bytes.js";
import { invalid } from "./errors.js";

/** What a hash is over. */
type HashDomain = "account" | "call" | "ledger-transaction" | "package" | "channel";
/** What a signature is over. */
export type SigningDomain = "call" | "ledger-transaction";

/** SHA-256 of the domain and the bytes. */
export function hash(domain: HashDomain, bytes: Uint8Array): Uint8Array {
  return sha256(concatBytes(utf8ToBytes(`fairway/1/${domain}\0`), bytes));
}

/** What an ed25519 signature of this domain covers. */
export function signingBytes(domain: SigningDomain, bcs: Uint8Array): Uint8Array {
  return concatBytes(utf8ToBytes(`fairway/1/sign/${domain}\0`), bcs);
}

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
export function addressOf(publicKey: Uint8Array): string {
  return toHex(hash("account", publicKey));
}

/** An ed25519 key in memory. */
export class Keypair implements Signer {
  readonly address: string;
  readonly publicKey: string;
  readonly #seed: Uint8Array;

  private constructor(seed: Uint8Array) {
    const key = ed25519.getPublicKey(seed);
    this.#seed = seed;
    this.publicKey = toHex(key);
    this.address = addressOf(key);
  }

  /** A new key, of the system's randomness. */
  static generate(): Keypair {
    return new Keypair(ed25519.utils.randomSecretKey());
  }

  /** The key of 32 secret bytes. They are copied. */
  static fromSeed(seed: Uint8Array): Keypair {
    if (!(seed instanceof Uint8Array) || seed.length !== 32) {
      const found = seed instanceof Uint8Array ? `${seed.length} bytes` : typeof seed;
      throw invalid("seed", `expected 32 bytes, found ${found}`);
    }
    return new Keypair(seed.slice());
  }

  sign(bytes: Uint8Array): Uint8Array {
    return ed25519.sign(bytes, this.#seed);
  }

  /** The 32 secret bytes, to be kept where nobody else reads them. */
  secretSeed(): Uint8Array {
    return this.#seed.slice();
  }
}

/** Whether a key signed exactly these bytes. */
export function verifies(publicKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean {
  return ed25519.verify(signature, bytes, publicKey, { zip215: false });
}
