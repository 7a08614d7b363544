/** The arena as the page sees it: what the contract keeps, and what a turn will make of it. */
import type { Mirror, Reducer } from "@fairway/sdk";
import type { Happened } from "../feed.js";
import { nativeOf, vaultsOf } from "./tic_tac_toe.js";

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
  /** What it has on the arena's table, in the smallest unit. */
  stake: bigint;
}

export interface Arena {
  players: readonly Player[];
  prize: { x: number; y: number } | undefined;
  ticks: number;
  /** What each member has in the channel and not on the arena's table. */
  vaults: ReadonlyMap<string, bigint>;
}

interface PlayerResource {
  x: string;
  y: string;
  step_x: number;
  step_y: number;
  points: string;
}

interface StakeResource {
  coin: { asset: string; amount: string };
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
    const stake = resources.get(account, `${MODULE}::Stake`) as unknown as
      | StakeResource
      | undefined;
    return player ? [playerOf(account, player, stake)] : [];
  });
  const prize = arena && { x: Number(arena.prize_x), y: Number(arena.prize_y) };
  return { players, prize, ticks: Number(arena?.ticks ?? 0), vaults: vaultsOf(resources) };
}

function playerOf(account: string, player: PlayerResource, stake?: StakeResource): Player {
  return {
    account,
    x: Number(player.x),
    y: Number(player.y),
    stepX: player.step_x - 1,
    stepY: player.step_y - 1,
    points: Number(player.points),
    stake: nativeOf(stake ? [stake.coin] : []),
  };
}

export const reduce: Reducer<Arena> = (arena, { function: name, args }, { sender }) => {
  const player = arena.players.find(({ account }) => account === sender);
  if (name === `${MODULE}::turn`) return turned(arena, player, args);
  if (name === `${MODULE}::stake`) return staked(arena, player, args[1] as bigint);
  if (name === `${MODULE}::unstake`) return staked(arena, player, -(player?.stake ?? 0n));
  return arena;
};

/** A turn changes the direction at once; the place changes with the next tick. */
function turned(arena: Arena, player: Player | undefined, args: readonly unknown[]): Arena {
  const [stepX, stepY] = args.map((step) => Number(step) - 1) as [number, number];
  return withPlayer(arena, player, { stepX, stepY });
}

/** Units go from the vault to the table, or, below zero, back. */
function staked(arena: Arena, player: Player | undefined, units: bigint): Arena {
  const vault = (arena.vaults.get(player?.account ?? "") ?? 0n) - units;
  const stake = (player?.stake ?? 0n) + units;
  if (vault < 0n || stake < 0n || units === 0n) throw new Error("not enough to stake or take back");
  const after = withPlayer(arena, player, { stake });
  return { ...after, vaults: new Map(arena.vaults).set(player?.account ?? "", vault) };
}

function withPlayer(arena: Arena, player: Player | undefined, changed: Partial<Player>): Arena {
  if (!player) throw new Error("no player");
  const players = arena.players.map((one) => (one === player ? { ...one, ...changed } : one));
  return { ...arena, players };
}

/** What an account has on the arena's table. */
export function stakeOf({ players }: Arena, account: string): bigint {
  return players.find((player) => player.account === account)?.stake ?? 0n;
}

/** Who scored last, and how much it took from the others' stakes. */
export interface Score {
  player: string;
  points: string;
  won: bigint;
  height: number;
}

export function lastScore(events: readonly Happened[]): Score | undefined {
  const last = events.findLast(({ type }) => type === `${MODULE}::Scored`);
  if (!last) return undefined;
  const { player, points } = last.data as { player: string; points: string };
  // A tick has one score at most.
  const won = events.find(
    ({ type, height }) => type === `${MODULE}::Won` && height === last.height,
  );
  const amount = won ? nativeOf([won.data as { asset: string; amount: string }]) : 0n;
  return { player, points, won: amount, height: last.height };
}

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
