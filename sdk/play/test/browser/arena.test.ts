// The arena with three browsers: two play for money, one loses its connection, one's node is killed, the
// leader's too, and the ledger pays what was won.
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fwy } from "../../../pages/amount.js";
import { usable } from "../../../pages/test/browser.js";
import type { ChainEvent, EventView } from "../../../typescript/src/index.js";
import { World } from "../../../typescript/test/nodes/world.js";
import { DESKTOP, join, PHONE, picture, Stage, says } from "./stage.js";

let world: World;
let stage: Stage;
let channel: string;
let pages: [Page, Page, Page];

beforeAll(async () => {
  world = await World.start(4);
  stage = await Stage.start();
  channel = await world.create("arena", { tick_interval: 100, settlement_interval: 2_000 });
  // The leader's player has others to go on with; the third one has its own node alone.
  pages = await Promise.all([
    stage.seat(seat(0, [0, 3, 1]), DESKTOP),
    stage.seat(seat(1, [1]), PHONE),
    stage.seat(seat(2, [2]), DESKTOP),
  ]);
  // The first one leads.
  await join(pages[0], "0.50");
  const last = await world.client(3);
  await Promise.all([
    join(pages[1], "0.50"),
    join(pages[2], "0.50"),
    last.join(world.key(3), channel, 1_000),
  ]);
  await last.member(channel, world.key(3).address);
});

afterAll(async () => {
  await stage?.stop();
  await world?.stop();
});

const seat = (index: number, nodes: number[]) => ({
  nodes: nodes.map((node) => world.node(node).url),
  channel,
  seed: world.key(index).secretSeed(),
});
const ticks = async (page: Page) => Number(await page.locator(".field").getAttribute("data-ticks"));
const row = (page: Page, index: number) =>
  page.locator(`.players tr[data-account="${world.key(index).address}"]`);
const banner = (page: Page) => page.locator(".banner");
const money = (page: Page, id = "ledger") => page.locator(`#${id}`).textContent();
const points = async (page: Page, index: number) =>
  Number(await row(page, index).locator("td").nth(0).textContent());
const stake = async (page: Page, index: number) =>
  Number(await row(page, index).locator("td").nth(1).textContent());

/** What the first one won of the second one in units, where everybody stands still: each staked 10. */
async function won(...these: Page[]): Promise<number> {
  const stakes = () => Promise.all(these.flatMap((page) => [stake(page, 0), stake(page, 1)]));
  const units = async () => (await stake(these[0] as Page, 0)) - 10;
  await expect
    .poll(async () => {
      const ahead = await units();
      return (await stakes()).every((one, at) => one === 10 + (at % 2 === 0 ? ahead : -ahead));
    })
    .toBe(true);
  return units();
}

interface Settled {
  number: number;
  height: number;
}

/** What the ledger says of the settlement whose transaction paid a player. */
async function paidBy(index: number): Promise<Settled> {
  const { ledger } = await world.client(3);
  const { transaction } = (await chainEvents("channel::MemberLeft")).find(
    ({ data }) => (data as { account: string }).account === world.key(index).address,
  ) as ChainEvent;
  const events = (await ledger.transaction(transaction))?.events ?? [];
  const settled = events.find(({ type }) => type.endsWith("::settlement::Settled")) as EventView;
  const { number, height } = settled.data as Record<keyof Settled, string | number>;
  return { number: Number(number), height: Number(height) };
}

/** Of the channel, without the many heartbeats between them. */
async function chainEvents(kind: string): Promise<ChainEvent[]> {
  const { ledger } = await world.client(3);
  const found: ChainEvent[] = [];
  for (let from = 0; ; ) {
    const events = await ledger.events(from);
    found.push(...events.filter((one) => one.type === `0x3::${kind}` && one.channel === channel));
    if (events.length < 1_000) return found;
    from = (events.at(-1)?.number ?? from) + 1;
  }
}

/** Waits until the field of each page has moved on. */
async function goesOn(...these: Page[]): Promise<void> {
  for (const page of these) {
    const before = await ticks(page);
    await expect.poll(() => ticks(page), { timeout: 60_000 }).toBeGreaterThan(before + 3);
  }
}

/** Who stands still scores no more. */
async function stop(...indices: number[]): Promise<void> {
  for (const index of indices) await turns(index, " ", "stand still", ...pages);
}

/** Turns by key and waits until every one of these pages shows it. */
async function turns(index: number, key: string, shown: string, ...these: Page[]): Promise<void> {
  await (pages[index] as Page).keyboard.press(key);
  for (const page of these) await row(page, index).getByText(shown).waitFor({ timeout: 60_000 });
}

