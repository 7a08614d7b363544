// Pages name fixed ports for their readers (9100 to 9199). Each page runs on free ones in their place.
import { createServer } from "node:net";

const NAMED = /(?<=[:/ ]|%3A)91\d\d\b/g;

// Below those that systems give to connections, any of which could take one before its server does.
const [FIRST, LAST] = [10_000, 19_999];
const taken = new Set();

async function freePort() {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST + 1));
    if (!taken.has(port) && (await isFree(port))) {
      taken.add(port);
      return port;
    }
  }
}

const isFree = (port) =>
  new Promise((resolve) => {
    const server = createServer().once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });

export class Ports {
  #actual = new Map();

  static async of(texts) {
    const ports = new Ports();
    const named = new Set([
      "9100",
      "9101",
      "9102",
      ...texts.flatMap((text) => text.match(NAMED) ?? []),
    ]);
    for (const port of named) ports.#actual.set(port, String(await freePort()));
    return ports;
  }

  at(named) {
    return this.#actual.get(named);
  }

  fill(command) {
    return command.replace(NAMED, (named) => this.#actual.get(named));
  }

  /** What was printed, with the page's ports. */
  name(printed) {
    let text = printed;
    for (const [named, actual] of this.#actual) {
      text = text.replace(new RegExp(`(?<=[:/ ]|%3A)${actual}\\b`, "g"), named);
    }
    return text;
  }
}
