// A ledger and nodes as processes of the command `fairway`, which FAIRWAY_BIN names.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import {
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { mkdtemp } from "node:fs/promises";
import {
  type AddressInfo,
  createServer,
  connect as dial,
  type Server,
  type Socket,
} from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { createInterface } from "node:readline";
import {
  type Backing,
  type Channel,
  type ChannelRules,
  Client,
  type ConnectionOptions,
  Keypair,
  type PackageSource,
} from "../../src/index.js";

const READY_MS = 90_000;
const EXAMPLES = join(import.meta.dirname, "../../../../contracts/examples");

export function program(): string {
  const path = process.env.FAIRWAY_BIN;
  if (!path) {
    throw new Error("FAIRWAY_BIN must name the command `fairway`: cargo build --locked -p fairway");
  }
  statSync(path);
  return path;
}

/** The node that lies on cue (tests/byzantine): beside the command. */
function liar(): string {
  const path = join(dirname(program()), "fairway-byzantine");
  if (existsSync(path)) return path;
  throw new Error(`there is no ${path}: cargo build --locked -p fairway-byzantine`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A process that said where it listens. */
class Process {
  #child: ChildProcess;

  private constructor(
    child: ChildProcess,
    readonly url: string,
  ) {
    this.#child = child;
  }

  static async start(
    args: string[],
    log: string,
    settings = {},
    command = program(),
  ): Promise<Process> {
    const output = openSync(log, "a");
    // It ends when its input closes: none outlives the tests, however they end.
    const env = { ...process.env, FAIRWAY_ENDS_WITH_INPUT: "1", ...settings };
    const child = spawn(command, args, { stdio: ["pipe", "pipe", output], env });
    const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
    const url = await new Promise<string>((resolve, reject) => {
      const late = setTimeout(
        () => reject(new Error(`${args.join(" ")}: not ready, see ${log}`)),
        READY_MS,
      );
      child.once("exit", (code) =>
        reject(new Error(`${args.join(" ")} ended with ${code}, see ${log}`)),
      );
      lines.on("line", (line) => {
        const found = /ws:\/\/[0-9.:]+/.exec(line)?.[0];
        if (!found) return;
        clearTimeout(late);
        resolve(found);
      });
    });
    return new Process(child, url);
  }

  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#child.kill(signal);
  }

  async end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill(signal);
    await ended;
  }
}

/** Flags for a console at a place. */
function consoleArgs(url: string | undefined): string[] {
  return url ? ["--http", new URL(url).host, "--console"] : [];
}

async function consolePlace(wanted: boolean): Promise<string | undefined> {
  return wanted ? `http://127.0.0.1:${await freePort()}/console/` : undefined;
}

/** A node that can be killed and started again at its place. */
export class LocalNode {
  #process: Process | undefined;

  constructor(
    readonly folder: string,
    readonly log: string,
    readonly url: string,
    /** Where its console is, if it has one. */
    readonly console?: string,
  ) {}

  /** `settings` are keys of docs/configuration.md, as variables. */
  async start(settings: Record<string, string> = {}): Promise<void> {
    this.#process = await Process.start(
      ["node", "run", this.folder, ...consoleArgs(this.console)],
      this.log,
      settings,
    );
  }

  /** Runs it as one that tells this lie of tests/byzantine once `lie` says so. It has no console. */
  async startLiar(lie: string): Promise<void> {
    const args = [lie, program(), "--json", "node", "run", this.folder];
    this.#process = await Process.start(args, this.log, {}, liar());
  }

  /** From now on it lies. */
  lie(): void {
    writeFileSync(join(this.folder, "lie"), "");
  }

  /** What the node signs with. */
  key(): Keypair {
    const digits = readFileSync(join(this.folder, "node.key"), "utf8").trim();
    return Keypair.fromSeed(Uint8Array.from(Buffer.from(digits, "hex")));
  }

  async kill(): Promise<void> {
    await this.#process?.end("SIGKILL");
  }

  /** It keeps its connections and says nothing more. */
  freeze(): void {
    this.#process?.signal("SIGSTOP");
  }

  thaw(): void {
    this.#process?.signal("SIGCONT");
  }
}

/** A TCP proxy before a node whose connections a test breaks. */
export class CutProxy {
  readonly #sockets: Set<Socket>;
  /** Whether new connections are broken at once. */
  refuses = false;

  private constructor(
    readonly url: string,
    private readonly server: Server,
    sockets: Set<Socket>,
  ) {
    this.#sockets = sockets;
  }

