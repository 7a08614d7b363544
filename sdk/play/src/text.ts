/** Names, times and statuses in words. */
import type { ChannelRecord, HandleStatus } from "@fairway/sdk";

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

/** A player's number: its place in order of joining. */
export function numberOf(record: ChannelRecord | undefined, account: string): number | undefined {
  return record?.members.find((one) => one.record.account === account)?.record.join_sequence;
}

/** What a player is called here. */
export function nameOf(record: ChannelRecord | undefined, account: string, me: string): string {
  if (account === me) return "you";
  const number = numberOf(record, account);
  return number === undefined ? short(account) : `player ${number}`;
}

/** Who is at the table beside `me`, who is in the record too while joining: in order of joining. */
export function othersAt(record: ChannelRecord | undefined, me: string): string {
  const accounts = record?.members.map((one) => one.record.account) ?? [];
  const others = accounts.filter((account) => account !== me);
  return others.map((account) => nameOf(record, account, me)).join(", ") || "nobody";
}

/** `1 point`, `2 points`. */
export function counted(count: bigint | string, what: string): string {
  return `${count} ${what}${String(count) === "1" ? "" : "s"}`;
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
