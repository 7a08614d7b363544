/** Members: whether they are valid, when they were heard, and how far away they are. */
import type { ChannelRecord, ObservedChannel } from "@fairway/sdk";
import type { Source } from "../ask.js";
import { usePoll, useSource } from "../source.js";
import { type Standing, standings } from "../standing.js";
import { ago, amountText, roundTrip } from "../text.js";
import type { Shown } from "./Channel.js";
import { Answer, Id, Mark, Table } from "./parts.js";

const EVERY_MS = 2_000;

/** A channel as the chain has it now, or as the node read it last while the chain is away. */
async function observe(source: Source, channel: string, read: ChannelRecord) {
  try {
    return { observed: await source.ask("chain.channel", { channel }) };
  } catch (error) {
    const observed: ObservedChannel = { record: read, height: 0, time: Date.now() };
    return { observed, away: error instanceof Error ? error.message : String(error) };
  }
}

export function Members({ shown }: { shown: Shown }) {
  const { channel, info } = shown;
  const source = useSource();
  const polled = usePoll(`members ${channel}`, EVERY_MS, async () => {
    const [chain, peers] = await Promise.all([
      observe(source, channel, info.record),
      source.ask("state_channel.peers", { channel }),
    ]);
    return { ...chain, peers };
  });
  return (
    <Answer polled={polled}>
      {({ observed, away, peers }) => {
        const { status } = info;
        const members = status ? standings(status, observed, peers, shown.node) : [];
        return (
          <>
            {away && (
              <p role="alert">
                The settlement chain does not answer ({away}): what is of the chain is as this node
                read it last.
              </p>
            )}
            <Table
              name="Members"
              columns={[
                "#",
                "Account",
                "Node",
                "Role",
                "In the epoch",
                "On the chain",
                "Heard here",
                "Round trip",
                "Head",
                "Certified",
                "Weight",
                "Collateral",
              ]}
              rows={members.map((member) =>
                row(member, info.record.config.asset, observed.time, shown.activity.time),
              )}
              none="The channel has no members yet."
            />
            <p className="note">
              “In the epoch” is the set that the contract fixed when it granted the epoch. A member
              without a heartbeat on the chain for 15 s is left out of the next one.
            </p>
          </>
        );
      }}
    </Answer>
  );
}

function role(member: Standing): string {
  const words = [
    member.leads && "leader",
    member.own && "this node",
    !member.inLog && "not in the log yet",
    member.leaving && "leaving",
    !member.eligible && "not eligible",
  ];
  return words.filter(Boolean).join(", ") || "follower";
}

function row(member: Standing, asset: string, chainTime: number, nodeTime: number) {
  return {
    id: member.account,
    cells: [
      member.joinSequence,
      <Id key="account" id={member.account} />,
      <Id key="node" id={member.node} />,
      role(member),
      <Mark key="valid" good={member.valid}>
        {member.valid ? "valid" : "not valid"}
      </Mark>,
      <Mark key="beats" good={member.beats}>
        {ago(member.chainHeartbeat, chainTime)}
      </Mark>,
      member.own ? (
        "here"
      ) : (
        <Mark key="heard" good={member.connected}>
          {member.connected
            ? ago(member.heardAt, nodeTime)
            : `away, ${ago(member.heardAt, nodeTime)}`}
        </Mark>
      ),
      member.own ? "none" : roundTrip(member.roundTrip),
      member.head,
      member.certified,
      member.weight,
      amountText({ asset, amount: member.collateral }),
    ],
  };
}
