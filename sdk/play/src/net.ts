/**
 * The way to the net: a client of the seat's nodes. The SDK makes a connection that breaks again, at the
 * same node or the next one that will do; this says how it stands.
 */
import { type Candidate, Client } from "@fairway/sdk";
import { Changing } from "./changing.js";

const BACKOFF = { firstMs: 200, mostMs: 2_000 };
const OPTIONS = { connectTimeoutMs: 4_000, idleMs: 3_000, backoff: BACKOFF };

export type NetState =
  | { phase: "connecting"; reason: string | undefined }
  | { phase: "connected"; url: string }
  | { phase: "away"; url: string; reason: string }
  | { phase: "closed" };

export class Net extends Changing {
  #state: NetState = { phase: "connecting", reason: undefined };
  #client: Client | undefined;
  #closed = false;

  /** `admit` throws what stands against playing at a node. */
  constructor(
    readonly nodes: readonly string[],
    private readonly token: string | undefined,
    private readonly admit: (candidate: Candidate) => Promise<void>,
  ) {
    super();
    addEventListener("offline", this.#offline);
    addEventListener("online", this.#back);
    void this.#connect();
  }

  get state(): NetState {
    return this.#state;
  }

  /** The same for as long as the page lives, also while its connection is away. */
  get client(): Client | undefined {
    return this.#client;
  }

  close(): void {
    this.#closed = true;
    removeEventListener("offline", this.#offline);
    removeEventListener("online", this.#back);
    this.#client?.close();
    this.#become({ phase: "closed" });
  }

  #become(state: NetState): void {
    this.#state = state;
    this.changed();
  }

  /** The browser knows before the connection does. */
  readonly #offline = () => this.#left("this device is offline");

  #left(reason: string): void {
    const url = this.#client?.connection.url;
    if (url && !this.#closed) this.#become({ phase: "away", url, reason });
  }

  readonly #back = () => {
    const client = this.#client;
    if (!client?.connected || this.#closed) return;
    this.#become({ phase: "connected", url: client.connection.url });
  };

  /** Asks the nodes until one will do. */
  async #connect(): Promise<void> {
    const token = this.token === undefined ? {} : { token: this.token };
    const options = { ...OPTIONS, ...token, admit: this.admit };
    for (let tries = 0; !this.#closed && !this.#client; tries += 1) {
      try {
        this.#client = await Client.connect(this.nodes, options);
      } catch (error) {
        if (this.#closed) return;
        this.#become({ phase: "connecting", reason: (error as Error).message });
        const pause = Math.min(BACKOFF.mostMs, BACKOFF.firstMs * 2 ** tries);
        await new Promise((done) => setTimeout(done, pause));
      }
    }
    if (this.#closed) this.#client?.close();
    this.#client?.onLeave(({ reason }) => this.#left(reason));
    this.#client?.onReconnect(this.#back);
    this.#back();
  }
}
