/** Any JSON value; a whole number that a `number` cannot hold exactly is a `bigint`. */
export type Json = null | boolean | number | bigint | string | Json[] | {
    [name: string]: Json;
};
export interface AbortAbi {
    code: number;
    name: string;
    doc: string;
}
/** A node's word that it verified, re-executed and stored the block and all before it in its term. */
export interface Ack {
    channel: ChannelId;
    term: Term;
    height: Height;
    block: Hash;
}
/** What an account wants from the chain. */
export type Action = {
    action: "transfer";
    /** The native asset when absent. */
    asset?: AssetId | null;
    to: Address;
    amount: string;
} | {
    action: "store_package";
    package: PackageSource;
} | {
    action: "publish";
    package: PackageSource;
} | {
    action: "create";
    package: Hash;
    config: ChannelConfig;
} | {
    action: "join";
    channel: ChannelId;
    node: NodeId;
    amount: string;
    endpoints: string[];
    proof: Signature;
    backing?: Backing;
} | {
    action: "leave";
    channel: ChannelId;
} | {
    action: "close";
    channel: ChannelId;
} | {
    action: "exit";
    channel: ChannelId;
} | {
    action: "stake";
    /** The native asset when absent. */
    asset?: AssetId | null;
    amount: string;
} | {
    action: "ask_withdrawal";
    asset?: AssetId | null;
    amount: string;
} | {
    action: "withdraw_stake";
    asset?: AssetId | null;
} | {
    action: "release";
    channel: ChannelId;
    account: Address;
} | {
    action: "judge";
    channel: ChannelId;
    /** Join sequence of the member whose node led the block. */
    accused: JoinSequence;
    /** The bytes of a file of evidence, in hex. */
    file: string;
} | {
    action: "complain";
    channel: ChannelId;
    call: SignedCall;
} | {
    action: "invoke";
    function: string;
    type_args?: string[];
    args: Json[];
};
export type Address = string;
/** An amount in the asset's smallest unit. */
export interface Amount {
    amount: string;
}
export interface AssetAmount {
    asset: AssetId;
    /** In the asset's smallest unit. */
    amount: string;
}
export type AssetId = string;
/** Which state a read sees. */
export type At = "head" | "certified" | "final";
/** What stands behind a member's word. */
export interface Backing {
    /** In the channel's asset, beside the deposit. */
    collateral: string;
    /** Counted on in the account's stake (`settlement::collateral`) and not locked. */
    pooled: boolean;
}
/** A member's balances at the settled height, sorted by asset, no zeros. */
export interface Balance {
    account: Address;
    amounts: AssetAmount[];
    /** The member leaves: it is paid and removed. */
    leaves: boolean;
}
/** Who may not join before a time. */
export interface Ban {
    account: Address;
    node: NodeId;
    until: Time;
}
/** Proof of a block, as the contract takes it. */
export interface BlockProof {
    /** Each the parent of the next: from the anchor's to the block's. */
    headers: Header[];
    /** Of the first header's block, by two thirds of the active members, or by all. */
    anchor?: Certificate | null;
    /** Of the last one's, by two thirds of those valid in its epoch; none where the anchor is it. */
    certificate?: Certificate | null;
}
export interface BlockView {
    height: Height;
    hash: Hash;
    parent: Hash;
    term: Term;
    leader: NodeId;
    time: Time;
    transactions_root: Hash;
    effects_root: Hash;
    state_root: Hash;
    transactions: TransactionInBlock[];
}
/** A request to order one operation. Valid in one channel of one chain, once, until it expires. */
export interface Call {
    chain: ChainId;
    channel: ChannelId;
    sender: Address;
    sequence: SequenceNumber;
    operation: Operation;
    gas_limit: Gas;
    /** The last block time (milliseconds) at which the call may be executed. */
    expires_at: Time;
}
export interface CallPlace {
    call: Hash;
    index: number;
    error?: string | null;
}
/** A call's place and results. */
export interface CallReport {
    call: Hash;
    height: Height;
    /** Its place in the block. */
    index: number;
    status: CallStatus;
    gas_used: Gas;
    /** Why it failed; it used its sequence number all the same. */
    error?: RefusalData | null;
    events: EventView[];
}
/** What a call asks for, with arguments as JSON. */
export type CallRequest = {
    operation: "invoke";
    /** `0x42::tic_tac_toe::place` */
    function: string;
    type_args?: string[];
    args: Json[];
} | {
    operation: "leave";
} | {
    operation: "close";
};
/** How far a call has come. Ordered: each status implies those before it. */
export type CallStatus = "executed" | "certified" | "final" | "settled";
/** How far a snapshot has come. */
export interface CatchingUp {
    /** The height that it is of. */
    height: Height;
    /** Parts that are here, and parts known so far. */
    parts: number;
    parts_known: number;
    /** Entries of the state that are here, and how many there are as a peer says. */
    entries: number;
    of_entries: number;
    bytes: number;
    /** Nodes that are asked for parts. */
    sources: NodeId[];
    /** Nodes that are asked no more: what they sent is not of that state. */
    refused: NodeId[];
}
/** Acks of one block whose weight makes a quorum. The leader's own ack is among them. */
export interface Certificate {
    ack: Ack;
    /** Sorted by node, each once. */
    signatures: [NodeId, Signature][];
}
/** An event with its place on the chain. */
export interface ChainEvent {
    /** Counts all events of the chain from 0: the cursor. The next one to ask for is this plus one. */
    number: number;
    height: Height;
    transaction: Hash;
    /** The channel it is about, for events of the channel contracts. */
    channel?: ChannelId | null;
    type: string;
    /** The event's fields. */
    data: Json;
}
/** A settlement chain's id; signed into everything, so nothing can be replayed on another chain. */
export type ChainId = number;
export interface ChainInfo {
    chain: ChainId;
    height: Height;
    /** Time of the last block, milliseconds since 1970. */
    time: Time;
    head: Hash;
    state_root: Hash;
    native: AssetId;
    /** Whether `chain.faucet` gives money away (development chains). */
    faucet: boolean;
}
/** What of a member changes on the chain. */
export interface ChainMember {
    record: MemberRecord;
    /**
     * Named by an epoch grant: counts in quorums on the chain, and is paid by settlements alone.
     * Until then the member can withdraw with its deposit and be gone from the record.
     */
    active: boolean;
    /** The epoch of the grant that named it; zero while pending. */
    active_since: Epoch;
    /** A settlement has named it, or the first grant: it counts in every epoch. */
    booked: boolean;
    /** Asked the contract to leave; the leader orders its removal. */
    leaving: boolean;
    /** The chain's time of its last heartbeat; zero before the first. */
    last_heartbeat: Time;
    /** What backs it now, in the channel's asset. */
    collateral: string;
    /** Whether that is a part of a stake which other channels count on too. */
    pooled: boolean;
    /** May be valid: not convicted, and backed by the channel's least. */
    eligible: boolean;
}
/** A channel's rules; fixed when it is created. */
export interface ChannelConfig {
    /** Milliseconds between ticks; zero for none. */
    tick_interval: number;
    /** Milliseconds between the leader's settlement proposals; zero for none. */
    settlement_interval: number;
    durability: Durability;
    join_policy: JoinPolicy;
    /** Accounts that may join under `Invited`, sorted. */
    invited: Address[];
    /** The asset a member brings, and the least of it. */
    asset: AssetId;
    min_deposit: number | bigint;
    max_members: number;
    /**
     * What execution costs: 1 `measured` (the default), 2 `storage`. A node that does not know the
     * table does not run the channel.
     */
    gas_table?: GasTableId;
    /**
     * Members trust their own nodes with their calls: a node's signature under many of its member's
     * calls stands in place of theirs.
     */
    trust_own_node?: boolean;
    money?: MoneyRules;
}
export type ChannelId = string;
export interface ChannelInfo {
    record: ChannelRecord;
    /** Absent when this node does not run the channel. */
    status?: ChannelStatus | null;
}
/** Everything the contract says about a channel, at one height of the chain. */
export interface ChannelRecord {
    chain: ChainId;
    channel: ChannelId;
    creator: Address;
    /** Hash over the package's Move sources. */
    package: Hash;
    config: ChannelConfig;
    open: boolean;
    /** The creator asked the contract to close; the leader orders it. */
    closing: boolean;
    /** The epoch-1 grant, from which every node derives the same genesis; `None` before it. */
    first_grant?: EpochGrant | null;
    /** The records of the members in `first_grant`, kept for good. */
    founders: MemberRecord[];
    /**
     * Ascending by epoch, the last one is in force: all since the settlement before the last one,
     * at most 256. The contract keeps older ones readable (`channel::grants`).
     */
    grants: EpochGrant[];
    /** `None` before the first grant. */
    in_force?: TermRecord | null;
    /** By join sequence, ascending. */
    members: ChainMember[];
    settlement: SettlementRecord;
    /** What the channel holds on the chain now. */
    locked: AssetAmount[];
    /** What is open to be answered. */
    windows: WindowRecord;
}
export interface ChannelStatus {
    channel: ChannelId;
    role: Role;
    term: Term;
    leader?: NodeId | null;
    head: Height;
    head_hash: Hash;
    state_root: Hash;
    certified: Height;
    /** Height of the last final block. */
    final: Height;
    settled: Height;
    /** Settlements executed on the chain. */
    settlements: number;
    members: MemberStatus[];
    /** Calls waiting to be ordered. */
    queued: number;
    closed: boolean;
    /** Why the settlement chain can't be reached, if it can't: reads go on. */
    chain_unreachable?: string | null;
    /** Why the node can't store, if it can't: it signs nothing until it can. */
    storage?: string | null;
    /** Why nothing can be certified here, if so: reads go on and may be stale, calls are refused. */
    lacking_quorum?: string | null;
    /**
     * The node came back without its last writes: it signs nothing until enough others have told it
     * what it signed.
     */
    tail_lost: boolean;
    /** Why the last settlement attempt of this node failed, if it did. */
    settlement_error?: string | null;
    /** The snapshot that this node takes in place of blocks, if it does. */
    catching_up?: CatchingUp | null;
    /** Blocks up to here are kept no more; zero while all are. */
    pruned: Height;
}
/** A call that an account says its leader leaves undone. */
export interface ComplaintRecord {
    account: Address;
    sequence: SequenceNumber;
    /** BCS of the signed call. */
    call: string;
    leader: JoinSequence;
    deadline: Time;
}
/** What follows when a leader leaves a call undone in its last window. */
export type DropRule = "close" | "replace";
export type Durability = "synced" | "replicated";
/** A term's first part, granted by the settlement contract. Starts at 1. */
export type Epoch = number;
/** The contract's grant of an epoch. */
export interface EpochGrant {
    epoch: Epoch;
    leader: Address;
    /** Join sequence of the leader. */
    join_sequence: JoinSequence;
    /** Join sequences of the members valid at the grant, ascending: fixed for the epoch. */
    valid: JoinSequence[];
}
/** A Move event as JSON. */
export interface EventView {
    type: string;
    data: Json;
}
/** A file of evidence. */
export interface EvidenceFile {
    evidence: Hash;
    /** The file's bytes. */
    file: string;
}
/**
 * Members demand to leave at the best proof that is shown until the deadline, unless a settlement
 * pays them.
 */
