/** Money: at stake, in the channel, on the ledger, and how it comes back. */
import { fwy } from "../../../pages/amount.js";
import type { Play } from "../play.js";
import { Sure } from "./parts.js";

const amount = (value: bigint | undefined) => (value === undefined ? "…" : fwy(value));

export function MoneyTable({ play }: { play: Play }) {
  const { ledger, deposit, vault } = play.money;
  const staked = stakeOf(play);
  const settlement = play.info?.record.settlement;
  return (
    <section aria-labelledby="money">
      <h2 id="money">Money</h2>
      <dl>
        <dt>brought into the channel</dt>
        <dd id="deposit">{amount(deposit)}</dd>
        <dt>in the channel now</dt>
        <dd id="vault">{amount(vault)}</dd>
        {play.game === "tic_tac_toe" && (
          <>
            <dt>staked in this game</dt>
            <dd id="staked">{fwy(staked)}</dd>
            <dt>won or lost here</dt>
            <dd id="won">{difference(deposit, vault, staked)}</dd>
          </>
        )}
        <dt>on the ledger</dt>
        <dd id="ledger">{amount(ledger)}</dd>
        <dt>last settlement</dt>
        <dd id="settlement">
          {settlement?.number
            ? `number ${settlement.number}, up to block ${settlement.height}`
            : "none yet"}
        </dd>
      </dl>
      {play.game === "arena" && <p className="note">The arena has points and no stakes.</p>}
      <p className="buttons">
        <Sure question="Leave with your money?" onSure={() => play.leave()}>
          Leave the table
        </Sure>
        {play.isCreator && (
          <Sure question="Close for all, and pay everybody?" onSure={() => play.closeTable()}>
            Close the table
          </Sure>
        )}
      </p>
    </section>
  );
}

function stakeOf({ match, account }: Play): bigint {
  if (match?.game !== "tic_tac_toe") return 0n;
  const rounds = [...match.live.value.rounds.values()];
  const mine = rounds.filter((round) => !round.over && [round.x, round.o].includes(account));
  return mine.reduce((sum, { stake }) => sum + stake, 0n);
}

function difference(
  deposit: bigint | undefined,
  vault: bigint | undefined,
  staked: bigint,
): string {
  if (deposit === undefined || vault === undefined) return "…";
  const won = vault + staked - deposit;
  if (won === 0n) return "nothing";
  return won > 0n ? `${fwy(won)} won` : `${fwy(-won)} lost`;
}

/** After the table: what was paid. */
export function Payout({ play }: { play: Play }) {
  const { ledger, deposit, vault } = play.money;
  const settlement = play.info?.record.settlement;
  return (
    <section aria-labelledby="over">
      <h2 id="over">{settlement?.closed ? "The table is closed" : "You have left the table"}</h2>
      <p role="status">
        {settlement?.number
          ? `Settlement ${settlement.number}, up to block ${settlement.height}, is executed on the ledger.`
          : "No settlement was needed."}
      </p>
      <dl>
        <dt>brought into the channel</dt>
        <dd id="deposit">{amount(deposit)}</dd>
        <dt>last seen in the channel, and paid out</dt>
        <dd id="vault">{amount(vault)}</dd>
        <dt>won or lost here</dt>
        <dd id="won">{difference(deposit, vault, 0n)}</dd>
        <dt>on the ledger</dt>
        <dd id="ledger">{amount(ledger)}</dd>
      </dl>
    </section>
  );
}
