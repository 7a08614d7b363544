/** A channel on one node: calls, views, notices. */
import { address } from "./bytes.js";
import { Member } from "./member.js";
import { Subscription } from "./notices.js";
import { Tracker } from "./tracker.js";
/** A channel that the node runs. Made by `Client.channel`. */
export class Channel {
    connection;
    id;
    chain;
    abi;
    /** @internal */
    tracker;
    #members = new Map();
    /** @internal */
    constructor(connection, id, 
    /** The settlement chain's id, which every call names. */
    chain, 
    /** What can be called. */
    abi) {
        this.connection = connection;
        this.id = id;
        this.chain = chain;
        this.abi = abi;
        this.tracker = new Tracker(connection, id);
    }
    /** Calls in the name of an account: the same session every time, since there may be one alone. */
    member(signer) {
        const known = this.#members.get(signer.address);
        if (known)
            return known;
        const member = new Member(this, signer);
        this.#members.set(signer.address, member);
        return member;
    }
    /** The channel as the chain records it, and where it stands on this node. */
    info() {
        return this.connection.request("state_channel.get", { channel: this.id });
    }
    /** The number that the account's next call must have, after this node's head. */
    sequence(account) {
        return this.connection.request("state_channel.sequence", {
            channel: this.id,
            account: address(account),
        });
    }
    /** The values that a view returns. */
    async view(name, args, options = {}) {
        return (await this.viewed(name, args, options)).values;
    }
    /** As `view`, with the height that was read. */
    viewed(name, args, options = {}) {
        return this.connection.request("state_channel.view", {
            channel: this.id,
            function: name,
            args: args,
            ...(options.typeArgs && { type_args: options.typeArgs }),
            ...(options.at && { at: options.at }),
        });
    }
    /** One resource, by its owner and type: `value` is `null` when there is none. */
    resource(owner, type, options = {}) {
        return this.connection.request("state_channel.resource", {
            channel: this.id,
            address: address(owner),
            type_tag: type,
            ...(options.at && { at: options.at }),
        });
    }
    /** Blocks from a height on, at most `limit` and 100. */
    blocks(from, limit = 100) {
        return this.connection.request("state_channel.blocks", { channel: this.id, from, limit });
    }
    /** An ordered call's report, by its hash; `null` when this node's log has none. */
    report(call) {
        return this.connection.request("state_channel.report", { channel: this.id, call });
    }
    /** Proposes a settlement of what is final. */
    proposeSettlement() {
        return this.connection.request("state_channel.propose_settlement", { channel: this.id });
    }
    /** State changes, events and statuses, across reconnects. */
    subscribe(options = {}) {
        return Subscription.start(this.connection, this.id, options);
    }
    /**
     * As `subscribe`, with each notice given to `listener`, one after another: the next one when it has
     * returned, or what it returned has resolved. What it throws ends the subscription and goes to
     * `ended`, which otherwise resolves when the subscription ends.
     */
    async listen(listener, options = {}) {
        const subscription = await this.subscribe(options);
        const read = async () => {
            for await (const notice of subscription)
                await listener(notice);
        };
        return { subscription, ended: read(), close: () => subscription.close() };
    }
}
//# sourceMappingURL=channel.js.map