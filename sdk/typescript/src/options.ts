/** What a connection is told, and what it tells. */

import type { Methods } from "./api.js";
import type { Backoff } from "./time.js";

/** How a connection behaves. Times in milliseconds. */
export interface ConnectionOptions {
  /** What the server asks for, if it asks for one. */
  token?: string;
  /** How long one attempt to connect may take, and a request may wait for a connection: 5,000. */
  connectTimeoutMs?: number;
  /** How long a request may wait for its answer: 60,000. */
  requestTimeoutMs?: number;
  /**
   * A connection on which nothing came for so long is asked whether it lives: 15,000. With no answer after
   * as long again, it is taken for broken.
   */
  idleMs?: number;
  /** Waits between attempts to connect again: 100 at first, 5,000 at most. */
  backoff?: Backoff;
  /**
   * How long a request may be put off in all by a server that refuses it with `rate_limited` or `busy`,
   * waiting as long as the server says each time: 10,000. With 0 such a refusal is thrown at once.
   */
  patienceMs?: number;
  /**
   * Asked of every server before it is used: throws for one that must not be. It has `connectTimeoutMs`
   * for that.
   */
  admit?: (candidate: Candidate) => Promise<void>;
}

/** A server that answers, before it is used. */
export interface Candidate {
  readonly url: string;
  /** Asks this server. */
  request<Name extends keyof Methods>(
    method: Name,
    params: Methods[Name]["params"],
  ): Promise<Methods[Name]["result"]>;
}

/** How one request is sent. */
export interface RequestOptions {
  /** How long each try may wait for its answer: the connection's `requestTimeoutMs`. */
  timeoutMs?: number;
  /** How long it may be put off in all: the connection's `patienceMs`. */
  patienceMs?: number;
  /** The only server that it is for: with another one in its place it is an `UnreachableError`. */
  at?: string;
}

/** Why the connection is gone; it is being made again. */
export interface Left {
  url: string;
  reason: string;
}

/** The connection stands again. */
export interface Reconnected {
  url: string;
  /** The server that was lost: another one than `url` when the connection has moved on. */
  from: string;
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
