// The program of docs/sdk-typescript.md, as scripts/snippets.mjs wrote it.
import { afterAll, beforeAll, expect, test } from "vitest";
import { program } from "../generated/program.js";
import { example, World } from "./world.js";

let world: World;
beforeAll(async () => {
  world = await World.start(2);
});
afterAll(() => world?.stop());

test("the examples of the guide run, in order", async () => {
  const lines: unknown[][] = [];
  await program({
    url: world.node(0).url,
    bobUrl: world.node(1).url,
    aliceSeed: world.key(0).secretSeed(),
    bobSeed: world.key(1).secretSeed(),
    source: example("payments"),
    console: { log: (...values) => lines.push(values) },
  });
  const said = lines.map((values) => values.join(" "));
  expect(said).toContain("true true");
  expect(said).toContain("final -> settled");
  expect(said).toContain("5 left");
  expect(said).toContain("6 is more than 5");
  expect(said).toContain("the contract says E_ZERO_AMOUNT");
  expect(said.some((line) => /^[1-9]\d* channels with a seat/.test(line))).toBe(true);
});