export interface ExitRecord {
    by: Address[];
    opened_at: Time;
    deadline: Time;
    /**
     * More than a third of the active members said no to what the others certified without them:
     * anchors alone count.
     */
    disputed: boolean;
}
/** Empty lists mean everything. */
export interface Filter {
    /** Resources whose type starts with one of these. */
    resource_types?: string[];
    /** Resources of these accounts. */
    addresses?: Address[];
    /** Events whose type starts with one of these. */
    event_types?: string[];
}
export interface FunctionAbi {
    name: string;
    doc: string;
    /** Callable by a signed call. */
    entry: boolean;
    /** Public and returns something without `&mut` or signer parameters: callable as a view. */
    view: boolean;
    /** Abilities each type parameter must have, such as `["copy", "drop"]`. */
    type_params: string[][];
    /** All parameters; leading signers are filled in by the host. */
    params: ParamAbi[];
    returns: TypeAbi[];
}
/** An entry function of the channel's package, or of a contract on the ledger. */
export interface FunctionName {
    address: Address;
    module: string;
    function: string;
}
/** Gas units of the Move VM. */
export type Gas = number;
/** Names a gas table: what execution costs in a channel. Tables never change; zero names none. */
export type GasTableId = number;
/**
 * Everything that somebody else needs to keep an account's money in a channel safe while its node is
 * away: the best block that the node could prove, and what that block's state gives the account.
 */
