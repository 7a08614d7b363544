/** The node or ledger that served this page: whether it lets the page in, and its answers. */

import type { Methods } from "@fairway/sdk";
import { Connection, RpcError } from "@fairway/sdk";

/** What the server says to who would ask. */
export type Door =
  | { kind: "open" }
  | { kind: "token"; wrong: boolean }
  | { kind: "refused"; reason: string }
  | { kind: "away"; reason: string };

const METHOD_NOT_FOUND = -32601;
/** What tokens are made of (docs/configuration.md): another text is none, and may fit no header. */
const TOKEN_LETTERS = /^[A-Za-z0-9._~-]+$/;
/** Where the token is kept: until the tab is closed. */
const TOKEN = "fairway.token";

export function rpcUrl(page: string): { http: string; socket: string } {
  const http = new URL("rpc", page);
  http.hash = "";
  const socket = new URL(http);
  socket.protocol = http.protocol === "https:" ? "wss:" : "ws:";
  return { http: http.href, socket: socket.href };
}

export function keptToken(): string | undefined {
  return sessionStorage.getItem(TOKEN) ?? undefined;
}

export function keepToken(token: string | undefined): void {
  if (token === undefined) sessionStorage.removeItem(TOKEN);
  else sessionStorage.setItem(TOKEN, token);
}

/** Asks whether a connection would be let in: a WebSocket that is not tells its page no reason. */
export async function knock(
  http: string,
  token: string | undefined,
  ask: typeof fetch = fetch,
): Promise<Door> {
  if (token !== undefined && !TOKEN_LETTERS.test(token)) return { kind: "token", wrong: true };
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  let answer: Response;
  try {
    answer = await ask(http, { headers, cache: "no-store" });
  } catch (error) {
    return { kind: "away", reason: error instanceof Error ? error.message : String(error) };
  }
  if (answer.ok) return { kind: "open" };
  if (answer.status === 401) return { kind: "token", wrong: token !== undefined };
  return { kind: "refused", reason: await reasonOf(answer) };
}

async function reasonOf(answer: Response): Promise<string> {
  const text = await answer.text().catch(() => "");
  try {
    const said: unknown = JSON.parse(text);
    const { error } = said as { error?: { message?: unknown } };
    if (typeof error?.message === "string") return error.message;
  } catch {
    // Not everything that stands before a node answers in JSON.
  }
  return text.trim() || `HTTP status ${answer.status}`;
}

/** Whether the answer is that there is no such method: a ledger answers none about channels. */
export function isUnknownMethod(error: unknown): boolean {
  return error instanceof RpcError && error.code === METHOD_NOT_FOUND;
}

/** What answers the page. */
export class Source {
  private constructor(
    readonly connection: Connection,
    /** A ledger knows no channels' insides. */
    readonly kind: "node" | "ledger",
  ) {}

  static async open(socket: string, token: string | undefined): Promise<Source> {
    const options = {
      ...(token !== undefined && { token }),
      backoff: { firstMs: 200, mostMs: 2_000 },
    };
    const connection = await Connection.open(socket, options);
    try {
      const list = await connection.request("state_channel.list", {}).catch((error) => {
        if (isUnknownMethod(error)) return undefined;
        throw error;
      });
      return new Source(connection, list === undefined ? "ledger" : "node");
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  ask<Name extends keyof Methods>(
    method: Name,
    params: Methods[Name]["params"],
  ): Promise<Methods[Name]["result"]> {
    return this.connection.request(method, params);
  }
}