test("everybody sees everybody move, by keys and by buttons", async () => {
  await Promise.all(
    pages.map((page) => expect.poll(() => row(page, 3).count(), { timeout: 60_000 }).toBe(1)),
  );
  await turns(0, "ArrowRight", "right", ...pages);
  await turns(2, "w", "up", ...pages);
  await pages[1].getByRole("button", { name: "down" }).tap();
  for (const page of pages) await row(page, 1).getByText("down").waitFor();
  await goesOn(...pages);
  for (const page of pages) await usable(page);
  await picture(pages[0], "arena");
  await stop(0, 1, 2);
});

test("two stake, by keyboard and by touch, and a third one takes its stake back", async () => {
  const [first, second, third] = pages;
  await first.getByLabel("Units to stake").fill("10");
  await first.keyboard.press("Enter");
  await second.getByRole("button", { name: "Stake", exact: true }).tap();
  await third.getByLabel("Units to stake").fill("600000");
  await third.getByText("a whole number from 1 to 500000").waitFor();
  await third.getByLabel("Units to stake").fill("3");
  await third.getByRole("button", { name: "Stake", exact: true }).click();
  await expect.poll(() => money(third, "staked")).toBe("0.000003 FWY");
  await third.getByRole("button", { name: "Take back" }).click();
  for (const label of ["Take the stake back", "Stake 3 units"]) {
    const settled = third.locator(".moves li[data-status=settled]", { hasText: label });
    await settled.waitFor({ timeout: 60_000 });
  }
  for (const page of pages) {
    await expect
      .poll(() => Promise.all([0, 1, 2].map((index) => stake(page, index))))
      .toEqual([10, 10, 0]);
  }
  expect([await money(first, "vault"), await money(first, "staked")]).toEqual([
    "0.49999 FWY",
    "0.00001 FWY",
  ]);
  expect([await money(third, "vault"), await money(third, "won")]).toEqual(["0.50 FWY", "nothing"]);
  await says(second, /Your stake is 10 units\.$/);
  await usable(second);
});

test("who asks where the prize is hears it, and where it moves itself", async () => {
  const [, page] = pages;
  await turns(1, "ArrowDown", "down", page);
  await page.keyboard.press("p");
  await says(page, /The prize is .+\. You move down\.$/);
  await stop(1);
});

test("a player steers to the prize by keys alone, and the point is everybody's and hardens", async () => {
  const [page] = pages;
  const until = Date.now() + 60_000;
  const before = await points(page, 0);
  while ((await points(page, 0)) === before && Date.now() < until) {
    await page.keyboard.press("p");
    const way = /The prize is (?:[0-9]+ )?(\w+)/.exec(
      (await page.locator(".says").textContent()) ?? "",
    );
    const key = { right: "d", left: "a", up: "w", down: "s" }[way?.[1] ?? ""];
    if (key) await page.keyboard.press(key);
    // Asking without a pause takes the processor from those who make the ticks.
    await page.waitForTimeout(50);
  }
  await stop(0);
  for (const each of pages) await expect.poll(() => points(each, 0)).toBeGreaterThan(before);
  // Everybody hears of it.
  await says(page, /You have scored: [0-9]+ points?, (final|settled), and won 1 unit\./);
  for (const other of [pages[1], pages[2]]) {
    await says(other, /Player 1 has scored: [0-9]+ points?, (final|settled), and won 1 unit\./);
  }
  const units = await won(...pages);
  expect(units).toBeGreaterThan(0);
  await expect.poll(() => money(pages[0], "won")).toBe(`${fwy(BigInt(units))} won`);
  await expect.poll(() => money(pages[1], "won")).toBe(`${fwy(BigInt(units))} lost`);
  await pages[1].evaluate(() => scrollTo(0, 0));
  await picture(pages[1], "arena-phone", true);
});

test("who is offline is told so, its turn is taken back, and it comes back by itself", async () => {
  const [first, away, third] = pages;
  await turns(1, "ArrowDown", "down", ...pages);
  await away.context().setOffline(true);
  await banner(away).getByText("this device is offline").waitFor({ timeout: 60_000 });
  expect(await banner(away).textContent()).toContain("final or settled holds");
  await away.keyboard.press("ArrowLeft");
  await away.locator(".moves li[data-status=predicted]").first().waitFor();
  await away.locator(".ghost.predicted").waitFor();
  await picture(away, "arena-offline");
  await usable(away);
  await goesOn(first, third);
  // Nobody ordered the turn in time: it is taken back.
  const failed = away.locator(".moves li[data-status=failed]");
  await failed.waitFor({ timeout: 25_000 });
  expect(await failed.locator(".why").textContent()).toMatch(/in time|its time/);
  await row(away, 1).getByText("down").waitFor();
  await away.context().setOffline(false);
  await banner(away).getByText("Connection lost").waitFor({ state: "detached", timeout: 60_000 });
  await goesOn(away);
  await turns(1, "ArrowUp", "up", first, away, third);
});

