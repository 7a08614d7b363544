// Packs both packages as they would be published, installs them into an empty folder, runs a script on
// them and type-checks a consumer. With FAIRWAY_URL it also asks that node for its status.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "vite";

const here = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "fairway-package-"));
const run = (command, args, cwd) =>
  execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
const write = (name, text) => writeFileSync(join(folder, name), text);

const SCRIPT = `
import { Client, Keypair, UnreachableError, callHash } from "@fairway/sdk";
import { Prediction } from "@fairway/sdk/predict";
const key = Keypair.fromSeed(new Uint8Array(32).fill(1));
if (key.address !== "0x0af701133ef690fabbb852c8b8e722d742e59134debc400ca5f521dcaf0bdd6f") {
  throw new Error("another address: " + key.address);
}
const prediction = new Prediction(1, (state) => state + 1);
prediction.add("a", { function: "f", args: [] }, { sender: key.address });
if (prediction.value !== 2 || typeof callHash !== "function") throw new Error("prediction");
const url = process.env.FAIRWAY_URL;
if (url) {
  const client = await Client.connect(url);
  console.log((await client.status()).version);
  client.close();
} else {
  const error = await Client.connect("ws://127.0.0.1:9").catch((error) => error);
  if (!(error instanceof UnreachableError)) throw error;
  console.log("no node asked");
}
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
  run("npm", ["install", ...quiet, ...archives, "react@19.3.1", "@types/react@19.3.0"], folder);
  write("script.mjs", SCRIPT);
  console.log(`script: ${run(process.execPath, ["script.mjs"], folder).trim()}`);
  write("consumer.ts", CONSUMER);
  write("tsconfig.json", JSON.stringify(TSCONFIG));
  run(join(here, "node_modules/.bin/tsc"), ["-p", "tsconfig.json"], folder);
  const { bytes, packed: gzip } = await bundle();
  console.log(`browser bundle: ${bytes} bytes, ${gzip} with gzip`);
  console.log(`packages: ${packed.length} packed, installed, run and type-checked`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
