// The same files as sdk/rust/tests/fixtures.rs: both SDKs sign the same bytes and say the same.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type Abi, entryFunction, parseFunction, parseType, showType } from "../../src/abi.js";
import type { Call, Json, LedgerTransaction, PackageSource } from "../../src/api.js";
import { toHex, tryHex } from "../../src/bytes.js";
import { encode, encodeArgs } from "../../src/codec.js";
import { parseJson } from "../../src/json.js";
import { Keypair, signingBytes, verifies } from "../../src/keys.js";
import * as wire from "../../src/wire.js";

function read<T>(name: string): T {
  const url = new URL(`../../../fixtures/${name}.json`, import.meta.url);
  return parseJson(readFileSync(url, "utf8")) as T;
}

const bytes = (text: string) => tryHex(text) as Uint8Array;

test.each(read<{ seed: string; public_key: string; address: string }[]>("keys"))(
  "key of $seed",
  ({ seed, public_key, address }) => {
    const key = Keypair.fromSeed(bytes(seed));
    expect([key.publicKey, key.address]).toEqual([public_key, address]);
    expect(toHex(key.secretSeed())).toBe(seed);
  },
);

interface Signed {
  name: string;
  seed: string;
  bcs: string;
  hash: string;
  signature: string;
}

test.each(read<(Signed & { call: Call })[]>("calls"))("call: $name", async (row) => {
  const key = Keypair.fromSeed(bytes(row.seed));
  expect(toHex(wire.callBytes(row.call))).toBe(row.bcs);
  expect(wire.callHash(row.call)).toBe(row.hash);
  expect((await wire.signCall(key, row.call)).signature).toBe(row.signature);
  const message = signingBytes("call", wire.callBytes(row.call));
  expect(verifies(bytes(key.publicKey), message, bytes(row.signature))).toBe(true);
  expect(verifies(bytes(key.publicKey), message.slice(1), bytes(row.signature))).toBe(false);
});

test.each(read<(Signed & { transaction: LedgerTransaction })[]>("transactions"))(
  "transaction: $name",
  async (row) => {
    const key = Keypair.fromSeed(bytes(row.seed));
    expect(toHex(wire.transactionBytes(row.transaction))).toBe(row.bcs);
    expect(wire.transactionHash(row.transaction)).toBe(row.hash);
    expect((await wire.signTransaction(key, row.transaction)).signature).toBe(row.signature);
    expect(wire.mostGas(row.transaction.payload)).toBe(row.transaction.gas_limit);
  },
);

test("packages and channels have the hashes that the chain gives them", () => {
  const hashes = read<{
    packages: { source: PackageSource; hash: string }[];
    channels: { chain: number; creator: string; number: number; id: string }[];
  }>("hashes");
  expect(hashes.packages.length).toBeGreaterThan(0);
  for (const { source, hash } of hashes.packages) expect(wire.packageHash(source)).toBe(hash);
  for (const { chain, creator, number, id } of hashes.channels) {
    expect(wire.channelId(chain, creator, number)).toBe(id);
  }
});

describe("arguments", () => {
  interface Row {
    type: string;
    value: Json;
  }
  interface Invocation {
    function: string;
    type_args: string[];
    args: Json[];
  }
  const given = read<{
    abi: Abi;
    good: (Row & { bcs: string })[];
    bad: (Row & { message: string })[];
    calls: (Invocation & { bcs: string[] })[];
    bad_calls: (Invocation & { message: string })[];
  }>("arguments");

  const encodeCall = (row: Invocation) => {
    const entry = entryFunction(given.abi, parseFunction(row.function));
    return encodeArgs(given.abi, entry, row.type_args, row.args).map(toHex);
  };

  test.each(given.good)("$type takes $value", ({ type, value, bcs }) => {
    expect(showType(parseType(type))).toBe(type);
    expect(toHex(encode(given.abi, parseType(type), value))).toBe(bcs);
  });

  test.each(given.bad)("$type refuses $value", ({ type, value, message }) => {
    expect(() => encode(given.abi, parseType(type), value)).toThrow(message);
    try {
      encode(given.abi, parseType(type), value);
    } catch (error) {
      expect((error as Error).message).toBe(message);
    }
  });

  test.each(given.calls)("$function$args is encoded", (row) => {
    expect(encodeCall(row)).toEqual(row.bcs);
  });

  test.each(given.bad_calls)("$function$args is refused", (row) => {
    let message = "nothing";
    try {
      encodeCall(row);
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toBe(row.message);
  });
});
