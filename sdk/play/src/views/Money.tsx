/** Money: at stake, in the channel, on the ledger, and how it comes back. */
import { fwy } from "../../../pages/amount.js";
import type { Play } from "../play.js";
import { Sure } from "./parts.js";

const amount = (value: bigint | undefined) => (value === undefined ? "…" : fwy(value));

export function MoneyTable({ play }: { play: Play }) {
  const { ledger, deposit, vault, staked } = play.money;
  const settlement = play.info?.record.settlement;
  return (
    <section aria-labelledby="money">
      <h2 id="money">Money</h2>
      <dl>
        <dt>brought into the channel</dt>
        <dd id="deposit">{amount(deposit)}</dd>
        <dt>in the channel now</dt>
        <dd id="vault">{amount(vault)}</dd>
        <dt>staked in this game</dt>
        <dd id="staked">{amount(staked)}</dd>
        <dt>won or lost here</dt>
        <dd id="won">{difference(deposit, inChannel(play.money))}</dd>
        <dt>on the ledger</dt>
        <dd id="ledger">{amount(ledger)}</dd>
        <dt>last settlement</dt>
        <dd id="settlement">
          {settlement?.number
            ? `number ${settlement.number}, up to block ${settlement.height}`
            : "none yet"}
        </dd>
      </dl>
      <div className="buttons">
        <Sure question="Leave with your money?" onSure={() => play.leave()}>
          Leave the table
        </Sure>
        {play.isCreator && (
          <Sure question="Close for all, and pay everybody?" onSure={() => play.closeTable()}>
            Close the table
          </Sure>
        )}
      </div>
    </section>
  );
}

/** What the account has in the channel, staked or not: as much as leaving pays. */
function inChannel({ vault, staked }: Play["money"]): bigint | undefined {
  return vault === undefined ? undefined : vault + (staked ?? 0n);
}

function difference(deposit: bigint | undefined, now: bigint | undefined): string {
  if (deposit === undefined || now === undefined) return "…";
  const won = now - deposit;
  if (won === 0n) return "nothing";
  return won > 0n ? `${fwy(won)} won` : `${fwy(-won)} lost`;
}

/** After the table: what was paid. */
export function Payout({ play }: { play: Play }) {
  const { ledger, deposit } = play.money;
  const last = inChannel(play.money);
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
        <dd id="vault">{amount(last)}</dd>
        <dt>won or lost here</dt>
        <dd id="won">{difference(deposit, last)}</dd>
        <dt>on the ledger</dt>
        <dd id="ledger">{amount(ledger)}</dd>
      </dl>
    </section>
  );
}
