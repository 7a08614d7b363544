/**
 * The page's own key: what the account lets it sign at this table, within limits, for some hours. Moves
 * are signed with it, so that the account signs once and is not asked for each. It is kept with the tab:
 * a reload goes on with it.
 */
import {
  type CallHandle,
  type Channel,
  Keypair,
  type Member,
  NATIVE,
  refusalOf,
  type Session,
} from "@fairway/sdk";
import { Changing } from "./changing.js";
import type { Known } from "./games/known.js";
import { reasonOf } from "./moves.js";

export const HOURS = 4;

export type Standing =
  /** The account has signed nothing for this page. */
  | { is: "none" }
  /** `left` may still be staked, in the smallest unit. */
  | { is: "allowed"; left: bigint; expiresAt: number }
  | { is: "expired" }
  | { is: "revoked" };

type Limits = Pick<Session, "spending" | "expires_at">;

export class SessionKey extends Changing {
  #key: Keypair | undefined;
  /** What the node says of the key; absent when it knows none. */
  #limits: Limits | undefined;
  #revoked = false;
  /** The block that holds what was delegated: a node that is behind it knows nothing of it. */
  #since = 0;
  #signing: "allow" | "revoke" | undefined;
  /** Counts what the account signs: what was asked before it says nothing of it. */
  #turn = 0;
  #error: string | undefined;
  #overSpent: { left: bigint; spent: bigint } | undefined;
  #unsent: bigint | undefined;

  constructor(
    private readonly channel: string,
    private readonly account: string,
    readonly game: Known,
  ) {
    super();
    this.#key = this.#kept();
  }

  /** The public key, once there is one. */
  get key(): string | undefined {
    return this.#key?.publicKey;
  }

  get standing(): Standing {
    const limits = this.#limits;
    if (!limits) return { is: this.#revoked ? "revoked" : "none" };
    if (limits.expires_at <= Date.now()) return { is: "expired" };
    const native = limits.spending.find(({ asset }) => asset === NATIVE);
    return { is: "allowed", left: BigInt(native?.amount ?? 0), expiresAt: limits.expires_at };
  }

  /** What the account signs at the moment. */
  get signing(): "allow" | "revoke" | undefined {
    return this.#signing;
  }

  /** Why what the account signed last was not done. */
  get error(): string | undefined {
    return this.#error;
  }

  /** The last move that would have spent too much, until more is allowed, another stake is made, or it is put aside. */
  get overSpent(): { left: bigint; spent: bigint } | undefined {
    return this.#overSpent;
  }

  /** What the player wanted to stake before it allowed more, until it stakes. */
  get unsent(): bigint | undefined {
    return this.#unsent;
  }

  /** Who calls with this key; absent when it may not. */
  member(channel: Channel): Member | undefined {
    if (!this.#key || this.standing.is !== "allowed") return undefined;
    return channel.session(this.account, this.#key);
  }

  /** The account delegates: in place of what this key had, or to a new one when that has ended. */
  async allow(account: Member, stake: bigint): Promise<void> {
    const { functions, module } = this.game;
    const used = this.standing.is === "allowed" ? this.#key : undefined;
    const key = used ?? Keypair.generate();
    const limits: Limits = {
      spending: stake > 0n ? [{ asset: NATIVE, amount: String(stake) }] : [],
      expires_at: Date.now() + HOURS * 3_600_000,
    };
    const given = {
      ...limits,
      key: key.publicKey,
      functions: functions.map((name) => `${module}::${name}`),
    };
    await this.#sign("allow", async () => {
      const { height } = await account.delegate(given).certified;
      this.#keep(key);
      this.#limits = limits;
      this.#since = height;
      this.#revoked = false;
      this.#unsent = this.#overSpent?.spent;
      this.#overSpent = undefined;
    });
  }

  /** The account takes back what it delegated. */
  async revoke(account: Member): Promise<void> {
    const { key } = this;
    if (!key) return;
    await this.#sign("revoke", async () => {
      await account.revoke(key).certified;
      this.#limits = undefined;
      this.#revoked = true;
      this.forget();
    });
  }

  async #sign(what: "allow" | "revoke", work: () => Promise<void>): Promise<void> {
    if (this.#signing) return;
    this.#signing = what;
    this.#turn += 1;
    this.#error = undefined;
    this.changed();
    try {
      // Another program may sign with the account meanwhile, and take the number.
      await work().catch((error) => {
        if (!refusalOf(error, "sequence_number")) throw error;
        return work();
      });
    } catch (error) {
      this.#error = reasonOf(error as Error);
    }
    this.#signing = undefined;
    this.#turn += 1;
    this.changed();
  }

  /** Asks a node whose log reaches to `head` how the key stands. */
  async look(channel: Channel, head: number): Promise<void> {
    const turn = this.#turn;
    if (!this.#key || head < this.#since) return;
    const sessions = await channel.sessions(this.account);
    if (turn !== this.#turn) return;
    const found = sessions.find((session) => session.key === this.key);
    // Somebody else with the account's key can revoke as well.
    if (!found && this.#limits) this.#revoked = true;
    this.#limits = found;
    this.changed();
  }

  /** Learns what becomes of a move, which takes money if it `stakes`. */
  follow(handle: Pick<CallHandle, "executed">, stakes: boolean): void {
    handle.executed.then(
      () => stakes && this.putAside(),
      (error) => this.#note(error),
    );
  }

  #note(error: unknown): void {
    const over = refusalOf(error, "over_spent");
    if (!over) return;
    this.#overSpent = { left: BigInt(over.left), spent: BigInt(over.spent) };
    this.changed();
  }

  /** The player stakes something else instead, or nothing. */
  putAside(): void {
    if (this.#overSpent === undefined && this.#unsent === undefined) return;
    this.#overSpent = undefined;
    this.#unsent = undefined;
    this.changed();
  }

  /** The key is no use any more. */
  forget(): void {
    this.#key = undefined;
    withStorage((storage) => storage.removeItem(this.#place));
  }

  get #place(): string {
    return `fairway-play key ${this.channel} ${this.account}`;
  }

  #keep(key: Keypair): void {
    this.#key = key;
    const seed = Array.from(key.secretSeed()).join(",");
    withStorage((storage) => storage.setItem(this.#place, seed));
  }

  #kept(): Keypair | undefined {
    const text = withStorage((storage) => storage.getItem(this.#place));
    const seed = Uint8Array.from((text ?? "").split(","), Number);
    return seed.length === 32 ? Keypair.fromSeed(seed) : undefined;
  }
}

/** The tab's storage, where the browser gives one. */
function withStorage<T>(use: (storage: Storage) => T): T | undefined {
  try {
    return use(sessionStorage);
  } catch {
    return undefined;
  }
}
