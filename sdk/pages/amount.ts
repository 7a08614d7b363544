/** Amounts of the ledger's native asset as the pages show and read them. */

const DECIMALS = 6;
/** One FWY in the smallest unit. */
const ONE = 10n ** BigInt(DECIMALS);

/** An amount in the smallest unit, not below zero: `1.50 FWY`. */
export function fwy(units: string | bigint): string {
  const all = BigInt(units);
  const digits = (all % ONE).toString().padStart(DECIMALS, "0");
  const fraction = digits.replace(/0{1,4}$/, "");
  return `${(all / ONE).toLocaleString("en")}.${fraction} FWY`;
}

/** The smallest units of a decimal text; `undefined` when it is none, or has more than six decimals. */
export function units(text: string): bigint | undefined {
  const found = /^\s*([0-9]{1,12})(?:\.([0-9]{0,6}))?\s*$/.exec(text);
  if (!found) return undefined;
  return BigInt(found[1] ?? 0) * ONE + BigInt((found[2] ?? "").padEnd(DECIMALS, "0"));
}

/** A decimal text that `units` reads. */
export function decimal(amount: bigint): string {
  return fwy(amount).replace(/ FWY$|,/g, "");
}
