/** A channel's state after any block that is kept. */

import type { StateEntry, StatePage } from "@fairway/sdk";
import { type FormEvent, useEffect, useState } from "react";
import { useSource } from "../source.js";
import { bytes, pretty, short } from "../text.js";
import type { Shown } from "./Channel.js";
import { Facts, Id, Verbatim } from "./parts.js";

/** How long the slider rests before its height is asked for. */
const REST_MS = 200;
const PAGE = 100;

interface Read {
  pages: StatePage[];
  error?: string;
  asking: boolean;
}

const NOTHING: Read = { pages: [], asking: false };

/** The pages of the state after a block; `more` asks for the next one. */
function usePages(channel: string, height: number | undefined) {
  const source = useSource();
  const [read, setRead] = useState<Read>(NOTHING);
  const [round, setRound] = useState(0);
  const ask = async (before: StatePage[], isWanted: () => boolean) => {
    setRead({ pages: before, asking: true });
    try {
      const after = before.at(-1)?.next ?? undefined;
      // Every page is of the block that the first one was of.
      const at = before[0]?.height ?? height;
      const params = {
        channel,
        limit: PAGE,
        ...(at !== undefined && { height: at }),
        ...(after !== undefined && { after }),
      };
      const page = await source.ask("state_channel.state", params);
      if (isWanted()) setRead({ pages: [...before, page], asking: false });
    } catch (error) {
      const { message } = error as Error;
      if (isWanted()) setRead({ pages: before, error: message, asking: false });
    }
  };
  useEffect(() => {
    let ended = false;
    const timer = setTimeout(() => void ask([], () => !ended), round === 0 ? 0 : REST_MS);
    return () => {
      ended = true;
      clearTimeout(timer);
    };
  }, [channel, height, round]);
  return {
    read,
    again: () => setRound((before) => before + 1),
    more: () => void ask(read.pages, () => true),
  };
}

export function StateBrowser({ shown }: { shown: Shown }) {
  const { channel, info, route } = shown;
  const [height, setHeight] = useState<number | undefined>(route.height);
  const [word, setWord] = useState("");
  const { read, again, more } = usePages(channel, height);
  const head = info.status?.head ?? 0;
  const first = Math.min((info.status?.pruned ?? 0) + 1, head);
  const page = read.pages[0];
  return (
    <>
      <HeightForm first={first} head={head} height={height} choose={setHeight} again={again} />
      {read.error && <p role="alert">{read.error}</p>}
      {read.asking && <p className="note">asking…</p>}
      {page && (
        <>
          <Facts
            facts={[
              { label: "After block", field: "state_height", value: page.height },
              { label: "State root", field: "state_root", value: <Id id={page.state_root} full /> },
            ]}
          />
          <label>
            Entries that hold
            <input value={word} onChange={(event) => setWord(event.target.value)} />
          </label>
          <Entries entries={wanted(read.pages, word)} />
          {read.pages.at(-1)?.next && (
            <button type="button" onClick={more} disabled={read.asking}>
              More entries
            </button>
          )}
        </>
      )}
    </>
  );
}

/** Entries whose kind, owner, type or value holds a word. */
export function wanted(pages: readonly StatePage[], word: string): StateEntry[] {
  const small = word.toLowerCase();
  const entries = pages.flatMap((page) => page.entries);
  const text = (entry: StateEntry) =>
    [entry.kind, entry.owner, entry.type, pretty(entry.value)].join(" ").toLowerCase();
  return small === "" ? entries : entries.filter((entry) => text(entry).includes(small));
}

function HeightForm({
  first,
  head,
  height,
  choose,
  again,
}: {
  first: number;
  head: number;
  height: number | undefined;
  choose(height: number | undefined): void;
  again(): void;
}) {
  const [text, setText] = useState("");
  const [wrong, setWrong] = useState(false);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const found = /^\s*([0-9]{1,15})\s*$/.exec(text)?.[1];
    setWrong(found === undefined);
    if (found !== undefined) choose(Number(found));
  };
  const slide = (value: string) => {
    setText(value);
    setWrong(false);
    choose(Number(value));
  };
  return (
    <form onSubmit={submit}>
      <label className="wide">
        State after {height === undefined ? "the head" : `block ${height}`}
        <input
          type="range"
          min={first}
          max={head}
          value={Math.min(height ?? head, head)}
          onChange={(event) => slide(event.target.value)}
        />
      </label>
      <label>
        Height
        <input
          inputMode="numeric"
          value={text}
          aria-invalid={wrong}
          aria-describedby="height-error"
          onChange={(event) => setText(event.target.value)}
        />
      </label>
      <button type="submit">Show</button>
      <button
        type="button"
        onClick={() => {
          setText("");
          setWrong(false);
          choose(undefined);
          again();
        }}
      >
        The head
      </button>
      <p id="height-error" role="alert">
        {wrong && `A height is a whole number, here from ${first} to ${head}.`}
      </p>
    </form>
  );
}

function Entries({ entries }: { entries: readonly StateEntry[] }) {
  if (entries.length === 0) return <p className="note">No such entry.</p>;
  return (
    <ul className="plain entries">
      {entries.map((entry) => (
        <li key={entry.key} data-key={entry.key}>
          <details>
            <summary>
              <code>{entry.type ?? entry.kind}</code>{" "}
              {entry.owner && <span title={entry.owner}>of {short(entry.owner)}</span>}{" "}
              <span className="note">{bytes(entry.size)}</span>
            </summary>
            <Verbatim>{pretty(entry.value)}</Verbatim>
          </details>
        </li>
      ))}
    </ul>
  );
}
