/** A channel's blocks: the last ones, or one with all that it did. */
import type { BlockView, TransactionInBlock } from "@fairway/sdk";
import { useState } from "react";
import { routeText } from "../route.js";
import { usePoll, useSource } from "../source.js";
import { termText } from "../standing.js";
import { clockTime, dateTime, pretty, transactionText } from "../text.js";
import type { Shown } from "./Channel.js";
import { Leader } from "./Channels.js";
import { Answer, Facts, Id, Mark, Table, Verbatim } from "./parts.js";
import { TraceView } from "./Trace.js";

const EVERY_MS = 1_000;
/** Blocks of a page. */
const PAGE = 20;

export function Blocks({ shown }: { shown: Shown }) {
  const { height } = shown.route;
  if (height === undefined) return <Last shown={shown} />;
  if (height === 0) return <p role="alert">There is no block 0: the first one is block 1.</p>;
  return <One shown={shown} height={height} />;
}

/** From where a page of blocks begins, the last of which is `to`. */
export function pageStart(to: number, pruned: number): number {
  return Math.max(pruned + 1, to - PAGE + 1);
}

function Last({ shown }: { shown: Shown }) {
  const { channel, info } = shown;
  const source = useSource();
  const [to, setTo] = useState<number | undefined>();
  const head = info.status?.head ?? 0;
  const pruned = info.status?.pruned ?? 0;
  const last = to ?? head;
  const from = pageStart(last, pruned);
  const key = `blocks ${channel} ${to ?? "last"}`;
  const polled = usePoll(key, to === undefined ? EVERY_MS : 0, async () => {
    // The head of now: the one that was drawn may be old.
    const status = (await source.ask("state_channel.get", { channel })).status;
    const end = to ?? status?.head ?? 0;
    if (end === 0) return [];
    const start = pageStart(end, status?.pruned ?? 0);
    const limit = end - start + 1;
    return source.ask("state_channel.blocks", { channel, from: start, limit });
  });
  return (
    <>
      <div className="buttons">
        <button type="button" disabled={from <= pruned + 1} onClick={() => setTo(from - 1)}>
          Older
        </button>
        <button
          type="button"
          disabled={to === undefined}
          onClick={() => setTo(last + PAGE >= head ? undefined : last + PAGE)}
        >
          Newer
        </button>
        <button type="button" disabled={to === undefined} onClick={() => setTo(undefined)}>
          Follow the head
        </button>
      </div>
      <Answer polled={polled}>
        {(blocks) => (
          <Table
            name="Blocks"
            columns={[
              "Height",
              "Time",
              "Term",
              "Leader",
              "Calls",
              "Failed",
              "Other",
              "Gas",
              "Hash",
            ]}
            rows={[...blocks].reverse().map((block) => row(block, shown))}
            none="The channel has no blocks yet."
          />
        )}
      </Answer>
    </>
  );
}

function row(block: BlockView, shown: Shown) {
  const calls = block.transactions.filter((one) => one.transaction.kind === "call");
  const failed = calls.filter((call) => call.error).length;
  const other = block.transactions.filter((one) => one.transaction.kind !== "call");
  const href = routeText({ ...shown.route, height: block.height });
  return {
    id: String(block.height),
    cells: [
      <a key="height" href={href}>
        {block.height}
      </a>,
      clockTime(block.time),
      termText(block.term),
      <Leader key="leader" leader={block.leader} node={shown.node} />,
      calls.length,
      failed,
      other.map((one) => transactionText(one.transaction)).join(", "),
      block.transactions.reduce((sum, one) => sum + one.gas_used, 0),
      <Id key="hash" id={block.hash} />,
    ],
  };
}

function One({ shown, height }: { shown: Shown; height: number }) {
  const { channel, route } = shown;
  const source = useSource();
  const polled = usePoll(`block ${channel} ${height}`, 0, () =>
    source.ask("state_channel.blocks", { channel, from: height, limit: 1 }),
  );
  const head = shown.info.status?.head ?? 0;
  const { height: _, ...last } = route;
  return (
    <>
      <p className="buttons">
        <a href={routeText(last)}>All blocks</a>
        {height > 1 && <a href={routeText({ ...route, height: height - 1 })}>Block {height - 1}</a>}
        {height < head && (
          <a href={routeText({ ...route, height: height + 1 })}>Block {height + 1}</a>
        )}
      </p>
      <Answer polled={polled}>
        {([block]) =>
          block && block.height === height ? (
            <Block block={block} shown={shown} />
          ) : (
            <p role="alert">There is no block {height} yet.</p>
          )
        }
      </Answer>
    </>
  );
}

function reached(height: number, shown: Shown): string {
  const { status } = shown.info;
  if (!status) return "unknown";
  if (height <= status.settled) return "settled";
  if (height <= status.final) return "final";
  return height <= status.certified ? "certified" : "executed";
}

function Block({ block, shown }: { block: BlockView; shown: Shown }) {
  return (
    <>
      <h3>Block {block.height}</h3>
      <Facts
        facts={[
          { label: "Hash", field: "hash", value: <Id id={block.hash} full /> },
          { label: "Parent", field: "parent", value: <Id id={block.parent} full /> },
          { label: "Status", field: "status", value: reached(block.height, shown) },
          { label: "Time", field: "time", value: dateTime(block.time) },
          { label: "Term (epoch.view)", field: "term", value: termText(block.term) },
          {
            label: "Leader",
            field: "leader",
            value: <Leader leader={block.leader} node={shown.node} />,
          },
          { label: "State root", field: "state_root", value: <Id id={block.state_root} full /> },
          {
            label: "Effects root",
            field: "effects_root",
            value: <Id id={block.effects_root} full />,
          },
        ]}
      />
      <ol className="plain transactions">
        {block.transactions.map((transaction, place) => (
          <li key={place} data-place={place}>
            <Transaction found={transaction} place={place} block={block} shown={shown} />
          </li>
        ))}
      </ol>
    </>
  );
}

function Transaction({
  found,
  place,
  block,
  shown,
}: {
  found: TransactionInBlock;
  place: number;
  block: BlockView;
  shown: Shown;
}) {
  const { transaction, gas_used, error, events } = found;
  return (
    <>
      <h4>
        {place}: {transactionText(transaction)}{" "}
        <Mark good={!error}>{error ? `failed: ${error.name}` : "done"}</Mark>
      </h4>
      <Facts
        facts={[
          ...(transaction.kind === "call"
            ? [
                { label: "Call", field: "call", value: <Id id={transaction.call} full /> },
                { label: "Sender", field: "sender", value: <Id id={transaction.sender} full /> },
                { label: "Number", field: "sequence", value: transaction.sequence },
              ]
            : []),
          { label: "Gas", field: "gas_used", value: gas_used },
        ]}
      />
      <details>
        <summary>In full, with {events.length} events</summary>
        <Verbatim>{pretty({ transaction, error: error ?? null, events } as never)}</Verbatim>
      </details>
      {transaction.kind === "call" && (
        <TraceView channel={shown.channel} height={block.height} place={place} />
      )}
    </>
  );
}
