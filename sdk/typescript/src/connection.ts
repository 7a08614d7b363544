/** JSON-RPC 2.0 over a WebSocket that is made again when it breaks. */

import type { Methods } from "./api.js";
import { Emitter } from "./emitter.js";
import {
  ClosedError,
  type FairwayError,
  fromData,
  ProtocolError,
  RpcError,
  TimedOutError,
  UnreachableError,
} from "./errors.js";
import { parseJson, writeJson } from "./json.js";
import { openSocket, type Socket } from "./socket.js";
import { type Backoff, backoffMs, sleep, within } from "./time.js";

/** How a connection behaves. Times in milliseconds. */
export interface ConnectionOptions {
  /** What the server asks for, if it asks for one. */
  token?: string;
  /** How long one attempt to connect may take, and a request may wait for a connection: 5,000. */
  connectTimeoutMs?: number;
  /** How long a request may wait for its answer: 60,000. */
  requestTimeoutMs?: number;
  /** A connection on which nothing came for so long is asked whether it lives: 15,000. */
  idleMs?: number;
  /** Waits between attempts to connect again: 100 at first, 5,000 at most. */
  backoff?: Backoff;
}

/** Why the connection is gone; it is being made again. */
export interface Left {
  url: string;
  reason: string;
}

/** The connection stands again. */
export interface Reconnected {
  url: string;
  /** How long it was away. */
  awayMs: number;
  /** Attempts that it took. */
  attempts: number;
}

/** Notices of one subscription, as they come. */
export interface Sink {
  /** `bytes` is about what the notice takes in memory. */
  notice(result: unknown, bytes: number): void;
  /** The connection broke: the subscription is over. */
  gone(): void;
}

interface Waiting {
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
};

/** One server. Made by `Connection.open`. */
export class Connection {
  readonly #options: typeof DEFAULTS & { token?: string };
  readonly #left = new Emitter<Left>();
  readonly #reconnected = new Emitter<Reconnected>();
  readonly #waiting = new Map<number, Waiting>();
  readonly #sinks = new Map<number, Sink>();
  #early: { subscription: number; result: unknown; bytes: number }[] = [];
  #subscribing = 0;
  #socket: Socket | undefined;
  #opening: Promise<Socket> | undefined;
  #nextId = 1;
  #heardAt = 0;
  #probe: ReturnType<typeof setInterval> | undefined;
  #closed = false;
  #wake: (() => void) | undefined;

  private constructor(
    readonly url: string,
    options: ConnectionOptions,
  ) {
    this.#options = { ...DEFAULTS, ...options };
  }

  /** Connects to `url` (`ws://…`, `wss://…`). */
  static async open(url: string, options: ConnectionOptions = {}): Promise<Connection> {
    const connection = new Connection(url, options);
    const { token, connectTimeoutMs } = connection.#options;
    connection.#adopt(await openSocket(url, token, connectTimeoutMs));
    return connection;
  }

  /** Whether there is a connection now. */
  get connected(): boolean {
    return this.#socket !== undefined;
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
    const socket = this.#socket;
    this.#drop();
    socket?.close();
    this.#wake?.();
  }

