// The console of a node in a game, and of the ledger: every view shows what the API says.
import { request } from "node:http";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { usable } from "../../../pages/test/browser.js";
import { Keypair } from "../../../typescript/src/index.js";
import { between, cell, fact, idIn, PHONE, picture, Stage } from "./stage.js";

const PARTS = ["overview", "members", "blocks", "events", "state", "settlement", "evidence"];
const COUNTER = `module app::counter {
    struct Count has key { value: u64 }
    public entry fun start(account: &signer) { move_to(account, Count { value: 0 }); }
}`;

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.start();
});

afterAll(() => stage?.stop());

const client = () => stage.client(0);
const ask: ReturnType<typeof asker> = (...args) => asker()(...args);
function asker() {
  return client().connection.request.bind(client().connection);
}
const status = async () => {
  const found = (await client().info(stage.channel)).status;
  if (!found) throw new Error("the node does not run the channel");
  return found;
};

/** A request with exactly these headers. */
function http(url: string, headers: Record<string, string> = {}) {
  return new Promise<{ status: number; headers: Record<string, unknown>; body: string }>(
    (resolve, reject) => {
      const sent = request(url, { headers }, (answer) => {
        let body = "";
        answer.on("data", (part) => {
          body += part;
        });
        answer.on("end", () => {
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body });
        });
      });
      sent.on("upgrade", (answer, socket) => {
        socket.destroy();
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: "" });
      });
      sent.on("error", reject);
      sent.end();
    },
  );
}

const HANDSHAKE = {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
};

test("the node and its channels are what the API says, and move on", async () => {
  const page = await stage.open(stage.console(0));
  await page.getByRole("heading", { name: "Fairway node" }).waitFor();
  const said = await client().status();
  await page.getByRole("heading", { name: "Channels" }).waitFor();
  expect(await idIn(page, "[data-field=node]")).toBe(said.node);
  expect(await idIn(page, "[data-field=account]")).toBe(said.account);
  expect(await fact(page, "version")).toBe(said.version);
  expect(await fact(page, "endpoints")).toBe(said.endpoints.join(" "));
  expect(await fact(page, "connected_peers")).toBe("3");
  expect(await fact(page, "chain")).toBe("reached");
  const { role, leader, term, members } = await status();
  const shown = (column: string) => cell(page, stage.channel, column).innerText();
  expect(await shown("Role")).toBe(role);
  expect(await shown("Leader")).toBe(leader === said.node ? "this node" : leader);
  expect(await shown("Term")).toBe(`${term.epoch}.${term.view}`);
  expect(await shown("Members")).toBe(String(members.length));
  await expect.poll(() => shown("State")).toBe("well");
  for (const [column, height] of [
    ["Head", "head"],
    ["Certified", "certified"],
    ["Final", "final"],
    ["Settled", "settled"],
  ] as const) {
    await between(
      () => shown(column),
      async () => (await status())[height],
    );
  }
  await usable(page);
  // By keys alone: to the channel, which is the first link behind the tabs.
  await page.getByRole("link", { name: "Ledger" }).focus();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Over time" }).waitFor();
});

test("charts show calls a second and how long they take, as the counts grow", async () => {
  const page = await stage.part(0, "overview");
  const line = (name: string) => page.locator(`[data-line="${name}"] b`).innerText();
  await expect
    .poll(async () => Number(await line("certified")), { timeout: 60_000 })
    .toBeGreaterThan(0);
  for (const name of ["block, mean", "99 of 100 blocks within", "call asked here, mean"]) {
    await expect.poll(() => line(name), { timeout: 60_000 }).toMatch(/^[0-9.]+ ms$/);
  }
  const activity = () => ask("state_channel.activity", { channel: stage.channel });
  for (const field of ["ordered_calls", "certified_calls"] as const) {
    await between(
      () => fact(page, field),
      async () => (await activity())[field],
    );
  }
  const { record } = await client().info(stage.channel);
  expect(await idIn(page, "[data-field=package]")).toBe(record.package);
  expect(await page.locator(".plot canvas").count()).toBe(2);
  await expect.poll(() => painted(page, 0, "--certified")).toBeGreaterThan(20);
  await expect.poll(() => painted(page, 1, "--final")).toBeGreaterThan(20);
  expect(await painted(page, 0, "--failed")).toBe(0);
  // Enough of a line for a picture.
  await page.waitForTimeout(process.env.UPDATE_PICTURES ? 30_000 : 0);
  await usable(page);
  await picture(page, "overview", true);
});

