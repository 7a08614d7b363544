// The account signs once, the page plays with a key of its own: what it may, and what ends it.
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { usable } from "../../../pages/test/browser.js";
import { type Channel, type Json, Keypair, type Session } from "../../../typescript/src/index.js";
import { World } from "../../../typescript/test/nodes/world.js";
import { DESKTOP, join, PHONE, picture, Stage, sign, sitDown } from "./stage.js";

const GAME = "0x42::tic_tac_toe";

let world: World;
let stage: Stage;
let x: Page;
let o: Page;
/** At the other player's node: what is checked is not the word of the page's own. */
let channel: Channel;

beforeAll(async () => {
  world = await World.start(2);
  stage = await Stage.start();
  const id = await world.create("tic_tac_toe");
  const seat = (index: number) => ({
    nodes: [world.node(index).url],
    channel: id,
    seed: world.key(index).secretSeed(),
  });
  x = await stage.seat(seat(0), DESKTOP);
  await sitDown(x, "0.40");
  o = await stage.seat(seat(1), PHONE);
  await join(o, "0.40");
  channel = await (await world.client(1)).channel(id);
});

afterAll(async () => {
  await stage?.stop();
  await world?.stop();
});

const account = () => world.key(0).address;
const alert = (page: Page, text: RegExp) => page.getByRole("alert").filter({ hasText: text });
const says = (page: Page, text: string) => page.locator(".says", { hasText: text }).waitFor();
const cell = (page: Page, name: string) =>
  page.getByRole("button", { name: new RegExp(`^${name}(,|$)`) });
const left = (page: Page) => page.locator("#session-left").textContent();

/** What X's account has delegated now: to one key at most. */
async function delegated(): Promise<Session | undefined> {
  const sessions = await channel.sessions(account());
  expect(sessions.length).toBeLessThanOrEqual(1);
  return sessions[0];
}

async function open(stake: string): Promise<void> {
  await x.getByLabel("Stake in FWY").fill(stake);
  await x.getByRole("button", { name: "Open a game" }).click();
}

/** Who signed the calls of the game that X's account made: `account`, or a session's key. */
async function signers(): Promise<string[]> {
  const blocks = await channel.blocks(1);
  const calls = blocks.flatMap(({ transactions }) => transactions.map((one) => one.transaction));
  return calls.flatMap((call) => {
    const { kind, sender, operation } = call as unknown as Record<string, Json>;
    if (kind !== "call" || sender !== account()) return [];
    const { session, invoke } = operation as Record<string, { key: string } | undefined>;
    return session ? [session.key] : invoke ? ["account"] : [];
  });
}

test("before the account has signed, nothing can be played", async () => {
  await x.getByRole("heading", { name: "Sign once, then play" }).waitFor();
  await usable(x);
  await picture(x, "sign-once", true);
  const button = x.getByRole("button", { name: "Open a game" });
  expect(await button.getAttribute("aria-disabled")).toBe("true");
  await button.click({ force: true });
  expect([await delegated(), await signers()]).toEqual([undefined, []]);
});

test("the account signs once: a key of the page's own, this game, some money, some hours", async () => {
  await sign(x, "0.15");
  const session = (await delegated()) as Session;
  expect(session.functions.map((one) => one.function)).toEqual(["open", "join", "mark"]);
  expect(session.functions.every(({ module }) => module === "tic_tac_toe")).toBe(true);
  expect(session.spending.map(({ amount }) => amount)).toEqual(["150000"]);
  const hours = (session.expires_at - Date.now()) / 3_600_000;
  expect(hours).toBeGreaterThan(3.9);
  expect(hours).toBeLessThanOrEqual(4);
  expect(await left(x)).toBe("0.15 FWY");
  expect(await x.locator("#session-ends").textContent()).toMatch(/^(4 h 0|3 h 59) min$/);
  await x.locator("summary", { hasText: "You allow this page to play" }).click();
  await x.locator(`code[title="${session.key}"]`).waitFor();
  await x.getByText("open games, join them, and mark cells, at this table alone").waitFor();
  await usable(x);
  await picture(x, "allowed");
});