export interface Guard {
    channel: ChannelId;
    account: Address;
    proof: BlockProof;
    /** Join sequences that were entered. */
    entered: ProvenEntry;
    vault: ProvenEntry;
    /** What the account is owed as a leaver. */
    departed: ProvenEntry;
}
export type Hash = string;
/** What the leader signs. All that a block does is committed to by these fields. */
export interface Header {
    channel: ChannelId;
    /** Hash of the header before; of the genesis for height 1. */
    parent: Hash;
    height: Height;
    term: Term;
    /** The leader's time: never before the parent's. */
    time: Time;
    /** Height of the block's justification: zero for none. */
    justified: Height;
    /** Hash of the certificate that opens the term, in a term's first block. */
    opening?: Hash | null;
    /** Hash over the transactions' hashes, in order. */
    transactions_root: Hash;
    /** Hash over the effects' hashes, in order. */
    effects_root: Hash;
    /** Root of the state after the block. */
    state_root: Hash;
    /** Room for what later versions commit to; empty today. */
    extension: string;
}
/** A block's number in its channel (or ledger). Genesis is 0. */
export type Height = number;
export type JoinPolicy = "invited" | "open" | "contract";
/** The order in which members joined a channel; given by the contract, starts at 1. */
export type JoinSequence = number;
export interface Joined {
    channel: ChannelId;
    transaction: TransactionReport;
}
export interface LedgerBlock {
    height: Height;
    hash: Hash;
    parent: Hash;
    time: Time;
    transactions_root: Hash;
    receipts_root: Hash;
    state_root: Hash;
    transactions: Hash[];
}
export type LedgerPayload = {
    invoke: {
        function: FunctionName;
        type_args: string[];
        args: string[];
    };
} | {
    store_package: {
        package: PackageSource;
    };
} | {
    publish: {
        package: PackageSource;
    };
} | {
    judge: {
        channel: ChannelId;
        /** Who joined with this sequence. */
        accused: JoinSequence;
        /** A file of evidence, as `Evidence::to_file` writes it. */
        file: string;
    };
};
export interface LedgerTransaction {
    chain: ChainId;
    sender: Address;
    sequence: SequenceNumber;
    payload: LedgerPayload;
    gas_limit: Gas;
    /** The last block time at which it may be executed. */
    expires_at: Time;
}
/** A member as the contract records it, fixed at its join. */
export interface MemberRecord {
    account: Address;
    node: NodeId;
    join_sequence: JoinSequence;
    weight: Weight;
    /** What the member brought, sorted by asset, no zeros. */
    deposit: AssetAmount[];
    /** libp2p addresses of the node, as text. */
    endpoints: string[];
}
export interface MemberStatus {
    account: Address;
    node: NodeId;
    join_sequence: JoinSequence;
    /** When its node was last heard, milliseconds since 1970. */
    heard_at?: Time | null;
    head: Height;
    certified: Height;
}
export interface ModuleAbi {
    address: Address;
    name: string;
    doc: string;
    /** Whether the module belongs to the package itself. */
    own: boolean;
    functions: FunctionAbi[];
    structs: StructAbi[];
    /** Error constants: `const E_NOT_YOUR_TURN: u64 = 3;` with the doc comment above it. */
    aborts: AbortAbi[];
}
/** Who moves money on the chain, and what misbehaviour costs. */
export interface MoneyRules {
    settlement_rule?: SettlementRule;
    weight_by?: WeightBy;
    /** Milliseconds in which a proposal of few, or an exit, can be answered. */
    challenge_window?: number;
    /** The least collateral of a member, in the channel's asset. */
    collateral?: number | bigint;
    /** What a conviction takes from it, at most. */
    fine?: number | bigint;
    /** What a report that the others find false takes from the reporter's. */
    bond?: number | bigint;
    penalty_votes?: PenaltyVotes;
    drop_rule?: DropRule;
}
export type NodeId = string;
export interface NodeStatus {
    node: NodeId;
    /** The node's account on the chain. */
    account: Address;
    version: string;
    /** Where other nodes reach it, as libp2p addresses. */
    endpoints: string[];
    connected_peers: number;
    chain_unreachable?: string | null;
    channels: ChannelStatus[];
}
/** One item of a subscription, in log order. */
export type Notice = {
    kind: "snapshot";
    height: Height;
    state_root: Hash;
    resources: ResourceView[];
} | {
    kind: "block";
    height: Height;
    hash: Hash;
    /** Hash of the block before. */
    parent: Hash;
    time: Time;
    state_root: Hash;
    changes: ResourceView[];
    events: EventView[];
    /** The block's calls; `error` names why one failed. */
    calls: CallPlace[];
} | {
    kind: "heights";
    certified: Height;
    final: Height;
    settled: Height;
} | {
    kind: "rolled_back";
    to: Height;
} | {
    kind: "skipped";
    to: Height;
} | {
    kind: "lagged";
    resume_from: Height;
};
/** A channel's record and the block after which it was read. */
export interface ObservedChannel {
    record: ChannelRecord;
    height: Height;
    time: Time;
}
/** What a signed call asks for. */
export type Operation = {
    invoke: {
        function: FunctionName;
        type_args: string[];
        args: string[];
    };
} | "leave" | "close";
/** Where a channel that closed by an exit stands. */
export interface Outcome {
    /** Zero: nothing was certified that somebody showed; everybody got its deposit. */
    height: Height;
    root: Hash;
    block: Hash;
    /** Who is paid what that state gives it, for a proof. */
    members: Address[];
}
/** The ABI of a package and of what its types use from `std` and `runtime`. */
export interface PackageAbi {
    name: string;
    package: Hash;
    /** The package's own modules, then those of its dependencies. */
    modules: ModuleAbi[];
}
/** A Move package as its author wrote it: what a package hash covers. */
export interface PackageSource {
    name: string;
    /** Named addresses of the package, sorted by name. */
    addresses: [string, Address][];
    /** Files sorted by path, relative, with `/`; UTF-8 Move source. */
    files: SourceFile[];
}
export interface ParamAbi {
    name: string;
    type: TypeAbi;
}
/** Who convicts, among three members and more. */
export type PenaltyVotes = "two" | "two_thirds";
/** A call to sign: `signature` is ed25519 over `signing_bytes`. */
export interface PreparedCall {
    call: Call;
    signing_bytes: string;
    hash: Hash;
}
/** A transaction to sign: `signature` is ed25519 over `signing_bytes`. */
export interface PreparedTransaction {
    transaction: LedgerTransaction;
    signing_bytes: string;
    hash: Hash;
}
/**
 * A settlement of the blocks `(from_height, to_height]`. The BCS layout is what the contract
 * `settlement::settlement` hashes; a change here is a change there.
 */