/** How many pixels of a chart have a colour of the style sheet: that of a line is no axis's. */
function painted(page: Page, chart: number, colour: string): Promise<number> {
  const canvas = page.locator(".plot canvas").nth(chart);
  return canvas.evaluate((element, name) => {
    const probe = document.createElement("i");
    probe.style.color = `var(${name})`;
    document.body.append(probe);
    const wanted = (getComputedStyle(probe).color.match(/[0-9]+/g) ?? []).map(Number);
    probe.remove();
    const { width, height } = element as HTMLCanvasElement;
    // Of a copy: the browser complains of a page whose own canvas is read again and again.
    const copy = Object.assign(document.createElement("canvas"), { width, height });
    const options = { willReadFrequently: true };
    const context = copy.getContext("2d", options) as CanvasRenderingContext2D;
    context.drawImage(element as HTMLCanvasElement, 0, 0);
    const { data } = context.getImageData(0, 0, width, height);
    let count = 0;
    for (let at = 0; at < data.length; at += 4) {
      const [red, green, blue, alpha] = data.subarray(at, at + 4);
      if (`${[red, green, blue, alpha]}` === `${[...wanted, 255]}`) count += 1;
    }
    return count;
  }, colour);
}

test("a chart's first seconds have the time of day on their axis", async () => {
  const page = await stage.open(stage.console(0));
  await page.getByRole("heading", { name: "Channels" }).waitFor();
  await page.evaluate(() => {
    const written: string[] = [];
    const { fillText } = CanvasRenderingContext2D.prototype;
    CanvasRenderingContext2D.prototype.fillText = function (text, ...place) {
      written.push(text);
      fillText.call(this, text, ...place);
    };
    Object.assign(globalThis, { written });
  });
  await page.locator(`tr[data-row="${stage.channel}"] a`).first().click();
  await page.locator(".plot canvas").first().waitFor();
  const written = () => page.evaluate(() => (globalThis as unknown as Written).written);
  await expect.poll(async () => (await written()).length).toBeGreaterThan(20);
  const times = (await written()).filter((text) => !/^[0-9.,]+$/.test(text));
  expect(times.length).toBeGreaterThan(2);
  for (const time of times) expect(time).toMatch(/^[0-9]{2}:[0-9]{2}:[0-9]{2}$/);
  expect(await written()).not.toContain(String(new Date().getFullYear()));
});

interface Written {
  written: string[];
}

test("members are shown with validity, heartbeat and round trip", async () => {
  const page = await stage.part(0, "members");
  const { record } = await ask("chain.channel", { channel: stage.channel });
  const { node } = await client().status();
  const { leader } = await status();
  const peers = () => ask("state_channel.peers", { channel: stage.channel });
  await expect
    .poll(async () =>
      (await peers()).every((peer) => peer.paths.some((path) => path.round_trip_us)),
    )
    .toBe(true);
  await page.getByRole("region", { name: "Members" }).waitFor();
  for (const { record: member } of record.members) {
    const shown = (column: string) => cell(page, member.account, column).innerText();
    expect(await shown("#")).toBe(String(member.join_sequence));
    expect(
      await cell(page, member.account, "Node").locator("[data-id]").getAttribute("data-id"),
    ).toBe(member.node);
    const valid = record.grants.at(-1)?.valid.includes(member.join_sequence);
    expect(await shown("In the epoch")).toBe(valid ? "valid" : "not valid");
    await expect.poll(() => shown("On the chain")).toMatch(/^[0-9.]+ s ago$/);
    expect(await shown("Role")).toContain(member.node === leader ? "leader" : "");
    if (member.node === node) {
      expect(await shown("Heard here")).toBe("here");
      continue;
    }
    await expect.poll(() => shown("Heard here")).toMatch(/^[0-9.]+ s ago$/);
    await expect.poll(() => shown("Round trip")).toMatch(/^[0-9.]+ (µs|ms)$/);
    expect(await shown("Weight")).toBe(String(member.weight));
  }
  await usable(page);
  await picture(page, "members");
});

