/** This player's moves and how far each has hardened. */
import type { Feed } from "../feed.js";
import type { Moves } from "../moves.js";
import { capital, STATUSES } from "../text.js";
import { Status, useChanging } from "./parts.js";

const SHOWN = 8;

export function MoveList({ feed, moves }: { feed: Feed; moves: Moves }) {
  useChanging(feed);
  useChanging(moves);
  const newest = moves.all.slice(-SHOWN).reverse();
  return (
    <section aria-labelledby="moves">
      <h2 id="moves">Your moves</h2>
      {newest.length === 0 && <p>None since this page was loaded.</p>}
      <ol className="plain moves" reversed>
        {newest.map((move) => (
          <li key={move.id} data-status={move.status}>
            {capital(move.label)}: <Status status={move.status} />
            {move.failure && <span className="why"> {move.failure}</span>}
          </li>
        ))}
      </ol>
      <details>
        <summary>What the statuses mean</summary>
        <dl className="legend">
          {(Object.keys(STATUSES) as (keyof typeof STATUSES)[]).map((status) => (
            <div key={status}>
              <dt>
                <Status status={status} />
              </dt>
              <dd>{STATUSES[status].means}</dd>
            </div>
          ))}
        </dl>
      </details>
    </section>
  );
}