export interface Proposal {
    chain: ChainId;
    channel: ChannelId;
    /** Number of this settlement: the last executed one plus one. */
    number: number;
    from_height: Height;
    from_root: Hash;
    to_height: Height;
    to_root: Hash;
    /** Hash of the block at `to_height`. */
    to_block: Hash;
    /** Sorted by account, each once: every registered member and every leaver not yet paid. */
    balances: Balance[];
    /** What the app itself holds, sorted by asset, no zeros. Zero when `closes`. */
    held: AssetAmount[];
    /** Everybody is paid and the channel ends. */
    closes: boolean;
    /** Bytes the dApp's contract reads; empty if it has none. */
    result: string;
}
/** A proposal this node signed or voted on. */
export interface ProposalView {
    hash: Hash;
    proposal: Proposal;
    /** The last executed settlement is this one. */
    executed: boolean;
}
export interface Proposed {
    number: number;
    proposal: Hash;
}
/**
 * What the state holds under a key, with the path that proves it under a root: see
 * `settlement::state_proof`.
 */
export interface ProvenEntry {
    /** Empty: it holds nothing there. */
    value: string;
    /** Hashes beside the path to the key, from the root down. */
    siblings: Hash[];
    /** Hashes of key and value of the leaf where the path ends, if it ends at one. */
    end?: [Hash, Hash] | null;
}
export type PublicKey = string;
/** How the wire shows a refusal (JSON-RPC `error.data`). */
export interface RefusalData {
    name: string;
    /** The refusal's fields, by name. */
    details: Json;
    transient: boolean;
}
/** An accusation that members vote on. */
export interface ReportRecord {
    /** Hash of the evidence. */
    evidence: Hash;
    reporter: JoinSequence;
    accused: JoinSequence;
    deadline: Time;
}
export interface ResourceRead {
    height: Height;
    /** Whether the node hears too few members: others may be further by now. */
    stale: boolean;
    resource: ResourceView;
}
/** A resource after a block; no value when it was deleted. */
export interface ResourceView {
    address: Address;
    type: string;
    value?: Json;
}
export type Role = "leader" | "follower" | "waiting" | "halted" | "ended";
/** A sender's next call in a channel, or an account's next transaction on the ledger. Starts at 0. */
export type SequenceNumber = number;
/** The last settlement that executed. */
export interface SettlementRecord {
    /** Zero before the first. */
    number: number;
    height: Height;
    root: Hash;
    block: Hash;
    /** Leavers it paid. */
    paid: Address[];
    closed: boolean;
}
/** Whose votes execute a settlement. */
export type SettlementRule = "two_thirds" | "unanimous" | "judged";
/**
 * A block above the last settlement, by the proof that was shown of it: those valid in its epoch
 * certified it, above an anchor, a block of its chain that two thirds of the active members (or all,
 * where everybody settles) certified.
 */
