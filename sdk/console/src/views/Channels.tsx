/** The node, and every channel that it runs. */
import type { ChannelStatus, NodeStatus } from "@fairway/sdk";
import { routeText } from "../route.js";
import { usePoll, useSource } from "../source.js";
import { termText, troubles } from "../standing.js";
import { Answer, Facts, Id, Mark, Table } from "./parts.js";

const EVERY_MS = 1_000;

export function Channels() {
  const source = useSource();
  const status = usePoll("status", EVERY_MS, () => source.ask("state_channel.status", {}));
  return <Answer polled={status}>{(value) => <Shown status={value} />}</Answer>;
}

function Shown({ status }: { status: NodeStatus }) {
  return (
    <>
      <h2>This node</h2>
      <Facts
        facts={[
          { label: "Node", field: "node", value: <Id id={status.node} full /> },
          { label: "Account", field: "account", value: <Id id={status.account} full /> },
          { label: "Version", field: "version", value: status.version },
          { label: "Reached at", field: "endpoints", value: status.endpoints.join(" ") },
          {
            label: "Other nodes connected",
            field: "connected_peers",
            value: status.connected_peers,
          },
          {
            label: "Settlement chain",
            field: "chain",
            value: status.chain_unreachable ? (
              <Mark good={false}>not reached: {status.chain_unreachable}</Mark>
            ) : (
              <Mark good>reached</Mark>
            ),
          },
        ]}
      />
      <h2>Channels</h2>
      <Table
        name="Channels"
        columns={[
          "Channel",
          "Role",
          "Leader",
          "Term",
          "Head",
          "Certified",
          "Final",
          "Settled",
          "Members",
          "Queued",
          "State",
        ]}
        rows={status.channels.map((channel) => row(channel, status.node))}
        none="This node runs no channel."
      />
    </>
  );
}

function row(channel: ChannelStatus, node: string) {
  const wrong = troubles(channel);
  const id = channel.channel;
  return {
    id,
    cells: [
      <Id key="id" id={id} href={routeText({ page: "channel", channel: id, tab: "overview" })} />,
      channel.role,
      <Leader key="leader" leader={channel.leader} node={node} />,
      termText(channel.term),
      channel.head,
      channel.certified,
      channel.final,
      channel.settled,
      channel.members.length,
      channel.queued,
      <Mark key="state" good={wrong.length === 0}>
        {wrong.length === 0 ? (channel.closed ? "closed" : "well") : wrong.join("; ")}
      </Mark>,
    ],
  };
}

export function Leader({ leader, node }: { leader: string | null | undefined; node: string }) {
  if (!leader) return "none";
  if (leader === node) return "this node";
  return <Id id={leader} />;
}
