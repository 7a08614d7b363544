/** A node, as apps use it. */

import type { ChannelInfo, Joined, NodeStatus, PackageAbi } from "./api.js";
import { Channel } from "./channel.js";
import { Connection } from "./connection.js";
import * as contract from "./contract.js";
import { RefusedError, refusalOf } from "./errors.js";
import type { Signer } from "./keys.js";
import { Ledger } from "./ledger.js";
import type { Candidate, ConnectionOptions, Left, Reconnected } from "./options.js";
import { sleep } from "./time.js";
import { transactionHash } from "./wire.js";

/** How an account joins. */
export interface JoinOptions {
  /** What stands behind the member's word; nothing by default. */
  backing?: contract.Backing;
  /** The function that lets members in, with the arguments of `0x3::channel::join`, the default. */
  through?: string;
}

/** What an app knows of a channel without its node. */
export interface KnownChannel {
  /** What can be called: as `fairway move abi` shows it of the app's package. */
  abi?: PackageAbi;
  /** The settlement chain's id. */
  chain?: number;
}

/** How long a member may take to come onto a channel's list. */
const MEMBER_MS = 30_000;
const PAUSE_MS = 50;

export class Client {
  /** The settlement chain, through the node. */
  readonly ledger: Ledger;
  readonly #channels = new Map<string, Promise<Channel>>();

  private constructor(
    readonly connection: Connection,
    /** Ids of the channels that were asked for. */
    private readonly opened: string[],
  ) {
    this.ledger = new Ledger(connection);
  }

  /**
   * Connects to a node at `url` (`ws://…`, `wss://…`), or to the first of several that answers. Fails with
   * `UnreachableError` when there is none; a connection that breaks later is made again, where several
   * are named to whichever of them runs the channels that were asked for.
   */
  static async connect(
    urls: string | readonly string[],
    options: ConnectionOptions = {},
  ): Promise<Client> {
    const channels: string[] = [];
    const admit = async (candidate: Candidate) => {
      if (channels.length > 0) await runs(candidate, channels);
      await options.admit?.(candidate);
    };
    const several = typeof urls !== "string" && urls.length > 1;
    const connection = await Connection.open(urls, several ? { ...options, admit } : options);
    return new Client(connection, channels);
  }

  /** Whether there is a connection now. */
  get connected(): boolean {
    return this.connection.connected;
  }

  /** Calls `listener` whenever the connection breaks. The answer takes the listener away. */
  onLeave(listener: (left: Left) => void): () => void {
    return this.connection.onLeave(listener);
  }

  /** Calls `listener` whenever the connection stands again. The answer takes the listener away. */
  onReconnect(listener: (reconnected: Reconnected) => void): () => void {
    return this.connection.onReconnect(listener);
  }

  /** Ends the connection for good: what waits fails with `ClosedError`, subscriptions end. */
  close(): void {
    this.connection.close();
  }

  /** The node and every channel it runs. */
  status(): Promise<NodeStatus> {
    return this.connection.request("state_channel.status", {});
  }

  /** Ids of the channels that the node runs. */
  list(): Promise<string[]> {
    return this.connection.request("state_channel.list", {});
  }

  /** A channel as the chain records it, and where it stands on this node. */
  info(channel: string): Promise<ChannelInfo> {
    return this.connection.request("state_channel.get", { channel });
  }

  /**
   * A channel that the node runs. The same object every time, with what was known of it the first time.
   * What is not given is asked of the node, whose word then decides what arguments are encoded to.
   */
  channel(id: string, known: KnownChannel = {}): Promise<Channel> {
    const before = this.#channels.get(id);
    if (before) return before;
    const opened = this.#open(id, known);
    this.#channels.set(id, opened);
    opened.catch(() => this.#channels.delete(id));
    return opened;
  }

  async #open(id: string, known: KnownChannel): Promise<Channel> {
    const [abi, info] = await Promise.all([
      known.abi ?? this.connection.request("state_channel.abi", { channel: id }),
      this.info(id),
    ]);
    this.opened.push(id);
    return new Channel(this.connection, id, known.chain ?? info.record.chain, abi);
  }

  /**
   * Joins a channel with a deposit in the asset's smallest unit; this node acts for the account, and runs
   * the channel from then on. The account can call once `member` has resolved. When the connection moves
   * on to another node under way, it fails with `UnreachableError`: the account may have joined or not.
   */
  async join(
    signer: Signer,
    channel: string,
    deposit: contract.Amount,
    options: JoinOptions = {},
  ): Promise<Joined> {
    const { connection } = this;
    const at = connection.url;
    const asked = { channel, account: signer.address };
    const [status, proof] = await Promise.all([
      connection.request("state_channel.status", {}, { at }),
      connection.request("state_channel.join_proof", asked, { at }),
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
    return this.ledger.inTurn(signer.address, async () =>
      this.#deliverJoin(at, channel, await this.ledger.sign(signer, payload)),
    );
  }

  /** A join whose answer was lost is looked up; then the node is told to run the channel. */
  async #deliverJoin(
    at: string,
    channel: string,
    transaction: Awaited<ReturnType<Ledger["sign"]>>,
  ): Promise<Joined> {
    try {
      return await this.connection.request("state_channel.join", { transaction }, { at });
    } catch (error) {
      if (!refusalOf(error, "sequence_number")) throw error;
      const executed = await this.ledger.transaction(transactionHash(transaction.transaction));
      if (!executed || executed.error) throw error;
      await this.connection.request("state_channel.open", { channel }, { at });
      return { channel, transaction: executed };
    }
  }

  /** Lets the node run a channel of which it is a member already. */
  open(channel: string): Promise<ChannelInfo> {
    return this.connection.request("state_channel.open", { channel });
  }

  /** Resolves when the channel counts the account among its members: then it can call. */
  async member(channel: string, account: string, timeoutMs = MEMBER_MS): Promise<void> {
    const until = Date.now() + timeoutMs;
    for (;;) {
      const { status } = await this.info(channel);
      if (status?.members.some((member) => member.account === account)) return;
      if (Date.now() > until) throw notAMember(account, timeoutMs);
      await sleep(PAUSE_MS);
    }
  }
}

function notAMember(account: string, timeoutMs: number): RefusedError {
  const refusal = { name: "not_a_member", details: { account } } as const;
  return new RefusedError(
    refusal,
    `${account} was not on the channel's list within ${timeoutMs} ms`,
  );
}

/** Whether a node runs all of these channels; throws otherwise. */
async function runs({ url, request }: Candidate, channels: readonly string[]): Promise<void> {
  const there = await request("state_channel.list", {});
  const channel = channels.find((id) => !there.includes(id));
  if (channel === undefined) return;
  const refusal = { name: "channel_not_found", details: { channel } } as const;
  throw new RefusedError(refusal, `${url} does not run channel ${channel}`);
}
