// What both pages are tested with: a browser that keeps their complaints, axe, pictures.
import { existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { expect } from "vitest";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TARGET = fileURLToPath(new URL("../../../target/", import.meta.url));
const IMAGES = fileURLToPath(new URL("../../../docs/images/", import.meta.url));
const MOST_BYTES = 150_000;

/** What the browser itself says when a connection breaks, which tests do on purpose. */
export const BROKEN = /WebSocket connection to|net::ERR_/;

/** The browser's program, which CHROMIUM names. */
function program(): string {
  const browser = process.env.CHROMIUM ?? "/usr/bin/chromium";
  if (existsSync(browser)) return browser;
  throw new Error(`no browser at ${browser}: apt-get install chromium, or name one with CHROMIUM`);
}

export class TestBrowser {
  /** What pages complained of. */
  readonly complaints: string[] = [];

  private constructor(
    private readonly browser: Browser,
    private readonly expected: RegExp,
  ) {}

  /** `expected` is what the browser says of what tests do on purpose. */
  static async start(expected = BROKEN): Promise<TestBrowser> {
    const options = { executablePath: program(), args: ["--no-sandbox"] };
    return new TestBrowser(await chromium.launch(options), expected);
  }

  /** A page in a context of its own: no storage, locks or network state is shared. */
  async page(options: BrowserContextOptions, patienceMs: number): Promise<Page> {
    const context = await this.browser.newContext(options);
    context.setDefaultTimeout(patienceMs);
    return context.newPage();
  }

  async visit(page: Page, url: string): Promise<Page> {
    page.on("pageerror", (error) => this.complaints.push(`${error}`));
    page.on("console", (message) => {
      const bad = message.type() === "error" || message.type() === "warning";
      if (bad && !this.expected.test(message.text())) this.complaints.push(message.text());
    });
    await page.goto(url);
    return page;
  }

  stop(): Promise<void> {
    return this.browser.close();
  }
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

/** Takes a picture; with `ofDocs` also the docs' one when UPDATE_PICTURES is set. */
export type Picture = (page: Page, name: string, ofDocs?: boolean) => Promise<void>;

/** Takes pictures for whoever looks into a failure, in `target/FOLDER`; the docs' begin with `prefix`. */
export function pictures(folder: string, prefix = ""): Picture {
  return async (page, name, ofDocs = false) => {
    mkdirSync(`${TARGET}${folder}`, { recursive: true });
    const path = `${TARGET}${folder}/${name}.png`;
    await page.screenshot({ path });
    if (!ofDocs || !process.env.UPDATE_PICTURES) return;
    const shown = `${IMAGES}${prefix}${name}.png`;
    await page.screenshot({ path: shown });
    expect(statSync(shown).size).toBeLessThan(MOST_BYTES);
  };
}
