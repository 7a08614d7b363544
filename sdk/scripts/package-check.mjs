// Packs both packages as they would be published, installs them into an empty folder, runs a script that
// imports each entry of them and calls a node, type-checks a consumer and bundles it for browsers.
// FAIRWAY_BIN names the command `fairway`, which runs the ledger and the nodes.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build, createServer } from "vite";

const here = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "fairway-package-"));
const run = (command, args, cwd, env = process.env) =>
  execFileSync(command, args, { cwd, env, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
const write = (name, text) => writeFileSync(join(folder, name), text);

const SCRIPT = `
import assert from "node:assert/strict";
import { createElement } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import * as hooks from "@fairway/react";
import { Client, Keypair, UnreachableError, callHash } from "@fairway/sdk";
import { Prediction } from "@fairway/sdk/predict";
import { abort, resource, struct, u64 } from "@fairway/sdk/typed";

const PAYMENTS = "0x44::payments";
const { url, channel: id, seed, other } = JSON.parse(process.env.FAIRWAY_PLACE);
const key = Keypair.fromSeed(Uint8Array.from(seed));

const prediction = new Prediction(1, (state) => state + 1);
prediction.add("a", { function: "f", args: [] }, { sender: key.address });
assert.equal(prediction.value, 2);

const nobody = await Client.connect("ws://127.0.0.1:9").catch((error) => error);
assert.ok(nobody instanceof UnreachableError, String(nobody));

const client = await Client.connect(url);
const channel = await client.channel(id);
const member = channel.member(key);
const pay = (units) => member.call(PAYMENTS + "::pay", [other, "0xfa", units, "installed"]);
const paid = pay(25n);
await paid.final;
assert.equal(callHash(paid.signed.call), paid.hash);

const Sent = struct(PAYMENTS + "::Sent", () => ({ payments: ["payments", u64] }));
assert.deepEqual(await resource(channel, Sent, key.address), { payments: 1n });
const refused = await pay(0n).certified.catch((error) => error);
assert.equal(abort(refused, PAYMENTS, { E_ZERO_AMOUNT: 1n }), "E_ZERO_AMOUNT", String(refused));

// A first drawing, before anything was asked.
function View() {
  const { value, error } = hooks.useChannel(client, id);
  const { status } = hooks.useCall(member, PAYMENTS + "::pay");
  return createElement("p", null, String([value, error, status]));
}
assert.equal(renderToStaticMarkup(createElement(View)), "<p>,,</p>");
const { version } = await client.status();
client.close();
console.log("a call and its money at a node of " + version);
`;

const CONSUMER = `
import { type CallReport, Client, Keypair, RefusedError, refusalOf } from "@fairway/sdk";
import { useCall, useChannel } from "@fairway/react";
export async function pay(client: Client, id: string, to: string): Promise<CallReport> {
  const channel = await client.channel(id);
  const call = channel.member(Keypair.generate()).call("0x44::payments::pay", [to, "0xfa", 25n, "hi"]);
  call.on("status", ({ from, to }) => void [from, to]);
  try {
    return await call.final;
  } catch (error) {
    const abort = refusalOf(error, "move_abort");
    if (abort) throw new Error(abort.name ?? String(abort.code));
    if (error instanceof RefusedError && error.refusal.name === "busy") {
      const wait: number = error.refusal.details.retry_after_ms;
      throw new Error(String(wait));
    }
    throw error;
  }
}
export function usePay(client: Client) {
  const { value } = useChannel(client, "0x1");
  // @ts-expect-error arguments are a list
  useCall(value?.member(Keypair.generate()), "0x44::payments::pay").call(5);
}
`;

/** Runs the script on what is installed, at a node of a channel of payments. */
async function runScript() {
  const server = await createServer({
    root: here,
    configFile: false,
    appType: "custom",
    logLevel: "error",
    server: { middlewareMode: true, hmr: false, ws: false, watch: null },
  });
  const { World } = await server.ssrLoadModule("/typescript/test/nodes/world.ts");
  const world = await World.start(2);
  try {
    const channel = await world.open("payments");
    const place = {
      url: world.node(0).url,
      channel,
      seed: [...world.key(0).secretSeed()],
      other: world.key(1).address,
    };
    const env = { ...process.env, FAIRWAY_PLACE: JSON.stringify(place) };
    return run(process.execPath, ["script.mjs"], folder, env).trim();
  } finally {
    await world.stop();
    await server.close();
  }
}

/** A browser's bundle of everything: nothing of Node may be in it. */
async function bundle() {
  write("app.js", 'export * from "@fairway/sdk";');
  const lib = { entry: join(folder, "app.js"), formats: ["es"], fileName: "app" };
  const options = { root: folder, logLevel: "error", build: { lib, write: false, minify: true } };
  const [built] = await build({ configFile: false, ...options });
  const code = built.output.map((chunk) => chunk.code ?? "").join("");
  if (/from ?"node:|require\(/.test(code)) throw new Error("the bundle needs Node");
  return { bytes: code.length, packed: gzipSync(code).length };
}

const TSCONFIG = {
  compilerOptions: {
    strict: true,
    noEmit: true,
    module: "NodeNext",
    target: "ES2022",
    lib: ["ES2022", "DOM"],
    types: [],
  },
  files: ["consumer.ts"],
};

try {
  for (const name of ["typescript", "react"]) {
    run("npm", ["pack", "--silent", "--pack-destination", folder], join(here, name));
  }
  const packed = readdirSync(folder).filter((name) => name.endsWith(".tgz"));
  if (packed.length !== 2) throw new Error(`packed ${packed.join(", ")}`);
  write("package.json", JSON.stringify({ name: "consumer", private: true, type: "module" }));
  const archives = packed.map((name) => `./${name}`);
  const quiet = ["--silent", "--no-audit", "--no-fund", "--prefer-offline"];
  const react = ["react@19.3.1", "react-dom@19.3.1", "@types/react@19.3.0"];
  run("npm", ["install", ...quiet, ...archives, ...react], folder);
  write("script.mjs", SCRIPT);
  console.log(`script: ${await runScript()}`);
  write("consumer.ts", CONSUMER);
  write("tsconfig.json", JSON.stringify(TSCONFIG));
  run(join(here, "node_modules/.bin/tsc"), ["-p", "tsconfig.json"], folder);
  const { bytes, packed: gzip } = await bundle();
  console.log(`browser bundle: ${bytes} bytes, ${gzip} with gzip`);
  console.log(`packages: ${packed.length} packed, installed, run and type-checked`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
