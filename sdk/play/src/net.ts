/**
 * The way to the net: a client of one of the seat's nodes. A connection that breaks is made again by the
 * SDK; when the node stays away, another node of the seat is taken that runs the channel.
 */
import { Client, type FairwayError } from "@fairway/sdk";
import { Changing } from "./changing.js";

/** How a node may answer before the next one is asked. */
const AWAY_MS = 2_000;
const BACKOFF = { firstMs: 200, mostMs: 2_000 };
const OPTIONS = { connectTimeoutMs: 4_000, idleMs: 3_000, backoff: BACKOFF };

export type NetState =
  | { phase: "connecting"; tries: number; reason: string | undefined }
  | { phase: "connected"; url: string }
  | { phase: "away"; url: string; reason: string }
  | { phase: "closed" };

/** Whether a node can be played at: it throws what stands against it. */
export type Suits = (client: Client) => Promise<void>;

export class Net extends Changing {
  #state: NetState = { phase: "connecting", tries: 0, reason: undefined };
  #client: Client | undefined;
  #place = 0;
  #away: ReturnType<typeof setTimeout> | undefined;
  #looking = false;
  #closed = false;

  constructor(
    readonly nodes: readonly string[],
    private readonly token: string | undefined,
    private readonly suits: Suits,
  ) {
    super();
    addEventListener("offline", this.#offline);
    addEventListener("online", this.#online);
    void this.#look();
  }

  get state(): NetState {
    return this.#state;
  }

  /** The client of the node that is played at, also while its connection is away. */
  get client(): Client | undefined {
    return this.#client;
  }

  close(): void {
    this.#closed = true;
    removeEventListener("offline", this.#offline);
    removeEventListener("online", this.#online);
    clearTimeout(this.#away);
    this.#client?.close();
    this.#become({ phase: "closed" });
  }

  #become(state: NetState): void {
    this.#state = state;
    this.changed();
  }

  /** The browser knows before the connection does. */
  readonly #offline = () => this.#left("this device is offline");

  readonly #online = () => {
    const { phase } = this.#state;
    if (phase === "away" && this.#client?.connected) this.#back();
    else if (phase === "away") this.#lookSoon();
  };

  #left(reason: string): void {
    const client = this.#client;
    if (this.#closed || !client || this.#looking) return;
    this.#become({ phase: "away", url: client.connection.url, reason });
    this.#lookSoon();
  }

  #lookSoon(): void {
    clearTimeout(this.#away);
    if (this.nodes.length > 1) this.#away = setTimeout(() => this.#elsewhere(), AWAY_MS);
  }

  #back(): void {
    clearTimeout(this.#away);
    const url = this.#client?.connection.url;
    if (url && !this.#closed) this.#become({ phase: "connected", url });
  }

  /** Not while the device itself is offline: then no node is better than another. */
  #elsewhere(): void {
    if (this.#closed || this.#looking || this.#client?.connected || !navigator.onLine) return;
    this.#place += 1;
    void this.#look();
  }

  /** Asks the nodes one after another until one suits. */
  async #look(): Promise<void> {
    this.#looking = true;
    let reason: string | undefined;
    for (let tries = 0; !this.#closed; tries += 1, this.#place += 1) {
      if (!this.#client) this.#become({ phase: "connecting", tries, reason });
      const url = this.nodes[this.#place % this.nodes.length] as string;
      try {
        await this.#take(url);
        break;
      } catch (error) {
        reason = (error as FairwayError).message;
        await new Promise((done) => setTimeout(done, Math.min(2_000, 200 * 2 ** tries)));
        if (this.#client?.connected) break;
      }
    }
    this.#looking = false;
    if (this.#client?.connected) this.#back();
    else this.#left("it broke while it was made");
  }

  async #take(url: string): Promise<void> {
    const client = await Client.connect(url, {
      ...OPTIONS,
      ...(this.token !== undefined && { token: this.token }),
    });
    try {
      await this.suits(client);
      if (this.#closed) throw new Error("the page closed the connection");
    } catch (error) {
      client.close();
      throw error;
    }
    this.#client?.close();
    this.#client = client;
    client.onLeave(({ reason }) => this.#client === client && this.#left(reason));
    client.onReconnect(() => this.#client === client && this.#back());
  }
}
