import { expect, test } from "vitest";
import type { Source } from "../../src/ask.js";
import { parseQuery, search } from "../../src/search.js";

const ID = `0x${"ab".repeat(32)}`;
const ACCOUNT = `0x${"0".repeat(62)}44`;

/** A ledger of nine blocks that knows one transaction and one account. */
function ledger(): Pick<Source, "ask"> & { asked: string[] } {
  const asked: string[] = [];
  const answers: Record<string, (params: Record<string, unknown>) => unknown> = {
    "chain.info": () => ({ height: 9 }),
    "chain.transaction": ({ transaction }) => (transaction === ID ? { height: 4 } : null),
    "chain.sequence": () => 0,
    "chain.balance": ({ account }) => ({ amount: account === ACCOUNT ? "1" : "0" }),
    "chain.abi": () => [],
  };
  const ask = async (method: string, params: object) => {
    asked.push(method);
    return answers[method]?.(params as Record<string, unknown>);
  };
  return { asked, ask: ask as Source["ask"] };
}

test("heights, hashes and addresses are told apart from what is neither", () => {
  expect(parseQuery(" 12 ")).toEqual({ kind: "height", height: 12 });
  expect(parseQuery(ID.toUpperCase().replace("0X", "0x"))).toEqual({ kind: "id", id: ID });
  expect(parseQuery(ID.slice(2))).toEqual({ kind: "id", id: ID });
  const reason = (text: string) => {
    const query = parseQuery(text);
    return query.kind === "wrong" ? query.reason : undefined;
  };
  expect(reason("  ")).toBe("Nothing is entered.");
  expect(reason("abc")).toBe("“abc” is neither a height nor 0x and hex digits.");
  expect(reason("-1")).toBe("“-1” is neither a height nor 0x and hex digits.");
  expect(reason("0x12")).toBe("“0x12” has 2 hex digits, not 64.");
  expect(reason("0x1")).toBe("“0x1” has 1 hex digit, not 64.");
  expect(reason(`${ID}0`)).toBe(`“${ID.slice(0, 24)}…” has 65 hex digits, not 64.`);
  expect(reason("9".repeat(16))).toMatch(/neither a height/);
});

test("what a ledger has is gone to, and what it has not is said", async () => {
  expect(await search(ledger(), "9")).toEqual({ href: "#/ledger/block/9" });
  expect(await search(ledger(), ID)).toEqual({ href: `#/ledger/transaction/${ID}` });
  expect(await search(ledger(), ACCOUNT)).toEqual({ href: `#/ledger/account/${ACCOUNT}` });
  for (const height of ["0", "10"]) {
    const none = `The ledger has no such block, ${height}: its blocks are 1 to 9.`;
    expect(await search(ledger(), height)).toEqual({ none });
  }
  const other = `0x${"cd".repeat(32)}`;
  const none = `The ledger has no such transaction, and no such account: ${other}.`;
  expect(await search(ledger(), other)).toEqual({ none });
});

test("a text that names nothing is not asked for", async () => {
  const asked = ledger();
  expect(await search(asked, "0x12")).toEqual({ none: "“0x12” has 2 hex digits, not 64." });
  expect(asked.asked).toEqual([]);
});
