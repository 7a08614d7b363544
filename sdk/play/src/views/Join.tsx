/** Before the table: what it costs to sit down. */
import { type FormEvent, useState } from "react";
import { decimal, fwy, units } from "../../../pages/amount.js";
import type { Play } from "../play.js";
import { othersAt } from "../text.js";

/** Suggested at most: 50 FWY. */
const SUGGESTED = 50_000_000n;

export function Join({ play }: { play: Play }) {
  const { ledger } = play.money;
  const record = play.info?.record;
  const least = BigInt(record?.config.min_deposit ?? 1);
  const half = (ledger ?? 0n) / 2n;
  const suggested = half < SUGGESTED ? half : SUGGESTED;
  const [text, setText] = useState<string>();
  const [wrong, setWrong] = useState<string>();
  const value = text ?? decimal(suggested > least ? suggested : least);
  const joining = play.phase.is === "joining";
  const join = (event: FormEvent) => {
    event.preventDefault();
    const deposit = units(value);
    const reason = problem(deposit, least, ledger ?? 0n);
    setWrong(reason);
    if (deposit !== undefined && !reason) void play.join(deposit);
  };
  const error = wrong ?? play.joinError;
  return (
    <section aria-labelledby="join">
      <h2 id="join">Take your seat</h2>
      <p>
        On the ledger: <strong>{fwy(ledger ?? 0n)}</strong>. The deposit goes into the channel:
        stakes are paid from it, and it comes back with your winnings when you leave.
      </p>
      <p>Here already: {othersAt(record, play.account)}.</p>
      <form onSubmit={join}>
        <label>
          Deposit in FWY{" "}
          <input
            inputMode="decimal"
            value={value}
            aria-invalid={wrong !== undefined}
            aria-describedby="join-error"
            onChange={(event) => setText(event.target.value)}
          />
        </label>
        <button type="submit" aria-disabled={joining}>
          {joining ? "Joining…" : "Join"}
        </button>
      </form>
      <p id="join-error" role="alert">
        {error && `Not joined: ${error}.`}
      </p>
    </section>
  );
}

function problem(deposit: bigint | undefined, least: bigint, ledger: bigint): string | undefined {
  if (deposit === undefined) return "the deposit is no amount: expected one like 12.50";
  if (deposit < least) return `the deposit is below the table's least, ${fwy(least)}`;
  if (deposit > ledger) return `the deposit is more than the ledger has for you, ${fwy(ledger)}`;
  return undefined;
}
