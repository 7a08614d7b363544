/** The settlement chain: through a node, or at the ledger itself. */
import { entryFunction, parseFunction } from "./abi.js";
import { address } from "./bytes.js";
import { encodeArgs } from "./codec.js";
import * as contract from "./contract.js";
import { amount } from "./contract.js";
import { fromReport, ProtocolError, RefusedError, refusalOf } from "./errors.js";
import { sleep } from "./time.js";
import { invocation, mostGas, packageHash, signTransaction, transactionHash } from "./wire.js";
const LIFETIME_MS = 60_000;
/** Tries of a transaction whose number somebody else's took. */
const TRIES = 8;
/** The chain's accounts, channels and packages. */
export class Ledger {
    connection;
    #chain;
    /** The last work of each account that is under way. */
    #turns = new Map();
    /** The chain behind a connection to a node or to a ledger. */
    constructor(connection) {
        this.connection = connection;
    }
    /** Where the chain stands now. */
    info() {
        return this.connection.request("chain.info", {});
    }
    /** The chain's id, which never changes. */
    async chain() {
        this.#chain ??= this.info();
        try {
            return (await this.#chain).chain;
        }
        catch (error) {
            this.#chain = undefined;
            throw error;
        }
    }
    /** What an account holds, in the asset's smallest unit; of the native one by default. */
    async balance(account, asset) {
        const params = { account: address(account), ...(asset && { asset: address(asset, "asset") }) };
        return BigInt((await this.connection.request("chain.balance", params)).amount);
    }
    /** What the contract records of a channel. */
    channel(channel) {
        return this.connection.request("chain.channel", { channel });
    }
    /** A package's sources; the node's word is checked against the hash. */
    async package(hash) {
        const source = await this.connection.request("chain.package", { package: hash });
        const actual = packageHash(source);
        if (actual === hash)
            return source;
        const refusal = { name: "package_mismatch", details: { expected: hash, actual } };
        throw new RefusedError(refusal, `package hash ${actual}: the chain names ${hash}`);
    }
    /** Events of the chain from a number on, at most `limit` and 1,000; of one channel if named. */
    events(from, limit = 1_000, channel) {
        return this.connection.request("chain.events", { from, limit, ...(channel && { channel }) });
    }
    /** Money for trying things out, on a development chain. */
    faucet(account, units) {
        const given = { amount: String(amount(units)) };
        return this.connection.request("chain.faucet", { account: address(account), amount: given });
    }
    transfer(signer, to, units, asset) {
        return this.execute(signer, contract.transfer(to, units, asset));
    }
    /** Registers a package, so that nodes find it by its hash, which is the answer. */
    async storePackage(signer, source) {
        const hash = packageHash(source);
        const known = await this.package(hash).catch((error) => {
            if (refusalOf(error, "not_found"))
                return undefined;
            throw error;
        });
        if (!known)
            await this.execute(signer, { store_package: { package: source } });
        return hash;
    }
    /** Creates a channel for the package with this hash, and answers with its id. */
    async createChannel(signer, hash, rules) {
        const report = await this.execute(signer, contract.create(hash, rules));
        const created = contract.createdChannel(report.events);
        if (created)
            return created;
        const reason = `transaction ${report.transaction} created no channel`;
        throw new ProtocolError(this.connection.url, reason);
    }
    /** Asks the contract to take the account out: for when no leader answers. */
    leaveChannel(signer, channel) {
        return this.execute(signer, contract.leave(channel));
    }
    /** Asks the contract to close the channel; its creator may. */
    closeChannel(signer, channel) {
        return this.execute(signer, contract.close(channel));
    }
    /** Calls an entry function of a contract: `0x3::coin::transfer`, or one that was published. */
    async call(signer, name, args) {
        const parsed = parseFunction(name);
        const abi = {
            modules: await this.connection.request("chain.abi", { address: parsed.address }),
        };
        const bytes = encodeArgs(abi, entryFunction(abi, parsed), [], args);
        return this.execute(signer, invocation(parsed, [], bytes));
    }
    /** Runs a view of a contract. */
    view(name, args, typeArgs = []) {
        const params = { function: name, type_args: typeArgs, args: args };
        return this.connection.request("chain.view", params);
    }
    /** Signs and executes; answers when the block is stored. A failed execution is an error. */
    execute(signer, payload) {
        return this.inTurn(signer.address, async () => succeeded(await this.#repeat(async () => this.deliver(await this.sign(signer, payload)))));
    }
    /** @internal Work for an account begins when the work before it has ended: it takes a number. */
    inTurn(account, work) {
        const before = this.#turns.get(account) ?? Promise.resolve();
        const turn = before.then(work);
        const ended = turn.then(() => { }, () => { });
        this.#turns.set(account, ended);
        void ended.then(() => {
            if (this.#turns.get(account) === ended)
                this.#turns.delete(account);
        });
        return turn;
    }
    /** Again with another number while somebody else of the account takes it first. */
    async #repeat(work) {
        for (let tries = 1;; tries += 1) {
            try {
                return await work();
            }
            catch (error) {
                const busy = refusalOf(error, "busy");
                if (tries === TRIES || !(busy || refusalOf(error, "sequence_number")))
                    throw error;
                if (busy)
                    await sleep(busy.retry_after_ms);
            }
        }
    }
    /** The account's next transaction, signed and not sent. */
    async sign(signer, payload) {
        const account = { account: signer.address };
        const [chain, sequence] = await Promise.all([
            this.chain(),
            this.connection.request("chain.sequence", account),
        ]);
        const transaction = {
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
     * Submits a signed transaction; its report, whatever came of it. One whose answer was lost is looked
     * up before it is called refused.
     */
    async deliver(transaction) {
        try {
            return await this.connection.request("chain.submit", { transaction });
        }
        catch (error) {
            if (!refusalOf(error, "sequence_number"))
                throw error;
            const executed = await this.transaction(transactionHash(transaction.transaction));
            if (executed)
                return executed;
            throw error;
        }
    }
    /** An executed transaction's report, by its hash; `null` when the chain has none. */
    transaction(hash) {
        return this.connection.request("chain.transaction", { transaction: hash });
    }
}
/** The report of a transaction that did what it was for. */
export function succeeded(report) {
    if (report.error)
        throw fromReport(report.error);
    return report;
}
//# sourceMappingURL=ledger.js.map