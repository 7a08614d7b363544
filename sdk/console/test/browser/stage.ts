// A game under way on a ledger and four nodes that serve consoles, and a browser that looks at them.
import type { BrowserContextOptions, Page } from "playwright-core";
import { expect } from "vitest";
import { BROKEN, pictures, TestBrowser } from "../../../pages/test/browser.js";
import {
  type Channel,
  type Client,
  type Member,
  RefusedError,
} from "../../../typescript/src/index.js";
import { World } from "../../../typescript/test/nodes/world.js";

export const picture = pictures("console", "console-");

export const DESKTOP: BrowserContextOptions = { viewport: { width: 1180, height: 820 } };
export const PHONE: BrowserContextOptions = {
  viewport: { width: 400, height: 800 },
  hasTouch: true,
  isMobile: true,
  colorScheme: "dark",
};

/** What the browser itself says when a connection breaks or is refused, which tests do on purpose. */
const EXPECTED = new RegExp(`${BROKEN.source}|status of 40[13]`);
const ARENA = "0x43::arena";

/** Every player steers to the prize, a few turns a second, until it is stopped; one turn in ten fails. */
class Game {
  #stopped = false;
  readonly #players: Promise<void>[];

  constructor(world: World, channels: Channel[]) {
    this.#players = channels.map((channel, index) => this.#play(world, channel, index));
  }

  async #play(world: World, channel: Channel, index: number): Promise<void> {
    const member = channel.member(world.key(index));
    const { address: account } = world.key(index);
    for (let round = index; !this.#stopped; round += 1) {
      // A node that is killed, or one that lacks others, answers later; what fails is meant to.
      await this.#turn(channel, member, account, round).catch((error: unknown) =>
        error instanceof RefusedError ? undefined : pause(500),
      );
      await pause(150);
    }
  }

  async #turn(channel: Channel, member: Member, account: string, round: number): Promise<void> {
    const [at, prize] = await Promise.all([
      channel.view(`${ARENA}::position`, [account]),
      channel.view(`${ARENA}::prize`, []),
    ]);
    // 0 back, 1 stay, 2 forth; 9 is no step: that call aborts.
    const steps = [0, 1].map((axis) => 1 + Math.sign(Number(prize[axis]) - Number(at[axis])));
    const handle = member.call(`${ARENA}::turn`, round % 10 === 0 ? [9, 1] : steps);
    await handle.certified;
    // The SDK waits for `executed` and follows a subscription; others ask the node to wait, as here.
    if (handle.signed) {
      await channel.connection.request("state_channel.call", {
        call: handle.signed,
        wait: "certified",
      });
    }
  }

  stop(): void {
    this.#stopped = true;
    for (const player of this.#players) player.catch(() => {});
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

export class Stage {
  private constructor(
    readonly world: World,
    readonly channel: string,
    readonly clients: Client[],
    private readonly game: Game,
    private readonly browser: TestBrowser,
  ) {}

  static async start(): Promise<Stage> {
    const world = await World.start(4, true);
    const channel = await world.open("arena", { tick_interval: 200, settlement_interval: 1_500 });
    const clients = await Promise.all(world.nodes.map((_, index) => world.client(index)));
    const game = new Game(
      world,
      await Promise.all(clients.map((client) => client.channel(channel))),
    );
    return new Stage(world, channel, clients, game, await TestBrowser.start(EXPECTED));
  }

  /** What pages complained of. */
  get complaints(): readonly string[] {
    return this.browser.complaints;
  }

  client(index: number): Client {
    return this.clients[index] as Client;
  }

  console(index: number): string {
    return this.world.node(index).console as string;
  }

  /** A page at a console, in a context of its own. */
  async open(url: string, fragment = "", options: BrowserContextOptions = DESKTOP): Promise<Page> {
    return this.browser.visit(await this.browser.page(options, 60_000), url + fragment);
  }

  /** A part of the channel's page at a node's console. */
  part(index: number, tab: string, options?: BrowserContextOptions): Promise<Page> {
    return this.open(this.console(index), `#/channel/${this.channel}/${tab}`, options);
  }

  async stop(): Promise<void> {
    this.game.stop();
    await this.browser.stop();
    await this.world.stop();
  }
}

/** The text of a fact. */
export function fact(page: Page, field: string): Promise<string> {
  return page.locator(`[data-field="${field}"]`).innerText();
}

/** The id in full that a fact or a cell shows. */
export async function idIn(page: Page, selector: string): Promise<string | null> {
  return page.locator(`${selector} [data-id]`).first().getAttribute("data-id");
}

/** A cell of a table. */
export function cell(page: Page, row: string, column: string) {
  return page.locator(`tr[data-row="${row}"] td[data-column="${column}"]`);
}

/** That what is shown lies between what the API says before and after. */
export async function between(
  shown: () => Promise<string>,
  said: () => Promise<number>,
): Promise<void> {
  const before = await said();
  await expect
    .poll(async () => Number(await shown()), { timeout: 60_000 })
    .toBeGreaterThanOrEqual(before);
  const value = Number(await shown());
  expect(value).toBeLessThanOrEqual(await said());
}
