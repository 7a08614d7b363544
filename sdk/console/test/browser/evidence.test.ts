// What the console shows of members that lie: one accuses an honest leader, the leader signs a false state.
import { execFileSync } from "node:child_process";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TestBrowser, usable } from "../../../pages/test/browser.js";
import type { Client, VerdictView } from "../../../typescript/src/index.js";
import { program, World } from "../../../typescript/test/nodes/world.js";
import { cell, DESKTOP, fact, PHONE, picture } from "./stage.js";

const COLLATERAL = 400;
/** The evidence of a report that nobody else has: no member can vote about it. */
const UNSEEN = `0x${"7e".repeat(32)}`;

let world: World;
let browser: TestBrowser;
let channel: string;
/** Of an honest member, as is the console that is looked at. */
let client: Client;
let page: Page;

beforeAll(async () => {
  world = await World.start(4, true, { 0: "root", 3: "slander" });
  const money = { challenge_window: 3_000, collateral: COLLATERAL, fine: COLLATERAL, bond: 40 };
  const rules = { settlement_interval: 2_000, money };
  channel = await world.open("payments", rules, { collateral: COLLATERAL });
  client = await world.client(1);
  browser = await TestBrowser.start();
  page = await browser.visit(await browser.page(DESKTOP, 60_000), place());
});

afterAll(async () => {
  await browser?.stop();
  await world?.stop();
});

const place = () => `${world.node(1).console}#/channel/${channel}/evidence`;
const known = () => client.connection.request("state_channel.evidence", { channel });
const windows = async () => (await client.info(channel)).record.windows;
const nodeOf = async (index: number) => (await (await world.client(index)).status()).node;

/** The first to join leads, unless it was slow for a second: then whoever does is, until it leads again. */
async function leads(index: number): Promise<void> {
  const observer = await world.client(index);
  const nodes = await Promise.all(world.nodes.map((_, one) => nodeOf(one)));
  const leader = async () => nodes.indexOf((await observer.info(channel)).status?.leader ?? "none");
  for (;;) {
    await expect.poll(leader, { timeout: 60_000 }).toBeGreaterThanOrEqual(0);
    const now = await leader();
    if (now === index) return;
    world.nodes[now]?.freeze();
    await expect.poll(leader, { timeout: 60_000 }).not.toBe(now);
    world.nodes[now]?.thaw();
  }
}

async function pay(memo: string): Promise<void> {
  const member = (await client.channel(channel)).member(world.key(1));
  await member.call("0x44::payments::pay", [world.key(2).address, "0xfa", 1n, memo]).certified;
}

/** Waits until an accusation is shown, and compares it with what the node says. */
async function accusation(wanted: (one: VerdictView) => boolean): Promise<VerdictView> {
  await expect.poll(async () => (await known()).some(wanted), { timeout: 60_000 }).toBe(true);
  const found = (await known()).find(wanted) as VerdictView;
  const row = `${found.evidence} ${found.reporter}`;
  const shown = (column: string) => cell(page, row, column);
  await shown("Accused").waitFor();
  for (const [column, id] of [
    ["Accused", found.accused],
    ["Reporter", found.reporter],
  ] as const) {
    expect(await shown(column).locator("[data-id]").getAttribute("data-id")).toBe(id);
  }
  expect(await shown("Kind").innerText()).toBe(found.kind);
  expect(await shown("Term").innerText()).toBe(`${found.term.epoch}.${found.term.view}`);
  expect(await shown("Height").innerText()).toBe(String(found.height));
  expect(await shown("Reason").innerText()).toBe(found.reason);
  const mark = found.verdict === "innocent" ? ".mark.good" : ".mark.bad";
  expect(await shown("Verdict").locator(mark).innerText()).toBe(found.verdict);
  return found;
}

test("nothing is known of anybody, and the page says so", async () => {
  expect(await known()).toEqual([]);
  for (const text of ["None.", "No report is open.", "Nobody is banned."]) {
    await page.getByText(text, { exact: true }).waitFor();
  }
});

test("an accusation of an honest leader is shown as what it is: innocent, and no file of this node's", async () => {
  await leads(0);
  await pay("honest");
  world.node(3).lie();
  const found = await accusation(({ verdict }) => verdict === "innocent");
  expect([found.accused, found.reporter]).toEqual([await nodeOf(0), await nodeOf(3)]);
  const file = cell(page, `${found.evidence} ${found.reporter}`, "File");
  expect(await file.innerText()).toBe("not here");
  await usable(page);
});

test("a report to the chain is shown with who made it, about whom, and until when", async () => {
  const { record } = await client.info(channel);
  const number = (index: number) =>
    record.members.find(({ record: one }) => one.account === world.key(index).address)?.record
      .join_sequence as number;
  const report = [channel, number(1), UNSEEN];
  await client.ledger.call(world.node(2).key(), "0x3::penalty::report", report);
  await cell(page, UNSEEN, "Accused").waitFor();
  const said = (await windows()).reports.find(({ evidence }) => evidence === UNSEEN);
  expect(await cell(page, UNSEEN, "Accused").innerText()).toBe(`member ${number(1)}`);
  expect(await cell(page, UNSEEN, "Reporter").innerText()).toBe(`member ${number(2)}`);
  const until = new Date(await cell(page, UNSEEN, "Until").innerText()).getTime();
  expect(until).toBe(said?.deadline);
});

test("a leader that signs a false state is guilty, banned, and its evidence can be saved and checked", async () => {
  const leader = await nodeOf(0);
  await leads(0);
  const before = Number(await fact(page, "divergences"));
  world.node(0).lie();
  await pay("after the lie");
  const own = await nodeOf(1);
  const found = await accusation(
    ({ accused, reporter, verdict }) =>
      accused === leader && reporter === own && verdict === "guilty",
  );
  expect(found.kind).toBe("divergence");
  await expect.poll(async () => Number(await fact(page, "divergences"))).toBeGreaterThan(before);
  await saved(found);
  const cheat = world.key(0).address;
  await cell(page, cheat, "Until").waitFor({ timeout: 60_000 });
  const ban = (await windows()).bans.find(({ account }) => account === cheat);
  expect(await cell(page, cheat, "Node").locator("[data-id]").getAttribute("data-id")).toBe(leader);
  expect(new Date(await cell(page, cheat, "Until").innerText()).getTime()).toBe(ban?.until);
  await usable(page);
  await picture(page, "evidence", true);
  const phone = await browser.visit(await browser.page(PHONE, 60_000), place());
  await cell(phone, cheat, "Until").waitFor();
  await usable(phone);
  expect(browser.complaints).toEqual([]);
});

/** Presses *Save*: `fairway evidence check` finds the accused guilty by the file that comes. */
async function saved({ evidence, reporter }: VerdictView): Promise<void> {
  const download = page.waitForEvent("download");
  await cell(page, `${evidence} ${reporter}`, "File").getByRole("button", { name: "Save" }).click();
  const file = await download;
  expect(file.suggestedFilename()).toBe(`${evidence}.evidence`);
  const args = ["--json", "--ledger", world.ledgerUrl, "evidence", "check", await file.path()];
  const said = JSON.parse(execFileSync(program(), args, { encoding: "utf8" }));
  expect([said.verdict, said.evidence]).toEqual(["guilty", evidence]);
}
