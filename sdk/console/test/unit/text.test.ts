import { NATIVE } from "@fairway/sdk";
import { expect, test } from "vitest";
import {
  ago,
  amountsText,
  amountText,
  bytes,
  literal,
  operationText,
  pretty,
  roundTrip,
  short,
} from "../../src/text.js";

test("whole numbers of any size stay whole in what is shown", () => {
  expect(pretty({ small: 1, large: 18446744073709551615n })).toBe(
    '{\n  "small": 1,\n  "large": 18446744073709551615\n}',
  );
  expect(pretty("18446744073709551615")).toBe('"18446744073709551615"');
  expect(pretty(undefined)).toBe("null");
});

test("times are told in the unit that fits", () => {
  expect(ago(null, 5)).toBe("never");
  expect(ago(1_000, 2_500)).toBe("1.5 s ago");
  expect(ago(1_000, 61_000)).toBe("60 s ago");
  expect(ago(2_000, 1_000)).toBe("0.0 s ago");
  expect(roundTrip(undefined)).toBe("not measured yet");
  expect(roundTrip(214)).toBe("214 µs");
  expect(roundTrip(2_140)).toBe("2.14 ms");
});

test("ids are short, other words are as they are", () => {
  const id = `0x${"0".repeat(62)}44`;
  expect(short(id)).toBe("0x000000…0044");
  expect(short("0x44")).toBe("0x44");
  expect(literal(id)).toBe("0x44");
  expect(literal("0x0")).toBe("0x0");
});

test("a call is named by its function, by whichever key it was signed", () => {
  const named = {
    function: { address: `0x${"0".repeat(62)}44`, module: "payments", function: "pay" },
    type_args: [],
    args: [],
  };
  expect(operationText({ invoke: named })).toBe("0x44::payments::pay");
  const key = `0x${"1".repeat(64)}`;
  expect(operationText({ session: { key, ...named } })).toBe("0x44::payments::pay (session key)");
  expect(operationText("leave")).toBe("leave");
  expect(operationText({ revoke: { key } })).toBe("revoke");
});

test("sizes have one decimal", () => {
  expect([bytes(999), bytes(1_500), bytes(2_000_000)]).toEqual(["999 B", "1.5 kB", "2.0 MB"]);
});

test("amounts of the native asset are in FWY, others in their smallest unit", () => {
  expect(amountText({ asset: NATIVE, amount: "100000000" })).toBe("100.00 FWY");
  expect(amountText({ asset: NATIVE, amount: "4000" })).toBe("0.004 FWY");
  const other = `0x${"fb".padStart(64, "0")}`;
  expect(amountText({ asset: other, amount: "4000" })).toBe("4,000 of 0xfb");
  const amounts = [
    { asset: NATIVE, amount: "1500000" },
    { asset: other, amount: "7" },
  ];
  expect(amountsText(amounts)).toBe("1.50 FWY, 7 of 0xfb");
  expect(amountsText([])).toBe("nothing");
});
