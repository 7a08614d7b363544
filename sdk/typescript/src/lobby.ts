/**
 * Finding others to play with, from what the chain and the node can tell. Nothing here is stored anywhere
 * else: seats are what the chain records, presence is when members' nodes were last heard.
 */

import type { ChannelInfo, ChannelRecord, MemberStatus } from "./api.js";
import { address, idBytes } from "./bytes.js";
import type { Client } from "./client.js";
import type { ChannelRules } from "./contract.js";
import { invalid, TimedOutError } from "./errors.js";
import type { Signer } from "./keys.js";
import { sleep } from "./time.js";

/** A channel with a seat that can be taken. */
export interface OpenChannel {
  channel: string;
  package: string;
  creator: string;
  members: string[];
  /** How many more may join. */
  seats: number;
  /** What a member brings at least, in the channel's asset. */
  deposit: bigint;
  record: ChannelRecord;
}

export interface FindOptions {
  /** Channels of the package with this hash; of any when left out. */
  package?: string;
  /** Who wants to sit: channels that ask for an invitation are found if it names this account. */
  account?: string;
  /** Where to go on: `cursor` of the last answer. The chain is read from its beginning without it. */
  cursor?: number;
  /** Events of the chain that are read at most: 10,000. */
  mostEvents?: number;
}

export interface Found {
  channels: OpenChannel[];
  /** Goes on after what was read. */
  cursor: number;
  /** Whether the chain has more events: ask again with the cursor. */
  more: boolean;
}

/** Whether a member's node was heard. */
export interface Presence {
  account: string;
  /** Milliseconds since 1970 by the node's clock; `null` when it never was. */
  heardAt: number | null;
  /** Heard within the time asked for. */
  present: boolean;
}

/** What is needed to sit down: passed on outside the channel, as text. */
export interface Invitation {
  chain: number;
  channel: string;
}

const EVENTS = 1_000;
/** Records that are asked for together. */
const AT_ONCE = 32;
/** A member's node that was not heard for so long is away: nodes speak every 250 ms. */
const PRESENT_MS = 3_000;
const PAUSE_MS = 250;
const READY_MS = 60_000;
const SCHEME = "fairway:";

/** An invitation as text: `fairway:1:0x…`. */
export function invitationText({ chain, channel }: Invitation): string {
  idBytes(channel, "channel");
  return `${SCHEME}${chain}:${channel}`;
}

/** The invitation that a text is. */
export function parseInvitation(text: string): Invitation {
  const [, chain, channel] = /^fairway:([0-9]{1,15}):(0x[0-9a-f]{64})$/.exec(text.trim()) ?? [];
  if (!chain || !channel) {
    throw invalid("invitation", `expected fairway:CHAIN:CHANNEL, found ${JSON.stringify(text)}`);
  }
  return { chain: Number(chain), channel };
}

/** Presence of members, as a node's status tells it. `now` is of the node's clock. */
export function presenceOf(
  members: readonly MemberStatus[],
  now: number,
  withinMs = PRESENT_MS,
): Presence[] {
  return members.map(({ account, heard_at = null }) => ({
    account,
    heardAt: heard_at,
    present: heard_at !== null && now - heard_at <= withinMs,
  }));
}

/** Whether the account may take a seat, as far as the channel's rules tell. */
function admits(record: ChannelRecord, account: string | undefined): boolean {
  if (record.config.join_policy === "open") return true;
  if (record.config.join_policy === "contract" || account === undefined) return false;
  return record.config.invited.includes(account);
}

function openChannel(record: ChannelRecord): OpenChannel {
  const members = record.members.map((member) => member.record.account);
  return {
    channel: record.channel,
    package: record.package,
    creator: record.creator,
    members,
    seats:
      record.open && !record.closing ? Math.max(0, record.config.max_members - members.length) : 0,
    deposit: BigInt(record.config.min_deposit),
    record,
  };
}

