// Transactions whose answers are lost or put off: the same one goes out again, so that it runs once.
import { afterEach, expect, test } from "vitest";
import type { SignedLedgerTransaction } from "../../src/api.js";
import { Connection } from "../../src/connection.js";
import { RefusedError } from "../../src/errors.js";
import { Keypair } from "../../src/keys.js";
import { Ledger } from "../../src/ledger.js";
import type { ConnectionOptions } from "../../src/options.js";
import { transactionHash } from "../../src/wire.js";
import { Answer, NEVER, ScriptedServer } from "./server.js";

const open: Chain[] = [];
afterEach(async () => {
  for (const chain of open.splice(0)) {
    chain.connection.close();
    await chain.server.stop();
  }
});

/** A chain with one account, whose answers a test writes. */
class Chain {
  readonly key = Keypair.fromSeed(new Uint8Array(32).fill(1));
  readonly executed = new Set<string>();
  readonly came: SignedLedgerTransaction[] = [];
  sequence = 0;
  answer: (time: number, signed: SignedLedgerTransaction) => unknown = (_, signed) =>
    this.run(signed);

  private constructor(
    readonly server: ScriptedServer,
    readonly connection: Connection,
    readonly ledger: Ledger,
  ) {}

  static async start(options: ConnectionOptions = {}): Promise<Chain> {
    let chain: Chain | undefined;
    const server = await ScriptedServer.start({
      "chain.info": () => ({ chain: 1 }),
      "chain.sequence": () => chain?.sequence,
      "chain.submit": ({ transaction }) => {
        const signed = transaction as SignedLedgerTransaction;
        chain?.came.push(signed);
        return chain?.answer(chain.came.length, signed);
      },
      "chain.transaction": ({ transaction }) =>
        chain?.executed.has(transaction as string) ? report(transaction as string) : null,
    });
    const backoff = { firstMs: 5, mostMs: 20 };
    const connection = await Connection.open(server.url, { backoff, ...options });
    chain = new Chain(server, connection, new Ledger(connection));
    open.push(chain);
    return chain;
  }

  run(signed: SignedLedgerTransaction) {
    const hash = transactionHash(signed.transaction);
    if (signed.transaction.sequence !== this.sequence) throw this.used(signed);
    this.sequence += 1;
    this.executed.add(hash);
    return report(hash);
  }

  used({ transaction }: SignedLedgerTransaction): Answer {
    const details = { account: transaction.sender, expected: this.sequence };
    return refusal("sequence_number", 100004, { ...details, actual: transaction.sequence });
  }

  lose(): symbol {
    this.server.cut();
    return NEVER;
  }

  pay() {
    return this.ledger.transfer(this.key, `0x${"33".repeat(32)}`, 250n);
  }

  get distinct(): number {
    return new Set(this.came.map((signed) => JSON.stringify(signed))).size;
  }
}

const report = (transaction: string) => ({
  transaction,
  height: 1,
  index: 0,
  gas_used: 1,
  error: null,
  events: [],
});

const refusal = (name: string, code: number, details: object, transient = false) =>
  Answer.refusal(name, code, details, transient);
const busy = () =>
  refusal("busy", 100007, { what: "another transaction", retry_after_ms: 1 }, true);

test("a transaction whose answer was lost is repeated while the chain is busy with it", async () => {
  const chain = await Chain.start({ patienceMs: 100 });
  chain.answer = (time, signed) => {
    if (time === 1) return chain.lose();
    if (time < 7) throw busy();
    if (time === 7) chain.run(signed);
    throw chain.used(signed);
  };
  const { transaction } = await chain.pay();
  expect([...chain.executed]).toEqual([transaction]);
  expect([chain.distinct, chain.came.length]).toEqual([1, 7]);
});

test("one that ran before its answer was lost is found, and not signed anew", async () => {
  const chain = await Chain.start();
  chain.answer = (time, signed) => {
    if (time > 1) throw chain.used(signed);
    chain.run(signed);
    return chain.lose();
  };
  await chain.pay();
  expect([chain.distinct, chain.executed.size]).toEqual([1, 1]);
});

test("one that ran and has expired since is found", async () => {
  const chain = await Chain.start();
  chain.answer = (time, signed) => {
    if (time > 1) throw refusal("expired", 100015, { expires_at: 1, now: 2 });
    chain.run(signed);
    return chain.lose();
  };
  await chain.pay();
  expect([chain.distinct, chain.executed.size]).toEqual([1, 1]);
});

test("one whose number another one took is signed anew with the next", async () => {
  const chain = await Chain.start();
  chain.answer = (time, signed) => {
    if (time > 1) return chain.run(signed);
    chain.sequence = 5;
    throw chain.used(signed);
  };
  await chain.pay();
  expect(chain.came.map(({ transaction }) => transaction.sequence)).toEqual([0, 5]);
  expect(chain.executed.size).toBe(1);
});

test("one that the chain never had and is too busy for ends with the patience", async () => {
  const chain = await Chain.start({ patienceMs: 150 });
  chain.answer = () => {
    throw busy();
  };
  const failed = await chain.pay().catch((error) => error);
  expect(failed).toBeInstanceOf(RefusedError);
  expect(failed.refusal.name).toBe("busy");
  expect([chain.distinct, chain.came.length <= 4]).toEqual([1, true]);
});

test("a number ahead of the chain's is not signed anew: the first may have its turn yet", async () => {
  const chain = await Chain.start();
  chain.sequence = 7;
  chain.answer = (_, signed) => {
    chain.sequence = 3;
    throw chain.used(signed);
  };
  await expect(chain.pay()).rejects.toMatchObject({ refusal: { name: "sequence_number" } });
  expect(chain.distinct).toBe(1);
});
