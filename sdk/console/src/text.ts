/** Names, counts, times and values in words. */
import type { AssetAmount, Json, Operation, TransactionView } from "@fairway/sdk";
import { NATIVE } from "@fairway/sdk";
import { fwy } from "../../pages/amount.js";

export function short(id: string): string {
  return /^0x[0-9a-f]{64,}$/.test(id) ? `${id.slice(0, 8)}…${id.slice(-4)}` : id;
}

/** An amount: of the native asset `1.50 FWY`, of another one in its smallest unit. */
export function amountText({ asset, amount }: AssetAmount): string {
  if (asset === NATIVE) return fwy(amount);
  return `${BigInt(amount).toLocaleString("en")} of ${literal(asset)}`;
}

/** All of them, or that there are none. */
export function amountsText(amounts: readonly AssetAmount[]): string {
  return amounts.map(amountText).join(", ") || "nothing";
}

/** How long ago, at a time; both in milliseconds. */
export function ago(then: number | null | undefined, now: number): string {
  if (!then) return "never";
  const seconds = Math.max(0, now - then) / 1_000;
  if (seconds < 10) return `${seconds.toFixed(1)} s ago`;
  if (seconds < 120) return `${Math.round(seconds)} s ago`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min ago`;
  return `${Math.round(seconds / 3_600)} h ago`;
}

export function clockTime(milliseconds: number): string {
  return new Date(milliseconds).toLocaleTimeString("en-GB");
}

export function dateTime(milliseconds: number): string {
  return milliseconds === 0 ? "never" : new Date(milliseconds).toISOString().replace("T", " ");
}

/** A round trip in microseconds. */
export function roundTrip(micros: number | null | undefined): string {
  if (micros === null || micros === undefined) return "not measured yet";
  return micros < 1_000 ? `${micros} µs` : `${(micros / 1_000).toFixed(2)} ms`;
}

export function millis(value: number | null | undefined): string {
  if (value === null || value === undefined) return "none";
  return value < 10 ? `${value.toFixed(2)} ms` : `${value.toFixed(0)} ms`;
}

export function rate(perSecond: number | undefined): string {
  if (perSecond === undefined) return "none yet";
  return perSecond < 100 ? perSecond.toFixed(1) : perSecond.toFixed(0);
}

export function bytes(count: number): string {
  if (count < 1_000) return `${count} B`;
  return count < 1_000_000 ? `${(count / 1_000).toFixed(1)} kB` : `${(count / 1e6).toFixed(1)} MB`;
}

/** JSON with lines; whole numbers of any size stay whole. */
export function pretty(value: Json | undefined): string {
  const text = JSON.stringify(
    value,
    (_, one) => (typeof one === "bigint" ? `\u0000${one}\u0000` : one),
    2,
  );
  return (text ?? "null").replace(/"\\u0000(-?[0-9]+)\\u0000"/g, "$1");
}

/** An address without its leading zeros, as Move writes it: `0x2`. */
export function literal(address: string): string {
  return /^0x[0-9a-f]+$/.test(address) ? address.replace(/^0x0*(?=.)/, "0x") : address;
}

interface Named {
  function: { address: string; module: string; function: string };
}

function functionName({ function: name }: Named): string {
  return `${literal(name.address)}::${name.module}::${name.function}`;
}

/** What a call asks for: `0x44::payments::pay`, or the kind of operation. */
export function operationText(operation: Operation): string {
  if (typeof operation === "string") return operation;
  if ("invoke" in operation) return functionName(operation.invoke);
  if ("session" in operation) return `${functionName(operation.session)} (session key)`;
  return Object.keys(operation)[0] ?? "call";
}

/** What a transaction of a channel is, in a few words. */
export function transactionText(transaction: TransactionView): string {
  switch (transaction.kind) {
    case "call":
      return operationText(transaction.operation);
    case "join":
    case "remove":
      return `${transaction.kind} ${short(transaction.account)}`;
    case "settled":
      return `settlement ${transaction.number} executed`;
    case "tick":
    case "close":
      return transaction.kind;
  }
}
