// A server whose answers a test writes: for what a real node does seldom, or must never do.
import type { IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";

type Params = Record<string, unknown>;

export interface Peer {
  socket: WebSocket;
  /** Sends a notice of the subscription. */
  notify(subscription: number, result: unknown): void;
}

/** What a handler throws to answer with an error. */
export class Answer {
  constructor(readonly error: { code: number; message: string; data?: unknown }) {}

  static refusal(name: string, code: number, details: object, transient = false): Answer {
    return new Answer({ code, message: `refused: ${name}`, data: { name, details, transient } });
  }
}

/** Never answers. */
export const NEVER = Symbol("never");

export type Handler = (params: Params, peer: Peer) => unknown;

export class ScriptedServer {
  readonly requests: { method: string; params: Params }[] = [];
  readonly headers: IncomingHttpHeaders[] = [];
  readonly peers = new Set<Peer>();
  #server: WebSocketServer;
  #port: number;

  private constructor(
    server: WebSocketServer,
    readonly handlers: Record<string, Handler>,
  ) {
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
    this.#listen();
  }

  static async start(handlers: Record<string, Handler>): Promise<ScriptedServer> {
    const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
    await new Promise((resolve) => server.once("listening", resolve));
    return new ScriptedServer(server, handlers);
  }

  get url(): string {
    return `ws://127.0.0.1:${this.#port}`;
  }

  count(method: string): number {
    return this.requests.filter((request) => request.method === method).length;
  }

  /** Breaks every connection. */
  cut(): void {
    for (const peer of this.peers) peer.socket.terminate();
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Listens again at the same port, after `stop`. */
  async restart(): Promise<void> {
    this.#server = new WebSocketServer({ host: "127.0.0.1", port: this.#port });
    await new Promise((resolve) => this.#server.once("listening", resolve));
    this.#listen();
  }

  #listen(): void {
    this.#server.on("connection", (socket, request) => {
      this.headers.push(request.headers);
      const notify = (subscription: number, result: unknown) =>
        socket.send(
          JSON.stringify({
            jsonrpc: "2.0",
            method: "state_channel.notice",
            params: { subscription, result },
          }),
        );
      const peer = { socket, notify };
      this.peers.add(peer);
      socket.on("close", () => this.peers.delete(peer));
      socket.on("message", (data) => void this.#answer(peer, JSON.parse(String(data))));
    });
  }

  async #answer(peer: Peer, request: { id: number; method: string; params: Params }) {
    const { id, method, params } = request;
    this.requests.push({ method, params });
    const handler = this.handlers[method];
    const send = (rest: object) =>
      peer.socket.send(JSON.stringify({ jsonrpc: "2.0", id, ...rest }));
    if (!handler) {
      send({ error: { code: -32601, message: `no method ${method}` } });
      return;
    }
    try {
      const result = await handler(params, peer);
      if (result !== NEVER) send({ result: result ?? null });
    } catch (error) {
      if (!(error instanceof Answer)) throw error;
      send({ error: error.error });
    }
  }
}

/** Waits for a condition; fails after `ms` with what was waited for: long, for machines that are busy. */
export async function until(what: string, holds: () => boolean, ms = 20_000): Promise<void> {
  const end = Date.now() + ms;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`waited ${ms} ms in vain for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