test("moves are signed by that key, also after a reload, and the account signs none", async () => {
  const { key } = (await delegated()) as Session;
  await open("0.10");
  await o.getByRole("button", { name: /Join player 1's game for 0.10 FWY/ }).tap();
  await says(x, "It is your turn.");
  await cell(x, "top left").click();
  await cell(o, "middle left").tap();
  await x.reload();
  await says(x, "It is your turn.");
  expect(await x.getByRole("heading", { name: "Sign once, then play" }).count()).toBe(0);
  await cell(x, "top centre").click();
  await says(o, "It is your turn.");
  await cell(o, "centre").tap();
  await says(x, "It is your turn.");
  await cell(x, "top right").click();
  await says(x, "You won 0.20 FWY.");
  // The page has said so before the other node knows the move.
  await expect.poll(signers).toEqual([key, key, key, key]);
  // The account's own numbers: the one delegation.
  expect(await channel.sequence(account())).toBe(1);
  await expect.poll(() => left(x)).toBe("0.05 FWY");
  expect((await delegated())?.spending[0]?.amount).toBe("50000");
});

test("a stake over the limit is refused by the channel, and the page offers to sign again", async () => {
  const before = (await delegated()) as Session;
  await open("0.10");
  await alert(x, /That takes 0.10 FWY, and you allowed this page 0.05 FWY more/).waitFor();
  expect(await x.evaluate(() => document.activeElement?.id)).toBe("allow");
  const failed = x.locator(".moves li[data-status=failed]").first();
  expect(await failed.textContent()).toContain("you allowed this page 0.05 FWY more");
  // It ran, failed, and took nothing.
  expect(await x.locator("#vault").textContent()).toBe("0.50 FWY");
  const [open1] = await channel.view(`${GAME}::is_playing`, [account()]);
  expect(open1).toBe(false);
  await usable(x);
  await picture(x, "over-spent");
  await sign(x, "0.30");
  const after = (await delegated()) as Session;
  expect([after.key, after.spending[0]?.amount]).toEqual([before.key, "300000"]);
  const unsent = x.getByRole("status").filter({ hasText: "0.10 FWY was not sent: stake again" });
  await unsent.waitFor();
  await open("0.10");
  await says(x, "waits for an opponent");
  await unsent.waitFor({ state: "detached" });
  await expect.poll(() => left(x)).toBe("0.20 FWY");
});

test("revoking stops the key in the channel, and the page until the account signs again", async () => {
  await o.getByRole("button", { name: /Join player 1's game/ }).tap();
  await says(x, "It is your turn.");
  const kept = await x.evaluate(() => Object.values(sessionStorage).join());
  const stolen = Keypair.fromSeed(Uint8Array.from(kept.split(","), Number));
  expect(stolen.publicKey).toBe((await delegated())?.key);
  await x.locator("summary", { hasText: "You allow this page to play" }).click();
  await x.getByRole("button", { name: "Revoke" }).click();
  await x.getByRole("button", { name: "Yes" }).click();
  await alert(x, /What you allowed this page is revoked: it can sign no moves/).waitFor();
  expect(await delegated()).toBeUndefined();
  expect(await x.evaluate(() => sessionStorage.length)).toBe(0);
  expect(await cell(x, "centre").getAttribute("aria-disabled")).toBe("true");
  await cell(x, "centre").click({ force: true });
  // Whoever has copied the key can do nothing with it either.
  const thief = channel.session(account(), stolen);
  const attempt = thief.call(`${GAME}::mark`, [account(), 4]).executed;
  await expect(attempt).rejects.toMatchObject({ refusal: { name: "unauthorised" } });
  await cell(o, "centre, empty").waitFor();
  await usable(x);
  await sign(x);
  expect((await delegated())?.key).not.toBe(stolen.publicKey);
  await cell(x, "centre").click();
  await cell(o, "centre, X").waitFor();
});

test("what the account does elsewhere, the page learns: revoked, or over", async () => {
  // A wallet, say: another program that signs with the account.
  const elsewhere = async () =>
    (await (await world.client(1)).channel(channel.id)).member(world.key(0));
  const session = (await delegated()) as Session;
  await (await elsewhere()).revoke(session.key).certified;
  await alert(x, /is revoked: it can sign no moves/).waitFor();
  // The account's next number was used elsewhere: signing takes the one after it.
  await sign(x, "0.10");
  const again = (await delegated()) as Session;
  const shorter = { ...again, expires_at: Date.now() + 3_000 };
  await (await elsewhere()).delegate(shorter).certified;
  await expect.poll(() => x.locator("#session-ends").textContent()).toMatch(/^[1-3] s$/);
  await alert(x, /has expired: it can sign no moves/).waitFor();
  expect(await cell(x, "top left").getAttribute("aria-disabled")).toBe("true");
  await usable(x);
  await x.getByRole("button", { name: "Sign", exact: true }).click();
  await x.locator("#session-ends").waitFor();
  expect(stage.complaints).toEqual([]);
});
