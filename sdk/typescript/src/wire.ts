/** Calls and ledger transactions as BCS: what their hashes and signatures cover. */

import { type BcsType, bcs } from "@mysten/bcs";
import type {
  Call,
  FunctionName,
  LedgerPayload,
  LedgerTransaction,
  Operation,
  PackageSource,
  SignedCall,
  SignedLedgerTransaction,
} from "./api.js";
import { idBytes, toHex, tryHex } from "./bytes.js";
import { invalid } from "./errors.js";
import { hash, type Signer, type SigningDomain, signingBytes } from "./keys.js";

const id = (what: string): BcsType<string, string> =>
  bcs.bytes(32).transform({ input: (text: string) => idBytes(text, what), output: toHex });

const bytes = bcs.byteVector().transform({
  input: (text: string) => {
    const given = tryHex(text);
    if (!given) throw invalid("bytes", `expected hex text, found ${JSON.stringify(text)}`);
    return given;
  },
  output: (value: Uint8Array) => toHex(Uint8Array.from(value)),
});

const Name = bcs.struct("FunctionName", {
  address: id("function address"),
  module: bcs.string(),
  function: bcs.string(),
});

const INVOKED = {
  function: Name,
  type_args: bcs.vector(bcs.string()),
  args: bcs.vector(bytes),
};

const Invoke = bcs.struct("Invoke", INVOKED);

const Delegated = bcs.struct("Session", {
  key: id("session key"),
  functions: bcs.vector(Name),
  spending: bcs.vector(bcs.struct("AssetAmount", { asset: id("asset"), amount: bcs.u64() })),
  expires_at: bcs.u64(),
});

const Source = bcs.struct("PackageSource", {
  name: bcs.string(),
  addresses: bcs.vector(bcs.tuple([bcs.string(), id("named address")])),
  files: bcs.vector(bcs.struct("SourceFile", { path: bcs.string(), text: bcs.string() })),
});

const OperationBcs = bcs.enum("Operation", {
  invoke: Invoke,
  leave: null,
  close: null,
  delegate: Delegated,
  revoke: bcs.struct("Revoke", { key: id("session key") }),
  session: bcs.struct("InvokeBySession", { key: id("session key"), ...INVOKED }),
});

const PayloadBcs = bcs.enum("LedgerPayload", {
  invoke: Invoke,
  store_package: bcs.struct("StorePackage", { package: Source }),
  publish: bcs.struct("Publish", { package: Source }),
  judge: bcs.struct("Judge", { channel: id("channel"), accused: bcs.u64(), file: bytes }),
});

const CallBcs = bcs.struct("Call", {
  chain: bcs.u64(),
  channel: id("channel"),
  sender: id("sender"),
  sequence: bcs.u64(),
  operation: OperationBcs,
  gas_limit: bcs.u64(),
  expires_at: bcs.u64(),
});

const TransactionBcs = bcs.struct("LedgerTransaction", {
  chain: bcs.u64(),
  sender: id("sender"),
  sequence: bcs.u64(),
  payload: PayloadBcs,
  gas_limit: bcs.u64(),
  expires_at: bcs.u64(),
});

type OperationInput = Parameters<typeof OperationBcs.serialize>[0];

function operationInput(operation: Operation): OperationInput {
  if (operation === "leave") return { leave: true };
  if (operation === "close") return { close: true };
  return operation;
}

/** BCS of a call. */
export function callBytes(call: Call): Uint8Array {
  return CallBcs.serialize({ ...call, operation: operationInput(call.operation) }).toBytes();
}

/** The call's name in reports, notices and logs. */
export function callHash(call: Call): string {
  return toHex(hash("call", callBytes(call)));
}

/** BCS of a ledger transaction. */
export function transactionBytes(transaction: LedgerTransaction): Uint8Array {
  return TransactionBcs.serialize(transaction).toBytes();
}

/** The transaction's name on the chain. */
export function transactionHash(transaction: LedgerTransaction): string {
  return toHex(hash("ledger-transaction", transactionBytes(transaction)));
}

/** The hash by which a channel names its package. Addresses and files are sorted, each once. */
export function packageHash(source: PackageSource): string {
  return toHex(hash("package", Source.serialize(source).toBytes()));
}

/** Id of the channel that `creator` creates with this number, from 0 on. */
export function channelId(chain: number, creator: string, number: number): string {
  const place = bcs.tuple([bcs.u64(), id("creator"), bcs.u64()]);
  return toHex(hash("channel", place.serialize([chain, creator, number]).toBytes()));
}

/** The most gas that a transaction may ask for, by what it does. */
export function mostGas(payload: LedgerPayload): number {
  return "judge" in payload ? 40_000_000 : 10_000_000;
}

/** An invocation with arguments that are BCS already. */
export function invocation(name: FunctionName, typeArgs: readonly string[], args: Uint8Array[]) {
  return { invoke: { function: name, type_args: [...typeArgs], args: args.map(toHex) } };
}

async function signature(signer: Signer, domain: SigningDomain, bcsBytes: Uint8Array) {
  return toHex(await signer.sign(signingBytes(domain, bcsBytes)));
}

export async function signCall(signer: Signer, call: Call): Promise<SignedCall> {
  const signed = await signature(signer, "call", callBytes(call));
  return { call, key: signer.publicKey, signature: signed };
}

export async function signTransaction(
  signer: Signer,
  transaction: LedgerTransaction,
): Promise<SignedLedgerTransaction> {
  const signed = await signature(signer, "ledger-transaction", transactionBytes(transaction));
  return { transaction, key: signer.publicKey, signature: signed };
}
