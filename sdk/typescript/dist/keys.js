/** Account keys, and the hashes and bytes that are signed. */
import { ed25519 } from "@noble/curves/ed25519.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { toHex } from "./bytes.js";
import { invalid } from "./errors.js";
/** SHA-256 of the domain and the bytes. */
export function hash(domain, bytes) {
    return sha256(concatBytes(utf8ToBytes(`fairway/1/${domain}\0`), bytes));
}
/** What an ed25519 signature of this domain covers. */
export function signingBytes(domain, bcs) {
    return concatBytes(utf8ToBytes(`fairway/1/sign/${domain}\0`), bcs);
}
/** The account of an ed25519 public key of 32 bytes. */
export function addressOf(publicKey) {
    return toHex(hash("account", publicKey));
}
/** An ed25519 key in memory. */
export class Keypair {
    address;
    publicKey;
    #seed;
    constructor(seed) {
        const key = ed25519.getPublicKey(seed);
        this.#seed = seed;
        this.publicKey = toHex(key);
        this.address = addressOf(key);
    }
    /** A new key, of the system's randomness. */
    static generate() {
        return new Keypair(ed25519.utils.randomSecretKey());
    }
    /** The key of 32 secret bytes. They are copied. */
    static fromSeed(seed) {
        if (!(seed instanceof Uint8Array) || seed.length !== 32) {
            const found = seed instanceof Uint8Array ? `${seed.length} bytes` : typeof seed;
            throw invalid("seed", `expected 32 bytes, found ${found}`);
        }
        return new Keypair(seed.slice());
    }
    sign(bytes) {
        return ed25519.sign(bytes, this.#seed);
    }
    /** The 32 secret bytes, to be kept where nobody else reads them. */
    secretSeed() {
        return this.#seed.slice();
    }
}
/** Whether a key signed exactly these bytes. */
export function verifies(publicKey, bytes, signature) {
    return ed25519.verify(signature, bytes, publicKey, { zip215: false });
}
//# sourceMappingURL=keys.js.map