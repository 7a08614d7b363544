/** One WebSocket, of the platform or of the `ws` package. */
/** What a connection needs of a WebSocket; both kinds have it. */
export interface Socket {
    readonly bufferedAmount: number;
    send(text: string): void;
    close(): void;
    onmessage: ((event: {
        data: unknown;
    }) => void) | null;
    onclose: ((event: {
        code: number;
        reason: string;
    }) => void) | null;
    onerror: ((event: unknown) => void) | null;
    onopen: ((event: unknown) => void) | null;
}
/** A browser's: the token is a subprotocol, since headers can't be sent. */
export declare function openInBrowser(url: string, token: string | undefined): Socket;
/** A socket that has opened, within `timeoutMs`. */
export declare function openSocket(url: string, token: string | undefined, timeoutMs: number): Promise<Socket>;
