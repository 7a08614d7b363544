/** The arena: a field, the players as a table, and four ways to turn: keys, buttons, by ear, by eye. */

import { usePresence } from "@fairway/react";
import type { LiveState } from "@fairway/sdk";
import { useEffect, useState } from "react";
import type { Feed } from "../feed.js";
import {
  ahead,
  lastScore,
  type Player,
  SIZE,
  type Arena as State,
  stakeOf,
  wayTo,
} from "../games/arena.js";
import type { Play } from "../play.js";
import { capital, counted, nameOf, numberOf } from "../text.js";
import { focusHeading } from "./focus.js";
import { Spoken, Status, useChanging } from "./parts.js";
import { Stakes } from "./Stakes.js";

/** A turn that was not ordered by then is worth nothing. */
const LIFETIME_MS = 5_000;

const TURNS = {
  up: [0, -1],
  left: [-1, 0],
  stop: [0, 0],
  right: [1, 0],
  down: [0, 1],
} as const;
type Turn = keyof typeof TURNS;

const KEYS: Readonly<Record<string, Turn>> = {
  arrowup: "up",
  w: "up",
  arrowleft: "left",
  a: "left",
  arrowright: "right",
  d: "right",
  arrowdown: "down",
  s: "down",
  " ": "stop",
};
const SIGNS: Readonly<Record<Turn, string>> = {
  up: "↑",
  left: "←",
  stop: "■",
  right: "→",
  down: "↓",
};

interface Given {
  play: Play;
  live: LiveState<State>;
  feed: Feed;
}

export function Arena({ play, live, feed }: Given) {
  useChanging(feed);
  const [asked, setAsked] = useState("");
  const me = live.value.players.find(({ account }) => account === play.account);
  const confirmed = live.confirmed.players.find(({ account }) => account === play.account);
  const where = me && live.value.prize ? wayTo(me, live.value.prize) : "unknown";
  const ask = () => setAsked(`The prize is ${where}. You ${heading(me)}.`);
  const said = [scoreText(feed, play), stakeText(stakeOf(live.value, play.account)), asked];
  const turn = (to: Turn) => {
    const [x, y] = TURNS[to];
    if (!me || !play.mayPlay || (me.stepX === x && me.stepY === y)) return;
    // What was asked before holds no more.
    setAsked("");
    play.call("turn", [x + 1, y + 1], to === "stop" ? "stop" : `turn ${to}`, LIFETIME_MS);
  };
  useKeys(turn, ask);
  const pending =
    me !== confirmed && (me?.stepX !== confirmed?.stepX || me?.stepY !== confirmed?.stepY);
  return (
    <section aria-labelledby="game">
      <h2 id="game" className="unseen">
        Game
      </h2>
      <Spoken id="turn" text={said.filter(Boolean).join(" ")} />
      <Field state={live.value} play={play} pending={pending} />
      <fieldset className="pad" aria-label="Turn">
        {(Object.keys(TURNS) as Turn[]).map((to) => (
          <button
            key={to}
            type="button"
            className={to}
            aria-label={to}
            aria-disabled={!play.mayPlay}
            onClick={(event) => {
              turn(to);
              // Pressed by hand, it keeps no keys: space stops the player, and is not for the button.
              if (event.detail > 0) focusHeading(event.currentTarget, { preventScroll: true });
            }}
          >
            {SIGNS[to]}
          </button>
        ))}
      </fieldset>
      <p className="buttons">
        <button type="button" onClick={ask}>
          Where is the prize? (P)
        </button>
      </p>
      <Players play={play} state={live.value} pending={pending} />
      <p className="note">Arrow keys or W, A, S, D turn; space stops. The field wraps around.</p>
      <Stakes play={play} state={live.value} />
    </section>
  );
}

function heading(player: Player | undefined): string {
  const turn = (Object.keys(TURNS) as Turn[]).find(
    (to) => TURNS[to][0] === player?.stepX && TURNS[to][1] === player?.stepY,
  );
  return !turn || turn === "stop" ? "stand still" : `move ${turn}`;
}

