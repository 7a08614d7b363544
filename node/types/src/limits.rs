//! Every bound that is part of the protocol: nodes that disagreed on one would disagree on blocks.

/// Members of a channel.
pub const MEMBERS: usize = 1024;
/// BCS bytes of one call.
pub const CALL_BYTES: usize = 64 * 1024;
/// Arguments, and type arguments, of a call: no function has more parameters.
pub const CALL_ARGUMENTS: usize = 64;
/// libp2p addresses of a member's node, as the contract admits them.
pub const ENDPOINTS: usize = 8;
/// Transactions in a block.
pub const BLOCK_TRANSACTIONS: usize = 4096;
/// Sessions that an account may have in a channel at a time.
pub const SESSIONS: usize = 16;
/// Functions that a session may name.
pub const SESSION_FUNCTIONS: usize = 32;
/// BCS bytes of a session.
pub const SESSION_BYTES: usize = 4 * 1024;
/// Numbers that the calls of a session have, from the first after its delegation's own number times
/// this: no number comes back when a key is delegated to again.
pub const SESSION_CALLS: u64 = 1 << 24;
/// Gas a byte that a call writes of its account's sessions.
pub const SESSION_BYTE_GAS: u64 = 10;
/// Milliseconds until a session expires, at most: thirty days.
pub const SESSION_LIFETIME: u64 = 30 * 24 * 60 * 60 * 1000;
/// Calls in a bundle.
pub const BUNDLE_CALLS: usize = 256;
/// BCS bytes of a block: as evidence, with its witness, it fits a frame.
pub const BLOCK_BYTES: usize = 3 * 1024 * 1024;
/// Writes and events that evidence of a divergence shows.
pub const EVIDENCE_ENTRIES: usize = 64 * 1024;
/// Blocks a node may have acked above its highest certificate.
pub const ACKED_AHEAD: usize = 128;
/// Headers on either side of a checkpoint's block.
pub const CHECKPOINT_LINKS: usize = 1024;
/// BCS bytes of these effects.
pub const EVIDENCE_BYTES: usize = 1024 * 1024;
/// Entries of a state in the witness of one block.
pub const WITNESS_ENTRIES: usize = 16 * 1024;
/// Nodes of the state's tree in it.
pub const WITNESS_NODES: usize = 64 * 1024;
/// BCS bytes of a witness: with the block, it fits a frame.
pub const WITNESS_BYTES: usize = 3 * 1024 * 1024;
/// BCS bytes of any frame between nodes.
pub const FRAME_BYTES: usize = 8 * 1024 * 1024;
/// Gas of one call, whatever it asks for.
pub const CALL_GAS: u64 = 10_000_000;
/// Gas after which a leader puts nothing more into a block: at a hundred gas a microsecond it takes a
/// tenth of a second, or three with a last member that enters and whose hooks use all they may.
pub const BLOCK_GAS: u64 = CALL_GAS;
/// Gas of judging one block on the chain: four calls that use all they may. An honest leader's block
/// uses more only if it closes the channel, where the app has a heavy hook for each member.
pub const JUDGE_GAS: u64 = 4 * CALL_GAS;
/// Bytes of a file of evidence that the chain judges: as much as any other of its transactions holds.
pub const JUDGED_BYTES: usize = PACKAGE_BYTES;
/// Gas of one hook.
pub const HOOK_GAS: u64 = 10_000_000;
/// Milliseconds a block's time may lie ahead of a follower's clock.
pub const TIME_DRIFT: u64 = 2_000;
/// Milliseconds after which a member without a heartbeat is not valid.
pub const HEARTBEAT_VALIDITY: u64 = 15_000;
/// Milliseconds between a node's heartbeats to the contract.
pub const HEARTBEAT_INTERVAL: u64 = 5_000;
/// Milliseconds a call's expiry may lie ahead of the block that orders it.
pub const CALL_LIFETIME: u64 = 10 * 60 * 1000;
/// Milliseconds of a channel's window, if its creator names none.
pub const CHALLENGE_WINDOW: u64 = 10 * 60 * 1000;
/// Headers that one proof links, in as many transactions as it takes.
pub const PROOF_HEADERS: usize = 4096;
/// Headers in one transaction on the chain: beside the two certificates of 127 signers each, the most
/// that a proof may need in a channel of 128 members.
pub const TRANSACTION_HEADERS: usize = 160;
/// Asset kinds a channel may lock.
pub const ASSETS: usize = 16;
/// BCS bytes of a package's sources.
pub const PACKAGE_BYTES: usize = 512 * 1024;
