/** The settlement chain: through a node, or at the ledger itself. */

import { entryFunction, parseFunction } from "./abi.js";
import type {
  ChainEvent,
  ChainInfo,
  Json,
  LedgerPayload,
  LedgerTransaction,
  ObservedChannel,
  PackageSource,
  SignedLedgerTransaction,
  TransactionReport,
} from "./api.js";
import { address } from "./bytes.js";
import { encodeArgs, type MoveInput } from "./codec.js";
import type { Connection } from "./connection.js";
import * as contract from "./contract.js";
import { type Amount, amount, type ChannelRules } from "./contract.js";
import { fromReport, ProtocolError, RefusedError, refusalOf } from "./errors.js";
import type { Signer } from "./keys.js";
import { Attempts } from "./patience.js";
import { invocation, mostGas, packageHash, signTransaction, transactionHash } from "./wire.js";

const LIFETIME_MS = 60_000;
/** Tries of a transaction whose number somebody else's took. */
const TRIES = 8;

/** The chain's accounts, channels and packages. */
export class Ledger {
  #chain: Promise<ChainInfo> | undefined;
  /** The last work of each account that is under way. */
  readonly #turns = new Map<string, Promise<void>>();

  /** The chain behind a connection to a node or to a ledger. */
  constructor(readonly connection: Connection) {}

  /** Where the chain stands now. */
  info(): Promise<ChainInfo> {
    return this.connection.request("chain.info", {});
  }

  /** The chain's id, which never changes. */
  async chain(): Promise<number> {
    this.#chain ??= this.info();
    try {
      return (await this.#chain).chain;
    } catch (error) {
      this.#chain = undefined;
      throw error;
    }
  }

  /** What an account holds, in the asset's smallest unit; of the native one by default. */
  async balance(account: string, asset?: string): Promise<bigint> {
    const params = { account: address(account), ...(asset && { asset: address(asset, "asset") }) };
    return BigInt((await this.connection.request("chain.balance", params)).amount);
  }

  /** What the contract records of a channel. */
  channel(channel: string): Promise<ObservedChannel> {
    return this.connection.request("chain.channel", { channel });
  }

  /** A package's sources; the node's word is checked against the hash. */
  async package(hash: string): Promise<PackageSource> {
    const source = await this.connection.request("chain.package", { package: hash });
    const actual = packageHash(source);
    if (actual === hash) return source;
    const refusal = { name: "package_mismatch", details: { expected: hash, actual } } as const;
    throw new RefusedError(refusal, `package hash ${actual}: the chain names ${hash}`);
  }

  /** Events of the chain from a number on, at most `limit` and 1,000; of one channel if named. */
  events(from: number, limit = 1_000, channel?: string): Promise<ChainEvent[]> {
    return this.connection.request("chain.events", { from, limit, ...(channel && { channel }) });
  }

  /** Money for trying things out, on a development chain. */
  faucet(account: string, units: Amount): Promise<TransactionReport> {
    const given = { amount: String(amount(units)) };
    return this.connection.request("chain.faucet", { account: address(account), amount: given });
  }

  transfer(signer: Signer, to: string, units: Amount, asset?: string): Promise<TransactionReport> {
    return this.execute(signer, contract.transfer(to, units, asset));
  }

  /** Registers a package, so that nodes find it by its hash, which is the answer. */
  async storePackage(signer: Signer, source: PackageSource): Promise<string> {
    const hash = packageHash(source);
    const known = await this.package(hash).catch((error) => {
      if (refusalOf(error, "not_found")) return undefined;
      throw error;
    });
    if (!known) await this.execute(signer, { store_package: { package: source } });
    return hash;
  }

  /** Creates a channel for the package with this hash, and answers with its id. */
  async createChannel(signer: Signer, hash: string, rules: ChannelRules): Promise<string> {
    const report = await this.execute(signer, contract.create(hash, rules));
    const created = contract.createdChannel(report.events);
    if (created) return created;
    const reason = `transaction ${report.transaction} created no channel`;
    throw new ProtocolError(this.connection.url, reason);
  }

  /** Asks the contract to take the account out: for when no leader answers. */
  leaveChannel(signer: Signer, channel: string): Promise<TransactionReport> {
    return this.execute(signer, contract.leave(channel));
  }

  /** Asks the contract to close the channel; its creator may. */
  closeChannel(signer: Signer, channel: string): Promise<TransactionReport> {
    return this.execute(signer, contract.close(channel));
  }

  /** Calls an entry function of a contract: `0x3::coin::transfer`, or one that was published. */
  async call(signer: Signer, name: string, args: readonly MoveInput[]): Promise<TransactionReport> {
    const parsed = parseFunction(name);
    const abi = {
      modules: await this.connection.request("chain.abi", { address: parsed.address }),
    };
    const bytes = encodeArgs(abi, entryFunction(abi, parsed), [], args);
    return this.execute(signer, invocation(parsed, [], bytes));
  }

  /** Runs a view of a contract. */
  view(name: string, args: readonly MoveInput[], typeArgs: string[] = []): Promise<Json[]> {
    const params = { function: name, type_args: typeArgs, args: args as Json[] };
    return this.connection.request("chain.view", params);
  }

  /**
   * Signs and executes; answers when the block is stored. A failed execution is an error. When no
   * answer came until the transaction had expired, and it can't be looked up, the error is `transient`,
   * and it may have been executed; `sign` and `deliver` are for who wants to look it up later.
   */
  execute(signer: Signer, payload: LedgerPayload): Promise<TransactionReport> {
    return this.inTurn(signer.address, async () =>
      succeeded(await this.#repeat(async () => this.deliver(await this.sign(signer, payload)))),
    );
  }

  /** @internal Work for an account begins when the work before it has ended: it takes a number. */
  inTurn<T>(account: string, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(account) ?? Promise.resolve();
    const turn = before.then(work);
    const ended = turn.then(
      () => {},
      () => {},
    );
    this.#turns.set(account, ended);
    void ended.then(() => {
      if (this.#turns.get(account) === ended) this.#turns.delete(account);
    });
    return turn;
  }

  /**
   * Again with another number while somebody else of the account takes it first. Only when it is taken: a
   * transaction that is ahead of its turn can still be executed.
   */
  async #repeat<T>(work: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await work();
      } catch (error) {
        const number = refusalOf(error, "sequence_number");
        if (tries === TRIES || !number || number.expected <= number.actual) throw error;
      }
    }
  }

