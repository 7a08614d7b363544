// Plays the tutorial's page as its reader does: two windows of Chromium, by their buttons.
// Usage: nim.mjs URL game|leave; CHROMIUM names the browser.
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

const [url, part] = process.argv.slice(2);
const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
if (!existsSync(executablePath))
  throw new Error(`no browser at ${executablePath}: name one with CHROMIUM`);
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });

async function windowOf(name) {
  const page = await (await browser.newContext()).newPage();
  page.on("pageerror", (error) => console.error(`${name}: ${error}`));
  await page.goto(`${url}#${name}`);
  const says = (id, text) =>
    page
      .waitForFunction(
        ([id, text]) => document.getElementById(id)?.textContent.includes(text),
        [id, text],
      )
      .catch(async () => {
        throw new Error(`${name}: #${id} is "${await page.textContent(`#${id}`)}", not "${text}"`);
      });
  const press = async (id, answer = "certified") => {
    await page.click(`#${id}`);
    await says("said", `${id}: ${answer}`);
  };
  await says("name", name);
  await says("money", "on the chain");
  return { press, says };
}

try {
  const [alice, bob] = [await windowOf("alice"), await windowOf("bob")];
  if (part === "game") {
    await alice.says("money", "100 in the channel");
    await alice.press("open");
    await bob.says("heap", "a guest is awaited");
    await bob.press("join");
    await bob.says("money", "75 in the channel");
    await alice.press("take3");
    await bob.says("heap", "18 sticks");
    await alice.press("take1", "E_NOT_YOUR_TURN");
    for (let move = 1; move < 7; move += 1) await (move % 2 === 1 ? bob : alice).press("take3");
    await bob.says("heap", "no game");
    await alice.says("money", "125 in the channel");
    await bob.says("money", "75 in the channel");
  } else {
    await bob.press("leave");
    await bob.says("money", "0 in the channel, 999975 on the chain");
    await alice.press("leave");
    await alice.says("money", "0 in the channel, 1000025 on the chain");
  }
} finally {
  await browser.close();
}
