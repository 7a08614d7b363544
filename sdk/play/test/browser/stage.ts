// The built page, served on loopback, and browsers as players. CHROMIUM names the browser.
import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join as path } from "node:path";
import { fileURLToPath } from "node:url";
import type { BrowserContextOptions, Locator, Page } from "playwright-core";
import { build, type PreviewServer, preview } from "vite";
import { expect } from "vitest";
import { pictures, TestBrowser } from "../../../pages/test/browser.js";
import { linkText, type Seat } from "../../src/link.js";

const CONFIG = fileURLToPath(new URL("../../vite.config.ts", import.meta.url));

export const picture = pictures("play");

export const DESKTOP: BrowserContextOptions = { viewport: { width: 900, height: 900 } };
/** As narrow as phones get. */
export const PHONE: BrowserContextOptions = {
  viewport: { width: 360, height: 740 },
  hasTouch: true,
  isMobile: true,
  colorScheme: "dark",
  reducedMotion: "reduce",
};

export class Stage {
  private constructor(
    readonly url: string,
    private readonly folder: string,
    private readonly server: PreviewServer,
    private readonly browser: TestBrowser,
  ) {}

  static async start(): Promise<Stage> {
    const folder = mkdtempSync(path(tmpdir(), "fairway-play-"));
    const options = { configFile: CONFIG, logLevel: "error", build: { outDir: folder } } as const;
    // Vitest's own value would build the page of developers.
    process.env.NODE_ENV = "production";
    await build({ ...options, mode: "production" });
    const server = await preview({ ...options, preview: { host: "127.0.0.1", port: 0 } });
    const { port } = server.httpServer.address() as AddressInfo;
    return new Stage(`http://127.0.0.1:${port}/`, folder, server, await TestBrowser.start());
  }

  /** What pages complained of. */
  get complaints(): readonly string[] {
    return this.browser.complaints;
  }

  /** A page in a browser context of its own. */
  async open(fragment: string, options: BrowserContextOptions = DESKTOP): Promise<Page> {
    return this.visit(await this.browser.page(options, 60_000), fragment);
  }

  visit(page: Page, fragment: string): Promise<Page> {
    return this.browser.visit(page, this.url + fragment);
  }

  seat(seat: Seat, options?: BrowserContextOptions): Promise<Page> {
    return this.open(linkText(seat), options);
  }

  async stop(): Promise<void> {
    await this.browser.stop();
    await this.server.close();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 40, retryDelay: 250 });
  }
}

/** Joins by the form, with a deposit in FWY, and lets the page sign moves. */
export async function join(page: Page, deposit: string): Promise<void> {
  await sitDown(page, deposit);
  await sign(page);
}

/** Joins by the form, and signs nothing else. */
export async function sitDown(page: Page, deposit: string): Promise<void> {
  await page.getByLabel("Deposit in FWY").fill(deposit);
  await page.getByRole("button", { name: "Join" }).click();
  await page.getByRole("heading", { name: "Money" }).waitFor({ timeout: 60_000 });
}

/** Signs what the page asks for, with so much for stakes in FWY, or what it suggests. */
export async function sign(page: Page, stakes?: string): Promise<void> {
  if (stakes !== undefined) await page.getByLabel("For stakes in FWY").fill(stakes);
  await page.getByRole("button", { name: "Sign", exact: true }).click();
  // Members who join meanwhile count in the quorum before their nodes have caught up.
  await page.locator("#session-ends").waitFor({ timeout: 60_000 });
}

/** What a screen reader says of the game: found by its role, which nothing has that is hidden from it. */
export function spoken(page: Page): Locator {
  return page.getByRole("status").and(page.locator("#turn"));
}

/** Waits until this is said of the game, and what is to be read is the very same. */
export async function says(page: Page, text: string | RegExp): Promise<void> {
  await spoken(page).filter({ hasText: text }).waitFor({ timeout: 60_000 });
  const isRead = async () =>
    (await spoken(page).textContent()) === (await page.locator(".says").textContent());
  await expect.poll(isRead, { timeout: 60_000 }).toBe(true);
}
