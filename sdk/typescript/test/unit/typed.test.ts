import { expect, test } from "vitest";
import { RefusedError } from "../../src/errors.js";
import * as move from "../../src/typed.js";

const ADDRESS = `0x${"ab".repeat(32)}`;

test("values have the forms of the API", () => {
  const cases: [move.Type<never>, unknown, unknown][] = [
    [move.bool as move.Type<never>, true, true],
    [move.u8 as move.Type<never>, 255, 255],
    [move.u64 as move.Type<never>, "18446744073709551615", 18446744073709551615n],
    [move.u128 as move.Type<never>, "0", 0n],
    [move.address as move.Type<never>, ADDRESS, ADDRESS],
    [move.string as move.Type<never>, "é", "é"],
    [move.bytes as move.Type<never>, "0x01ff", Uint8Array.of(1, 255)],
    [move.vector(move.u8) as move.Type<never>, "0x01ff", [1, 255]],
    [move.vector(move.u64) as move.Type<never>, ["1", "2"], [1n, 2n]],
    [move.option(move.u64) as move.Type<never>, null, null],
    [move.option(move.bytes) as move.Type<never>, "0x", Uint8Array.of()],
  ];
  for (const [type, json, value] of cases) {
    expect(type.read(json as never)).toEqual(value);
  }
  expect(move.vector(move.u8).write([1, 255])).toBe("0x01ff");
  expect(move.vector(move.bytes).write([Uint8Array.of(7)])).toEqual(["0x07"]);
  expect(move.option(move.u64).write(null)).toBe(null);
  expect(move.vector(move.option(move.address)).tag).toBe("vector<0x1::option::Option<address>>");
});

test("what does not fit is named with its place", () => {
  const Game = move.struct<{ board: readonly bigint[] }>("0x42::a::Game", () => ({
    board: ["the_board", move.vector(move.u64)],
  }));
  expect(Game.read({ the_board: ["1"] })).toEqual({ board: [1n] });
  expect(() => Game.read({ the_board: ["1", true] })).toThrow(
    ".the_board[1]: expected u64, found true",
  );
  expect(() => Game.read({})).toThrow(".the_board: expected an array");
  expect(() => Game.read(null)).toThrow(move.MismatchError);
  const wrong: [{ read(value: never): unknown }, unknown][] = [
    [move.u8, 256],
    [move.u8, 1.5],
    [move.u64, "18446744073709551616"],
    [move.u64, 1],
    [move.u64, "-1"],
    [move.bool, "true"],
    [move.address, "0x2"],
    [move.bytes, "0x1"],
    [move.bytes, "01"],
  ];
  for (const [type, value] of wrong) {
    expect(() => type.read(value as never), String(value)).toThrow(move.MismatchError);
  }
});

test("an abort has its name in the module that aborted, and in no other", () => {
  const names = { E_NO_GAME: 2n, E_FULL: 3n } as const;
  const details = { address: "0x42", module: "nim", code: 3, name: "E_FULL" };
  const error = new RefusedError({ name: "move_abort", details }, "aborted");
  expect(move.abort(error, "0x42::nim", names)).toBe("E_FULL");
  expect(move.abort(error, "0x43::nim", names)).toBe(undefined);
  expect(move.abort(new Error("no"), "0x42::nim", names)).toBe(undefined);
});
