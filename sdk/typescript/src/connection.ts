/** JSON-RPC 2.0 over a WebSocket that is made again when it breaks, to the same server or another one. */

import type { Methods } from "./api.js";
import { Emitter } from "./emitter.js";
import {
  ClosedError,
  type FairwayError,
  fromData,
  invalid,
  ProtocolError,
  RpcError,
  TimedOutError,
  UnreachableError,
} from "./errors.js";
import { parseJson, writeJson } from "./json.js";
import type {
  Candidate,
  ConnectionOptions,
  Left,
  Reconnected,
  RequestOptions,
  Sink,
} from "./options.js";
import { Patience, patiently } from "./patience.js";
import { openSocket, type Socket } from "./socket.js";
import { backoffMs, sleep, within } from "./time.js";

interface Server {
  readonly url: string;
  readonly socket: Socket;
  /** Why it is lost, once it is. */
  lost?: string;
}

interface Waiting {
  server: Server;
  resolve(result: unknown): void;
  reject(error: FairwayError): void;
}

/** Requests whose repetition does something twice. */
const NOT_REPEATED = new Set<string>(["chain.faucet"]);
/** Notices that may come before the answer that names their subscription. */
const MOST_EARLY = 4096;

const DEFAULTS = {
  connectTimeoutMs: 5_000,
  requestTimeoutMs: 60_000,
  idleMs: 15_000,
  backoff: { firstMs: 100, mostMs: 5_000 },
  patienceMs: 10_000,
};

/** One server at a time. Made by `Connection.open`. */
export class Connection {
  /** The servers that it may use, in the order in which they are tried. */
  readonly urls: readonly string[];
  readonly #options: typeof DEFAULTS & Pick<ConnectionOptions, "token" | "admit">;
  readonly #left = new Emitter<Left>();
  readonly #reconnected = new Emitter<Reconnected>();
  readonly #waiting = new Map<number, Waiting>();
  readonly #sinks = new Map<number, Sink>();
  #early: { subscription: number; result: unknown; bytes: number }[] = [];
  #subscribing = 0;
  #server: Server | undefined;
  #opening: Promise<Server> | undefined;
  /** Where it is, or was last. */
  #url: string;
  /** Why there is none at the moment. */
  #reason = "";
  #nextId = 1;
  #heardAt = 0;
  /** When a sign of life was asked for last. */
  #askedAt = 0;
  #probe: ReturnType<typeof setInterval> | undefined;
  #closed = false;
  #wake: (() => void) | undefined;

  private constructor(urls: readonly string[], options: ConnectionOptions) {
    this.urls = [...new Set(urls)];
    this.#url = this.urls[0] ?? "";
    this.#options = { ...DEFAULTS, ...options };
  }

  /**
   * Connects to a server (`ws://…`, `wss://…`), or to the first of several that answers and is admitted.
   * When the connection breaks, they are tried in turn, beginning with the one that was lost, or with the
   * next one when that fell silent.
   */
  static async open(
    urls: string | readonly string[],
    options: ConnectionOptions = {},
  ): Promise<Connection> {
    const connection = new Connection(addresses(urls), options);
    await connection.#first();
    return connection;
  }

  /** The server that is used, or was last. */
  get url(): string {
    return this.#url;
  }

  /** How long a request may be put off in all, in milliseconds. */
  get patienceMs(): number {
    return this.#options.patienceMs;
  }

