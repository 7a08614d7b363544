// Pages name fixed ports for their readers (9100 to 9199). Each page runs on free ones in their place.
import { createServer } from "node:net";

const NAMED = /(?<=[:/ ]|%3A)91\d\d\b/g;

const freePort = () =>
  new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
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