/** The height of a settled block with a call that did what it was to do. */
async function blockWithCall() {
  const { settled } = await status();
  const from = Math.max(1, settled - 30);
  const blocks = await ask("state_channel.blocks", { channel: stage.channel, from, limit: 30 });
  for (const block of blocks.reverse()) {
    const place = block.transactions.findIndex(
      (one) => one.transaction.kind === "call" && !one.error,
    );
    const found = block.transactions[place];
    if (found?.transaction.kind === "call" && block.height <= settled) {
      return { block, place, found, call: found.transaction };
    }
  }
  throw new Error(`no call in the ${blocks.length} blocks up to ${settled}`);
}

test("a block is shown with its calls, their gas and their events", async () => {
  await expect.poll(async () => (await status()).settled, { timeout: 60_000 }).toBeGreaterThan(5);
  const { block, place, found, call } = await blockWithCall();
  const page = await stage.part(0, `blocks/${block.height}`);
  await page.getByRole("heading", { name: `Block ${block.height}` }).waitFor();
  expect(await idIn(page, "[data-field=hash]")).toBe(block.hash);
  expect(await idIn(page, "[data-field=state_root]")).toBe(block.state_root);
  expect(await fact(page, "status")).toBe("settled");
  const transaction = page.locator(`[data-place="${place}"]`);
  await transaction.getByRole("heading", { name: /0x43::arena::turn done/ }).waitFor();
  expect(await transaction.locator("[data-field=call] [data-id]").getAttribute("data-id")).toBe(
    call.call,
  );
  expect(await transaction.locator("[data-field=sender] [data-id]").getAttribute("data-id")).toBe(
    call.sender,
  );
  expect(await transaction.locator("[data-field=gas_used]").innerText()).toBe(
    String(found.gas_used),
  );
  await transaction.getByText(`In full, with ${found.events.length} events`).click();
  expect(JSON.parse(await transaction.locator("pre").innerText())).toMatchObject({
    transaction: { kind: "call", sequence: call.sequence },
    error: null,
  });
  await traced(page, place, block.height, found.gas_used);
  await usable(page);
  await picture(page, "block");
});

/** Gas by function, as the node says and as much as the call took. */
async function traced(page: Page, place: number, height: number, gas: number): Promise<void> {
  const transaction = page.locator(`[data-place="${place}"]`);
  await transaction.getByRole("button", { name: "Gas by function" }).click();
  await transaction.getByRole("region", { name: "Gas by function" }).waitFor();
  expect(await transaction.locator("[data-field=traced_gas]").innerText()).toBe(String(gas));
  const { functions } = await ask("state_channel.trace", { channel: stage.channel, height, place });
  expect(functions.map((one) => one.function)).toContain("0x43::arena::turn");
  for (const one of functions) {
    const own = transaction.locator(`tr[data-row="${one.function}"] td[data-column="Own gas"]`);
    expect(await own.innerText()).toBe(String(one.own));
  }
}