  /**
   * Sends a request. With no connection it waits for one; when the connection breaks under way, it is
   * sent once more on the next.
   */
  async request<Name extends keyof Methods>(
    method: Name,
    params: Methods[Name]["params"],
    timeoutMs = this.#options.requestTimeoutMs,
  ): Promise<Methods[Name]["result"]> {
    return (await this.#requestTwice(method, params, timeoutMs)) as Methods[Name]["result"];
  }

  /** Subscribes; the answer is the subscription's id. It ends with the connection. */
  async subscribe(method: string, params: object, sink: Sink): Promise<number> {
    this.#subscribing += 1;
    try {
      const attach = (id: unknown) => this.#attach(id, sink);
      const socket = await this.#stands();
      const { requestTimeoutMs } = this.#options;
      const id = await this.#send(socket, method, params, requestTimeoutMs, attach);
      if (typeof id === "number") return id;
      throw new ProtocolError(this.url, `${method} answered with no subscription`);
    } finally {
      this.#subscribing -= 1;
      if (this.#subscribing === 0) this.#early = [];
    }
  }

  /** Ends a subscription, if the connection it came on still stands. */
  unsubscribe(method: string, id: number): void {
    if (!this.#sinks.delete(id) || !this.#socket) return;
    // Nothing depends on the answer: with the connection the subscription ends as well.
    this.#send(this.#socket, method, [id], this.#options.requestTimeoutMs).catch(() => {});
  }

  async #requestTwice(method: string, params: object, timeoutMs: number): Promise<unknown> {
    const until = Date.now() + timeoutMs;
    const left = () => Math.max(1, until - Date.now());
    try {
      return await this.#send(await this.#stands(), method, params, left());
    } catch (error) {
      const broken = error instanceof UnreachableError && !NOT_REPEATED.has(method);
      if (!broken || this.#closed) throw error;
      return this.#send(await this.#stands(), method, params, left());
    }
  }

  /** The live socket; waits for the next one if there is none. */
  async #stands(): Promise<Socket> {
    if (this.#closed) throw new ClosedError(this.url);
    if (this.#socket) return this.#socket;
    const { connectTimeoutMs } = this.#options;
    const late = () =>
      new UnreachableError(this.url, `no connection within ${connectTimeoutMs} ms`);
    return within(this.#again(), connectTimeoutMs, late);
  }

  #send(
    socket: Socket,
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
      this.#waiting.set(id, { resolve: answered, reject });
      try {
        socket.send(writeJson({ jsonrpc: "2.0", id, method, params }));
      } catch (error) {
        reject(new UnreachableError(this.url, String(error)));
      }
    });
    const late = () => new TimedOutError(this.url, method, timeoutMs);
    return within(answer, timeoutMs, late).finally(() => this.#waiting.delete(id));
  }

  #attach(id: unknown, sink: Sink): void {
    if (typeof id !== "number") return;
    this.#sinks.set(id, sink);
    const early = this.#early.filter((notice) => notice.subscription === id);
    this.#early = this.#early.filter((notice) => notice.subscription !== id);
    for (const { result, bytes } of early) sink.notice(result, bytes);
  }

  #adopt(socket: Socket): void {
    this.#socket = socket;
    this.#heardAt = Date.now();
    socket.onmessage = (event) => {
      if (socket === this.#socket) this.#receive(event.data);
    };
    socket.onerror = () => {};
    socket.onclose = ({ code, reason }) =>
      this.#broke(socket, reason || `closed with code ${code}`);
    this.#probe = setInterval(() => this.#check(socket), Math.max(50, this.#options.idleMs / 3));
    (this.#probe as { unref?: () => void }).unref?.();
  }

  /** Asks a silent server for a sign of life; any answer is one. */
  #check(socket: Socket): void {
    const silent = Date.now() - this.#heardAt;
    if (silent > 2 * this.#options.idleMs) {
      this.#broke(socket, `silent for ${silent} ms`);
      socket.close();
    } else if (silent > this.#options.idleMs) {
      this.#send(socket, "state_channel.list", {}, this.#options.idleMs).catch(() => {});
    }
  }

  #broke(socket: Socket, reason: string): void {
    if (socket !== this.#socket) return;
    this.#drop(reason);
    this.#left.emit({ url: this.url, reason });
    // It goes on until it stands or the client is closed.
    this.#again().catch(() => {});
  }

  #drop(reason = ""): void {
    clearInterval(this.#probe);
    this.#socket = undefined;
    const sinks = [...this.#sinks.values()];
    const waiting = [...this.#waiting.values()];
    this.#sinks.clear();
    this.#waiting.clear();
    this.#early = [];
    const error = () =>
      this.#closed ? new ClosedError(this.url) : new UnreachableError(this.url, reason);
    for (const request of waiting) request.reject(error());
    for (const sink of sinks) sink.gone();
  }

  #again(): Promise<Socket> {
    this.#opening ??= this.#reopen().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #reopen(): Promise<Socket> {
    const since = Date.now();
    const { token, connectTimeoutMs, backoff } = this.#options;
    for (let attempts = 1; ; attempts += 1) {
      const pause = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      await Promise.race([sleep(backoffMs(backoff, attempts - 1)), pause]);
      if (this.#closed) throw new ClosedError(this.url);
      const socket = await openSocket(this.url, token, connectTimeoutMs).catch(() => undefined);
      if (!socket) continue;
      if (this.#closed) {
        socket.close();
        throw new ClosedError(this.url);
      }
      this.#adopt(socket);
      this.#reconnected.emit({ url: this.url, awayMs: Date.now() - since, attempts });
      return socket;
    }
  }

  #receive(data: unknown): void {
    this.#heardAt = Date.now();
    if (typeof data !== "string") return;
    let message: unknown;
    try {
      message = parseJson(data);
    } catch (error) {
      this.#refuse(`no JSON: ${String(error)}`);
      return;
    }
    for (const one of Array.isArray(message) ? message : [message]) this.#take(one, data.length);
  }

  #refuse(reason: string): void {
    for (const waiting of this.#waiting.values()) {
      waiting.reject(new ProtocolError(this.url, reason));
    }
    this.#waiting.clear();
  }

  #take(
    message: Partial<Record<"id" | "method" | "params" | "result" | "error", unknown>>,
    bytes: number,
  ): void {
    if (typeof message?.id === "number") this.#answer(message.id, message);
    else if (typeof message?.method === "string") this.#notice(message.params, bytes);
    else this.#refuse("a message that is neither an answer nor a notice");
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