  static async before(url: string): Promise<CutProxy> {
    const target = new URL(url);
    let proxy: CutProxy | undefined;
    const sockets = new Set<Socket>();
    const server = createServer((client) => {
      if (proxy?.refuses) {
        client.destroy();
        return;
      }
      const upstream = dial(Number(target.port), target.hostname);
      for (const [from, to] of [
        [client, upstream],
        [upstream, client],
      ] as [Socket, Socket][]) {
        sockets.add(from);
        from.on("error", () => from.destroy());
        from.on("close", () => to.destroy());
        from.pipe(to);
      }
    }).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    proxy = new CutProxy(
      `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
      server,
      sockets,
    );
    return proxy;
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  stop(): void {
    this.cut();
    this.server.close();
  }
}

/** The example package of the repository with this name. */
export function example(name: string): PackageSource {
  const folder = join(EXAMPLES, name);
  const manifest = readFileSync(join(folder, "Move.toml"), "utf8");
  const addresses = [...manifest.matchAll(/^(\w+) = "0x([0-9a-f]+)"$/gm)].map(
    ([, key = "", digits = ""]): [string, string] => [key, `0x${digits.padStart(64, "0")}`],
  );
  const sources = join(folder, "sources");
  const files = (readdirSync(sources, { recursive: true }) as string[])
    .filter((path) => path.endsWith(".move"))
    .sort()
    .map((path) => ({
      path: relative(sources, join(sources, path)),
      text: readFileSync(join(sources, path), "utf8"),
    }));
  return { name, addresses, files };
}

/** Memos of the payments in a channel of `payments`, in log order. */
export async function memos(from: Channel): Promise<string[]> {
  const all: string[] = [];
  for (let height = 1; ; height += 100) {
    const blocks = await from.blocks(height, 100);
    const events = blocks.flatMap((b) => b.transactions.flatMap((t) => t.events));
    const paid = events.filter((event) => event.type === "0x44::payments::Paid");
    all.push(...paid.map((event) => (event.data as { memo: string }).memo));
    if (blocks.length < 100) return all;
  }
}

export class World {
  readonly #open: { close(): void }[] = [];

  private constructor(
    readonly folder: string,
    private readonly ledger: Process,
    readonly nodes: LocalNode[],
    /** A funded account for each node. */
    readonly keys: Keypair[],
    /** Where the ledger's console is, if it has one. */
    readonly console?: string,
  ) {}

  /** `consoles`: the ledger and every node serve one. `lies`: what nodes tell once `lie` says so. */
  static async start(
    count: number,
    consoles = false,
    lies: Readonly<Record<number, string>> = {},
  ): Promise<World> {
    const folder = await mkdtemp(join(tmpdir(), "fairway-sdk-"));
    const data = join(folder, "ledger");
    const listen = ["--listen", "127.0.0.1:0"];
    const shown = await consolePlace(consoles);
    const run = ["ledger", "run", "--dev", "--data", data, ...listen, ...consoleArgs(shown)];
    const ledger = await Process.start(run, join(folder, "ledger.log"));
    const nodes = await Promise.all(
      Array.from({ length: count }, (_, index) =>
        World.#node(folder, ledger.url, index, consoles, lies[index]),
      ),
    );
    const keys = nodes.map((_, index) => Keypair.fromSeed(new Uint8Array(32).fill(index + 1)));
    const world = new World(folder, ledger, nodes, keys, shown);
    const client = await world.client(0);
    for (const key of keys) await client.ledger.faucet(key.address, 1_000_000);
    return world;
  }

  static async #node(
    folder: string,
    ledger: string,
    index: number,
    consoles: boolean,
    lie: string | undefined,
  ): Promise<LocalNode> {
    const home = join(folder, `node-${index}`);
    const [api, peers] = [await freePort(), await freePort()];
    const args = ["--ledger", ledger, "node", "init", home, "--api", `127.0.0.1:${api}`];
    execFileSync(program(), [...args, "--listen", `/ip4/127.0.0.1/tcp/${peers}`]);
    const shown = await consolePlace(consoles);
    const node = new LocalNode(home, `${home}.log`, `ws://127.0.0.1:${api}`, shown);
    if (lie === undefined) await node.start();
    else await node.startLiar(lie);
    return node;
  }

  /** Where the ledger is asked. */
  get ledgerUrl(): string {
    return this.ledger.url;
  }

  node(index: number): LocalNode {
    return this.nodes[index] as LocalNode;
  }

  key(index: number): Keypair {
    return this.keys[index] as Keypair;
  }

  client(index: number, url = this.node(index).url): Promise<Client> {
    return this.connect(url);
  }

  /** A client that is closed at the end. */
  async connect(
    urls: string | readonly string[],
    options: ConnectionOptions = {},
  ): Promise<Client> {
    const backoff = { firstMs: 50, mostMs: 500 };
    const client = await Client.connect(urls, { backoff, ...options });
    this.#open.push(client);
    return client;
  }

  async proxy(index: number): Promise<CutProxy> {
    const proxy = await CutProxy.before(this.node(index).url);
    this.#open.push({ close: () => proxy.stop() });
    return proxy;
  }

  /** A channel of an example package that every account may join. */
  async create(name: string, rules: ChannelRules = {}): Promise<string> {
    const client = await this.client(0);
    const hash = await client.ledger.storePackage(this.key(0), example(name));
    const invited = this.keys.map((key) => key.address);
    return client.ledger.createChannel(this.key(0), hash, {
      settlement_interval: 0,
      invited,
      ...rules,
    });
  }

  /** A channel that every account has joined, by its own node. */
  async open(name: string, rules: ChannelRules = {}, backing: Backing = {}): Promise<string> {
    const channel = await this.create(name, rules);
    for (const [index, key] of this.keys.entries()) {
      const client = await this.client(index);
      await client.join(key, channel, 1_000, { backing });
      await client.member(channel, key.address);
    }
    const first = await this.client(0);
    for (const key of this.keys) await first.member(channel, key.address);
    return channel;
  }

  async stop(): Promise<void> {
    for (const one of this.#open) one.close();
    await Promise.all(this.nodes.map((node) => node.kill()));
    await this.ledger.end("SIGTERM");
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 250 });
  }
}
