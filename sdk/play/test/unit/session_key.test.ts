import { RefusedError } from "@fairway/sdk";
import { expect, test } from "vitest";
import { GAMES } from "../../src/games/known.js";
import { SessionKey } from "../../src/session_key.js";

function overSpent(spent: bigint): Error {
  const details = { asset: "0xfa", left: 5n, spent };
  return new RefusedError({ name: "over_spent", details }, "over spent");
}

/** A call under way, and how it ends. */
function call(): { handle: { executed: Promise<never> }; ends: (error?: Error) => Promise<void> } {
  let resolve: (value: never) => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<never>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  const ends = async (error?: Error) => {
    if (error) reject(error);
    else resolve(undefined as never);
    await promise.catch(() => undefined);
  };
  return { handle: { executed: promise }, ends };
}

test("a stake over the limit is said until another stake is made, which a turn is not", async () => {
  const sessionKey = new SessionKey("0x01", "0x02", GAMES.arena);
  const [before, over, turn, aborted, after] = [call(), call(), call(), call(), call()];
  for (const one of [before, over, aborted, after]) sessionKey.follow(one.handle, true);
  sessionKey.follow(turn.handle, false);
  await before.ends();
  await over.ends(overSpent(10n));
  await turn.ends();
  await aborted.ends(new Error("aborted"));
  expect(sessionKey.overSpent).toEqual({ left: 5n, spent: 10n });
  await after.ends();
  expect(sessionKey.overSpent).toBeUndefined();
});
