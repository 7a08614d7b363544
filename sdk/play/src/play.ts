/**
 * One player at one table: the way to the net, the account's hold, the channel's record, the game under
 * way and the money. It draws nothing.
 */
import {
  type CallHandle,
  type Candidate,
  type Channel,
  type ChannelInfo,
  type Client,
  Keypair,
  LiveState,
  type Member,
  type MoveInput,
  refusalOf,
} from "@fairway/sdk";
import { Changing } from "./changing.js";
import { Feed } from "./feed.js";
import * as arena from "./games/arena.js";
import { GAMES, type GameName } from "./games/known.js";
import * as ticTacToe from "./games/tic_tac_toe.js";
import { type Hold, hold } from "./hold.js";
import type { Seat } from "./link.js";
import { Moves } from "./moves.js";
import { Net } from "./net.js";
import { lastPayment, type Payment } from "./payment.js";
import { SessionKey } from "./session_key.js";

/** How often record and balances are asked for. */
const LOOK_MS = 1_000;

/** The game as this page's node knows it, with this player's moves on top. */
export type Match =
  | { game: "tic_tac_toe"; live: LiveState<ticTacToe.Table> }
  | { game: "arena"; live: LiveState<arena.Arena> };

export type Phase =
  | { is: "waiting" }
  /** Another tab of this browser plays with the account. */
  | { is: "taken" }
  /** The link can't be played, whatever the net does. */
  | { is: "wrong"; reason: string }
  | { is: "outside" }
  | { is: "joining" }
  | { is: "playing" }
  /** The account is no member any more, or the channel is closed and settled. */
  | { is: "over" };

export interface Money {
  /** On the ledger now. */
  ledger: bigint | undefined;
  /** Brought into the channel. */
  deposit: bigint | undefined;
  /** In the channel and not in a game, as the newest block left it. */
  vault: bigint | undefined;
  /** In a game, or on the arena's table, then. */
  staked: bigint | undefined;
}

export class Play extends Changing {
  readonly #key: Keypair;
  readonly net: Net;
  #phase: Phase = { is: "waiting" };
  #hold: Hold | undefined;
  #info: ChannelInfo | undefined;
  #ledger: bigint | undefined;
  #deposit: bigint | undefined;
  #vault: bigint | undefined;
  #staked: bigint | undefined;
  #match: Match | undefined;
  #member: Member | undefined;
  #channel: Channel | undefined;
  #sessionKey: SessionKey | undefined;
  #starting = false;
  /** `undefined` until the chain was asked. */
  #payment: Payment | null | undefined;
  #askingPayment = false;
  #joinError: string | undefined;
  #trouble: string | undefined;
  #timer: ReturnType<typeof setInterval>;
  #feed: Feed | undefined;
  #moves: Moves | undefined;

