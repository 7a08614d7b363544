import { Mirror, Prediction } from "@fairway/sdk";
import { expect, test } from "vitest";
import type { Happened } from "../../src/feed.js";
import * as arena from "../../src/games/arena.js";
import * as ttt from "../../src/games/tic_tac_toe.js";

const X = `0x${"0a".repeat(32)}`;
const O = `0x${"0b".repeat(32)}`;
const NATIVE = `0x${"00".repeat(31)}fa`;

function mirror(resources: { address: string; type: string; value: unknown }[]): Mirror {
  const mirror = new Mirror();
  mirror.take({
    kind: "snapshot",
    height: 1,
    hash: "0x",
    state_root: "0x",
    resources: resources as never,
  });
  return mirror;
}

const vault = (address: string, amount: string) => ({
  address,
  type: "0x2::vault::Vault",
  value: { balances: [{ asset: NATIVE, amount }] },
});
const game = (board: string, joined = true) => ({
  address: X,
  type: "0x42::tic_tac_toe::Game",
  value: { x: X, o: joined ? O : X, joined, board, moves: "0", asset: NATIVE, stake: "4" },
});

const start = ttt.select(mirror([vault(X, "10"), vault(O, "3")]));
const step = (table: ttt.Table, sender: string, what: string, ...args: unknown[]) =>
  ttt.reduce(table, { function: `${ttt.MODULE}::${what}`, args }, { sender });

test("a board is read as the contract keeps it", () => {
  const table = ttt.select(mirror([game("0x010000000200000000"), vault(X, "6")]));
  const round = table.rounds.get(X) as ttt.Round;
  expect(round.board).toEqual(["X", "", "", "", "O", "", "", "", ""]);
  expect([round.stake, ttt.turnOf(round), table.vaults.get(X)]).toEqual([4n, X, 6n]);
  expect(ttt.select(mirror([game("0x", false)])).rounds.get(X)?.o).toBeUndefined();
});

test("stakes leave the vaults, marks take turns, a line wins both stakes", () => {
  let table = step(start, X, "open", NATIVE, 3n);
  table = step(table, O, "join", X);
  expect([table.vaults.get(X), table.vaults.get(O)]).toEqual([7n, 0n]);
  for (const [index, cell] of [0, 3, 1, 4, 2].entries()) {
    table = step(table, index % 2 === 0 ? X : O, "mark", X, cell);
  }
  expect(table.rounds.get(X)?.over).toEqual({ winner: X, paid: 6n });
});

test("a full board without a line is a draw", () => {
  let table = step(step(start, X, "open", NATIVE, 1n), O, "join", X);
  for (const [index, cell] of [0, 1, 2, 4, 3, 5, 7, 6, 8].entries()) {
    table = step(table, index % 2 === 0 ? X : O, "mark", X, cell);
  }
  expect(table.rounds.get(X)?.over).toEqual({ winner: undefined, paid: 2n });
});

test("what the contract would refuse is not predicted", () => {
  const open = step(start, X, "open", NATIVE, 4n);
  const begun = step(step(start, X, "open", NATIVE, 3n), O, "join", X);
  const marked = step(begun, X, "mark", X, 4);
  for (const attempt of [
    () => step(start, X, "open", NATIVE, 11n),
    () => step(open, X, "open", NATIVE, 1n),
    () => step(open, O, "join", X),
    () => step(open, X, "join", X),
    () => step(open, X, "mark", X, 0),
    () => step(begun, O, "mark", X, 0),
    () => step(marked, O, "mark", X, 4),
    () => step(marked, O, "mark", O, 4),
  ]) {
    expect(attempt).toThrow();
  }
});

test("a refused move is taken back", () => {
  const begun = step(step(start, X, "open", NATIVE, 3n), O, "join", X);
  const prediction = new Prediction(begun, ttt.reduce);
  prediction.add("a", { function: `${ttt.MODULE}::mark`, args: [X, 4] }, { sender: X });
  expect(prediction.value.rounds.get(X)?.board[4]).toBe("X");
  prediction.remove("a");
  expect(prediction.value.rounds.get(X)?.board[4]).toBe("");
});

test("events tell a round whose resource is gone, and the next one after it", () => {
  const at = (height: number, name: string, data: object): Happened => ({
    type: `${ttt.MODULE}::${name}`,
    data: { x: X, ...data } as never,
    height,
  });
  const first = [
    at(2, "GameOpened", { asset: NATIVE, stake: "3" }),
    at(3, "GameBegan", { o: O }),
    at(4, "Marked", { player: X, cell: "4" }),
    at(5, "Marked", { player: O, cell: "0" }),
    at(6, "GameOver", { o: O, winner: [O], paid: "6" }),
  ];
  const told = ttt.lastRound(first, O) as ttt.Told;
  expect(told.board.slice(0, 5)).toEqual(["O", "", "", "", "X"]);
  expect([...told.heights]).toEqual([
    [4, 4],
    [0, 5],
  ]);
  expect(told.over).toEqual({ winner: O, paid: 6n });
  const next = ttt.lastRound([...first, at(7, "GameOpened", { asset: NATIVE, stake: "1" })], X);
  expect([next?.over, next?.o, next?.stake, next?.heights.size]).toEqual([
    undefined,
    undefined,
    1n,
    0,
  ]);
});

test("a turn changes the direction at once, and the place with a tick", () => {
  const player = { x: "63", y: "0", step_x: 1, step_y: 1, points: "2" };
  const state = arena.select(
    mirror([
      {
        address: "0x43",
        type: "0x43::arena::Arena",
        value: { players: [X], prize_x: "2", prize_y: "60", ticks: "9", scored: [] },
      },
      { address: X, type: "0x43::arena::Player", value: player },
    ]),
  );
  const call = { function: `${arena.MODULE}::turn`, args: [2, 0] };
  const [turned] = arena.reduce(state, call, { sender: X }).players as [arena.Player];
  expect(turned).toMatchObject({ x: 63, y: 0, stepX: 1, stepY: -1, points: 2 });
  expect(arena.ahead(turned)).toEqual({ x: 0, y: 63 });
  expect(() => arena.reduce(state, call, { sender: O })).toThrow();
  expect(state.prize && arena.wayTo(turned, state.prize)).toBe("3 right, 4 up");
});