  /** Whether there is a connection now. */
  get connected(): boolean {
    return this.#server !== undefined;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Calls `listener` whenever the connection breaks. The answer takes the listener away. */
  onLeave(listener: (left: Left) => void): () => void {
    return this.#left.on(listener);
  }

  /** Calls `listener` whenever the connection stands again. The answer takes the listener away. */
  onReconnect(listener: (reconnected: Reconnected) => void): () => void {
    return this.#reconnected.on(listener);
  }

  /** Ends the connection for good; what waits fails with `ClosedError`. */
  close(): void {
    this.#closed = true;
    const server = this.#server;
    this.#drop();
    for (const waiting of this.#waiting.values()) waiting.reject(new ClosedError(this.url));
    this.#waiting.clear();
    server?.socket.close();
    this.#wake?.();
  }

  /**
   * Sends a request. With no connection it waits for one; when the connection breaks under way, it is
   * sent once more on the next, which may be to another server. One that the server puts off is sent
   * again, the same bytes, as `patienceMs` says.
   */
  async request<Name extends keyof Methods>(
    method: Name,
    params: Methods[Name]["params"],
    options: RequestOptions = {},
  ): Promise<Methods[Name]["result"]> {
    const { timeoutMs = this.#options.requestTimeoutMs, at } = options;
    const patience = new Patience(options.patienceMs ?? this.patienceMs);
    const send = () => this.#requestTwice(method, params, timeoutMs, at);
    return (await patiently(patience, send)) as Methods[Name]["result"];
  }

  /** Subscribes; the answer is the subscription's id. It ends with the connection. */
  async subscribe(method: string, params: object, sink: Sink): Promise<number> {
    this.#subscribing += 1;
    try {
      const attach = (id: unknown) => this.#attach(id, sink);
      const { requestTimeoutMs } = this.#options;
      const send = async () =>
        this.#send(await this.#stands(), method, params, requestTimeoutMs, attach);
      const id = await patiently(new Patience(this.patienceMs), send);
      if (typeof id === "number") return id;
      throw new ProtocolError(this.url, `${method} answered with no subscription`);
    } finally {
      this.#subscribing -= 1;
      if (this.#subscribing === 0) this.#early = [];
    }
  }

  /** Ends a subscription, if the connection it came on still stands. */
  unsubscribe(method: string, id: number): void {
    if (!this.#sinks.delete(id) || !this.#server) return;
    // Nothing depends on the answer: with the connection the subscription ends as well.
    this.#send(this.#server, method, [id], this.#options.requestTimeoutMs).catch(() => {});
  }

  async #requestTwice(
    method: string,
    params: object,
    timeoutMs: number,
    at: string | undefined,
  ): Promise<unknown> {
    const until = Date.now() + timeoutMs;
    const left = () => Math.max(1, until - Date.now());
    try {
      return await this.#send(await this.#stands(at), method, params, left());
    } catch (error) {
      const broken = error instanceof UnreachableError && !NOT_REPEATED.has(method);
      if (!broken || this.#closed) throw error;
      return this.#send(await this.#stands(at), method, params, left());
    }
  }

  /** The live server; waits for the next one if there is none. */
  async #stands(at?: string): Promise<Server> {
    if (this.#closed) throw new ClosedError(this.url);
    const server = this.#server ?? (await this.#soon());
    if (at === undefined || server.url === at) return server;
    throw new UnreachableError(at, `the connection has moved on to ${server.url}`);
  }

  #soon(): Promise<Server> {
    const { connectTimeoutMs } = this.#options;
    const late = () => {
      const why = this.#reason ? `: ${this.#reason}` : "";
      return new UnreachableError(this.url, `no connection within ${connectTimeoutMs} ms${why}`);
    };
    return within(this.#again(), connectTimeoutMs, late);
  }

  #send(
    server: Server,
    method: string,
    params: object,
    timeoutMs: number,
    first?: (result: unknown) => void,
  ): Promise<unknown> {
    const id = this.#nextId++;
    const answer = new Promise((resolve, reject) => {
      const answered = (result: unknown) => {
        first?.(result);
        resolve(result);
      };
      this.#waiting.set(id, { server, resolve: answered, reject });
      try {
        server.socket.send(writeJson({ jsonrpc: "2.0", id, method, params }));
      } catch (error) {
        reject(new UnreachableError(server.url, String(error)));
      }
    });
    const late = () => new TimedOutError(server.url, method, timeoutMs);
    return within(answer, timeoutMs, late).finally(() => this.#waiting.delete(id));
  }

  #attach(id: unknown, sink: Sink): void {
    if (typeof id !== "number") return;
    this.#sinks.set(id, sink);
    const early = this.#early.filter((notice) => notice.subscription === id);
    this.#early = this.#early.filter((notice) => notice.subscription !== id);
    for (const { result, bytes } of early) sink.notice(result, bytes);
  }

  /** The first server that answers and is admitted; each is tried once. */
  async #first(): Promise<void> {
    const errors: Error[] = [];
    for (const url of this.urls) {
      try {
        await this.#connect(url);
        return;
      } catch (error) {
        errors.push(error as Error);
      }
    }
    const [only] = errors;
    if (only && errors.length === 1) throw only;
    const reasons = errors.map(({ message }) => message).join("; ");
    throw new UnreachableError(this.urls.join(", "), reasons);
  }

  /** Connects to one server and uses it from then on, if it is admitted. */
  async #connect(url: string): Promise<Server> {
    const { token, connectTimeoutMs, admit } = this.#options;
    const server: Server = { url, socket: await openSocket(url, token, connectTimeoutMs) };
    this.#listen(server);
    try {
      const request: Candidate["request"] = async (method, params) =>
        (await this.#send(server, method, params, connectTimeoutMs)) as never;
      const late = () => new TimedOutError(url, "whether it can be used", connectTimeoutMs);
      if (admit) await within(admit({ url, request }), connectTimeoutMs, late);
      if (this.#closed) throw new ClosedError(url);
      if (server.lost !== undefined) throw new UnreachableError(url, server.lost);
    } catch (error) {
      this.#mute(server, String(error));
      server.socket.close();
      throw error;
    }
    this.#adopt(server);
    return server;
  }

  #listen(server: Server): void {
    const { socket } = server;
    socket.onmessage = (event) => this.#receive(server, event.data);
    socket.onerror = () => {};
    socket.onclose = ({ code, reason }) =>
      this.#broke(server, reason || `closed with code ${code}`);
  }

  /** Nothing more is heard of it; what waits for it fails. */
  #mute(server: Server, reason: string): void {
    server.socket.onmessage = null;
    server.socket.onclose = null;
    for (const [id, waiting] of this.#waiting) {
      if (waiting.server !== server) continue;
      this.#waiting.delete(id);
      waiting.reject(
        this.#closed ? new ClosedError(server.url) : new UnreachableError(server.url, reason),
      );
    }
  }

  #adopt(server: Server): void {
    this.#server = server;
    this.#url = server.url;
    this.#heardAt = Date.now();
    this.#askedAt = 0;
    this.#probe = setInterval(() => this.#check(server), Math.max(50, this.#options.idleMs / 3));
    (this.#probe as { unref?: () => void }).unref?.();
  }

  /**
   * Asks a silent server for a sign of life; any answer is one. It is gone only when it was asked: where
   * timers come late, as in tabs that nobody looks at, silence alone says nothing.
   */
  #check(server: Server): void {
    const [now, { idleMs }] = [Date.now(), this.#options];
    const silent = now - this.#heardAt;
    if (silent <= idleMs) return;
    if (this.#askedAt <= this.#heardAt) {
      this.#askedAt = now;
      this.#send(server, "state_channel.list", {}, idleMs).catch(() => {});
    } else if (now - this.#askedAt > idleMs) {
      this.#broke(server, `silent for ${silent} ms`, true);
      server.socket.close();
    }
  }

  #broke(server: Server, reason: string, silent = false): void {
    server.lost = reason;
    this.#mute(server, reason);
    if (server !== this.#server) return;
    this.#drop(reason);
    this.#reason = reason;
    this.#left.emit({ url: server.url, reason });
    // It goes on until it stands or the client is closed.
    this.#again(silent).catch(() => {});
  }

  #drop(reason = ""): void {
    clearInterval(this.#probe);
    if (this.#server) this.#mute(this.#server, reason);
    this.#server = undefined;
    const sinks = [...this.#sinks.values()];
    this.#sinks.clear();
    this.#early = [];
    for (const sink of sinks) sink.gone();
  }

  #again(silent = false): Promise<Server> {
    this.#opening ??= this.#reopen(silent).finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  /** Tries every server in turn, with a longer wait before each round. */
  async #reopen(silent: boolean): Promise<Server> {
    const [since, from, { urls }] = [Date.now(), this.url, this];
    // One that fell silent would take the whole time to connect.
    const begin = urls.indexOf(from) + (silent ? 1 : 0);
    for (let tried = 0; ; tried += 1) {
      if (tried % urls.length === 0) await this.#pause(tried / urls.length);
      if (this.#closed) throw new ClosedError(from);
      const url = urls[(begin + tried) % urls.length] ?? from;
      try {
        const server = await this.#connect(url);
        const [awayMs, attempts] = [Date.now() - since, tried + 1];
        this.#reconnected.emit({ url, from, awayMs, attempts });
        return server;
      } catch (error) {
        this.#reason = (error as Error).message;
      }
    }
  }

  /** Before a round of attempts; closing ends it. */
  async #pause(round: number): Promise<void> {
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    await Promise.race([sleep(backoffMs(this.#options.backoff, round)), woken]);
  }

  #receive(server: Server, data: unknown): void {
    if (server === this.#server) this.#heardAt = Date.now();
    if (typeof data !== "string") return;
    let message: unknown;
    try {
      message = parseJson(data);
    } catch (error) {
      this.#refuse(server, `no JSON: ${String(error)}`);
      return;
    }
    const messages = Array.isArray(message) ? message : [message];
    for (const one of messages) this.#take(server, one, data.length);
  }

  #refuse(server: Server, reason: string): void {
    for (const [id, waiting] of this.#waiting) {
      if (waiting.server !== server) continue;
      this.#waiting.delete(id);
      waiting.reject(new ProtocolError(server.url, reason));
    }
  }

  #take(
    server: Server,
    message: Partial<Record<"id" | "method" | "params" | "result" | "error", unknown>>,
    bytes: number,
  ): void {
    if (typeof message?.id === "number") this.#answer(message.id, message);
    else if (typeof message?.method === "string") this.#notice(message.params, bytes);
    else this.#refuse(server, "a message that is neither an answer nor a notice");
  }

  #answer(id: number, message: { result?: unknown; error?: unknown }): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (!waiting) return;
    if (message.error === undefined) {
      waiting.resolve(message.result);
      return;
    }
    const {
      code,
      message: text,
      data,
    } = message.error as { code: number; message: string; data?: unknown };
    const error = fromData(data, text, code);
    waiting.reject(error instanceof RpcError ? new RpcError(code, text, data) : error);
  }

  #notice(params: unknown, bytes: number): void {
    const { subscription, result } = (params ?? {}) as { subscription?: unknown; result?: unknown };
    if (typeof subscription !== "number") return;
    const sink = this.#sinks.get(subscription);
    if (sink) sink.notice(result, bytes);
    else if (this.#subscribing > 0 && this.#early.length < MOST_EARLY) {
      this.#early.push({ subscription, result, bytes });
    }
  }
}

/** The servers' addresses, at least one. */
function addresses(urls: string | readonly string[]): readonly string[] {
  const list = typeof urls === "string" ? [urls] : urls;
  if (list.length === 0) throw invalid("urls", "expected the address of a server at least");
  for (const url of list) {
    if (URL.canParse(url) && /^wss?:$/.test(new URL(url).protocol)) continue;
    throw invalid("url or token", `expected ws://… or wss://…, found ${JSON.stringify(url)}`);
  }
  return list;
}
