/** Events of a channel's last blocks, the newest first. */
import type { BlockView, Json } from "@fairway/sdk";
import { useState } from "react";
import { routeText } from "../route.js";
import { usePoll, useSource } from "../source.js";
import { clockTime, literal, pretty } from "../text.js";
import { pageStart } from "./Blocks.js";
import type { Shown } from "./Channel.js";
import { Answer, Table } from "./parts.js";

const EVERY_MS = 1_000;
/** Events that are drawn. */
const MOST = 200;

export interface Happened {
  height: number;
  time: number;
  /** Of its transaction in the block, and its own among that one's. */
  place: [number, number];
  type: string;
  data: Json;
}

/** What happened in blocks, the newest first, of types that hold `word`. */
export function happened(blocks: readonly BlockView[], word: string): Happened[] {
  const all = blocks.flatMap((block) =>
    block.transactions.flatMap((transaction, at) =>
      transaction.events.map((event, number) => ({
        height: block.height,
        time: block.time,
        place: [at, number] as [number, number],
        type: event.type,
        data: event.data,
      })),
    ),
  );
  return all.filter((event) => event.type.toLowerCase().includes(word.toLowerCase())).reverse();
}

export function Events({ shown }: { shown: Shown }) {
  const { channel } = shown;
  const source = useSource();
  const [word, setWord] = useState("");
  const polled = usePoll(`events ${channel}`, EVERY_MS, async () => {
    const { status } = await source.ask("state_channel.get", { channel });
    if (!status || status.head === 0) return [];
    const from = pageStart(status.head, status.pruned);
    return source.ask("state_channel.blocks", { channel, from, limit: 20 });
  });
  return (
    <>
      <label>
        Types that hold
        <input value={word} onChange={(event) => setWord(event.target.value)} />
      </label>
      <Answer polled={polled}>
        {(blocks) => {
          const events = happened(blocks, word);
          return (
            <>
              <Table
                name="Events"
                columns={["Height", "Time", "Type", "Data"]}
                rows={events.slice(0, MOST).map((event) => row(event, channel))}
                none={`No ${word === "" ? "" : "such "}event in the last 20 blocks.`}
              />
              {events.length > MOST && (
                <p className="note">
                  {events.length - MOST} more of these blocks are not drawn: name a type.
                </p>
              )}
            </>
          );
        }}
      </Answer>
    </>
  );
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
