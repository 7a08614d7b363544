// A whole stay by keys alone: what had the focus hands it on when it vanishes, and a key that is pressed
// twice neither leaves nor revokes.
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { World } from "../../../typescript/test/nodes/world.js";
import { Stage } from "./stage.js";

let world: World;
let stage: Stage;
let page: Page;

beforeAll(async () => {
  world = await World.start(2);
  stage = await Stage.start();
  const channel = await world.create("arena", { tick_interval: 100, settlement_interval: 1_000 });
  const other = await world.client(1);
  await other.join(world.key(1), channel, 1_000);
  await other.member(channel, world.key(1).address);
  const seed = world.key(0).secretSeed();
  page = await stage.seat({ nodes: [world.node(0).url], channel, seed });
});

afterAll(async () => {
  await stage?.stop();
  await world?.stop();
});

const button = (name: string) => page.getByRole("button", { name, exact: true });

/** Presses it by key, as who has come to it by Tab. */
async function press(name: string): Promise<void> {
  await button(name).focus();
  await page.keyboard.press("Enter");
}

/** What has the focus, by its text. */
async function focusIsOn(text: string): Promise<void> {
  const focused = () => page.evaluate(() => (document.activeElement as HTMLElement).textContent);
  await expect.poll(focused, { timeout: 60_000 }).toBe(text);
}

test("who joins is led to what is to be signed, then to the game", async () => {
  await page.getByLabel("Deposit in FWY").fill("0.50");
  await press("Join");
  await focusIsOn("Sign once, then play");
  await press("Sign");
  await focusIsOn("Game");
});

test("who stakes, or takes back, has keys for the game", async () => {
  await press("Stake");
  await focusIsOn("Game");
  await expect.poll(() => page.locator("#staked").textContent()).toBe("0.00001 FWY");
  await page.keyboard.press("ArrowUp");
  await page.locator(".players").getByText("up", { exact: true }).waitFor();
  await page.keyboard.press("Space");
  await page.locator(".players").getByText("up", { exact: true }).waitFor({ state: "detached" });
  await press("Take back");
  await focusIsOn("Game");
  await page.keyboard.press("Tab");
  await focusIsOn("↑");
});

test("the form to sign again takes the focus, and gives it back", async () => {
  await page.locator("summary", { hasText: "You allow this page to play" }).press("Enter");
  await press("Sign again");
  await focusIsOn("Sign once, then play");
  await press("Back");
  await focusIsOn("Game");
});

test("pressed twice, a key neither revokes nor leaves", async () => {
  await page.locator("summary", { hasText: "You allow this page to play" }).press("Enter");
  for (const name of ["Revoke", "Leave the table"]) {
    for (const key of ["Enter", "Space"]) {
      await button(name).focus();
      await page.keyboard.press(key);
      await focusIsOn("No");
      await page.keyboard.press(key);
      await focusIsOn(name);
    }
  }
  await page.locator("#session-ends").waitFor();
  expect(await page.locator(".moves").getByText("Leave the table").count()).toBe(0);
});

test("who revokes is led to what is to be signed again", async () => {
  await press("Revoke");
  await page.keyboard.press("Tab");
  await focusIsOn("Yes");
  await page.keyboard.press("Enter");
  await focusIsOn("Sign again");
});

test("what vanishes while something else has the focus leaves it there", async () => {
  const units = page.getByLabel("Units to stake");
  await units.focus();
  await button("Sign").evaluate((sign: HTMLButtonElement) => sign.click());
  await page.locator("#session-ends").waitFor({ timeout: 60_000 });
  expect(await units.evaluate((field) => field === document.activeElement)).toBe(true);
});

test("who leaves is led to what was paid", async () => {
  await press("Leave the table");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await focusIsOn("You have left the table");
  await page
    .getByText(/^Settlement [0-9]+, up to block [0-9]+, paid you on the ledger\.$/)
    .waitFor();
});

test("who has left sits down again, with another deposit", async () => {
  await press("Sit down again");
  await page.getByText("Here already: player 1.").waitFor();
  await page.getByLabel("Deposit in FWY").fill("0.20");
  await press("Join");
  await focusIsOn("Sign once, then play");
  await expect.poll(() => page.locator("#vault").textContent()).toBe("0.20 FWY");
  await press("Sign");
  await focusIsOn("Game");
  await page.locator("#session-ends").waitFor({ timeout: 60_000 });
  await press("Stake");
  await expect.poll(() => page.locator("#staked").textContent()).toBe("0.00001 FWY");
  expect(stage.complaints).toEqual([]);
});