export class Lobby {
  constructor(readonly client: Client) {}

  /**
   * Channels with an open seat, from the chain's events: the time is that of reading them. Without an
   * account, channels that anybody may join.
   */
  async find(options: FindOptions = {}): Promise<Found> {
    const wanted = {
      ...options,
      ...(options.account && { account: address(options.account, "account") }),
    };
    const most = options.mostEvents ?? 10_000;
    const found: Found = { channels: [], cursor: options.cursor ?? 0, more: true };
    for (let read = 0; found.more && read < most; read += EVENTS) {
      const limit = Math.min(EVENTS, most - read);
      const events = await this.client.ledger.events(found.cursor, limit);
      found.more = events.length === limit;
      found.cursor = (events.at(-1)?.number ?? found.cursor - 1) + 1;
      const created = events.filter(({ type }) => type === "0x3::channel::ChannelCreated");
      const ids = created.flatMap(({ channel }) => channel ?? []);
      for (let at = 0; at < ids.length; at += AT_ONCE) {
        const asked = ids.slice(at, at + AT_ONCE).map((id) => this.#open(id, wanted));
        found.channels.push(...(await Promise.all(asked)).flat());
      }
    }
    return found;
  }

  /** The channel, if it is one that was asked for. */
  async #open(channel: string, wanted: FindOptions): Promise<OpenChannel[]> {
    const { record } = await this.client.ledger.channel(channel);
    const open = openChannel(record);
    const fits = !wanted.package || open.package === wanted.package;
    const seated = wanted.account !== undefined && open.members.includes(wanted.account);
    return fits && !seated && open.seats > 0 && admits(record, wanted.account) ? [open] : [];
  }

  /** Creates a channel and joins it: the answer is what to pass on to others. */
  async create(
    signer: Signer,
    packageHash: string,
    rules: ChannelRules,
    deposit: bigint | number,
  ): Promise<Invitation> {
    const { ledger } = this.client;
    const invited = rules.invited && [...new Set([...rules.invited, signer.address])];
    const given = { ...rules, ...(invited && { invited }) };
    const channel = await ledger.createChannel(signer, packageHash, given);
    await this.client.join(signer, channel, deposit);
    await this.client.member(channel, signer.address);
    return { chain: await ledger.chain(), channel };
  }

  /** Takes a seat; resolves when the account can call. */
  async accept(signer: Signer, { chain, channel }: Invitation, deposit: bigint | number) {
    const actual = await this.client.ledger.chain();
    if (chain !== actual)
      throw invalid("invitation", `it is for chain ${chain}, this is ${actual}`);
    await this.client.join(signer, channel, deposit);
    await this.client.member(channel, signer.address);
    return this.client.channel(channel);
  }

  /** When members' nodes were heard, as this client's node knows. */
  async presence(channel: string, withinMs = PRESENT_MS): Promise<Presence[]> {
    const info = await this.client.info(channel);
    return presenceOf(info.status?.members ?? [], newest(info), withinMs);
  }

  /**
   * Resolves when so many members are on the channel's list with nodes that are heard: from then on their
   * calls are ordered. Whether the people at them want to begin, only the app can ask, with a call.
   */
  async ready(channel: string, members: number, timeoutMs = READY_MS): Promise<Presence[]> {
    const until = Date.now() + timeoutMs;
    for (;;) {
      const presence = await this.presence(channel);
      if (presence.filter(({ present }) => present).length >= members) return presence;
      if (Date.now() > until) {
        const { url } = this.client.connection;
        throw new TimedOutError(url, `${members} members that are present`, timeoutMs);
      }
      await sleep(PAUSE_MS);
    }
  }
}

/** The node's time, as its status shows it: it hears itself at every moment. */
function newest(info: ChannelInfo): number {
  return Math.max(0, ...(info.status?.members ?? []).map((member) => member.heard_at ?? 0));
}
