/** A node, as apps use it. */
import { Channel } from "./channel.js";
import { Connection } from "./connection.js";
import * as contract from "./contract.js";
import { RefusedError, refusalOf } from "./errors.js";
import { Ledger } from "./ledger.js";
import { sleep } from "./time.js";
import { transactionHash } from "./wire.js";
/** How long a member may take to come onto a channel's list. */
const MEMBER_MS = 30_000;
const PAUSE_MS = 50;
export class Client {
    connection;
    /** The settlement chain, through the node. */
    ledger;
    #channels = new Map();
    constructor(connection) {
        this.connection = connection;
        this.ledger = new Ledger(connection);
    }
    /**
     * Connects to a node at `url` (`ws://…`, `wss://…`). Fails with `UnreachableError` when there is none;
     * a connection that breaks later is made again.
     */
    static async connect(url, options = {}) {
        return new Client(await Connection.open(url, options));
    }
    /** Whether there is a connection now. */
    get connected() {
        return this.connection.connected;
    }
    /** Calls `listener` whenever the connection breaks. The answer takes the listener away. */
    onLeave(listener) {
        return this.connection.onLeave(listener);
    }
    /** Calls `listener` whenever the connection stands again. The answer takes the listener away. */
    onReconnect(listener) {
        return this.connection.onReconnect(listener);
    }
    /** Ends the connection for good: what waits fails with `ClosedError`, subscriptions end. */
    close() {
        this.connection.close();
    }
    /** The node and every channel it runs. */
    status() {
        return this.connection.request("state_channel.status", {});
    }
    /** Ids of the channels that the node runs. */
    list() {
        return this.connection.request("state_channel.list", {});
    }
    /** A channel as the chain records it, and where it stands on this node. */
    info(channel) {
        return this.connection.request("state_channel.get", { channel });
    }
    /** A channel that the node runs. The same object every time. */
    channel(id) {
        const known = this.#channels.get(id);
        if (known)
            return known;
        const opened = this.#open(id);
        this.#channels.set(id, opened);
        opened.catch(() => this.#channels.delete(id));
        return opened;
    }
    async #open(id) {
        const channel = { channel: id };
        const [abi, info] = await Promise.all([
            this.connection.request("state_channel.abi", channel),
            this.connection.request("state_channel.get", channel),
        ]);
        return new Channel(this.connection, id, info.record.chain, abi);
    }
    /**
     * Joins a channel with a deposit in the asset's smallest unit; this node acts for the account, and runs
     * the channel from then on. The account can call once `member` has resolved.
     */
    async join(signer, channel, deposit, options = {}) {
        const [status, proof] = await Promise.all([
            this.status(),
            this.connection.request("state_channel.join_proof", { channel, account: signer.address }),
        ]);
        const payload = contract.join({
            channel,
            node: status.node,
            deposit,
            endpoints: status.endpoints,
            proof,
            backing: options.backing ?? {},
            through: options.through ?? "0x3::channel::join",
        });
        return this.ledger.inTurn(signer.address, async () => this.#deliverJoin(channel, await this.ledger.sign(signer, payload)));
    }
    /** A join whose answer was lost is looked up; then the node is told to run the channel. */
    async #deliverJoin(channel, transaction) {
        try {
            return await this.connection.request("state_channel.join", { transaction });
        }
        catch (error) {
            if (!refusalOf(error, "sequence_number"))
                throw error;
            const executed = await this.ledger.transaction(transactionHash(transaction.transaction));
            if (!executed || executed.error)
                throw error;
            await this.open(channel);
            return { channel, transaction: executed };
        }
    }
    /** Lets the node run a channel of which it is a member already. */
    open(channel) {
        return this.connection.request("state_channel.open", { channel });
    }
    /** Resolves when the channel counts the account among its members: then it can call. */
    async member(channel, account, timeoutMs = MEMBER_MS) {
        const until = Date.now() + timeoutMs;
        for (;;) {
            const { status } = await this.info(channel);
            if (status?.members.some((member) => member.account === account))
                return;
            if (Date.now() > until)
                throw notAMember(account, timeoutMs);
            await sleep(PAUSE_MS);
        }
    }
}
function notAMember(account, timeoutMs) {
    const refusal = { name: "not_a_member", details: { account } };
    return new RefusedError(refusal, `${account} was not on the channel's list within ${timeoutMs} ms`);
}
//# sourceMappingURL=client.js.map