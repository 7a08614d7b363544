/** A channel on one node: calls, views, notices. */

import type {
  At,
  BlockView,
  CallReport,
  ChannelInfo,
  GasReport,
  Json,
  Notice,
  PackageAbi,
  Proposed,
  ResourceRead,
  Session,
  StatePage,
  Viewed,
} from "./api.js";
import { address } from "./bytes.js";
import type { MoveInput } from "./codec.js";
import type { Connection } from "./connection.js";
import type { Signer } from "./keys.js";
import { Member } from "./member.js";
import { type SubscribeOptions, Subscription } from "./notices.js";
import { Tracker } from "./tracker.js";

/** How a view or resource is read. */
export interface ReadOptions {
  /** Which state is read: the newest (`head`) by default. */
  at?: At;
  /**
   * The state after this block instead: `pruned` where the node keeps it no more, `busy` while somebody
   * else reads an earlier state.
   */
  height?: number;
}

/** Which part of a state is read. */
export interface StateOptions {
  /** The block after which; the newest by default. */
  height?: number;
  /** The key after which the page begins: `next` of the page before. */
  after?: string;
  /** Entries, at most 256. */
  limit?: number;
}

export interface ViewOptions extends ReadOptions {
  typeArgs?: string[];
}

/** A channel that the node runs. Made by `Client.channel`. */
export class Channel {
  /** @internal */
  readonly tracker: Tracker;
  readonly #members = new Map<string, Member>();

  /** @internal */
  constructor(
    readonly connection: Connection,
    readonly id: string,
    /** The settlement chain's id, which every call names. */
    readonly chain: number,
    /** What can be called. */
    readonly abi: PackageAbi,
  ) {
    this.tracker = new Tracker(connection, id);
  }

  /** Calls in the name of an account: the same `Member` every time, since there may be one alone. */
  member(signer: Signer): Member {
    return this.#memberBy(signer.address, signer);
  }

  /**
   * Calls in the name of `account` with a key that it delegated to (`Member.delegate`): such a member
   * calls functions and does nothing else. It counts with numbers of the key's own, so it calls beside
   * the account. One key for one account: members of two would take each other's numbers.
   */
  session(account: string, signer: Signer): Member {
    return this.#memberBy(address(account, "account"), signer);
  }

  #memberBy(account: string, signer: Signer): Member {
    const name = `${account} ${signer.address}`;
    const known = this.#members.get(name);
    if (known) return known;
    const member = new Member(this, signer, account);
    this.#members.set(name, member);
    return member;
  }

  /** The channel as the chain records it, and where it stands on this node. */
  info(): Promise<ChannelInfo> {
    return this.connection.request("state_channel.get", { channel: this.id });
  }

  /**
   * The number that the next call of an account, or of one of its sessions by that key's public key,
   * must have after this node's head.
   */
  sequence(account: string, session?: string): Promise<number> {
    return this.connection.request("state_channel.sequence", {
      channel: this.id,
      account: address(account),
      ...(session === undefined ? {} : { session }),
    });
  }

  /** What an account delegated to session keys, and what is left of it; expired ones may be among them. */
  sessions(account: string): Promise<Session[]> {
    return this.connection.request("state_channel.sessions", {
      channel: this.id,
      account: address(account),
    });
  }

  /** The values that a view returns. */
  async view(name: string, args: readonly MoveInput[], options: ViewOptions = {}): Promise<Json[]> {
    return (await this.viewed(name, args, options)).values;
  }

  /** As `view`, with the height that was read. */
  viewed(name: string, args: readonly MoveInput[], options: ViewOptions = {}): Promise<Viewed> {
    return this.connection.request("state_channel.view", {
      channel: this.id,
      function: name,
      args: args as Json[],
      ...(options.typeArgs && { type_args: options.typeArgs }),
      ...(options.at && { at: options.at }),
      ...(options.height !== undefined && { height: options.height }),
    });
  }

  /** One resource, by its owner and type: `value` is `null` when there is none. */
  resource(owner: string, type: string, options: ReadOptions = {}): Promise<ResourceRead> {
    return this.connection.request("state_channel.resource", {
      channel: this.id,
      address: address(owner),
      type_tag: type,
      ...(options.at && { at: options.at }),
      ...(options.height !== undefined && { height: options.height }),
    });
  }

  /**
   * A page of the state in the order of keys: resources, and what the channel keeps itself. Name the
   * height of the first page for those that follow, or the state may be another.
   */
  state(options: StateOptions = {}): Promise<StatePage> {
    return this.connection.request("state_channel.state", { channel: this.id, ...options });
  }

  /** Which functions used the gas of the transaction at a place in a block: the node executes it again. */
  trace(height: number, place: number): Promise<GasReport> {
    return this.connection.request("state_channel.trace", { channel: this.id, height, place });
  }

  /** Blocks from a height on, at most `limit` and 100. */
  blocks(from: number, limit = 100): Promise<BlockView[]> {
    return this.connection.request("state_channel.blocks", { channel: this.id, from, limit });
  }

  /** An ordered call's report, by its hash; `null` when this node's log has none. */
  report(call: string): Promise<CallReport | null> {
    return this.connection.request("state_channel.report", { channel: this.id, call });
  }

  /** Proposes a settlement of what is final. */
  proposeSettlement(): Promise<Proposed> {
    return this.connection.request("state_channel.propose_settlement", { channel: this.id });
  }

  /** State changes, events and statuses, across reconnects. */
  subscribe(options: SubscribeOptions = {}): Promise<Subscription> {
    return Subscription.start(this.connection, this.id, options);
  }

  /**
   * As `subscribe`, with each notice given to `listener`, one after another: the next one when it has
   * returned, or what it returned has resolved. What it throws ends the subscription and goes to
   * `ended`, which otherwise resolves when the subscription ends.
   */
  async listen(
    listener: (notice: Notice) => void | Promise<void>,
    options: SubscribeOptions = {},
  ): Promise<Listening> {
    const subscription = await this.subscribe(options);
    const read = async () => {
      for await (const notice of subscription) await listener(notice);
    };
    return { subscription, ended: read(), close: () => subscription.close() };
  }
}

/** A subscription that is read by a callback. */
export interface Listening {
  subscription: Subscription;
  ended: Promise<void>;
  close(): void;
}