test("the last blocks and a call that failed are listed, and older ones are a press away", async () => {
  await expect.poll(async () => (await status()).head, { timeout: 60_000 }).toBeGreaterThan(25);
  const page = await stage.part(0, "blocks");
  const first = page.locator("tbody tr").first();
  await between(
    async () => (await first.getAttribute("data-row")) ?? "",
    async () => (await status()).head,
  );
  const failed = page.locator('td[data-column="Failed"]', { hasText: /^[1-9]/ });
  await expect.poll(() => failed.count(), { timeout: 60_000 }).toBeGreaterThan(0);
  await page.getByRole("button", { name: "Older" }).click();
  const frozen = await first.getAttribute("data-row");
  const { head } = await status();
  expect(Number(frozen)).toBeLessThan(head - 10);
  await page.getByRole("button", { name: "Follow the head" }).click();
  await expect
    .poll(async () => Number(await first.getAttribute("data-row")), { timeout: 60_000 })
    .toBeGreaterThan(head - 1);
  await usable(page);
  await picture(page, "blocks");
});

/** The places of all events of blocks, the newest first. */
async function eventsOf(from: number, to: number): Promise<string[]> {
  const found: string[] = [];
  for (let next = from; next <= to; ) {
    const limit = Math.min(100, to - next + 1);
    const blocks = await ask("state_channel.blocks", { channel: stage.channel, from: next, limit });
    if (blocks.length === 0) break;
    for (const block of blocks) {
      const places = block.transactions.flatMap((one, place) =>
        one.events.map((_, number) => `${block.height}.${place}.${number}`),
      );
      found.push(...places);
    }
    next += blocks.length;
  }
  return found.reverse();
}

test("the last events are shown, older ones are a press away, and are found by their type", async () => {
  const all = async () => {
    const { pruned, head } = await status();
    return (await eventsOf(pruned + 1, head)).length;
  };
  await expect.poll(all, { timeout: 120_000, interval: 2_000 }).toBeGreaterThan(24);
  const page = await stage.part(0, "events");
  await page.getByRole("region", { name: "Events" }).waitFor({ timeout: 60_000 });
  const row = page.locator("tbody tr").first();
  const [height = 0, place = 0, number = 0] = ((await row.getAttribute("data-row")) ?? "")
    .split(".")
    .map(Number);
  const [block] = await ask("state_channel.blocks", {
    channel: stage.channel,
    from: height,
    limit: 1,
  });
  const event = block?.transactions[place]?.events[number];
  const data = page.locator(`tr[data-row="${height}.${place}.${number}"] td[data-column=Data]`);
  expect(JSON.parse(await data.innerText())).toEqual(event?.data);
  await olderEvents(page);
  await page.getByLabel("Types that hold").fill("no such type");
  await page.getByText(/^No such events in blocks [0-9]+ to [0-9]+, back to .* ago\./).waitFor();
  await usable(page);
});

/** The page before is what the API says of the blocks that the page names, and leaves none out. */
async function olderEvents(page: Page): Promise<void> {
  const span = async () => {
    const found = /in blocks? ([0-9]+)(?: to ([0-9]+))?,/.exec(await fact(page, "looked"));
    return { from: Number(found?.[1]), to: Number(found?.[2] ?? found?.[1]) };
  };
  await page.getByRole("button", { name: "Older" }).click();
  // It stands still now: only the page before this one lies above it.
  await page.getByRole("button", { name: "Newer", disabled: false }).waitFor();
  await page.locator("[data-field=looked]").waitFor();
  const { from, to } = await span();
  const said = await eventsOf(from, to);
  expect(said.length).toBeGreaterThan(0);
  const rows = page.locator("tbody tr");
  expect(await rows.evaluateAll((all) => all.map((one) => one.getAttribute("data-row")))).toEqual(
    said,
  );
  await page.getByRole("button", { name: "Follow the head" }).click();
  await expect.poll(async () => (await span()).to, { timeout: 60_000 }).toBeGreaterThan(to);
}

