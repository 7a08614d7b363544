import { type CallHandle, RefusedError } from "@fairway/sdk";
import { expect, test } from "vitest";
import { GAMES } from "../../src/games/known.js";
import { SessionKey } from "../../src/session_key.js";

function outcome(result: { error?: Error; report?: object }): CallHandle {
  return result as unknown as CallHandle;
}

function overSpent(spent: bigint): CallHandle {
  const details = { asset: "0xfa", left: 5n, spent };
  return outcome({ error: new RefusedError({ name: "over_spent", details }, "over spent") });
}

test("a stake over the limit is said until another stake is made, which a turn is not", () => {
  const sessionKey = new SessionKey("0x01", "0x02", GAMES.arena);
  sessionKey.note(overSpent(10n), true);
  expect(sessionKey.overSpent).toEqual({ left: 5n, spent: 10n });
  sessionKey.note(outcome({ report: {} }), false);
  sessionKey.note(outcome({}), true);
  sessionKey.note(outcome({ report: {}, error: new Error("aborted") }), true);
  expect(sessionKey.overSpent).toEqual({ left: 5n, spent: 10n });
  sessionKey.note(outcome({ report: {} }), true);
  expect(sessionKey.overSpent).toBeUndefined();
});
