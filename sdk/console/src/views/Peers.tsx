/** Other members' nodes, and the connections to them. */
import type { PathView, PeerView } from "@fairway/sdk";
import { usePoll, useSource } from "../source.js";
import { bytes, dateTime, roundTrip } from "../text.js";
import { Answer, Id, Mark, Table } from "./parts.js";

const EVERY_MS = 2_000;

export function Peers() {
  const source = useSource();
  const polled = usePoll("peers", EVERY_MS, () => source.ask("state_channel.peers", {}));
  return (
    <>
      <h2>Peers</h2>
      <Answer polled={polled}>
        {(peers) => (
          <Table
            name="Peers"
            columns={["Node", "Path", "Made by", "Round trip", "Since", "Waiting", "Channels"]}
            rows={peers.flatMap(rows)}
            none="This node knows no other one: it runs no channel with other members."
          />
        )}
      </Answer>
      <p className="note">
        A path is a connection that stands. A ping measures its round trip every 15 s.
      </p>
    </>
  );
}

function rows(peer: PeerView) {
  if (peer.paths.length === 0) return [row(peer, undefined, 0)];
  return peer.paths.map((path, index) => row(peer, path, index));
}

function row(peer: PeerView, path: PathView | undefined, index: number) {
  return {
    id: `${peer.node} ${index}`,
    cells: [
      <Id key="node" id={peer.node} />,
      path ? (
        <code key="path">{path.address}</code>
      ) : (
        <Mark key="away" good={false}>
          away
        </Mark>
      ),
      path ? (path.dialled ? "this node" : "the other") : "",
      path ? roundTrip(path.round_trip_us) : "",
      path ? dateTime(path.since) : "",
      bytes(peer.waiting_bytes),
      <span key="channels" className="ids">
        {peer.channels.map((channel) => (
          <Id key={channel} id={channel} href={`#/channel/${channel}/members`} />
        ))}
      </span>,
    ],
  };
}
