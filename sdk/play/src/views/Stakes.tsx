/** What the player puts on the arena's table, and takes back. */
import { type FormEvent, type MouseEvent, useState } from "react";
import { fwy } from "../../../pages/amount.js";
import { type Arena, stakeOf } from "../games/arena.js";
import type { Play } from "../play.js";
import { counted } from "../text.js";
import { focusHeading } from "./focus.js";

/** How long a stake may wait to be ordered. */
const LIFETIME_MS = 20_000;
/** Units that are suggested: ten prizes of somebody else's. */
const SUGGESTED = "10";

export function Stakes({ play, state }: { play: Play; state: Arena }) {
  const [text, setText] = useState(SUGGESTED);
  /** Whether the text is meant to be staked: what was staked with it may be too much for once more. */
  const [meant, setMeant] = useState(false);
  const vault = state.vaults.get(play.account) ?? 0n;
  const staked = stakeOf(state, play.account);
  const units = wholeUnits(text);
  const wrong = units === undefined || units > vault;
  const says = wrong && (meant || vault === 0n);
  const stake = (event: FormEvent) => {
    event.preventDefault();
    setMeant(wrong);
    if (units === undefined || wrong || !play.mayPlay) return;
    play.call("stake", ["0xfa", units], `stake ${counted(units, "unit")}`, LIFETIME_MS);
    backToGame(event.currentTarget);
  };
  const takeBack = (event: MouseEvent) => {
    if (staked === 0n || !play.mayPlay) return;
    play.call("unstake", [], "take the stake back", LIFETIME_MS);
    backToGame(event.currentTarget);
  };
  return (
    <>
      <form onSubmit={stake}>
        <label>
          Units to stake{" "}
          <input
            inputMode="numeric"
            value={text}
            aria-invalid={says}
            aria-describedby="stake-error stake-note"
            onChange={(event) => {
              setText(event.target.value);
              setMeant(true);
            }}
          />
        </label>
        <button type="submit" aria-disabled={wrong || !play.mayPlay}>
          Stake
        </button>
        <button type="button" aria-disabled={staked === 0n || !play.mayPlay} onClick={takeBack}>
          Take back
        </button>
        <p id="stake-error" role="alert">
          {says && problem(vault)}
        </p>
      </form>
      <p id="stake-note" className="note">
        {units === undefined
          ? `A unit is ${fwy(1n)}.`
          : `${counted(units, "unit")}: ${fwy(units)}.`}{" "}
        With a stake, who scores takes one unit from every other stake; without one it scores points
        alone.
      </p>
    </>
  );
}

/** Keys turn the player again: letters are not for the field, and space stakes no second time. */
function backToGame(from: Element): void {
  focusHeading(from, { preventScroll: true });
}

function problem(vault: bigint): string {
  if (vault === 0n) return "You have nothing left to stake.";
  return `The stake has to be a whole number from 1 to ${vault}.`;
}

/** Units that a text names: one at least. */
function wholeUnits(text: string): bigint | undefined {
  const found = /^\s*([0-9]{1,18})\s*$/.exec(text)?.[1];
  return found && BigInt(found) > 0n ? BigInt(found) : undefined;
}