export interface ShownBlock {
    /** Zero without an anchor. */
    anchor_height: Height;
    anchor_term: Term;
    height: Height;
    term: Term;
    block: Hash;
    root: Hash;
    /** Zeros without an anchor. */
    anchor_block: Hash;
    anchor_root: Hash;
}
export type Signature = string;
export interface SignedCall {
    call: Call;
    /** The sender's account key. */
    key: PublicKey;
    signature: Signature;
}
export interface SignedLedgerTransaction {
    transaction: LedgerTransaction;
    key: PublicKey;
    signature: Signature;
}
export interface SourceFile {
    path: string;
    text: string;
}
export interface StructAbi {
    name: string;
    doc: string;
    /** Among `copy`, `drop`, `store`, `key`. */
    abilities: string[];
    type_params: number;
    fields: ParamAbi[];
}
export interface StructRef {
    address: Address;
    module: string;
    name: string;
    type_args: TypeAbi[];
}
/** Who leads, in order: terms only grow. One leader per term. */
export interface Term {
    epoch: Epoch;
    view: View;
}
/**
 * The term in force, as far as the contract knows: the last epoch granted, and the last view of it
 * that was shown.
 */
export interface TermRecord {
    term: Term;
    leader: Address;
    /** Join sequence of the leader. */
    join_sequence: JoinSequence;
}
/** Milliseconds since the Unix epoch. */
export type Time = number;
export interface TransactionInBlock {
    transaction: TransactionView;
    gas_used: Gas;
    error?: RefusalData | null;
    events: EventView[];
}
/** What a transaction did. */
export interface TransactionReport {
    transaction: Hash;
    height: Height;
    index: number;
    gas_used: Gas;
    /** Why it failed; its sequence number is used up all the same. */
    error?: RefusalData | null;
    events: EventView[];
}
/** What a transaction in a block is. */
export type TransactionView = {
    kind: "call";
    call: Hash;
    sender: Address;
    sequence: SequenceNumber;
    operation: Operation;
} | {
    kind: "tick";
} | {
    kind: "join";
    account: Address;
    deposit: AssetAmount[];
} | {
    kind: "remove";
    account: Address;
} | {
    kind: "close";
} | {
    kind: "settled";
    number: number;
};
/** A Move type. */
export type TypeAbi = "bool" | "u8" | "u64" | "u128" | "address" | "signer" | {
    vector: TypeAbi;
} | {
    struct: StructRef;
} | {
    type_param: number;
} | {
    reference: TypeAbi;
} | {
    mut_reference: TypeAbi;
};
export type Verdict = "guilty" | "innocent" | "unclear";
/** What a node says to an accusation: its own, or another member's report. */
export interface VerdictView {
    accused: NodeId;
    reporter: NodeId;
    /** `divergence`, `invalid_transaction`, `double_block` or `double_ack`. */
    kind: string;
    term: Term;
    height: Height;
    /** The evidence's hash: its name. */
    evidence: Hash;
    verdict: Verdict;
    reason: string;
    /** Whether this node has the evidence's file: it found it itself. */
    has_file: boolean;
}
/** A term's second part, granted by a view-change certificate. Starts at 0 in every epoch. */
export type View = number;
/** The values a view returned, in order. */
export interface Viewed {
    height: Height;
    /** Whether the node hears too few members: others may be further by now. */
    stale: boolean;
    values: Json[];
}
/** A proposal that executes after its window. */
export interface WaitingRecord {
    proposal: Hash;
    number: number;
    to_height: Height;
    to_block: Hash;
    opened_at: Time;
    deadline: Time;
    /** The best block that was shown to be of one chain with the proposal's. */
    supported_by: Hash;
    /** Two thirds of the active members agreed, in a channel whose rule asks for a window. */
    by_active: boolean;
}
/** A member's share in quorums. */
export type Weight = number;
/** What a member weighs. */
export type WeightBy = "member" | "collateral";
/** Everything that is open in a channel. */
export interface WindowRecord {
    shown?: ShownBlock | null;
    exit?: ExitRecord | null;
    waiting?: WaitingRecord | null;
    reports: ReportRecord[];
    complaint?: ComplaintRecord | null;
    bans: Ban[];
    outcome?: Outcome | null;
}
/** Parameters and results of every method. */
export interface Methods {
    "state_channel.status": {
        params: Record<string, never>;
        result: NodeStatus;
    };
    "state_channel.list": {
        params: Record<string, never>;
        result: ChannelId[];
    };
    "state_channel.get": {
        params: {
            channel: ChannelId;
        };
        result: ChannelInfo;
    };
    "state_channel.abi": {
        params: {
            channel: ChannelId;
        };
        result: PackageAbi;
    };
    "state_channel.create": {
        params: {
            transaction: SignedLedgerTransaction;
        };
        result: Joined;
    };
    "state_channel.join": {
        params: {
            transaction: SignedLedgerTransaction;
        };
        result: Joined;
    };
    "state_channel.join_proof": {
        params: {
            channel: ChannelId;
            account: Address;
        };
        result: Signature;
    };
    "state_channel.open": {
        params: {
            channel: ChannelId;
        };
        result: ChannelInfo;
    };
    "state_channel.sequence": {
        params: {
            channel: ChannelId;
            account: Address;
        };
        result: SequenceNumber;
    };
    "state_channel.prepare": {
        params: {
            channel: ChannelId;
            sender: Address;
            request: CallRequest;
            sequence?: SequenceNumber;
            gas_limit?: Gas;
            lifetime_ms?: number;
        };
        result: PreparedCall;
    };
    "state_channel.call": {
        params: {
            call: SignedCall;
            wait?: CallStatus;
        };
        result: CallReport;
    };
    "state_channel.leave": {
        params: {
            call: SignedCall;
            wait?: CallStatus;
        };
        result: CallReport;
    };
    "state_channel.close": {
        params: {
            call: SignedCall;
            wait?: CallStatus;
        };
        result: CallReport;
    };
    "state_channel.report": {
        params: {
            channel: ChannelId;
            call: Hash;
        };
        result: CallReport | null;
    };
    "state_channel.view": {
        params: {
            channel: ChannelId;
            function: string;
            type_args?: string[];
            args: Json[];
            at?: At;
        };
        result: Viewed;
    };
    "state_channel.resource": {
        params: {
            channel: ChannelId;
            address: Address;
            type_tag: string;
            at?: At;
        };
        result: ResourceRead;
    };
    "state_channel.blocks": {
        params: {
            channel: ChannelId;
            from: Height;
            limit?: number;
        };
        result: BlockView[];
    };
    "state_channel.propose_settlement": {
        params: {
            channel: ChannelId;
        };
        result: Proposed;
    };
    "state_channel.proposals": {
        params: {
            channel: ChannelId;
        };
        result: ProposalView[];
    };
    "state_channel.guard": {
        params: {
            channel: ChannelId;
            account: Address;
        };
        result: Guard;
    };
    "state_channel.evidence": {
        params: {
            channel: ChannelId;
        };
        result: VerdictView[];
    };
    "state_channel.evidence_file": {
        params: {
            channel: ChannelId;
            evidence: Hash;
        };
        result: EvidenceFile | null;
    };
    "state_channel.subscribe": {
        params: {
            channel: ChannelId;
            from?: Height;
            filter?: Filter;
        };
        result: number;
    };
    "chain.info": {
        params: Record<string, never>;
        result: ChainInfo;
    };
    "chain.sequence": {
        params: {
            account: Address;
        };
        result: SequenceNumber;
    };
    "chain.balance": {
        params: {
            account: Address;
            asset?: AssetId;
        };
        result: Amount;
    };
    "chain.channel": {
        params: {
            channel: ChannelId;
        };
        result: ObservedChannel;
    };
    "chain.package": {
        params: {
            package: Hash;
        };
        result: PackageSource;
    };
    "chain.prepare": {
        params: {
            sender: Address;
            action: Action;
        };
        result: PreparedTransaction;
    };
    "chain.submit": {
        params: {
            transaction: SignedLedgerTransaction;
        };
        result: TransactionReport;
    };
    "chain.simulate": {
        params: {
            transaction: SignedLedgerTransaction;
        };
        result: TransactionReport;
    };
    "chain.transaction": {
        params: {
            transaction: Hash;
        };
        result: TransactionReport | null;
    };
    "chain.faucet": {
        params: {
            account: Address;
            amount: Amount;
        };
        result: TransactionReport;
    };
    "chain.abi": {
        params: {
            address: Address;
        };
        result: ModuleAbi[];
    };
    "chain.view": {
        params: {
            function: string;
            type_args?: string[];
            args: Json[];
        };
        result: Json[];
    };
    "chain.block": {
        params: {
            height: Height;
        };
        result: LedgerBlock;
    };
    "chain.events": {
        params: {
            from: number;
            limit?: number;
            channel?: ChannelId;
        };
        result: ChainEvent[];
    };
    "chain.subscribe_events": {
        params: {
            from?: number;
        };
        result: number;
    };
}
