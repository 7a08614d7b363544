// Links that are none, tables that are none, nodes that are not there yet, two tabs of one account.
import { writeFileSync } from "node:fs";
import { join as path } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { usable } from "../../../pages/test/browser.js";
import { World } from "../../../typescript/test/nodes/world.js";
import { table } from "../../scripts/table.js";
import { linkText, type Seat } from "../../src/link.js";
import { join, PHONE, Stage, sign } from "./stage.js";

let world: World;
let stage: Stage;
let channel: string;

beforeAll(async () => {
  world = await World.start(2);
  stage = await Stage.start();
  channel = await world.create("tic_tac_toe");
});

afterAll(async () => {
  await stage?.stop();
  await world?.stop();
});

const seat = (index: number, nodes = [world.node(index).url]) => ({
  nodes,
  channel,
  seed: world.key(index).secretSeed(),
});

test("a page without a link takes one, or a file", async () => {
  const page = await stage.open("", PHONE);
  await usable(page);
  await page.getByLabel("Link").fill("https://example.org/");
  await page.getByRole("button", { name: "Take the seat" }).tap();
  await page.getByText("it has no part after #").waitFor();
  const file = path(world.folder, "table.json");
  const { nodes, seed } = seat(0);
  const players = [{ name: "Ann", nodes, seed: Buffer.from(seed).toString("hex") }];
  writeFileSync(file, JSON.stringify({ channel, players }));
  await page.getByLabel("File").setInputFiles(file);
  await page.getByRole("button", { name: "Play as Ann" }).tap();
  await page.getByRole("heading", { name: "Take your seat" }).waitFor();
});

test("a wrong link says what is wrong with it", async () => {
  const page = await stage.open(`#node=http://a&channel=${channel}&seed=00`);
  await page.getByRole("alert").getByText('node "http://a" is no address').waitFor();
  await usable(page);
});

test("a table that does not exist is named", async () => {
  const page = await stage.open(linkText({ ...seat(0), channel: `0x${"99".repeat(32)}` }));
  await page
    .locator(".banner")
    .getByText(/No table yet: .*0x9999/)
    .waitFor();
});

test("a table of another package is not played", async () => {
  const other = await world.create("payments");
  const page = await stage.open(linkText({ ...seat(0), channel: other }));
  await page.getByRole("alert").getByText("does not know the table's package").waitFor();
});

test("what `npm run table` makes is a table with money for each player", async () => {
  const urls = [world.node(0).url, world.node(1).url];
  const [first, second] = await table(urls, "arena");
  expect(second?.nodes).toEqual([...urls].reverse());
  const page = await stage.open(linkText(first as Seat));
  await page.getByText("On the ledger: 100.00 FWY").waitFor();
  await page.getByRole("heading", { name: "Arena" }).waitFor();
  const port9 = table([urls[0] as string, "ws://127.0.0.1:9"], "arena");
  await expect(port9).rejects.toThrow(/ws:\/\/127.0.0.1:9 can't be reached/);
});

test("a node that is down at the start is waited for", async () => {
  await world.node(1).kill();
  const page = await stage.seat(seat(1));
  await page.locator(".banner").getByText("can't be reached").waitFor({ timeout: 60_000 });
  await usable(page);
  await world.node(1).start();
  await page.getByRole("heading", { name: "Take your seat" }).waitFor({ timeout: 60_000 });
});

test("who has not joined is not let in by another one's node", async () => {
  await world.node(1).kill();
  const page = await stage.seat(seat(1, [world.node(1).url, world.node(0).url]));
  await page.locator(".banner").getByText("you join by your own node").waitFor({ timeout: 60_000 });
  await world.node(1).start();
  await page.getByRole("heading", { name: "Take your seat" }).waitFor({ timeout: 60_000 });
});

test("two tabs of one account: the second one is told so, and may take over", async () => {
  const first = await stage.seat(seat(0));
  await join(first, "0.30");
  const second = await stage.visit(await first.context().newPage(), linkText(seat(0)));
  await second.getByText("Another tab of this browser plays with this account").waitFor();
  await usable(second);
  await second.getByRole("button", { name: "Play here instead" }).click();
  await second.getByRole("heading", { name: "Money" }).waitFor();
  await first.getByText("Another tab of this browser plays with this account").waitFor();
  // The key is the first tab's: this one has to be allowed as well.
  await sign(second);
  await second.getByLabel("Stake in FWY").fill("0.10");
  await second.getByRole("button", { name: "Open a game" }).click();
  await second.locator(".says", { hasText: "waits for an opponent" }).waitFor();
  await second.locator(".moves li[data-status=final]").waitFor();
  expect(stage.complaints).toEqual([]);
});
