import type { ChainMember, ChannelStatus, ObservedChannel, PeerView } from "@fairway/sdk";
import { expect, test } from "vitest";
import { standings, troubles } from "../../src/standing.js";

const NOW = 1_000_000;

function chainMember(joinSequence: number, heartbeat: number): ChainMember {
  return {
    record: {
      account: `account ${joinSequence}`,
      node: `node ${joinSequence}`,
      join_sequence: joinSequence,
      weight: 1,
      deposit: [],
      endpoints: [],
    },
    active: true,
    active_since: 1,
    booked: true,
    leaving: false,
    last_heartbeat: heartbeat,
    collateral: "5",
    pooled: false,
    eligible: true,
  };
}

function observed(members: ChainMember[], valid: number[]): ObservedChannel {
  const record = { members, grants: [{ epoch: 1, leader: "", join_sequence: 1, valid }] };
  return { record, height: 1, time: NOW } as unknown as ObservedChannel;
}

const logged = (joinSequence: number) => ({
  account: `account ${joinSequence}`,
  node: `node ${joinSequence}`,
  join_sequence: joinSequence,
  heard_at: NOW - 100,
  head: 7,
  certified: 6,
});

const peer = (node: string, ...trips: (number | null)[]): PeerView => ({
  node,
  channels: [],
  waiting_bytes: 0,
  paths: trips.map((round_trip_us) => ({ address: "", dialled: true, since: 0, round_trip_us })),
});

test("a member's standing is of the log, the chain and the network together", () => {
  const chain = observed([chainMember(2, NOW - 16_000), chainMember(1, NOW - 1_000)], [1]);
  const status = { members: [logged(2), logged(1)], leader: "node 1" };
  const peers = [peer("node 2", null, 300, 200)];
  const [first, second] = standings(status, chain, peers, "node 1");
  expect(first).toMatchObject({
    joinSequence: 1,
    leads: true,
    own: true,
    valid: true,
    beats: true,
  });
  expect(first).toMatchObject({ connected: true, roundTrip: null, inLog: true });
  expect(second).toMatchObject({ joinSequence: 2, leads: false, valid: false, beats: false });
  expect(second).toMatchObject({ connected: true, roundTrip: 200, head: 7, collateral: "5" });
});

test("a node without a connection is away, and one whose ping is not back is not", () => {
  const chain = observed([chainMember(1, NOW), chainMember(2, NOW), chainMember(3, NOW)], []);
  const status = { members: [logged(1), logged(2), logged(3)], leader: null };
  const peers = [peer("node 2"), peer("node 3", null)];
  const found = standings(status, chain, peers, "node 1");
  expect(found.map((member) => member.connected)).toEqual([true, false, true]);
});

test("members that only the chain or only the log knows are shown as such", () => {
  const chain = observed([chainMember(2, NOW)], [1]);
  const found = standings({ members: [logged(1)], leader: null }, chain, [], "node 1");
  expect(found.map((member) => [member.joinSequence, member.inLog, member.eligible])).toEqual([
    [1, true, false],
    [2, false, true],
  ]);
  expect(found[0]).toMatchObject({ valid: true, beats: false, chainHeartbeat: 0 });
});

test("what is wrong with a channel is said, and nothing when nothing is", () => {
  const well = { role: "leader", tail_lost: false } as ChannelStatus;
  expect(troubles(well)).toEqual([]);
  const wrong = {
    ...well,
    lacking_quorum: "hears 1 of 3",
    role: "halted",
    tail_lost: true,
  } as const;
  expect(troubles(wrong)).toEqual([
    "no quorum: hears 1 of 3",
    "lost its last writes: asks the others what it signed",
    "reported its leader",
  ]);
});
