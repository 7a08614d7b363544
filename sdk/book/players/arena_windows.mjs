// Plays `arena` as the reader of docs/play.md does, in two windows of Chromium: signs, turns, plays on
// when Alice's node is away, leaves. Its standard input holds the links; CHROMIUM names the browser.
import { existsSync } from "node:fs";
import { text } from "node:stream/consumers";
import { chromium } from "playwright-core";

const PATIENCE = 90_000; // ms for what a page is to show
const HANDS = 240_000; // ms in which somebody ends Alice's node

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
if (!existsSync(executablePath))
  throw new Error(`no browser at ${executablePath}: name one with CHROMIUM`);
const shown = await text(process.stdin);
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });

const windows = new Map();

async function windowOf(name) {
  const link = shown.match(new RegExp(`^${name}: (http\\S+)$`, "m"))?.[1];
  if (!link) throw new Error(`no link of ${name} in:\n${shown}`);
  const page = await (await browser.newContext()).newPage();
  windows.set(name, page);
  page.setDefaultTimeout(PATIENCE);
  page.on("pageerror", (error) => console.error(`${name}: ${error}`));
  await page.goto(link);
  await page.getByRole("button", { name: "Sign", exact: true }).click();
  await page.locator("#session-ends").waitFor();
  return page;
}

const ticks = async (page) => Number(await page.locator(".field").getAttribute("data-ticks"));

/** Waits until the field has moved on. */
async function goesOn(page) {
  const from = await ticks(page);
  await page.waitForFunction(
    (least) => Number(document.querySelector(".field")?.getAttribute("data-ticks")) > least,
    from + 3,
  );
}

/** Turns by a key of one window, until both show it in the player's row. */
async function turn(page, row, key, way) {
  await page.keyboard.press(key);
  for (const each of [alice, bob])
    await each.locator(`.players tbody tr:nth-child(${row})`).getByText(way).waitFor();
}

async function leave(page) {
  await page.getByRole("button", { name: "Leave the table" }).press("Enter");
  await page.getByRole("button", { name: "Yes" }).press("Enter");
  await page.getByRole("heading", { name: "You have left the table" }).waitFor();
  await page.locator("#ledger", { hasText: "1,000,000.00 FWY" }).waitFor();
}

let alice;
let bob;
try {
  alice = await windowOf("alice");
  bob = await windowOf("bob");
  await turn(alice, 1, "ArrowRight", "right");
  await turn(bob, 2, "w", "up");
  await Promise.all([goesOn(alice), goesOn(bob)]);
  console.log("both play");

  const banner = alice.locator(".banner", { hasText: "Your own node is away: playing at" });
  await banner.waitFor({ timeout: HANDS });
  await bob.locator(".players tbody tr:nth-child(1)").getByText("away").waitFor();
  await turn(alice, 1, "ArrowDown", "down");
  await turn(bob, 2, "a", "left");
  await Promise.all([goesOn(alice), goesOn(bob)]);
  const hard = ".moves li[data-status=final], .moves li[data-status=settled]";
  await alice.locator(hard, { hasText: "Turn down" }).waitFor();
  await leave(alice);
  await leave(bob);
} catch (error) {
  for (const [name, page] of windows) console.error(`${name}:\n${await page.innerText("body")}\n`);
  throw error;
} finally {
  await browser.close();
}