test("the state after any kept block is shown", async () => {
  const page = await stage.part(0, "state");
  const { channel } = stage;
  const { head } = await status();
  const height = Math.max(1, head - 10);
  const said = await ask("state_channel.state", { channel, height });
  expect(said.entries.length).toBeGreaterThan(4);
  for (const wrong of ["", "-1", "abc", "1.5"]) {
    await page.getByLabel("Height").fill(wrong);
    await page.getByRole("button", { name: "Show" }).click();
    await page.getByRole("alert").filter({ hasText: "A height is a whole number" }).waitFor();
  }
  await page.getByLabel("Height").fill(` ${height} `);
  await page.getByRole("button", { name: "Show" }).click();
  await expect.poll(() => fact(page, "state_height")).toBe(String(height));
  expect(await idIn(page, "[data-field=state_root]")).toBe(said.state_root);
  const [block] = await ask("state_channel.blocks", { channel, from: height, limit: 1 });
  expect(said.state_root).toBe(block?.state_root);
  for (const { key, value } of said.entries.slice(0, 5)) {
    const entry = page.locator(`[data-key="${key}"]`);
    await entry.locator("summary").click();
    expect(JSON.parse(await entry.locator("pre").innerText())).toEqual(value);
  }
  await page.getByLabel(/State after/).fill(String(height - 1));
  await expect.poll(() => fact(page, "state_height")).toBe(String(height - 1));
  await page.locator("summary").first().click();
  await usable(page);
  await picture(page, "state", true);
});

test("settlements are those of the chain, with its events", async () => {
  const page = await stage.part(0, "settlement");
  const settlement = async () =>
    (await ask("chain.channel", { channel: stage.channel })).record.settlement;
  await expect
    .poll(async () => (await settlement()).number, { timeout: 60_000 })
    .toBeGreaterThan(0);
  await page.locator("[data-field=settlement_number]").waitFor();
  await between(
    () => fact(page, "settlement_number"),
    async () => (await settlement()).number,
  );
  const { record } = await client().info(stage.channel);
  expect(await fact(page, "rule")).toBe(record.config.money?.settlement_rule);
  expect(await fact(page, "locked")).toBe("0.004 FWY");
  await page.getByRole("button", { name: "Look through the chain's events" }).click();
  await page.getByText(/events looked at\./).waitFor({ timeout: 60_000 });
  const found = page.getByRole("region", { name: "The chain's events about the channel" });
  const settled = found.locator("tr", { hasText: "0x3::settlement::Settled" }).first();
  const number = await settled.getAttribute("data-row");
  const [event] = await client().ledger.events(Number(number), 1);
  expect(event?.channel).toBe(stage.channel);
  expect(JSON.parse(await settled.locator("td[data-column=Data]").innerText())).toEqual(
    event?.data,
  );
  await usable(page);
});

test("no evidence is no evidence, as the API says", async () => {
  const page = await stage.part(0, "evidence");
  expect(await ask("state_channel.evidence", { channel: stage.channel })).toEqual([]);
  await page.getByText("None.").waitFor();
  const { divergences } = await ask("state_channel.activity", { channel: stage.channel });
  expect(await fact(page, "divergences")).toBe(String(divergences));
  await usable(page);
});

test("peers are shown with the connections to them", async () => {
  const page = await stage.open(stage.console(0), "#/peers");
  const peers = await ask("state_channel.peers", {});
  expect(peers.length).toBe(3);
  await page.getByRole("region", { name: "Peers" }).waitFor();
  for (const peer of peers) {
    const shown = (column: string) => cell(page, `${peer.node} 0`, column).innerText();
    expect(await shown("Path")).toBe(peer.paths[0]?.address);
    expect(await shown("Made by")).toBe(peer.paths[0]?.dialled ? "this node" : "the other");
    expect(await shown("Round trip")).toMatch(/^[0-9.]+ (µs|ms)$/);
  }
  await usable(page);
});

