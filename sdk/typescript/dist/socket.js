/** One WebSocket, of the platform or of the `ws` package. */
import { UnreachableError } from "./errors.js";
const MOST_BYTES = 64 << 20;
function isNode() {
    const process = globalThis.process;
    return typeof process?.versions?.node === "string";
}
/** Node's: it sends the token as a header, and answers pings. */
async function openOnNode(url, token) {
    const library = await import("ws").catch(() => undefined);
    if (typeof library?.WebSocket !== "function")
        return undefined;
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const socket = new library.WebSocket(url, { headers, maxPayload: MOST_BYTES });
    return socket;
}
/** A browser's: the token is a subprotocol, since headers can't be sent. */
export function openInBrowser(url, token) {
    if (typeof WebSocket === "undefined") {
        throw new UnreachableError(url, "there is no WebSocket here: install the package `ws`");
    }
    const socket = new WebSocket(url, token === undefined ? [] : [`fairway.token.${token}`]);
    return socket;
}
/** A socket that has opened, within `timeoutMs`. */
export async function openSocket(url, token, timeoutMs) {
    const onNode = isNode() ? await openOnNode(url, token) : undefined;
    const socket = onNode ?? openInBrowser(url, token);
    return new Promise((resolve, reject) => {
        let reason = "";
        const fail = (why) => {
            clearTimeout(timer);
            socket.onopen = null;
            socket.onclose = null;
            // `ws` throws an error that nobody listens for.
            socket.onerror = () => { };
            socket.close();
            reject(new UnreachableError(url, why));
        };
        const timer = setTimeout(() => fail(`no connection within ${timeoutMs} ms`), timeoutMs);
        socket.onerror = (event) => {
            reason = event.message ?? "the connection failed";
        };
        socket.onclose = (event) => fail(reason || event.reason || `closed with code ${event.code}`);
        socket.onopen = () => {
            clearTimeout(timer);
            socket.onopen = null;
            resolve(socket);
        };
    });
}
//# sourceMappingURL=socket.js.map