test("a node is killed in mid-game: its player is told so, the others play on, and it comes back", async () => {
  const [first, second, third] = pages;
  await world.node(2).kill();
  await banner(third).getByText("Connection lost").waitFor({ timeout: 60_000 });
  await goesOn(first, second);
  await turns(1, "ArrowDown", "down", first, second);
  await row(first, 2).getByText("away").waitFor({ timeout: 60_000 });
  await picture(third, "arena-node-away");
  await world.node(2).start();
  await banner(third).getByText("Connection lost").waitFor({ state: "detached", timeout: 60_000 });
  await goesOn(...pages);
  await turns(2, "ArrowRight", "right", ...pages);
});

test("the leader is killed: its player goes on at another node, and so do all", async () => {
  const [first, second, third] = pages;
  await turns(0, "ArrowDown", "down", ...pages);
  await world.node(0).kill();
  await first.keyboard.press("ArrowUp");
  const asked = first.locator(".moves li", { hasText: "Turn up" }).first();
  await expect.poll(() => asked.getAttribute("data-status")).toBe("predicted");
  await banner(first).getByText("Your own node is away: playing at").waitFor({ timeout: 60_000 });
  await goesOn(...pages);
  // What was asked of the killed node is sent to the next one.
  await expect.poll(() => asked.getAttribute("data-status")).toMatch(/final|settled/);
  for (const page of pages) await row(page, 0).getByText("up").waitFor();
  await turns(0, "ArrowLeft", "left", ...pages);
  await first
    .locator(".moves li[data-status=final], .moves li[data-status=settled]")
    .first()
    .waitFor();
  await world.node(0).start();
  await turns(0, "ArrowDown", "down", first, second, third);
});

test("one leaves, the creator closes, and the ledger pays what was won and lost", async () => {
  const [first, second, third] = pages;
  const { ledger } = await world.client(3);
  const balances = () => Promise.all(world.keys.map((key) => ledger.balance(key.address)));
  expect(await balances()).toEqual([500_000n, 500_000n, 500_000n, 999_000n]);
  await third.getByRole("button", { name: "Leave the table" }).click();
  await third.getByRole("button", { name: "Yes" }).click();
  await third
    .getByRole("heading", { name: "You have left the table" })
    .waitFor({ timeout: 60_000 });
  await expect.poll(() => money(third), { timeout: 60_000 }).toBe("1.00 FWY");
  await usable(third);
  await goesOn(first, second);
  // Its node hears nobody in the channel any more, which is nothing to warn of.
  expect(await banner(third).textContent()).toBe("");
  expect(await balances()).toEqual([500_000n, 500_000n, 1_000_000n, 999_000n]);
  await turns(0, " ", "stand still", first, second);
  await turns(1, " ", "stand still", first, second);
  const units = BigInt(await won(first, second));
  await first.getByRole("button", { name: "Close the table" }).click();
  await first.getByRole("button", { name: "Yes" }).click();
  const paid = [1_000_000n + units, 1_000_000n - units];
  for (const [index, page] of [first, second].entries()) {
    await page.getByRole("heading", { name: "The table is closed" }).waitFor({ timeout: 60_000 });
    await expect.poll(() => money(page), { timeout: 60_000 }).toBe(fwy(paid[index] as bigint));
    expect(await money(page, "paid")).toBe(fwy((paid[index] as bigint) - 500_000n));
  }
  // Two settlements have paid: each page names its own, also the one that was open before the last.
  const settlements = await Promise.all([0, 1, 2].map(paidBy));
  expect(settlements[0]).toEqual(settlements[1]);
  expect(settlements[2]?.number).toBeLessThan(settlements[0]?.number as number);
  for (const [index, page] of pages.entries()) {
    const { number, height } = settlements[index] as Settled;
    const said = `Settlement ${number}, up to block ${height}, paid you on the ledger.`;
    await page.getByRole("status").filter({ hasText: said }).waitFor();
  }
  expect([await money(third, "paid"), await money(third, "won")]).toEqual(["0.50 FWY", "nothing"]);
  await third.reload();
  await third.getByRole("heading", { name: "The table is closed" }).waitFor();
  await expect.poll(() => money(third, "paid")).toBe("0.50 FWY");
  await third.getByText(`Settlement ${settlements[2]?.number}, up to block`).waitFor();
  await usable(third);
  await usable(second);
  await picture(first, "arena-closed");
  expect(await balances()).toEqual([...paid, 1_000_000n, 1_000_000n]);
  expect(stage.complaints).toEqual([]);
});
