import { expect, test } from "vitest";
import { decimal, fwy, units } from "../../../pages/amount.js";
import type { ChannelRecord } from "../../../typescript/src/index.js";
import { othersAt, remaining } from "../../src/text.js";

test("amounts are exact in both directions", () => {
  expect([fwy(0n), fwy(1n), fwy(1_500_000n), fwy(12_345_678_900_000n)]).toEqual([
    "0.00 FWY",
    "0.000001 FWY",
    "1.50 FWY",
    "12,345,678.90 FWY",
  ]);
  expect(fwy("1234567000001")).toBe("1,234,567.000001 FWY");
  for (const amount of [0n, 1n, 999_999n, 1_000_000n, 12_345_678_900_001n]) {
    expect(units(decimal(amount))).toBe(amount);
  }
  expect(units(" 0.5 ")).toBe(500_000n);
  // The pages write thousands with a comma: read as a point, 1,000 would be signed as 1.
  for (const text of ["1,5", "1,000", "1,000.00", "", "-1", "1.2345678", "1e3", "0x10", "1.2.3"]) {
    expect(units(text)).toBeUndefined();
  }
});

test("a time to come is shown as far as anybody counts it", () => {
  const times = [-5, 0, 1, 59_000, 59_001, 60_000, 3_599_999, 3_600_000, 14_400_000];
  expect(times.map(remaining)).toEqual([
    "0 s",
    "0 s",
    "1 s",
    "59 s",
    "1 min",
    "1 min",
    "1 h 0 min",
    "1 h 0 min",
    "4 h 0 min",
  ]);
});

test("who joins is not counted among those who are here already", () => {
  const record = (...accounts: string[]) => {
    const members = accounts.map((account, index) => ({
      record: { account, join_sequence: index + 1 },
    }));
    return { members } as unknown as ChannelRecord;
  };
  expect(othersAt(record("0xaa", "0xbb", "0xcc"), "0xcc")).toBe("player 1, player 2");
  expect(othersAt(record("0xaa"), "0xaa")).toBe("nobody");
  expect(othersAt(undefined, "0xaa")).toBe("nobody");
});
