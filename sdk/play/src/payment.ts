/** What the chain paid an account that left a channel, and by which settlement: as its events have it. */
import type { ChainEvent } from "@fairway/sdk";

const PAGE = 1_000;
const LEFT = "0x3::channel::MemberLeft";
const SETTLED = "0x3::settlement::Settled";

export interface Payment {
  /** In the smallest unit of the channel's asset. */
  amount: bigint;
  /** The transaction on the ledger that paid. */
  transaction: string;
  /** The settlement that the transaction executed; absent when none paid, as after an exit. */
  settlement?: { number: number; height: number };
}

/**
 * The last payment to the account, among all events of the channel; `null` when there is none. `events`
 * answers with those from a number on, at most so many.
 */
export async function lastPayment(
  events: (from: number, limit: number) => Promise<ChainEvent[]>,
  account: string,
): Promise<Payment | null> {
  let payment: Payment | null = null;
  for (let from = 0; ; ) {
    const page = await events(from, PAGE);
    for (const event of page) payment = after(payment, event, account);
    if (page.length < PAGE) return payment;
    from = (page.at(-1)?.number ?? from) + 1;
  }
}

/** In a transaction, the contract pays who leaves before it says what it has settled. */
function after(payment: Payment | null, event: ChainEvent, account: string): Payment | null {
  const { type, transaction } = event;
  if (type === LEFT) {
    const data = event.data as { account: string; paid: string | number };
    return data.account === account ? { amount: BigInt(data.paid), transaction } : payment;
  }
  if (type !== SETTLED || transaction !== payment?.transaction) return payment;
  const { number, height } = event.data as { number: string | number; height: string | number };
  return { ...payment, settlement: { number: Number(number), height: Number(height) } };
}
