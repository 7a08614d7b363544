/** The arena as the page sees it: what the contract keeps, and what a turn will make of it. */
import type { Mirror, Reducer } from "@fairway/sdk";
import { vaultsOf } from "./tic_tac_toe.js";

export const MODULE = "0x43::arena";
/** Cells along each side; the arena wraps around. */
export const SIZE = 64;

export interface Player {
  account: string;
  x: number;
  y: number;
  /** -1, 0 or 1 a tick. */
  stepX: number;
  stepY: number;
  points: number;
}

export interface Arena {
  players: readonly Player[];
  prize: { x: number; y: number } | undefined;
  ticks: number;
  vaults: ReadonlyMap<string, bigint>;
}

interface PlayerResource {
  x: string;
  y: string;
  step_x: number;
  step_y: number;
  points: string;
}

interface ArenaResource {
  players: string[];
  prize_x: string;
  prize_y: string;
  ticks: string;
}

export const FILTER = { resource_types: [`${MODULE}::`, "0x2::vault::Vault"] };

export function select(resources: Mirror): Arena {
  const [found] = resources.all(`${MODULE}::Arena`);
  const arena = found?.value as unknown as ArenaResource | undefined;
  const players = (arena?.players ?? []).flatMap((account) => {
    const player = resources.get(account, `${MODULE}::Player`) as unknown as
      | PlayerResource
      | undefined;
    return player ? [playerOf(account, player)] : [];
  });
  const prize = arena && { x: Number(arena.prize_x), y: Number(arena.prize_y) };
  return { players, prize, ticks: Number(arena?.ticks ?? 0), vaults: vaultsOf(resources) };
}

function playerOf(account: string, player: PlayerResource): Player {
  return {
    account,
    x: Number(player.x),
    y: Number(player.y),
    stepX: player.step_x - 1,
    stepY: player.step_y - 1,
    points: Number(player.points),
  };
}

/** A turn changes the direction at once; the place changes with the next tick. */
export const reduce: Reducer<Arena> = (arena, { function: name, args }, { sender }) => {
  if (name !== `${MODULE}::turn`) return arena;
  if (!arena.players.some((player) => player.account === sender)) throw new Error("no player");
  const [stepX, stepY] = args.map((step) => Number(step) - 1) as [number, number];
  const players = arena.players.map((player) =>
    player.account === sender ? { ...player, stepX, stepY } : player,
  );
  return { ...arena, players };
};

/** Where a player is after the next tick. */
export function ahead(player: Player): { x: number; y: number } {
  const wrapped = (place: number) => (place + SIZE) % SIZE;
  return { x: wrapped(player.x + player.stepX), y: wrapped(player.y + player.stepY) };
}

/** The shorter way to the prize, around the edges too: `12 right, 3 up`. */
export function wayTo(from: { x: number; y: number }, to: { x: number; y: number }): string {
  const across = way(to.x - from.x, "right", "left");
  const along = way(to.y - from.y, "down", "up");
  return [across, along].filter((part) => part !== "").join(", ") || "here";
}

function way(distance: number, forth: string, back: string): string {
  const right = (distance + SIZE) % SIZE;
  if (right === 0) return "";
  return right <= SIZE / 2 ? `${right} ${forth}` : `${SIZE - right} ${back}`;
}