  constructor(
    readonly seat: Seat,
    /** Package hashes that this page can play. */
    private readonly packages: Readonly<Record<string, GameName>>,
    /** Comes back to a table that it has left: what paid it then ends nothing now. */
    private readonly returns = false,
  ) {
    super();
    this.#key = Keypair.fromSeed(seat.seed);
    this.net = new Net(seat.nodes, seat.token, (candidate) => this.#admit(candidate));
    this.net.subscribe(() => this.#follow());
    this.#timer = setInterval(() => void this.#look(), LOOK_MS);
    void this.claim(false);
  }

  get account(): string {
    return this.#key.address;
  }

  get phase(): Phase {
    return this.#phase;
  }

  get info(): ChannelInfo | undefined {
    return this.#info;
  }

  get match(): Match | undefined {
    return this.#match;
  }

  get feed(): Feed | undefined {
    return this.#feed;
  }

  get moves(): Moves | undefined {
    return this.#moves;
  }

  /** What this page's own key may sign for the account; absent until it sits at the table. */
  get sessionKey(): SessionKey | undefined {
    return this.#sessionKey;
  }

  get joinError(): string | undefined {
    return this.#joinError;
  }

  /** Why the node did not tell how the table stands, though it answers. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  get game(): GameName | undefined {
    return this.#info && this.packages[this.#info.record.package];
  }

  get money(): Money {
    return {
      ledger: this.#ledger,
      deposit: this.#deposit,
      vault: this.#vault,
      staked: this.#staked,
    };
  }

  /** After the table: what the chain paid the account; `null` if nothing, `undefined` until it said so. */
  get payment(): Payment | null | undefined {
    return this.#payment;
  }

  /** Whether this account may close the table for all. */
  get isCreator(): boolean {
    return this.#info?.record.creator === this.account;
  }

  /** Takes the account for this tab; with `steal` from another one. */
  async claim(steal: boolean): Promise<void> {
    const taken = await hold(`${this.seat.channel} ${this.account}`, steal);
    if (this.net.state.phase === "closed") {
      if (taken.held) taken.release();
      return;
    }
    this.#hold = taken;
    if (!taken.held) {
      this.#become({ is: "taken" });
      return;
    }
    void taken.lost.then(() => this.#lose());
    this.#become({ is: "waiting" });
    await this.#look();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#leaveMatch();
    this.net.close();
    if (this.#hold?.held) this.#hold.release();
  }

  /** Joins by the player's own node, with a deposit in the smallest unit. */
  async join(deposit: bigint): Promise<void> {
    const { client } = this.net;
    if (!client || this.#phase.is !== "outside") return;
    this.#joinError = undefined;
    this.#become({ is: "joining" });
    try {
      await client.join(this.#key, this.seat.channel, deposit);
      await client.member(this.seat.channel, this.account);
    } catch (error) {
      this.#joinError = (error as Error).message;
      this.#become({ is: "outside" });
    }
    await this.#look();
  }

  /** Whether moves can be signed. */
  get mayPlay(): boolean {
    return this.#sessionKey?.standing.is === "allowed";
  }

  /**
   * Calls the game, signed by the page's own key; the outcome is shown at once and taken back if it fails.
   */
  call(what: string, args: readonly MoveInput[], label: string, lifetimeMs: number): void {
    const { game, live } = this.#match ?? {};
    const player = this.#channel && this.#sessionKey?.member(this.#channel);
    if (!game || !live || !player || !this.#moves) return;
    const handle = live.call(player, `${GAMES[game].module}::${what}`, args, { lifetimeMs });
    this.#sessionKey?.follow(handle, GAMES[game].stakes.includes(what));
    this.#moves.add(label, handle);
  }

  /** The account signs that this page may play, and stake so much in the smallest unit. */
  async allow(stake: bigint): Promise<void> {
    if (this.#member) await this.#sessionKey?.allow(this.#member, stake);
  }

  /** The account signs that this page may play no more. */
  async revoke(): Promise<void> {
    if (this.#member) await this.#sessionKey?.revoke(this.#member);
  }

  /** Leaves the table: the next settlement pays what the account has in the channel. */
  leave(): void {
    this.#order("leave the table", (account) => account.leave());
  }

  /** Closes the table: the last settlement pays everybody. */
  closeTable(): void {
    this.#order("close the table", (account) => account.close());
  }

  /**
   * The account itself signs. Another program may do so, too, and take the number: then it is signed once
   * more, with the next one, since leaving and closing twice do nothing more.
   */
  #order(label: string, order: (account: Member) => CallHandle): void {
    const account = this.#member;
    if (!account || !this.#moves) return;
    const first = order(account);
    this.#moves.add(label, first);
    first.executed.catch((error) => {
      if (refusalOf(error, "sequence_number")) this.#moves?.add(label, order(account));
    });
  }

  #become(phase: Phase): void {
    this.#phase = phase;
    this.changed();
  }

  /** Another tab has taken the account. */
  #lose(): void {
    this.#hold = { held: false };
    this.#leaveMatch();
    this.#become({ is: "taken" });
  }

  /** Whether a node can be played at. To join, it has to be the player's own, which is named first. */
  async #admit({ url, request }: Candidate): Promise<void> {
    const { channel, nodes } = this.seat;
    const info = await request("state_channel.get", { channel });
    const own = url === nodes[0];
    const joined = info.record.members.some(({ record }) => record.account === this.account);
    if (!own && !joined && this.#phase.is !== "over") {
      throw new Error("you join by your own node, which is the link's first one");
    }
    if (!info.status && joined) {
      if (!own) throw new Error(`${url} does not run this table`);
      await request("state_channel.open", { channel });
    }
  }

  #follow(): void {
    this.changed();
    if (this.net.state.phase === "connected") void this.#look();
  }

  /** Asks for record and balances, and goes where they say. */
  async #look(): Promise<void> {
    const { client } = this.net;
    if (!client || this.net.state.phase !== "connected") return;
    try {
      const [info, ledger] = await Promise.all([
        client.info(this.seat.channel),
        client.ledger.balance(this.account),
      ]);
      this.#info = info;
      this.#ledger = ledger;
      await this.#go(client, info);
      await this.#lookAtSessions(info);
      await this.#lookAtPayment(client);
      this.#trouble = undefined;
    } catch (error) {
      // The net itself says that there is no connection; the next look asks again.
      this.#trouble = client.connected ? (error as Error).message : undefined;
    }
    this.changed();
  }

  async #lookAtSessions(info: ChannelInfo): Promise<void> {
    if (!this.#channel || this.#phase.is !== "playing") return;
    await this.#sessionKey?.look(this.#channel, info.status?.head ?? 0);
  }

  /** Once: all that the chain has said of the channel is read. */
  async #lookAtPayment({ ledger }: Client): Promise<void> {
    if (this.#phase.is !== "over" || this.#payment !== undefined || this.#askingPayment) return;
    this.#askingPayment = true;
    try {
      const events = (from: number, limit: number) => ledger.events(from, limit, this.seat.channel);
      this.#payment = await lastPayment(events, this.account);
    } finally {
      this.#askingPayment = false;
    }
  }

  async #go(client: Client, info: ChannelInfo): Promise<void> {
    if (this.#phase.is === "taken" || !this.#hold?.held) return;
    if (!this.game) {
      const reason = `this page does not know the table's package ${info.record.package}`;
      this.#become({ is: "wrong", reason });
      return;
    }
    const mine = info.record.members.find(({ record }) => record.account === this.account);
    const native = mine?.record.deposit[0]?.amount;
    if (native !== undefined) this.#deposit = BigInt(native);
    const listed = info.status?.members.some(({ account }) => account === this.account);
    const { open, settlement } = info.record;
    const paid = settlement.paid.includes(this.account) && !this.returns;
    const left = !mine && (!open || paid || this.#member);
    if (settlement.closed || left) this.#end();
    else if (mine && listed) await this.#play(client);
    else if (mine) this.#become(this.#member ? { is: "playing" } : { is: "joining" });
    else if (this.#phase.is !== "joining") this.#become({ is: "outside" });
  }

  /** Sits down, unless it has. */
  async #play(client: Client): Promise<void> {
    if (this.#channel || this.#starting) return;
    this.#starting = true;
    try {
      await this.#sit(await client.channel(this.seat.channel));
      this.#become({ is: "playing" });
    } finally {
      this.#starting = false;
    }
  }

  async #sit(channel: Channel): Promise<void> {
    const game = this.game as GameName;
    this.#feed ??= new Feed(GAMES[game].module, GAMES[game].history);
    this.#moves ??= new Moves(this.#feed);
    this.#sessionKey ??= new SessionKey(this.seat.channel, this.account, GAMES[game]);
    // What a reload has kept may hold still.
    await this.#sessionKey.look(channel, 0);
    await this.#feed.follow(channel);
    this.#match = await this.#start(game, channel);
    this.#member = channel.member(this.#key);
    this.#channel = channel;
  }

  async #start(game: GameName, channel: Channel): Promise<Match> {
    if (game === "arena") {
      const live = await LiveState.start(channel, { ...arena, filter: arena.FILTER });
      this.#watch(live, arena.stakeOf);
      return { game, live };
    }
    const live = await LiveState.start(channel, { ...ticTacToe, filter: ticTacToe.FILTER });
    this.#watch(live, ticTacToe.stakeOf);
    return { game, live };
  }

  /** Follows this player's money in the game. */
  #watch<State extends { vaults: ReadonlyMap<string, bigint> }>(
    live: LiveState<State>,
    stakeOf: (state: State, account: string) => bigint,
  ): void {
    const watch = (state: State) => {
      const vault = state.vaults.get(this.account);
      // The block in which an account leaves takes its vault with the stake that came back: what was
      // there before is what is paid out.
      if (vault !== undefined) {
        this.#vault = vault;
        this.#staked = stakeOf(state, this.account);
      }
      this.changed();
    };
    live.onChange(watch);
    watch(live.value);
  }

  #end(): void {
    if (this.#phase.is === "over") return;
    this.#payment = undefined;
    this.#sessionKey?.forget();
    this.#leaveMatch();
    this.#become({ is: "over" });
  }

  #leaveMatch(): void {
    this.#match?.live.close();
    this.#match = undefined;
    this.#feed?.stop();
    this.#channel = undefined;
  }
}