  /** The account's next transaction, signed and not sent. */
  async sign(signer: Signer, payload: LedgerPayload): Promise<SignedLedgerTransaction> {
    const account = { account: signer.address };
    const [chain, sequence] = await Promise.all([
      this.chain(),
      this.connection.request("chain.sequence", account),
    ]);
    const transaction: LedgerTransaction = {
      chain,
      sender: signer.address,
      sequence,
      payload,
      gas_limit: mostGas(payload),
      expires_at: Date.now() + LIFETIME_MS,
    };
    return signTransaction(signer, transaction);
  }

  /**
   * Submits a signed transaction; its report, whatever came of it. The same one is submitted until it has
   * an answer, where one was lost until it has expired; then it is looked up before it is called refused.
   */
  async deliver(transaction: SignedLedgerTransaction): Promise<TransactionReport> {
    const { expires_at } = transaction.transaction;
    const attempts = new Attempts(expires_at, this.connection.patienceMs);
    // Asked again here: whether an answer was lost decides for how long.
    const options = { patienceMs: 0, once: true };
    for (;;) {
      try {
        return await this.connection.request("chain.submit", { transaction }, options);
      } catch (error) {
        // The node may have passed it on before the chain was gone.
        if (refusalOf(error, "chain_unreachable")) attempts.lost = true;
        if (await attempts.again(error)) continue;
        const asks = attempts.lost || refusalOf(error, "sequence_number");
        const hash = transactionHash(transaction.transaction);
        const executed = asks ? await this.transaction(hash) : null;
        if (executed) return executed;
        throw error;
      }
    }
  }

  /** An executed transaction's report, by its hash; `null` when the chain has none. */
  transaction(hash: string): Promise<TransactionReport | null> {
    return this.connection.request("chain.transaction", { transaction: hash });
  }
}

/** The report of a transaction that did what it was for. */
function succeeded(report: TransactionReport): TransactionReport {
  if (report.error) throw fromReport(report.error);
  return report;
}
