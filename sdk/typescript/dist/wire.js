/** Calls and ledger transactions as BCS: what their hashes and signatures cover. */
import { bcs } from "@mysten/bcs";
import { idBytes, toHex, tryHex } from "./bytes.js";
import { invalid } from "./errors.js";
import { hash, signingBytes } from "./keys.js";
const id = (what) => bcs.bytes(32).transform({ input: (text) => idBytes(text, what), output: toHex });
const bytes = bcs.byteVector().transform({
    input: (text) => {
        const given = tryHex(text);
        if (!given)
            throw invalid("bytes", `expected hex text, found ${JSON.stringify(text)}`);
        return given;
    },
    output: (value) => toHex(Uint8Array.from(value)),
});
const Invoke = bcs.struct("Invoke", {
    function: bcs.struct("FunctionName", {
        address: id("function address"),
        module: bcs.string(),
        function: bcs.string(),
    }),
    type_args: bcs.vector(bcs.string()),
    args: bcs.vector(bytes),
});
const Source = bcs.struct("PackageSource", {
    name: bcs.string(),
    addresses: bcs.vector(bcs.tuple([bcs.string(), id("named address")])),
    files: bcs.vector(bcs.struct("SourceFile", { path: bcs.string(), text: bcs.string() })),
});
const OperationBcs = bcs.enum("Operation", { invoke: Invoke, leave: null, close: null });
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
function operationInput(operation) {
    if (operation === "leave")
        return { leave: true };
    if (operation === "close")
        return { close: true };
    return operation;
}
/** BCS of a call. */
export function callBytes(call) {
    return CallBcs.serialize({ ...call, operation: operationInput(call.operation) }).toBytes();
}
/** The call's name in reports, notices and logs. */
export function callHash(call) {
    return toHex(hash("call", callBytes(call)));
}
/** BCS of a ledger transaction. */
export function transactionBytes(transaction) {
    return TransactionBcs.serialize(transaction).toBytes();
}
/** The transaction's name on the chain. */
export function transactionHash(transaction) {
    return toHex(hash("ledger-transaction", transactionBytes(transaction)));
}
/** The hash by which a channel names its package. Addresses and files are sorted, each once. */
export function packageHash(source) {
    return toHex(hash("package", Source.serialize(source).toBytes()));
}
/** Id of the channel that `creator` creates with this number, from 0 on. */
export function channelId(chain, creator, number) {
    const place = bcs.tuple([bcs.u64(), id("creator"), bcs.u64()]);
    return toHex(hash("channel", place.serialize([chain, creator, number]).toBytes()));
}
/** The most gas that a transaction may ask for, by what it does. */
export function mostGas(payload) {
    return "judge" in payload ? 40_000_000 : 10_000_000;
}
/** An invocation with arguments that are BCS already. */
export function invocation(name, typeArgs, args) {
    return { invoke: { function: name, type_args: [...typeArgs], args: args.map(toHex) } };
}
async function signature(signer, domain, bcsBytes) {
    return toHex(await signer.sign(signingBytes(domain, bcsBytes)));
}
export async function signCall(signer, call) {
    const signed = await signature(signer, "call", callBytes(call));
    return { call, key: signer.publicKey, signature: signed };
}
export async function signTransaction(signer, transaction) {
    const signed = await signature(signer, "ledger-transaction", transactionBytes(transaction));
    return { transaction, key: signer.publicKey, signature: signed };
}
//# sourceMappingURL=wire.js.map