/** Money: at stake, in the channel, on the ledger, and how it comes back. */
import { fwy } from "../../../pages/amount.js";
import type { Payment } from "../payment.js";
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
export function Payout({ play, onReturn }: { play: Play; onReturn: () => void }) {
  const { payment, info } = play;
  const { ledger, deposit } = play.money;
  return (
    <section aria-labelledby="over">
      <h2 id="over">{info?.record.open ? "You have left the table" : "The table is closed"}</h2>
      <p role="status">{paidBy(payment)}</p>
      <dl>
        {/* Known to the page that saw it alone: after a reload there is no record of it. */}
        {deposit !== undefined && (
          <>
            <dt>brought into the channel</dt>
            <dd id="deposit">{amount(deposit)}</dd>
          </>
        )}
        <dt>paid out</dt>
        <dd id="paid">{payment === null ? "nothing" : amount(payment?.amount)}</dd>
        {deposit !== undefined && (
          <>
            <dt>won or lost here</dt>
            <dd id="won">{difference(deposit, payment?.amount)}</dd>
          </>
        )}
        <dt>on the ledger</dt>
        <dd id="ledger">{amount(ledger)}</dd>
      </dl>
      {info?.record.open && !info.record.closing && (
        <button type="button" onClick={onReturn}>
          Sit down again
        </button>
      )}
    </section>
  );
}

function paidBy(payment: Payment | null | undefined): string {
  if (payment === undefined) return "Looking on the ledger for what paid you…";
  if (payment === null) return "The ledger names no payment to you from this table.";
  const { settlement, transaction } = payment;
  return settlement
    ? `Settlement ${settlement.number}, up to block ${settlement.height}, paid you on the ledger.`
    : `You were paid on the ledger without a settlement, by transaction ${transaction}.`;
}