/** Keys of the page, but those of whoever types or holds a modifier. */
function useKeys(turn: (to: Turn) => void, ask: () => void): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      const onButton = event.key === " " && target.closest("button, summary");
      if (event.ctrlKey || event.altKey || event.metaKey || onButton) return;
      if (target.closest("input, textarea, select")) return;
      const to = KEYS[event.key.toLowerCase()];
      if (to) event.preventDefault();
      if (to && !event.repeat) turn(to);
      else if (event.key.toLowerCase() === "p") ask();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  });
}

/** The last point that anybody made, and what it won. */
function scoreText(feed: Feed, play: Play): string {
  const last = lastScore(feed.events);
  if (!last) return "Reach the prize to score.";
  const { player, points, won, height } = last;
  const who =
    player === play.account
      ? "You have"
      : `${capital(nameOf(play.info?.record, player, play.account))} has`;
  const winning = won > 0n ? `, and won ${counted(won, "unit")}` : "";
  return `${who} scored: ${counted(points, "point")}, ${feed.hardness(height)}${winning}.`;
}

function stakeText(stake: bigint): string {
  return stake > 0n ? `Your stake is ${counted(stake, "unit")}.` : "";
}

function Field({ state, play, pending }: { state: State; play: Play; pending: boolean }) {
  const me = play.account;
  const mine = state.players.find(({ account }) => account === me);
  return (
    <svg
      className="field"
      viewBox={`-1 -1 ${SIZE + 2} ${SIZE + 2}`}
      role="img"
      aria-label="The field; the table below has the same in words"
      data-ticks={state.ticks}
    >
      <rect x={-0.5} y={-0.5} width={SIZE} height={SIZE} className="ground" />
      {state.prize && (
        <path
          className="prize"
          transform={`translate(${state.prize.x} ${state.prize.y})`}
          d="M0-1.8 1.8 0 0 1.8-1.8 0Z"
        />
      )}
      {state.players.map((player) => (
        <g key={player.account} className={player.account === me ? "player mine" : "player"}>
          <circle cx={player.x} cy={player.y} r={1.3} />
          <text x={player.x} y={player.y < 4 ? player.y + 4 : player.y - 2}>
            {numberOf(play.info?.record, player.account)}
          </text>
        </g>
      ))}
      {mine && (mine.stepX !== 0 || mine.stepY !== 0) && (
        <circle
          className={pending ? "ghost predicted" : "ghost"}
          cx={ahead(mine).x}
          cy={ahead(mine).y}
          r={1.3}
        />
      )}
    </svg>
  );
}

function Players({ play, state, pending }: { play: Play; state: State; pending: boolean }) {
  const presence = usePresence(play.net.client ?? null, play.seat.channel, 1_000);
  return (
    <table className="players">
      <caption className="unseen">Players</caption>
      <thead>
        <tr>
          <th scope="col">player</th>
          <th scope="col">points</th>
          <th scope="col">stake</th>
          <th scope="col">place</th>
          <th scope="col">direction</th>
          <th scope="col">node</th>
        </tr>
      </thead>
      <tbody>
        {state.players.map((player) => {
          const mine = player.account === play.account;
          const node = presence.value?.find(({ account }) => account === player.account);
          return (
            <tr key={player.account} data-account={player.account}>
              <th scope="row">
                {mine && `${numberOf(play.info?.record, player.account)}: `}
                {nameOf(play.info?.record, player.account, play.account)}
              </th>
              <td>{player.points}</td>
              <td>{String(player.stake)}</td>
              <td>
                {player.x}, {player.y}
              </td>
              <td>
                {heading(player).replace(/^move /, "")}
                {mine && pending && <Status status="predicted" />}
              </td>
              <td>{node ? (node.present ? "here" : "away") : "…"}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
