/** Where channels and members stand: what follows from what a node and the chain say. */
import type {
  ChannelRecord,
  ChannelStatus,
  MemberStatus,
  ObservedChannel,
  PeerView,
  Term,
} from "@fairway/sdk";

/** Milliseconds after which a member without a heartbeat on the chain is not valid any more. */
export const VALID_MS = 15_000;

export function termText(term: Term): string {
  return `${term.epoch}.${term.view}`;
}

/** Why a channel needs somebody's eye. */
export function troubles(channel: ChannelStatus): string[] {
  const found = [
    channel.lacking_quorum && `no quorum: ${channel.lacking_quorum}`,
    channel.storage && `can't store: ${channel.storage}`,
    channel.tail_lost && "lost its last writes: asks the others what it signed",
    channel.settlement_error && `settlement failed: ${channel.settlement_error}`,
    channel.role === "halted" && "reported its leader",
    channel.catching_up &&
      `takes a snapshot of height ${channel.catching_up.height}: ${channel.catching_up.parts} of ${channel.catching_up.parts_known} parts`,
    channel.chain_unreachable && "the chain is not reached",
  ];
  return found.filter((reason): reason is string => typeof reason === "string");
}

/** A member as the log, the chain and the network know it. */
export interface Standing {
  account: string;
  node: string;
  joinSequence: number;
  /** What it counts in quorums. */
  weight: number;
  leads: boolean;
  own: boolean;
  /** Named as valid by the epoch in force. */
  valid: boolean;
  /** The chain's time of its last heartbeat there. */
  chainHeartbeat: number;
  /** Whether that heartbeat is young enough for the next epoch. */
  beats: boolean;
  /** When this node last heard it. */
  heardAt: number | null;
  head: number;
  certified: number;
  /** The shortest round trip of the connections to it, in microseconds. */
  roundTrip: number | null;
  connected: boolean;
  /** In the log, or known to the chain alone. */
  inLog: boolean;
  leaving: boolean;
  eligible: boolean;
  collateral: string;
}

/** Members by join sequence; of those whom only the log knows, which were removed on the chain, too. */
export function standings(
  status: Pick<ChannelStatus, "members" | "leader">,
  observed: ObservedChannel,
  peers: readonly PeerView[],
  node: string,
): Standing[] {
  const { record, time } = observed;
  const valid = new Set(record.grants.at(-1)?.valid ?? []);
  const of = (account: string) => record.members.find((one) => one.record.account === account);
  const logged = status.members.map((member) => member.account);
  const pending = record.members.filter((one) => !logged.includes(one.record.account));
  const members: (MemberStatus | undefined)[] = [
    ...status.members,
    ...pending.map(() => undefined),
  ];
  return members
    .map((member, index) => {
      const chain = member ? of(member.account) : pending[index - status.members.length];
      const id = member?.node ?? chain?.record.node ?? "";
      const peer = peers.find((one) => one.node === id);
      const joinSequence = member?.join_sequence ?? chain?.record.join_sequence ?? 0;
      return {
        account: member?.account ?? chain?.record.account ?? "",
        node: id,
        joinSequence,
        weight: chain?.record.weight ?? 0,
        leads: status.leader === id,
        own: node === id,
        valid: valid.has(joinSequence),
        chainHeartbeat: chain?.last_heartbeat ?? 0,
        beats: chain !== undefined && time - chain.last_heartbeat <= VALID_MS,
        heardAt: member?.heard_at ?? null,
        head: member?.head ?? 0,
        certified: member?.certified ?? 0,
        roundTrip: shortest(peer),
        connected: node === id || (peer?.paths.length ?? 0) > 0,
        inLog: member !== undefined,
        leaving: chain?.leaving ?? false,
        eligible: chain?.eligible ?? false,
        collateral: chain?.collateral ?? "0",
      };
    })
    .sort((a, b) => a.joinSequence - b.joinSequence);
}

export function shortest(peer: PeerView | undefined): number | null {
  const measured = (peer?.paths ?? []).map(
    (path) => path.round_trip_us ?? Number.POSITIVE_INFINITY,
  );
  const least = Math.min(Number.POSITIVE_INFINITY, ...measured);
  return Number.isFinite(least) ? least : null;
}

/** What a channel's windows hold open, in words. */
export function openWindows(record: ChannelRecord): string[] {
  const { windows } = record;
  const found: string[] = [];
  if (windows.waiting) {
    const { number, to_height, deadline } = windows.waiting;
    found.push(`settlement ${number} up to height ${to_height} waits until ${iso(deadline)}`);
  }
  if (windows.exit) {
    const { by, deadline, disputed } = windows.exit;
    found.push(`exit of ${by.length} until ${iso(deadline)}${disputed ? ", disputed" : ""}`);
  }
  if (windows.complaint) found.push(`complaint until ${iso(windows.complaint.deadline)}`);
  if (windows.outcome) found.push(`closed by an exit at height ${windows.outcome.height}`);
  return found;
}

function iso(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
