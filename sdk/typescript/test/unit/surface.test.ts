import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import * as contract from "../../src/contract.js";
import { fromData, fromReport } from "../../src/errors.js";
import { REFUSALS, RefusedError } from "../../src/index.js";
import { invitationText, parseInvitation, presenceOf } from "../../src/lobby.js";

const script = fileURLToPath(new URL("../../scripts/generate.mjs", import.meta.url));

test("generated files are what the schema and the table of errors say", () => {
  execFileSync(process.execPath, [script, "--check"], { stdio: "pipe" });
});

test("every refusal comes as its code, name and fields", () => {
  expect(Object.keys(REFUSALS).length).toBeGreaterThan(25);
  for (const [name, { code, transient }] of Object.entries(REFUSALS)) {
    const error = fromData({ name, details: { reason: "r" }, transient }, "why", code);
    expect(error).toBeInstanceOf(RefusedError);
    expect(error).toMatchObject({ code, transient, message: "why", refusal: { name } });
  }
});

test("a refusal of a later version keeps what it said", () => {
  const error = fromData({ name: "constructor", details: {}, transient: true }, "new", 100_050);
  expect(error).not.toBeInstanceOf(RefusedError);
  expect(error).toMatchObject({ code: 100_050, data: { name: "constructor" } });
});

test("a report's failure has the node's words", () => {
  const details = { address: "0x44", module: "payments", code: 1, name: "E_ZERO_AMOUNT" };
  const error = fromReport({ name: "move_abort", details, transient: false });
  expect(error.message).toBe("aborted in 0x44::payments with code 1 (E_ZERO_AMOUNT)");
  const late = fromReport({
    name: "expired",
    details: { expires_at: 1, now: 2 },
    transient: false,
  });
  expect(late.message).toBe("expired: expires_at 1, now 2");
});

test("amounts are exact, or refused with their name", () => {
  expect(contract.amount("18446744073709551615")).toBe(2n ** 64n - 1n);
  expect(contract.amount(5)).toBe(5n);
  for (const wrong of [-1, 1.5, 2 ** 53, "0x1", "", " 1", 2n ** 64n, -1n, Number.NaN]) {
    expect(() => contract.amount(wrong, "deposit"), String(wrong)).toThrow(
      `invalid deposit: expected a whole number below 2^64, found ${wrong}`,
    );
  }
});

test("rules that are none are refused with their name", () => {
  const hash = `0x${"11".repeat(32)}`;
  const create = (rules: object) => () => contract.create(hash, rules as contract.ChannelRules);
  expect(create({ durability: "sometimes" })).toThrow(
    'invalid durability: expected synced or replicated, found "sometimes"',
  );
  expect(create({ join_policy: "contract" })).toThrow("invalid join_policy");
  expect(create({ invited: ["bob"] })).toThrow("invalid invited");
  expect(() => contract.create("0x12", {})).toThrow("invalid package");
});

test("the invited are sorted, each once", () => {
  const [low, high] = ["0x1", "0x2"].map((end) => end.padEnd(66, "0")) as [string, string];
  const hash = `0x${"11".repeat(32)}`;
  const twice = contract.create(hash, { invited: [high, low, high] });
  expect(twice).toEqual(contract.create(hash, { invited: [low, high] }));
});

test("an invitation is text and back", () => {
  const invitation = { chain: 7, channel: `0x${"ab".repeat(32)}` };
  expect(parseInvitation(` ${invitationText(invitation)}\n`)).toEqual(invitation);
  for (const wrong of ["", "fairway:7:0xab", `http:7:0x${"ab".repeat(32)}`]) {
    expect(() => parseInvitation(wrong)).toThrow("expected fairway:CHAIN:CHANNEL");
  }
});

test("who was not heard lately is away", () => {
  const member = { node: "n", join_sequence: 1, head: 0, certified: 0 };
  const members = [
    { ...member, account: "a", heard_at: 9_000 },
    { ...member, account: "b", heard_at: 1_000 },
    { ...member, account: "c", heard_at: null },
  ];
  expect(presenceOf(members, 10_000).map(({ present }) => present)).toEqual([true, false, false]);
});
