// Plays `arena` as the reader of docs/play.md does, in two windows of Chromium: signs, turns, stakes, wins,
// plays on when Alice's node is away, leaves with what was won and lost. Its standard input holds the links; CHROMIUM names the browser.
import { existsSync } from "node:fs";
import { text } from "node:stream/consumers";
import { chromium } from "playwright-core";

const PATIENCE = 90_000; // ms for what a page is to show
const LOOK = 100; // ms between two looks at where the prize is
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

/** The row of a player by its place in order of joining, whatever the order in which they entered. */
function rowOf(page, place) {
  const name = page === [alice, bob][place - 1] ? "you" : `player ${place}`;
  const heading = page.getByRole("rowheader", { name: new RegExp(`^([0-9]+: )?${name}$`) });
  return page.locator(".players tbody tr").filter({ has: heading });
}

/** Turns by a key of one window, until both show it in the player's row. */
async function turn(page, place, key, way) {
  await page.keyboard.press(key);
  for (const each of [alice, bob]) await rowOf(each, place).getByText(way).waitFor();
}

const stakeIn = (page, place) => rowOf(page, place).locator("td:nth-of-type(2)");

/** Stakes what the page suggests, until both windows show it in the player's row. */
async function stake(page, place) {
  await page.getByRole("button", { name: "Stake", exact: true }).click();
  for (const each of [alice, bob])
    await stakeIn(each, place).getByText("10", { exact: true }).waitFor();
}

/** Steers Alice to the prize, which is worth a unit of Bob's stake, until both windows show it. */
async function win() {
  const keys = { right: "d", left: "a", up: "w", down: "s" };
  const until = Date.now() + PATIENCE;
  while ((await stakeIn(alice, 1).textContent()) === "10" && Date.now() < until) {
    await alice.keyboard.press("p");
    const said = (await alice.locator(".says").textContent()) ?? "";
    const way = /The prize is (?:[0-9]+ )?(\w+)/.exec(said)?.[1];
    if (keys[way]) await alice.keyboard.press(keys[way]);
    await alice.waitForTimeout(LOOK);
  }
  await alice.keyboard.press(" ");
  for (const each of [alice, bob]) {
    await stakeIn(each, 1).getByText("11", { exact: true }).waitFor();
    await stakeIn(each, 2).getByText("9", { exact: true }).waitFor();
  }
}

async function leave(page, ledger) {
  await page.getByRole("button", { name: "Leave the table" }).press("Enter");
  await page.getByRole("button", { name: "Yes" }).press("Enter");
  await page.getByRole("heading", { name: "You have left the table" }).waitFor();
  await page.locator("#ledger", { hasText: ledger }).waitFor();
}

let alice;
let bob;
try {
  alice = await windowOf("alice");
  bob = await windowOf("bob");
  await turn(alice, 1, "ArrowRight", "right");
  await turn(bob, 2, "w", "up");
  await Promise.all([goesOn(alice), goesOn(bob)]);
  // Who stands still does not come by the prize.
  await turn(bob, 2, " ", "stand still");
  await turn(alice, 1, " ", "stand still");
  await stake(alice, 1);
  await stake(bob, 2);
  await win();
  console.log("both play");

  const banner = alice.locator(".banner", { hasText: "Your own node is away: playing at" });
  await banner.waitFor({ timeout: HANDS });
  await rowOf(bob, 1).getByText("away").waitFor();
  await turn(alice, 1, "ArrowDown", "down");
  await turn(bob, 2, "a", "left");
  await Promise.all([goesOn(alice), goesOn(bob)]);
  const hard = ".moves li[data-status=final], .moves li[data-status=settled]";
  await alice.locator(hard, { hasText: "Turn down" }).first().waitFor();
  await turn(bob, 2, " ", "stand still");
  await turn(alice, 1, " ", "stand still");
  await leave(alice, /^1,000,000\.00000[1-9] FWY$/);
  await leave(bob, /^999,999\.99999[1-9] FWY$/);
} catch (error) {
  for (const [name, page] of windows) console.error(`${name}:\n${await page.innerText("body")}\n`);
  throw error;
} finally {
  await browser.close();
}
