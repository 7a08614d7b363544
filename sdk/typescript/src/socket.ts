/** One WebSocket, of the platform or of the `ws` package. */

import { UnreachableError } from "./errors.js";

/** What a connection needs of a WebSocket; both kinds have it. */
export interface Socket {
  readonly bufferedAmount: number;
  send(text: string): void;
  close(): void;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  onerror: ((event: unknown) => void) | null;
  onopen: ((event: unknown) => void) | null;
}

const MOST_BYTES = 64 << 20;

function isNode(): boolean {
  const process = (globalThis as { process?: { versions?: { node?: string } } }).process;
  return typeof process?.versions?.node === "string";
}

/** Node's: it sends the token as a header, and answers pings. */
async function openOnNode(url: string, token: string | undefined): Promise<Socket | undefined> {
  const library = await import("ws").catch(() => undefined);
  if (typeof library?.WebSocket !== "function") return undefined;
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const socket = new library.WebSocket(url, { headers, maxPayload: MOST_BYTES });
  return socket as unknown as Socket;
}

/** A browser's: the token is a subprotocol, since headers can't be sent. */
export function openInBrowser(url: string, token: string | undefined): Socket {
  if (typeof WebSocket === "undefined") {
    throw new UnreachableError(url, "there is no WebSocket here: install the package `ws`");
  }
  const socket = new WebSocket(url, token === undefined ? [] : [`fairway.token.${token}`]);
  return socket as unknown as Socket;
}

/** A socket that has opened, within `timeoutMs`. */
export async function openSocket(
  url: string,
  token: string | undefined,
  timeoutMs: number,
): Promise<Socket> {
  const onNode = isNode() ? await openOnNode(url, token) : undefined;
  const socket = onNode ?? openInBrowser(url, token);
  return new Promise((resolve, reject) => {
    let reason = "";
    const fail = (why: string) => {
      clearTimeout(timer);
      socket.onopen = null;
      socket.onclose = null;
      // `ws` throws an error that nobody listens for.
      socket.onerror = () => {};
      socket.close();
      reject(new UnreachableError(url, why));
    };
    const timer = setTimeout(() => fail(`no connection within ${timeoutMs} ms`), timeoutMs);
    socket.onerror = (event) => {
      reason = (event as { message?: string }).message ?? "the connection failed";
    };
    socket.onclose = (event) => fail(reason || event.reason || `closed with code ${event.code}`);
    socket.onopen = () => {
      clearTimeout(timer);
      socket.onopen = null;
      resolve(socket);
    };
  });
}
