/** Who settles and how, the proposal under way with its votes, and what settled. */
import type { ChainEvent, ProposalView } from "@fairway/sdk";
import { useRef, useState } from "react";
import { history, type Progress } from "../history.js";
import { usePoll, useSource } from "../source.js";
import { openWindows } from "../standing.js";
import { amountsText, pretty } from "../text.js";
import type { Shown } from "./Channel.js";
import { Answer, Facts, Id, Mark, Table } from "./parts.js";

const EVERY_MS = 1_000;

export function Settlement({ shown }: { shown: Shown }) {
  const { channel, info } = shown;
  const source = useSource();
  const polled = usePoll(`proposals ${channel}`, EVERY_MS, () =>
    source.ask("state_channel.proposals", { channel }),
  );
  const { settlement, locked, config } = info.record;
  const open = openWindows(info.record);
  return (
    <>
      <h3>Settled</h3>
      <Facts
        facts={[
          { label: "Settlements", field: "settlement_number", value: settlement.number },
          { label: "Up to height", field: "settlement_height", value: settlement.height },
          {
            label: "State root",
            field: "settlement_root",
            value: <Id id={settlement.root} full />,
          },
          { label: "Rule", field: "rule", value: config.money?.settlement_rule ?? "two_thirds" },
          {
            label: "Locked on the chain",
            field: "locked",
            value: amountsText(locked),
          },
          { label: "Proposals signed here", field: "proposals", value: shown.activity.proposals },
          { label: "Yes votes signed here", field: "votes", value: shown.activity.votes },
          { label: "Open on the chain", field: "windows", value: open.join("; ") || "nothing" },
        ]}
      />
      <h3>Under way at this node</h3>
      <Answer polled={polled}>
        {(proposals) =>
          proposals.length === 0 ? (
            <p className="note">This node has no proposal under way.</p>
          ) : (
            proposals.map((one) => <Proposal key={one.hash} found={one} shown={shown} />)
          )
        }
      </Answer>
      <History channel={channel} />
    </>
  );
}

function Proposal({ found, shown }: { found: ProposalView; shown: Shown }) {
  const { proposal, votes } = found;
  const members = shown.info.status?.members ?? [];
  const vote = (node: string) => votes.find((one) => one.node === node);
  return (
    <>
      <Facts
        facts={[
          { label: "Proposal", field: "proposal", value: <Id id={found.hash} full /> },
          { label: "Number", field: "proposal_number", value: proposal.number },
          {
            label: "Heights",
            field: "proposal_heights",
            value: `${proposal.from_height + 1} to ${proposal.to_height}`,
          },
          {
            label: "Known to the chain",
            field: "submitted",
            value: found.submitted ? "yes" : "no",
          },
          { label: "Executed", field: "executed", value: found.executed ? "yes" : "no" },
          { label: "Closes the channel", field: "closes", value: proposal.closes ? "yes" : "no" },
        ]}
      />
      <Table
        name="Votes"
        columns={["#", "Node", "Vote", "Gets"]}
        rows={members.map((member) => {
          const balance = proposal.balances.find((one) => one.account === member.account);
          return {
            id: member.node,
            cells: [
              member.join_sequence,
              <Id key="node" id={member.node} />,
              <Vote key="vote" yes={vote(member.node)?.yes} />,
              amountsText(balance?.amounts ?? []),
            ],
          };
        })}
        none="The channel has no members."
      />
    </>
  );
}

function Vote({ yes }: { yes: boolean | undefined }) {
  if (yes === undefined) return "not heard";
  return <Mark good={yes}>{yes ? "yes" : "no"}</Mark>;
}

/** Asked for by hand: the chain's events are looked through from the first. */
function History({ channel }: { channel: string }) {
  const source = useSource();
  const [progress, setProgress] = useState<Progress | undefined>();
  const [error, setError] = useState<string | undefined>();
  const run = useRef(0);
  const look = async () => {
    const own = ++run.current;
    setError(undefined);
    try {
      const ask = (from: number, limit: number) => source.ask("chain.events", { from, limit });
      for await (const step of history(ask, channel)) {
        if (run.current !== own) return;
        setProgress(step);
      }
    } catch (failed) {
      setError((failed as Error).message);
    }
  };
  return (
    <>
      <h3>On the chain</h3>
      <button
        type="button"
        onClick={look}
        disabled={progress !== undefined && !progress.done && !error}
      >
        Look through the chain's events
      </button>
      {error && <p role="alert">{error}</p>}
      {progress && (
        <>
          <p className="note" data-field="looked">
            {progress.looked} events looked at{progress.done ? "." : ", going on."} Heartbeats are
            left out.
          </p>
          <Table
            name="The chain's events about the channel"
            columns={["Event", "Block", "Type", "Data"]}
            rows={[...progress.found].reverse().map(row)}
            none="None of them is about this channel."
          />
        </>
      )}
    </>
  );
}

function row(event: ChainEvent) {
  return {
    id: String(event.number),
    cells: [
      event.number,
      <a key="block" href={`#/ledger/block/${event.height}`}>
        {event.height}
      </a>,
      <code key="type">{event.type}</code>,
      <code key="data" className="data">
        {pretty(event.data).replace(/\s+/g, " ")}
      </code>,
    ],
  };
}
