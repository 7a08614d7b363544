// A whole game in two browsers, by keyboard on one side, to the settlement and the money on the ledger.
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { usable } from "../../../pages/test/browser.js";
import { World } from "../../../typescript/test/nodes/world.js";
import { DESKTOP, join, PHONE, picture, Stage, says, spoken } from "./stage.js";

let world: World;
let stage: Stage;
let channel: string;
let x: Page;
let o: Page;

beforeAll(async () => {
  world = await World.start(4);
  stage = await Stage.start();
  channel = await world.create("tic_tac_toe", { settlement_interval: 1_000 });
  [x, o] = await Promise.all([stage.seat(seat(0), DESKTOP), stage.seat(seat(1), PHONE)]);
});

afterAll(async () => {
  await stage?.stop();
  await world?.stop();
});

const seat = (index: number, nodes = [index]) => ({
  nodes: nodes.map((node) => world.node(node).url),
  channel,
  seed: world.key(index).secretSeed(),
});
const money = (page: Page, id: string) => page.locator(`#${id}`).textContent();
const cell = (page: Page, name: string) =>
  page.getByRole("button", { name: new RegExp(`^${name}(,|$)`) });

test("the seat shows what it costs, and refuses what can't be paid", async () => {
  await x.getByText("On the ledger: 1.00 FWY").waitFor();
  await x.getByLabel("Deposit in FWY").fill("5");
  await x.getByRole("button", { name: "Join" }).click();
  await x.getByText("more than the ledger has for you, 1.00 FWY").waitFor();
  await Promise.all([usable(x), usable(o)]);
});

test("both join with a deposit, beside two members who only watch", async () => {
  await join(x, "0.40");
  await Promise.all([join(o, "0.40"), ...[2, 3].map(watch)]);
  expect([await money(x, "deposit"), await money(x, "vault")]).toEqual(["0.40 FWY", "0.40 FWY"]);
  await expect.poll(() => money(x, "ledger")).toBe("0.60 FWY");
});

/** A member whose node only confirms what the others do. */
async function watch(index: number): Promise<void> {
  const client = await world.client(index);
  await client.join(world.key(index), channel, 1_000);
  await client.member(channel, world.key(index).address);
}

test("a game is opened with a stake, joined, and played by keyboard and by touch", async () => {
  await x.getByLabel("Stake in FWY").fill("0.10");
  await x.keyboard.press("Enter");
  await expect.poll(() => money(x, "staked")).toBe("0.10 FWY");
  await o.getByRole("button", { name: /Join player 1's game for 0.10 FWY/ }).tap();
  await expect
    .poll(() => spoken(x).textContent(), { timeout: 60_000 })
    .toContain("It is your turn.");
  await cell(x, "centre").focus();
  await mark(["ArrowUp", "ArrowLeft"], "top left");
  await cell(o, "middle left").tap();
  await mark(["ArrowRight"], "top centre");
  await usable(x);
  await usable(o);
  await cell(o, "centre").tap();
  await cell(x, "centre, O").waitFor();
  await picture(o, "tic-tac-toe-phone");
  await picture(x, "tic-tac-toe");
  await mark(["ArrowRight"], "top right");
  await expect.poll(() => spoken(x).textContent()).toContain("You won 0.20 FWY.");
  await expect.poll(() => spoken(o).textContent()).toContain("You lost: player 1 won.");
});

/** X's turn, by keys alone. */
async function mark(keys: string[], name: string): Promise<void> {
  await x.locator(".says", { hasText: "It is your turn." }).waitFor();
  for (const key of keys) await x.keyboard.press(key);
  await x.keyboard.press("Enter");
  await cell(x, `${name}, X`).waitFor();
  await cell(o, `${name}, X`).waitFor();
  for (const page of [x, o]) {
    await says(page, new RegExp(`Last move: X at ${name}, (final|settled)`));
  }
}

test("the moves harden until they are settled, in words, and the money is counted", async () => {
  const settled = x.locator(".moves li[data-status=settled]");
  await expect.poll(() => settled.count(), { timeout: 60_000 }).toBe(4);
  expect(await settled.first().textContent()).toContain("settled");
  expect(await x.locator(".cell .status").allTextContents()).toEqual(Array(5).fill("✔ settled"));
  await expect.poll(() => money(x, "won")).toBe("0.10 FWY won");
  await expect.poll(() => money(o, "won")).toBe("0.10 FWY lost");
  expect(await money(x, "settlement")).toMatch(/^number [1-9]/);
  await picture(x, "tic-tac-toe-settled", true);
});

test("another program that signs with the account takes no numbers from the page", async () => {
  const client = await world.client(1);
  const other = (await client.channel(channel)).member(world.key(1));
  await other.call("0x42::tic_tac_toe::open", ["0xfa", 7]).certified;
  await o.locator(".says", { hasText: "waits for an opponent" }).waitFor();
  await x.getByRole("button", { name: /Join player [2-4]'s game/ }).click();
  await o.locator(".says", { hasText: "It is your turn." }).waitFor();
  await cell(o, "top left").tap();
  await cell(x, "top left, X").waitFor();
  expect(await o.locator(".moves li[data-status=failed]").count()).toBe(0);
});

test("who leaves in mid-game has its stake back, and is paid by the next settlement", async () => {
  await o.getByRole("button", { name: "Leave the table" }).tap();
  await o.getByRole("button", { name: "Yes" }).tap();
  await o.getByRole("heading", { name: "You have left the table" }).waitFor({ timeout: 60_000 });
  await expect.poll(() => money(o, "ledger"), { timeout: 60_000 }).toBe("0.90 FWY");
  await usable(o);
  await x.locator(".says", { hasText: "ended without a winner" }).waitFor();
});

test("the creator closes, and everybody is paid on the ledger", async () => {
  await x.getByRole("button", { name: "Close the table" }).click();
  await x.getByRole("button", { name: "Yes" }).press("Enter");
  await x.getByRole("heading", { name: "The table is closed" }).waitFor({ timeout: 60_000 });
  await expect.poll(() => money(x, "ledger"), { timeout: 60_000 }).toBe("1.10 FWY");
  const { ledger } = await world.client(3);
  const balances = await Promise.all(world.keys.map((key) => ledger.balance(key.address)));
  expect(balances).toEqual([1_100_000n, 900_000n, 1_000_000n, 1_000_000n]);
  await usable(x);
  await picture(x, "tic-tac-toe-closed");
  expect(stage.complaints).toEqual([]);
});