test("the ledger's blocks, accounts and contracts are shown, by a node and by the ledger itself", async () => {
  const key = stage.world.key(0);
  const source = {
    name: "counter",
    addresses: [["app", key.address]] as [string, string][],
    files: [{ path: "counter.move", text: COUNTER }],
  };
  const report = await client().ledger.execute(key, { publish: { package: source } });
  for (const url of [stage.console(0), stage.world.console as string]) {
    const page = await stage.open(url, "#/ledger");
    await page.getByRole("region", { name: "Blocks of the ledger" }).waitFor();
    await between(
      () => fact(page, "chain_height"),
      async () => (await client().ledger.info()).height,
    );
    await usable(page);
    await picture(page, "ledger", url === stage.world.console);
    await nothingFound(page);
    await seek(page, report.transaction);
    await page.getByRole("heading", { name: `Block ${report.height}` }).waitFor();
    const shown = page.locator(`[data-transaction="${report.transaction}"]`);
    await shown.getByRole("heading", { name: /publish package counter done/ }).waitFor();
    expect(await shown.locator("[data-field=gas_used]").innerText()).toBe(String(report.gas_used));
    expect(await shown.locator("[data-field=sender] [data-id]").getAttribute("data-id")).toBe(
      key.address,
    );
    const { hash } = await ask("chain.block", { height: report.height });
    expect(await idIn(page, "[data-field=block_hash]")).toBe(hash);
    await usable(page);
    await accounts(page, key.address);
    await contracts(page, key.address);
  }
});

async function seek(page: Page, text: string): Promise<void> {
  await page.getByLabel("Height, transaction or address").fill(text);
  await page.keyboard.press("Enter");
}

/** What is not found is said at the box, which stays where it is. */
async function nothingFound(page: Page): Promise<void> {
  const before = page.url();
  const nobody = Keypair.generate().address;
  for (const [text, said] of [
    ["abc", "“abc” is neither a height nor 0x and hex digits."],
    ["0x12", "“0x12” has 2 hex digits, not 64."],
    ["999999999", "The ledger has no such block, 999999999: its blocks are 1 to "],
    [nobody, `The ledger has no such transaction, and no such account: ${nobody}.`],
  ] as const) {
    await seek(page, text);
    await page.getByRole("alert").filter({ hasText: said }).waitFor();
    expect(page.url()).toBe(before);
  }
  await usable(page);
}

async function accounts(page: Page, account: string): Promise<void> {
  await page.getByRole("link", { name: "Accounts" }).click();
  await page.getByRole("region", { name: "Accounts" }).waitFor();
  const rows = await ask("chain.accounts", {});
  expect(await page.locator("tbody tr").count()).toBeGreaterThanOrEqual(rows.length);
  const units = await client().ledger.balance(account);
  await expect
    .poll(async () =>
      Number((await cell(page, account, "Balance").innerText()).replace(/[^0-9.]/g, "")),
    )
    .toBe(Number(units) / 1e6);
  await seek(page, account);
  await expect.poll(() => fact(page, "account_modules")).toBe("counter");
  const sequence = await ask("chain.sequence", { account });
  expect(await fact(page, "account_sequence")).toBe(String(sequence));
  await usable(page);
}

async function contracts(page: Page, account: string): Promise<void> {
  await page.getByRole("link", { name: "Contracts" }).click();
  const packages = await ask("chain.packages", {});
  expect(packages.map((one) => one.name).sort()).toEqual(["arena", "counter"]);
  for (const one of packages) {
    await expect.poll(() => cell(page, one.package, "Name").innerText()).toBe(one.name);
  }
  expect(await cell(page, `${account}::counter`, "Module").innerText()).toBe("counter");
  await page.getByRole("button", { name: "Show the sources of counter" }).click();
  await page.getByText("struct Count has key").waitFor();
  const modules = await ask("chain.abi", { address: `0x${"3".padStart(64, "0")}` });
  await expect.poll(() => page.locator(".entries > li").count()).toBe(modules.length);
  await usable(page);
}

