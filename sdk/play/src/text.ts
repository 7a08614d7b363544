/** Amounts, names and statuses in words. */
import type { ChannelRecord, HandleStatus } from "@fairway/sdk";

const DECIMALS = 6;
const ONE = 10n ** BigInt(DECIMALS);

/** An amount of the native asset: `1.50 FWY`. */
export function fwy(units: bigint): string {
  const fraction = (units % ONE).toString().padStart(DECIMALS, "0");
  const shown = fraction.replace(/0{1,4}$/, "");
  return `${(units / ONE).toLocaleString("en")}.${shown} FWY`;
}

/** The smallest units of a decimal text; `undefined` when it is none, or has more than six decimals. */
export function units(text: string): bigint | undefined {
  const found = /^\s*([0-9]{1,12})(?:[.,]([0-9]{0,6}))?\s*$/.exec(text);
  if (!found) return undefined;
  return BigInt(found[1] ?? 0) * ONE + BigInt((found[2] ?? "").padEnd(DECIMALS, "0"));
}

/** A decimal text that `units` reads. */
export function decimal(amount: bigint): string {
  return fwy(amount).replace(/ FWY$|,/g, "");
}

/** A time to come: `3 h 59 min`, `12 min`, `40 s`. */
export function remaining(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function short(id: string): string {
  return `${id.slice(0, 6)}…${id.slice(-4)}`;
}

/** What a player is called here: by its place at the table. */
export function nameOf(record: ChannelRecord | undefined, account: string, me: string): string {
  if (account === me) return "you";
  const member = record?.members.find((one) => one.record.account === account);
  return member ? `player ${member.record.join_sequence}` : short(account);
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** What each status says beside its colour. */
export const STATUSES: Readonly<Record<HandleStatus, { sign: string; means: string }>> = {
  predicted: { sign: "◌", means: "shown by this page, not known to have run" },
  executed: { sign: "○", means: "a node ran it; it can still be taken back" },
  certified: { sign: "◔", means: "two thirds of the players' nodes confirmed it" },
  final: { sign: "●", means: "nothing takes it back any more" },
  settled: { sign: "✔", means: "a settlement on the ledger covers it" },
  failed: { sign: "✕", means: "refused, and taken back" },
};
