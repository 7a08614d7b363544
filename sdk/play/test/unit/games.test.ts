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

const ARENA = "0x43::arena";
const player = (address: string) => ({
  address,
  type: `${ARENA}::Player`,
  value: { x: "63", y: "0", step_x: 1, step_y: 1, points: "2" },
});
const staked = (address: string, asset: string, amount: string) => ({
  address,
  type: `${ARENA}::Stake`,
  value: { coin: { asset, amount } },
});
const arenaOf = (...more: Parameters<typeof mirror>[0]) =>
  arena.select(
    mirror([
      {
        address: "0x43",
        type: `${ARENA}::Arena`,
        value: { players: [X, O], prize_x: "2", prize_y: "60", ticks: "9", scored: [] },
      },
      ...[X, O].map(player),
      ...more,
    ]),
  );
const play = (state: arena.Arena, sender: string, what: string, ...args: unknown[]) =>
  arena.reduce(state, { function: `${ARENA}::${what}`, args }, { sender });
const purse = (state: arena.Arena, account: string) => [
  state.vaults.get(account),
  arena.stakeOf(state, account),
];

test("the arena's stakes are read in the native asset, and nothing is staked without one", () => {
  const state = arenaOf(vault(X, "6"), staked(X, NATIVE, "4"), staked(O, X, "4"));
  expect([purse(state, X), purse(state, O)]).toEqual([
    [6n, 4n],
    [undefined, 0n],
  ]);
  expect(arena.stakeOf(state, NATIVE)).toBe(0n);
});

test("a stake goes from the vault to the table at once, and back as a whole", () => {
  const start = arenaOf(vault(X, "6"), staked(X, NATIVE, "4"), vault(O, "3"));
  const more = play(start, X, "stake", NATIVE, 6n);
  expect([purse(more, X), purse(more, O)]).toEqual([
    [0n, 10n],
    [3n, 0n],
  ]);
  expect(purse(play(more, X, "unstake"), X)).toEqual([10n, 0n]);
});

test("stakes that the contract would refuse are not predicted", () => {
  const start = arenaOf(vault(X, "6"), vault(O, "3"));
  for (const attempt of [
    () => play(start, X, "stake", NATIVE, 7n),
    () => play(start, X, "stake", NATIVE, 0n),
    () => play(start, X, "unstake"),
    () => play(start, NATIVE, "stake", NATIVE, 1n),
  ]) {
    expect(attempt).toThrow();
  }
});

test("the last score is told with what it won in its own tick", () => {
  const at = (height: number, name: string, data: object): Happened => ({
    type: `${ARENA}::${name}`,
    data: data as never,
    height,
  });
  const first = [
    at(3, "Scored", { player: O, points: "1" }),
    at(3, "Won", { player: O, asset: NATIVE, amount: "2" }),
  ];
  expect(arena.lastScore([])).toBeUndefined();
  expect(arena.lastScore(first)).toEqual({ player: O, points: "1", won: 2n, height: 3 });
  const scored = at(7, "Scored", { player: X, points: "4" });
  expect(arena.lastScore([...first, scored])?.won).toBe(0n);
  const other = at(7, "Won", { player: X, asset: X, amount: "9" });
  expect(arena.lastScore([...first, scored, other])?.won).toBe(0n);
});

test("a turn changes the direction at once, and the place with a tick", () => {
  const state = arenaOf();
  const call = { function: `${arena.MODULE}::turn`, args: [2, 0] };
  const [turned] = arena.reduce(state, call, { sender: X }).players as [arena.Player];
  expect(turned).toMatchObject({ x: 63, y: 0, stepX: 1, stepY: -1, points: 2 });
  expect(arena.ahead(turned)).toEqual({ x: 0, y: 63 });
  expect(() => arena.reduce(state, call, { sender: NATIVE })).toThrow();
  expect(state.prize && arena.wayTo(turned, state.prize)).toBe("3 right, 4 up");
});