test("modules beyond the first hundred are a press away", async () => {
  for (let number = 1; number <= 4; number += 1) {
    const key = Keypair.generate();
    const letters = [..."abcdefghijklmnopqrstuvwxyz"];
    const files = letters.map((name) => ({
      path: `${name}.move`,
      text: `module app::${name} { public fun nothing() {} }`,
    }));
    const addresses: [string, string][] = [["app", key.address]];
    const source = { name: `many_${number}`, addresses, files };
    await client().ledger.execute(key, { publish: { package: source } });
  }
  const page = await stage.open(stage.console(0), "#/ledger/contracts");
  const table = page.getByRole("region", { name: "Published modules" });
  const shown = () =>
    table
      .locator("tbody tr")
      .evaluateAll((rows) => rows.map((row) => row.getAttribute("data-row")));
  const said = async (after?: string) =>
    (await ask("chain.contracts", after ? { after } : {})).map((one) => {
      return `${one.address}::${one.module}`;
    });
  const first = await said();
  const rest = await said(first.at(-1));
  expect([first.length, rest.length]).toEqual([100, 5]);
  await expect.poll(shown).toEqual(first);
  const pages = page.getByRole("navigation", { name: "Pages of Published modules" });
  await usable(page);
  await pages.getByRole("button", { name: "After" }).click();
  await expect.poll(shown).toEqual(rest);
  expect(await pages.getByRole("button", { name: "After" }).isDisabled()).toBe(true);
  await pages.getByRole("button", { name: "Before" }).click();
  await expect.poll(shown).toEqual(first);
  expect(await pages.getByRole("button", { name: "Before" }).isDisabled()).toBe(true);
});

test("every view fits a phone, in the dark", async () => {
  for (const part of PARTS) {
    const page = await stage.part(0, part, PHONE);
    await page.getByRole("navigation", { name: "Parts of the channel" }).waitFor();
    await page.locator("dl, table, label").first().waitFor();
    await usable(page);
    if (part === "overview") {
      await page.waitForTimeout(process.env.UPDATE_PICTURES ? 30_000 : 0);
      await page
        .getByRole("heading", { name: "Over time" })
        .evaluate((one) => one.scrollIntoView());
      await picture(page, "phone", true);
    }
    await page.context().close();
  }
  for (const fragment of ["", "#/peers", "#/ledger", "#/ledger/accounts", "#/ledger/contracts"]) {
    const page = await stage.open(stage.console(0), fragment, PHONE);
    await page.locator("dl, table").first().waitFor();
    await usable(page);
    await page.context().close();
  }
});

test("only what reads is answered, to pages of this port and to names of this machine", async () => {
  const rpc = `${stage.console(0)}rpc`;
  expect((await http(rpc)).status).toBe(204);
  expect((await http(rpc, HANDSHAKE)).status).toBe(101);
  for (const headers of [{ origin: "https://evil.example" }, { host: "evil.example:9103" }]) {
    for (const more of [{}, HANDSHAKE]) {
      const refused = await http(rpc, { ...more, ...headers } as Record<string, string>);
      expect(refused.status).toBe(403);
      expect(refused.body).toContain("evil.example");
    }
  }
  const page = await http(stage.console(0));
  expect(page.headers["content-security-policy"]).toContain("default-src 'none'");
  expect(page.headers["x-content-type-options"]).toBe("nosniff");
  expect((await http(`${stage.console(0)}nothing`)).status).toBe(404);
  expect((await http(stage.console(0).replace(/\/$/, ""))).status).toBe(308);
  const reader = await stage.world.client(0, `${stage.console(0).replace("http", "ws")}rpc`);
  expect((await reader.status()).node).toBe((await client().status()).node);
  await expect(reader.ledger.faucet(stage.world.key(0).address, 5)).rejects.toThrow(
    "chain.faucet is not answered here",
  );
});

