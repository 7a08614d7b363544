// The built page, served on loopback, and browsers as players. CHROMIUM names the browser.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join as path } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { build, type PreviewServer, preview } from "vite";
import { expect } from "vitest";
import { linkText, type Seat } from "../../src/link.js";

const CONFIG = fileURLToPath(new URL("../../vite.config.ts", import.meta.url));
const SHOTS = fileURLToPath(new URL("../../../../target/play/", import.meta.url));
const IMAGES = fileURLToPath(new URL("../../../../docs/images/", import.meta.url));
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const DESKTOP: BrowserContextOptions = { viewport: { width: 900, height: 900 } };
/** As narrow as phones get. */
export const PHONE: BrowserContextOptions = {
  viewport: { width: 360, height: 740 },
  hasTouch: true,
  isMobile: true,
  colorScheme: "dark",
  reducedMotion: "reduce",
};

/** What the browser itself says when a connection breaks, which tests do on purpose. */
const EXPECTED = /WebSocket connection to|net::ERR_/;

/** The browser's program. */
export function program(): string {
  const browser = process.env.CHROMIUM ?? "/usr/bin/chromium";
  if (existsSync(browser)) return browser;
  throw new Error(`no browser at ${browser}: apt-get install chromium, or name one with CHROMIUM`);
}

export class Stage {
  /** What pages complained of. */
  readonly complaints: string[] = [];

  private constructor(
    readonly url: string,
    private readonly folder: string,
    private readonly server: PreviewServer,
    private readonly browser: Browser,
  ) {}

  static async start(): Promise<Stage> {
    const folder = mkdtempSync(path(tmpdir(), "fairway-play-"));
    const options = { configFile: CONFIG, logLevel: "error", build: { outDir: folder } } as const;
    // Vitest's own value would build the page of developers.
    process.env.NODE_ENV = "production";
    await build({ ...options, mode: "production" });
    const server = await preview({ ...options, preview: { host: "127.0.0.1", port: 0 } });
    const { port } = server.httpServer.address() as AddressInfo;
    const browser = await chromium.launch({ executablePath: program(), args: ["--no-sandbox"] });
    return new Stage(`http://127.0.0.1:${port}/`, folder, server, browser);
  }

  /** A page in a browser context of its own: no storage, locks or network state is shared. */
  async open(fragment: string, options: BrowserContextOptions = DESKTOP): Promise<Page> {
    const context = await this.browser.newContext(options);
    context.setDefaultTimeout(10_000);
    return this.visit(await context.newPage(), fragment);
  }

  async visit(page: Page, fragment: string): Promise<Page> {
    page.on("pageerror", (error) => this.complaints.push(`${error}`));
    page.on("console", (message) => {
      const bad = message.type() === "error" || message.type() === "warning";
      if (bad && !EXPECTED.test(message.text())) this.complaints.push(message.text());
    });
    await page.goto(this.url + fragment);
    return page;
  }

  seat(seat: Seat, options?: BrowserContextOptions): Promise<Page> {
    return this.open(linkText(seat), options);
  }

  async stop(): Promise<void> {
    await this.browser.close();
    await this.server.close();
    rmSync(this.folder, { recursive: true, force: true });
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
  await page.getByRole("heading", { name: "Money" }).waitFor({ timeout: 30_000 });
}

/** Signs what the page asks for, with so much for stakes in FWY, or what it suggests. */
export async function sign(page: Page, stakes?: string): Promise<void> {
  if (stakes !== undefined) await page.getByLabel("For stakes in FWY").fill(stakes);
  await page.getByRole("button", { name: "Sign", exact: true }).click();
  // Members who join meanwhile count in the quorum before their nodes have caught up.
  await page.locator("#session-ends").waitFor({ timeout: 30_000 });
}

/** No finding of axe, and nothing wider than the screen. */
export async function usable(page: Page): Promise<void> {
  // By the debugger, which the page's content policy does not bind.
  await page.evaluate(AXE);
  const found = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: Finding[] }> } };
    interface Finding {
      id: string;
      nodes: { html: string; failureSummary?: string }[];
    }
    const { violations } = await axe.run();
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html}: ${failureSummary}`),
    );
  });
  expect(found).toEqual([]);
  const { wide, room } = await page.evaluate(() => ({
    wide: document.documentElement.scrollWidth,
    room: document.documentElement.clientWidth,
  }));
  expect(wide).toBeLessThanOrEqual(room);
}

/** A picture, for whoever looks into a failure; also among the docs' when FAIRWAY_IMAGES is set. */
export async function shot(page: Page, name: string, image = false): Promise<void> {
  mkdirSync(SHOTS, { recursive: true });
  await page.screenshot({ path: `${SHOTS}${name}.png` });
  if (!image || !process.env.FAIRWAY_IMAGES) return;
  mkdirSync(IMAGES, { recursive: true });
  await page.screenshot({ path: `${IMAGES}${name}.png` });
}
