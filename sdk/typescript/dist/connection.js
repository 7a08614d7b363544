/** JSON-RPC 2.0 over a WebSocket that is made again when it breaks. */
import { Emitter } from "./emitter.js";
import { ClosedError, fromData, ProtocolError, RpcError, TimedOutError, UnreachableError, } from "./errors.js";
import { parseJson, writeJson } from "./json.js";
import { openSocket } from "./socket.js";
import { backoffMs, sleep, within } from "./time.js";
/** Requests whose repetition does something twice. */
const NOT_REPEATED = new Set(["chain.faucet"]);
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
    url;
    #options;
    #left = new Emitter();
    #reconnected = new Emitter();
    #waiting = new Map();
    #sinks = new Map();
    #early = [];
    #subscribing = 0;
    #socket;
    #opening;
    #nextId = 1;
    #heardAt = 0;
    #probe;
    #closed = false;
    #wake;
    constructor(url, options) {
        this.url = url;
        this.#options = { ...DEFAULTS, ...options };
    }
    /** Connects to `url` (`ws://…`, `wss://…`). */
    static async open(url, options = {}) {
        const connection = new Connection(url, options);
        const { token, connectTimeoutMs } = connection.#options;
        connection.#adopt(await openSocket(url, token, connectTimeoutMs));
        return connection;
    }
    /** Whether there is a connection now. */
    get connected() {
        return this.#socket !== undefined;
    }
    get closed() {
        return this.#closed;
    }
    /** Calls `listener` whenever the connection breaks. The answer takes the listener away. */
    onLeave(listener) {
        return this.#left.on(listener);
    }
    /** Calls `listener` whenever the connection stands again. The answer takes the listener away. */
    onReconnect(listener) {
        return this.#reconnected.on(listener);
    }
    /** Ends the connection for good; what waits fails with `ClosedError`. */
    close() {
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
    async request(method, params, timeoutMs = this.#options.requestTimeoutMs) {
        return (await this.#requestTwice(method, params, timeoutMs));
    }
    /** Subscribes; the answer is the subscription's id. It ends with the connection. */
    async subscribe(method, params, sink) {
        this.#subscribing += 1;
        try {
            const attach = (id) => this.#attach(id, sink);
            const socket = await this.#stands();
            const { requestTimeoutMs } = this.#options;
            return (await this.#send(socket, method, params, requestTimeoutMs, attach));
        }
        finally {
            this.#subscribing -= 1;
            if (this.#subscribing === 0)
                this.#early = [];
        }
    }
    /** Ends a subscription, if the connection it came on still stands. */
    unsubscribe(method, id) {
        if (!this.#sinks.delete(id) || !this.#socket)
            return;
        // Nothing depends on the answer: with the connection the subscription ends as well.
        this.#send(this.#socket, method, [id], this.#options.requestTimeoutMs).catch(() => { });
    }
    async #requestTwice(method, params, timeoutMs) {
        const until = Date.now() + timeoutMs;
        const left = () => Math.max(1, until - Date.now());
        try {
            return await this.#send(await this.#stands(), method, params, left());
        }
        catch (error) {
            const broken = error instanceof UnreachableError && !NOT_REPEATED.has(method);
            if (!broken || this.#closed)
                throw error;
            return this.#send(await this.#stands(), method, params, left());
        }
    }
    /** The live socket; waits for the next one if there is none. */
    async #stands() {
        if (this.#closed)
            throw new ClosedError(this.url);
        if (this.#socket)
            return this.#socket;
        const { connectTimeoutMs } = this.#options;
        const late = () => new UnreachableError(this.url, `no connection within ${connectTimeoutMs} ms`);
        return within(this.#again(), connectTimeoutMs, late);
    }
    #send(socket, method, params, timeoutMs, first) {
        const id = this.#nextId++;
        const answer = new Promise((resolve, reject) => {
            const answered = (result) => {
                first?.(result);
                resolve(result);
            };
            this.#waiting.set(id, { resolve: answered, reject });
            try {
                socket.send(writeJson({ jsonrpc: "2.0", id, method, params }));
            }
            catch (error) {
                reject(new UnreachableError(this.url, String(error)));
            }
        });
        const late = () => new TimedOutError(this.url, method, timeoutMs);
        return within(answer, timeoutMs, late).finally(() => this.#waiting.delete(id));
    }
    #attach(id, sink) {
        if (typeof id !== "number")
            return;
        this.#sinks.set(id, sink);
        const early = this.#early.filter((notice) => notice.subscription === id);
        this.#early = this.#early.filter((notice) => notice.subscription !== id);
        for (const { result, bytes } of early)
            sink.notice(result, bytes);
    }
    #adopt(socket) {
        this.#socket = socket;
        this.#heardAt = Date.now();
        socket.onmessage = (event) => {
            if (socket === this.#socket)
                this.#receive(event.data);
        };
        socket.onerror = () => { };
        socket.onclose = ({ code, reason }) => this.#broke(socket, reason || `closed with code ${code}`);
        this.#probe = setInterval(() => this.#check(socket), Math.max(50, this.#options.idleMs / 3));
        this.#probe.unref?.();
    }
    /** Asks a silent server for a sign of life; any answer is one. */
    #check(socket) {
        const silent = Date.now() - this.#heardAt;
        if (silent > 2 * this.#options.idleMs) {
            this.#broke(socket, `silent for ${silent} ms`);
            socket.close();
        }
        else if (silent > this.#options.idleMs) {
            this.#send(socket, "state_channel.list", {}, this.#options.idleMs).catch(() => { });
        }
    }
    #broke(socket, reason) {
        if (socket !== this.#socket)
            return;
        this.#drop(reason);
        this.#left.emit({ url: this.url, reason });
        // It goes on until it stands or the client is closed.
        this.#again().catch(() => { });
    }
    #drop(reason = "") {
        clearInterval(this.#probe);
        this.#socket = undefined;
        const sinks = [...this.#sinks.values()];
        const waiting = [...this.#waiting.values()];
        this.#sinks.clear();
        this.#waiting.clear();
        this.#early = [];
        const error = () => this.#closed ? new ClosedError(this.url) : new UnreachableError(this.url, reason);
        for (const request of waiting)
            request.reject(error());
        for (const sink of sinks)
            sink.gone();
    }
    #again() {
        this.#opening ??= this.#reopen().finally(() => {
            this.#opening = undefined;
        });
        return this.#opening;
    }
    async #reopen() {
        const since = Date.now();
        const { token, connectTimeoutMs, backoff } = this.#options;
        for (let attempts = 1;; attempts += 1) {
            const pause = new Promise((resolve) => {
                this.#wake = resolve;
            });
            await Promise.race([sleep(backoffMs(backoff, attempts - 1)), pause]);
            if (this.#closed)
                throw new ClosedError(this.url);
            const socket = await openSocket(this.url, token, connectTimeoutMs).catch(() => undefined);
            if (!socket)
                continue;
            if (this.#closed) {
                socket.close();
                throw new ClosedError(this.url);
            }
            this.#adopt(socket);
            this.#reconnected.emit({ url: this.url, awayMs: Date.now() - since, attempts });
            return socket;
        }
    }
    #receive(data) {
        this.#heardAt = Date.now();
        if (typeof data !== "string")
            return;
        let message;
        try {
            message = parseJson(data);
        }
        catch (error) {
            this.#refuse(`no JSON: ${String(error)}`);
            return;
        }
        for (const one of Array.isArray(message) ? message : [message])
            this.#take(one, data.length);
    }
    #refuse(reason) {
        for (const waiting of this.#waiting.values()) {
            waiting.reject(new ProtocolError(this.url, reason));
        }
        this.#waiting.clear();
    }
    #take(message, bytes) {
        if (typeof message?.id === "number")
            this.#answer(message.id, message);
        else if (typeof message?.method === "string")
            this.#notice(message.params, bytes);
        else
            this.#refuse("a message that is neither an answer nor a notice");
    }
    #answer(id, message) {
        const waiting = this.#waiting.get(id);
        this.#waiting.delete(id);
        if (!waiting)
            return;
        if (message.error === undefined) {
            waiting.resolve(message.result);
            return;
        }
        const { code, message: text, data, } = message.error;
        const error = fromData(data, text, code);
        waiting.reject(error instanceof RpcError ? new RpcError(code, text, data) : error);
    }
    #notice(params, bytes) {
        const { subscription, result } = (params ?? {});
        if (typeof subscription !== "number")
            return;
        const sink = this.#sinks.get(subscription);
        if (sink)
            sink.notice(result, bytes);
        else if (this.#subscribing > 0 && this.#early.length < MOST_EARLY) {
            this.#early.push({ subscription, result, bytes });
        }
    }
}
//# sourceMappingURL=connection.js.map