test("a node that is killed is missed, and shown again when it is back", async () => {
  const page = await stage.part(2, "overview");
  await page.locator("[data-field=head]").waitFor();
  const before = Number(await fact(page, "head"));
  const other = await stage.part(0, "members");
  const account = stage.world.key(2).address;
  await cell(other, account, "Heard here").waitFor();
  await stage.world.node(2).kill();
  await page.getByText("Connection lost").waitFor();
  expect(Number(await fact(page, "head"))).toBeGreaterThanOrEqual(before);
  await usable(page);
  await expect
    .poll(() => cell(other, account, "Heard here").innerText(), { timeout: 60_000 })
    .toMatch(/^away, /);
  await expect
    .poll(() => cell(other, account, "On the chain").getAttribute("data-column"), {
      timeout: 5_000,
    })
    .toBe("On the chain");
  await picture(other, "away");
  await stage.world.node(2).start();
  await page.getByText("Connection lost").waitFor({ state: "detached", timeout: 60_000 });
  await expect
    .poll(async () => Number(await fact(page, "head")), { timeout: 60_000 })
    .toBeGreaterThan(before + 3);
  await expect
    .poll(() => cell(other, account, "Heard here").innerText(), { timeout: 60_000 })
    .toMatch(/^[0-9.]+ s ago$/);
});

test("without a quorum the page says so, and shows the proposal that waits with its votes", async () => {
  const page = await stage.part(0, "settlement");
  await page.locator("[data-field=settlement_number]").waitFor();
  const overview = await stage.part(0, "overview");
  await overview.locator("[data-field=head]").waitFor();
  await Promise.all([stage.world.node(2).kill(), stage.world.node(3).kill()]);
  // Until the chain takes these two out of the epoch: then the others go on, and can settle nothing.
  await overview.getByText("no quorum").waitFor({ timeout: 60_000 });
  await usable(overview);
  // What was final and not settled is proposed here, or what becomes final in the chain's next epoch.
  const votes = page.getByRole("region", { name: "Votes" });
  const proposes = async () => {
    await ask("state_channel.propose_settlement", { channel: stage.channel }).catch(
      () => undefined,
    );
    return votes.isVisible();
  };
  await expect.poll(proposes, { timeout: 150_000, interval: 1_000 }).toBe(true);
  await expect
    .poll(
      async () => {
        const [said] = await ask("state_channel.proposals", { channel: stage.channel });
        if (!said) return "no proposal";
        const shown = await Promise.all(
          (await status()).members.map(({ node }) => cell(page, node, "Vote").innerText()),
        );
        const expected = (await status()).members.map(({ node }) => {
          const vote = said.votes.find((one) => one.node === node);
          return vote ? (vote.yes ? "yes" : "no") : "not heard";
        });
        return (
          expected.includes("yes") && expected.includes("not heard") && `${shown}` === `${expected}`
        );
      },
      { timeout: 60_000 },
    )
    .toBe(true);
  await picture(page, "votes");
  const settlements = async () => (await status()).settlements;
  const before = await settlements();
  await stage.world.node(2).start();
  await stage.world.node(3).start();
  await overview.getByText("no quorum").waitFor({ state: "detached", timeout: 60_000 });
  await expect.poll(settlements, { timeout: 60_000 }).toBeGreaterThan(before);
}, 300_000);

test("a node with tokens asks for one, and a wrong one is told from it", async () => {
  const token = "0123456789abcdef0123456789abcdef";
  const node = stage.world.node(3);
  await node.kill();
  await node.start({ FAIRWAY_ACCESS_TOKENS: token });
  const page = await stage.open(stage.console(3));
  // The second is of letters that no header can carry.
  for (const wrong of ["wrong", "„wrong“"]) {
    await page.getByLabel("Token").fill(wrong);
    await page.getByRole("button", { name: "Open" }).click();
    await page.getByRole("alert").getByText("not known here").waitFor();
  }
  await usable(page);
  await page.getByLabel("Token").fill(token);
  await page.getByRole("button", { name: "Open" }).click();
  await page.getByRole("heading", { name: "Channels" }).waitFor();
  await page.reload();
  await page.getByRole("heading", { name: "Channels" }).waitFor();
  const stranger = await stage.open(stage.console(3));
  await stranger.getByLabel("Token").waitFor();
  await page.getByRole("button", { name: "Forget the token" }).click();
  await page.getByLabel("Token").waitFor();
  expect((await http(`${stage.console(3)}rpc`, HANDSHAKE)).status).toBe(401);
});

test("no page complained of anything", () => {
  expect(stage.complaints).toEqual([]);
});
