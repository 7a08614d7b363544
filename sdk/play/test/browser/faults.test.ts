// A player for money who loses first its connection, then its node: it plays on, and the ledger pays it.
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { usable } from "../../../pages/test/browser.js";
import { World } from "../../../typescript/test/nodes/world.js";
import { DESKTOP, join, PHONE, picture, Stage, says } from "./stage.js";

let world: World;
let stage: Stage;
let x: Page;
let o: Page;

beforeAll(async () => {
  world = await World.start(4);
  stage = await Stage.start();
  const channel = await world.create("tic_tac_toe", { settlement_interval: 1_000 });
  const seat = (index: number, nodes: number[]) => ({
    nodes: nodes.map((node) => world.node(node).url),
    channel,
    seed: world.key(index).secretSeed(),
  });
  // The first to join leads: X loses a node that leads, and has another one to go on at.
  x = await stage.seat(seat(0, [0, 2]), DESKTOP);
  o = await stage.seat(seat(1, [1]), PHONE);
  await join(x, "0.40");
  await join(o, "0.40");
  for (const index of [2, 3]) {
    const client = await world.client(index);
    await client.join(world.key(index), channel, 1_000);
    await client.member(channel, world.key(index).address);
  }
});

afterAll(async () => {
  await stage?.stop();
  await world?.stop();
});

const money = (page: Page, id: string) => page.locator(`#${id}`).textContent();
const banner = (page: Page) => page.locator(".banner");
const cell = (page: Page, name: string) =>
  page.getByRole("button", { name: new RegExp(`^${name}(,|$)`) });

/** A mark that both see. */
async function mark(page: Page, name: string, sign: "X" | "O"): Promise<void> {
  await says(page, "It is your turn.");
  await cell(page, name).click();
  for (const each of [x, o]) await cell(each, `${name}, ${sign}`).waitFor({ timeout: 60_000 });
}

test("a game for money begins", async () => {
  await x.getByLabel("Stake in FWY").fill("0.10");
  await x.getByRole("button", { name: "Open a game" }).click();
  await o.getByRole("button", { name: /Join player 1's game for 0.10 FWY/ }).tap();
  await mark(x, "top left", "X");
  await mark(o, "middle left", "O");
  expect([await money(x, "staked"), await money(o, "staked")]).toEqual(["0.10 FWY", "0.10 FWY"]);
});

test("its connection is away for one move, which is sent when it is back", async () => {
  await says(x, "It is your turn.");
  await x.context().setOffline(true);
  await banner(x).getByText("this device is offline").waitFor();
  await cell(x, "top centre").click();
  await cell(x, "top centre, X, predicted").waitFor();
  await says(x, "It is player 2's turn.");
  expect(await cell(o, "top centre").getAttribute("aria-label")).toBe("top centre, empty");
  await usable(x);
  await x.context().setOffline(false);
  await banner(x).getByText("Connection lost").waitFor({ state: "detached", timeout: 60_000 });
  await cell(o, "top centre, X").waitFor({ timeout: 60_000 });
  await mark(o, "centre", "O");
});

test("then its node is killed: it plays on at another one, and wins", async () => {
  await says(x, "It is your turn.");
  await world.node(0).kill();
  await cell(x, "top right").click();
  await banner(x).getByText("Your own node is away: playing at").waitFor({ timeout: 60_000 });
  await cell(o, "top right, X").waitFor({ timeout: 60_000 });
  await says(x, "You won 0.20 FWY.");
  await says(o, "You lost: player 1 won.");
  await usable(x);
  await picture(x, "faults");
  const marks = x.locator(".moves li[data-status=settled]", { hasText: "X at" });
  await expect.poll(() => marks.count(), { timeout: 60_000 }).toBe(3);
  expect(await x.locator(".moves li[data-status=failed]").count()).toBe(0);
});

test("what it won is its own on the ledger, after the settlement, to the unit", async () => {
  await x.getByRole("button", { name: "Close the table" }).click();
  await x.getByRole("button", { name: "Yes" }).click();
  for (const page of [x, o]) {
    await page.getByRole("heading", { name: "The table is closed" }).waitFor({ timeout: 40_000 });
  }
  await expect.poll(() => money(x, "ledger"), { timeout: 60_000 }).toBe("1.10 FWY");
  await expect.poll(() => money(o, "ledger"), { timeout: 60_000 }).toBe("0.90 FWY");
  expect(await money(x, "won")).toBe("0.10 FWY won");
  const { ledger } = await world.client(3);
  const balances = await Promise.all(world.keys.map((key) => ledger.balance(key.address)));
  expect(balances).toEqual([1_100_000n, 900_000n, 1_000_000n, 1_000_000n]);
  expect(stage.complaints).toEqual([]);
});
