/** Session keys: what an account lets another key call for it, and what such a key may sign. */

import { type Abi, entryFunction, parseFunction } from "./abi.js";
import type { AssetAmount, FunctionName, Operation, Session } from "./api.js";
import { address, idBytes, toHex } from "./bytes.js";
import { type Amount, amount } from "./contract.js";
import { invalid, RefusedError } from "./errors.js";
import { addressOf } from "./keys.js";

/** What is delegated to a key. What `Channel.sessions` answers is one too. */
export interface Delegation {
  /** The session key's public key; not the account's own. */
  key: string;
  /** Entry functions that it may call, as `0x44::payments::pay`: at most 32, all when empty. */
  functions: readonly (string | FunctionName)[];
  /** What its calls may take out of the account's vault in all; nothing of an asset not listed. */
  spending: readonly { asset: string; amount: Amount }[];
  /** The last block time, in milliseconds since 1970, at which it may call: at most 30 days ahead. */
  expires_at: number;
}

const MOST_FUNCTIONS = 32;

/** What is signed to delegate, by the channel's ABI; a wrong part of it is refused with its place. */
export function delegated(abi: Abi, account: string, given: Delegation): Session {
  const key = sessionKey(given.key);
  if (addressOf(idBytes(key, "session key")) === account) {
    throw invalid("session", "its key is the account's own");
  }
  if (given.functions.length > MOST_FUNCTIONS) {
    const found = given.functions.length;
    throw invalid("session", `at most ${MOST_FUNCTIONS} functions, found ${found}: none is all`);
  }
  if (!Number.isSafeInteger(given.expires_at) || given.expires_at <= 0) {
    throw invalid("session", `expires_at is in milliseconds since 1970, found ${given.expires_at}`);
  }
  const functions = given.functions.map((name) => {
    const parsed = typeof name === "string" ? parseFunction(name) : name;
    entryFunction(abi, parsed);
    return parsed;
  });
  return { key, functions, spending: limits(given.spending), expires_at: given.expires_at };
}

/** Sorted by asset, as the channel takes them. */
function limits(spending: Delegation["spending"]): AssetAmount[] {
  const sorted = spending
    .map((limit, index) => {
      const units = amount(limit.amount, `spending[${index}].amount`);
      if (units === 0n) {
        throw invalid(
          `spending[${index}].amount`,
          "expected an amount above 0: leave the asset out",
        );
      }
      return { asset: address(limit.asset, `spending[${index}].asset`), amount: String(units) };
    })
    .sort((left, right) => (left.asset < right.asset ? -1 : 1));
  const twice = sorted.find(({ asset }, index) => asset === sorted[index + 1]?.asset);
  if (twice) throw invalid("spending", `${twice.asset} is listed twice`);
  return sorted;
}

/** A session key in full, lower case. */
export function sessionKey(text: string): string {
  return toHex(idBytes(text, "session key"));
}

/** The operation as a session key signs it, which calls functions and does nothing else. */
export function bySession(what: string, operation: Operation, key: string): Operation {
  if (typeof operation === "object") {
    if ("invoke" in operation) return { session: { key, ...operation.invoke } };
    if ("session" in operation) return operation;
  }
  const reason = `a session key calls functions only, not ${what}`;
  throw new RefusedError({ name: "unauthorised", details: { reason } }, `unauthorised: ${reason}`);
}
