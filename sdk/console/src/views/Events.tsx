/** A channel's last events, the newest first, and those before them a press away. */
import { useEffect, useMemo, useRef, useState } from "react";
import { ENOUGH, Follower, type Happened, type Looked, lookBack } from "../events.js";
import { routeText } from "../route.js";
import { usePoll, useSource } from "../source.js";
import { ago, clockTime, literal, pretty } from "../text.js";
import type { Shown } from "./Channel.js";
import { Answer, Table } from "./parts.js";

const EVERY_MS = 1_000;
/** How long a word rests before it is looked for. */
const REST_MS = 300;
/** Events that are drawn: a single block may have thousands. */
const MOST = 200;

/** What a text is once it has not changed for a while. */
function useRested(text: string): string {
  const [rested, setRested] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setRested(text), REST_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return rested;
}

/** What was found from a block downwards; from the head, ever again, when none is named. */
function useLooked(channel: string, word: string, to: number | undefined) {
  const source = useSource();
  const key = `events ${channel} ${word} ${to ?? "head"}`;
  const current = useRef<string | undefined>(key);
  current.current = key;
  useEffect(
    () => () => {
      current.current = undefined;
    },
    [],
  );
  // What it keeps is of this key alone.
  const follower = useMemo(() => new Follower(), [key]);
  return usePoll(key, to === undefined ? EVERY_MS : 0, async () => {
    // The heights of now: those that were drawn may be old.
    const { status } = await source.ask("state_channel.get", { channel });
    const { head = 0, final = 0, pruned = 0 } = status ?? {};
    const first = pruned + 1;
    const wanted = {
      ask: (from: number, limit: number) =>
        source.ask("state_channel.blocks", { channel, from, limit }),
      word,
      isWanted: () => current.current === key,
    };
    const looked =
      to === undefined
        ? await follower.look(wanted, { head, final, first })
        : await lookBack(wanted, to, first);
    return { looked, first };
  });
}

export function Events({ shown }: { shown: Shown }) {
  const { channel } = shown;
  const [text, setText] = useState("");
  const word = useRested(text.trim());
  // The last block of each page before this one.
  const [tops, setTops] = useState<number[]>([]);
  const polled = useLooked(channel, word, tops.at(-1));
  const { value } = polled;
  const older = value && value.looked.from > value.first ? value.looked.from - 1 : undefined;
  return (
    <>
      <label>
        Types that hold
        <input
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            setTops([]);
          }}
        />
      </label>
      <div className="buttons">
        <button
          type="button"
          disabled={older === undefined}
          onClick={() => older !== undefined && setTops([...tops, older])}
        >
          Older
        </button>
        <button
          type="button"
          disabled={tops.length === 0}
          onClick={() => setTops(tops.slice(0, -1))}
        >
          Newer
        </button>
        <button type="button" disabled={tops.length === 0} onClick={() => setTops([])}>
          Follow the head
        </button>
      </div>
      <Answer polled={polled}>
        {({ looked, first }) => (
          <>
            <p className="note" data-field="looked">
              {lookedText(looked, first, word, shown.activity.time)}
            </p>
            {looked.events.length > 0 && (
              <Table
                name="Events"
                columns={["Height", "Time", "Type", "Data"]}
                rows={looked.events.slice(0, MOST).map((event) => row(event, channel))}
                none=""
              />
            )}
            {looked.events.length > MOST && (
              <p className="note">
                {looked.events.length - MOST} more of these blocks are not drawn: name a type.
              </p>
            )}
          </>
        )}
      </Answer>
    </>
  );
}

/** What a look found and how far back it went, in words. */
export function lookedText(looked: Looked, first: number, word: string, now: number): string {
  const { from, to, since, events } = looked;
  if (from > to) return "There is no block to look at.";
  const count = events.length === 0 ? "No" : String(events.length);
  const what = `${word === "" ? "" : "such "}${events.length === 1 ? "event" : "events"}`;
  const blocks = from === to ? `block ${from}` : `blocks ${from} to ${to}`;
  const found = `${count} ${what} in ${blocks}, back to ${ago(since, now)}.`;
  if (from <= first) {
    return `${found} ${first > 1 ? "This node keeps no older ones." : "There are no older ones."}`;
  }
  return events.length < ENOUGH ? `${found} “Older” looks further back.` : found;
}

function row(event: Happened, channel: string) {
  const [address, ...rest] = event.type.split("::");
  const href = routeText({ page: "channel", channel, tab: "blocks", height: event.height });
  return {
    id: `${event.height}.${event.place.join(".")}`,
    cells: [
      <a key="height" href={href}>
        {event.height}
      </a>,
      clockTime(event.time),
      <code key="type">{[literal(address ?? ""), ...rest].join("::")}</code>,
      <code key="data" className="data">
        {pretty(event.data).replace(/\s+/g, " ")}
      </code>,
    ],
  };
}
