/** The ledger's blocks: the last ones, one in full, or a transaction by its hash. */
import type { LedgerBlockInFull, PayloadView, TransactionInLedger } from "@fairway/sdk";
import { useState } from "react";
import { routeText } from "../route.js";
import { usePoll, useSource } from "../source.js";
import { clockTime, dateTime, literal, pretty, short } from "../text.js";
import { pageStart } from "./Blocks.js";
import type { LedgerRoute } from "./Ledger.js";
import { Answer, Facts, Id, Mark, Table, Verbatim } from "./parts.js";

const EVERY_MS = 2_000;
const PAGE = 20;

/** `last` is the chain's height. */
export function LedgerBlocks({ route, last }: { route: LedgerRoute; last: number }) {
  if (route.transaction) return <ByHash hash={route.transaction} last={last} />;
  if (route.height !== undefined) return <One height={route.height} last={last} />;
  return <Last />;
}

/** `0x3::coin::transfer`, or what a package or a case is about. */
export function payloadText(payload: PayloadView): string {
  switch (payload.kind) {
    case "invoke": {
      const [address = "", ...rest] = payload.function.split("::");
      return [literal(address), ...rest].join("::");
    }
    case "store_package":
      return `register package ${payload.name}`;
    case "publish":
      return `publish package ${payload.name}`;
    case "judge":
      return `judge member ${payload.accused} of ${short(payload.channel)}`;
  }
}

function Last() {
  const source = useSource();
  const [to, setTo] = useState<number | undefined>();
  const polled = usePoll(`ledger ${to ?? "last"}`, to === undefined ? EVERY_MS : 0, async () => {
    const { height } = await source.ask("chain.info", {});
    const end = to ?? height;
    const from = pageStart(end, 0);
    const limit = end - from + 1;
    const blocks = end === 0 ? [] : await source.ask("chain.blocks", { from, limit });
    return { blocks, from, end, height };
  });
  return (
    <Answer polled={polled}>
      {({ blocks, from, end, height }) => (
        <>
          <div className="buttons">
            <button type="button" disabled={from <= 1} onClick={() => setTo(from - 1)}>
              Older
            </button>
            <button
              type="button"
              disabled={to === undefined}
              onClick={() => setTo(end + PAGE >= height ? undefined : end + PAGE)}
            >
              Newer
            </button>
            <button type="button" disabled={to === undefined} onClick={() => setTo(undefined)}>
              Follow the head
            </button>
          </div>
          <Table
            name="Blocks of the ledger"
            columns={["Height", "Time", "Transactions", "Failed", "What", "Hash"]}
            rows={[...blocks].reverse().map(row)}
            none="The chain has no blocks yet."
          />
        </>
      )}
    </Answer>
  );
}

function row({ block, transactions }: LedgerBlockInFull) {
  const kinds = [...new Set(transactions.map((one) => payloadText(one.payload)))];
  return {
    id: String(block.height),
    cells: [
      <a key="height" href={routeText({ page: "ledger", tab: "blocks", height: block.height })}>
        {block.height}
      </a>,
      clockTime(block.time),
      transactions.length,
      transactions.filter((one) => one.report.error).length,
      kinds.join(", "),
      <Id key="hash" id={block.hash} />,
    ],
  };
}

function One({ height, last }: { height: number; last: number }) {
  const source = useSource();
  const polled = usePoll(`ledger block ${height}`, 0, () =>
    source.ask("chain.blocks", { from: height, limit: 1 }),
  );
  return (
    <>
      <p className="buttons">
        <a href={routeText({ page: "ledger", tab: "blocks" })}>All blocks</a>
        {height > 1 && (
          <a href={routeText({ page: "ledger", tab: "blocks", height: height - 1 })}>
            Block {height - 1}
          </a>
        )}
        {height < last && (
          <a href={routeText({ page: "ledger", tab: "blocks", height: height + 1 })}>
            Block {height + 1}
          </a>
        )}
      </p>
      <Answer polled={polled}>
        {([found]) =>
          found?.block.height === height ? (
            <Block found={found} />
          ) : (
            <p role="alert">The ledger has no such block, {height}.</p>
          )
        }
      </Answer>
    </>
  );
}

function Block({ found: { block, transactions } }: { found: LedgerBlockInFull }) {
  return (
    <>
      <h3>Block {block.height}</h3>
      <Facts
        facts={[
          { label: "Hash", field: "block_hash", value: <Id id={block.hash} full /> },
          { label: "Parent", field: "parent", value: <Id id={block.parent} full /> },
          { label: "Time", field: "time", value: dateTime(block.time) },
          { label: "State root", field: "state_root", value: <Id id={block.state_root} full /> },
        ]}
      />
      <ol className="plain transactions">
        {transactions.map((transaction) => (
          <li
            key={transaction.report.transaction}
            data-transaction={transaction.report.transaction}
          >
            <Transaction found={transaction} />
          </li>
        ))}
      </ol>
    </>
  );
}

function Transaction({ found }: { found: TransactionInLedger }) {
  const { report, sender, sequence, payload } = found;
  return (
    <>
      <h4>
        {report.index}: {payloadText(payload)} <Outcome report={report} />
      </h4>
      <Facts
        facts={[
          {
            label: "Transaction",
            field: "transaction",
            value: <Id id={report.transaction} full />,
          },
          {
            label: "Sender",
            field: "sender",
            value: <Id id={sender} full href={`#/ledger/account/${sender}`} />,
          },
          { label: "Number", field: "sequence", value: sequence },
          { label: "Gas", field: "gas_used", value: report.gas_used },
        ]}
      />
      <details>
        <summary>In full, with {report.events.length} events</summary>
        <Verbatim>
          {pretty({ payload, error: report.error ?? null, events: report.events } as never)}
        </Verbatim>
      </details>
    </>
  );
}

function Outcome({ report }: { report: TransactionInLedger["report"] }) {
  return <Mark good={!report.error}>{report.error ? `failed: ${report.error.name}` : "done"}</Mark>;
}

/** A transaction is shown in its block. */
function ByHash({ hash, last }: { hash: string; last: number }) {
  const source = useSource();
  const polled = usePoll(`transaction ${hash}`, 0, () =>
    source.ask("chain.transaction", { transaction: hash }),
  );
  return (
    <Answer polled={polled}>
      {(report) =>
        report ? (
          <One height={report.height} last={last} />
        ) : (
          <p role="alert">The ledger has no such transaction: {hash}.</p>
        )
      }
    </Answer>
  );
}
