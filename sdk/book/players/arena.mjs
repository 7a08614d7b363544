// Plays `arena` until the account has a point: to the prize's row first, then along it.
// Usage: arena.mjs CHANNEL ADDRESS ACCOUNT; the account delegates to a key of this program's own.
import { execFileSync } from "node:child_process";
import { Client, Keypair } from "@fairway/sdk";

const [id, address, account] = process.argv.slice(2);
const key = Keypair.generate();
execFileSync("fairway", ["session", "delegate", id, key.publicKey, "--account", account]);

const client = await Client.connect(process.env.FAIRWAY_NODE);
const channel = await client.channel(id);
const player = channel.session(address, key);
const prize = BigInt((await channel.view("0x43::arena::prize", []))[1]);

const fail = (error) => {
  console.error(error);
  process.exit(1);
};

// 0 back, 1 stay, 2 forth, for column and row; the board wraps around, so every row is passed.
let last = "";
function turn(column, row) {
  if (last === `${column} ${row}`) return;
  last = `${column} ${row}`;
  player.call("0x43::arena::turn", [column, row]).certified.catch(fail);
}

const filter = { resource_types: ["0x43::arena::Player"], addresses: [address] };
const subscription = await channel.subscribe({ filter });
for await (const notice of subscription) {
  const changed = notice.kind === "block" ? notice.changes : (notice.resources ?? []);
  const place = changed.at(-1)?.value;
  if (!place) continue;
  if (BigInt(place.points) > 0n) break;
  const row = BigInt(place.y);
  if (row === prize) turn(2, 1);
  else turn(1, row < prize ? 2 : 0);
}
client.close();
