//! The settlement contracts' functions as transaction payloads: what accounts and nodes send.

use serde::{Deserialize, Serialize};

use crate::{
    Address, AssetId, Certificate, ChannelId, FunctionName, Hash, Header, JoinSequence, Keypair,
    NodeId, Refusal, ShownPromise, Signable, Signature, SignedAck, SignedCall, Term,
    chain::{ChainTx, ChannelConfig, Durability, JoinPolicy},
    codec,
    evidence::Evidence,
    hash::{Domain, hash_value},
    ids::ChainId,
    ledger::LedgerPayload,
    limits,
    settlement::{AssetAmount, Proposal, SignedVote},
    windows::{BlockProof, ProvenEntry, SignedVerdict},
};

/// The native asset of the ledger.
pub const NATIVE: AssetId = {
    let mut bytes = [0; 32];
    bytes[31] = 0xfa;
    AssetId(bytes)
};

/// Where the settlement contracts live on the ledger.
pub const SETTLEMENT: Address = Address::from_low(3);

/// A function of the contracts at 0x3.
#[must_use]
pub fn function(module: &str, function: &str) -> FunctionName {
    FunctionName { address: SETTLEMENT, module: module.into(), function: function.into() }
}

/// Id of the channel that `creator` creates with this number, from 0 on.
#[must_use]
pub fn channel_id(chain: ChainId, creator: Address, number: u64) -> ChannelId {
    ChannelId(hash_value(Domain::Channel, &(chain, creator, number)).0)
}

fn invoke(module: &str, name: &str, args: Vec<Vec<u8>>) -> LedgerPayload {
    LedgerPayload::Invoke { function: function(module, name), type_args: Vec::new(), args }
}

/// Makes units of the native asset, for the chain's root account.
#[must_use]
pub fn mint(to: Address, amount: u64) -> LedgerPayload {
    invoke("coin", "mint", vec![codec::encode(&to), codec::encode(&amount)])
}

#[must_use]
pub fn transfer(asset: AssetId, to: Address, amount: u64) -> LedgerPayload {
    let args = vec![codec::encode(&asset), codec::encode(&to), codec::encode(&amount)];
    invoke("coin", "transfer", args)
}

#[must_use]
pub fn create(package: Hash, config: &ChannelConfig) -> LedgerPayload {
    let durability: u8 = match config.durability {
        Durability::Synced => 0,
        Durability::Replicated => 1,
    };
    let join_policy: u8 = match config.join_policy {
        JoinPolicy::Invited => 0,
        JoinPolicy::Open => 1,
        JoinPolicy::Contract => 2,
    };
    let args = vec![
        codec::encode(&package),
        codec::encode(&config.tick_interval),
        codec::encode(&config.settlement_interval),
        codec::encode(&durability),
        codec::encode(&join_policy),
        codec::encode(&config.invited),
        codec::encode(&config.asset),
        codec::encode(&config.min_deposit),
        codec::encode(&config.max_members),
        codec::encode(&config.gas_table),
        codec::encode(&config.trust_own_node),
        codec::encode(&config.money.settlement_rule),
        codec::encode(&config.money.weight_by),
        codec::encode(&config.money.challenge_window),
        codec::encode(&config.money.collateral),
        codec::encode(&config.money.fine),
        codec::encode(&config.money.bond),
        codec::encode(&config.money.penalty_votes),
        codec::encode(&config.money.drop_rule),
    ];
    invoke("channel", "create", args)
}

/// What a node signs to act for an account in a channel; the contract checks it at the join.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
struct JoinProof {
    chain: ChainId,
    channel: ChannelId,
    account: Address,
}

impl Signable for JoinProof {
    const DOMAIN: &'static str = "join";
}

/// P-8: the node agrees to act for `account` in `channel`. Without it anybody could register
/// another's node key first.
#[must_use]
pub fn join_proof(
    node: &Keypair,
    chain: ChainId,
    channel: ChannelId,
    account: Address,
) -> Signature {
    node.sign(&JoinProof { chain, channel, account })
}

/// What stands behind a member's word.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct Backing {
    /// In the channel's asset, beside the deposit.
    #[serde(with = "codec::decimal")]
    #[schemars(with = "String")]
    pub collateral: u64,
    /// Counted on in the account's stake (`settlement::collateral`) and not locked.
    pub pooled: bool,
}

/// The sender joins with a deposit; `proof` is [`join_proof`] by `node` for the sender.
#[must_use]
pub fn join(
    channel: ChannelId,
    node: NodeId,
    amount: u64,
    endpoints: &[String],
    proof: &Signature,
    backing: Backing,
) -> LedgerPayload {
    let join = Join { channel, node, amount, backing };
    join_through(function("channel", "join"), &join, endpoints, proof)
}

/// Who joins where, with what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Join {
    pub channel: ChannelId,
    pub node: NodeId,
    pub amount: u64,
    pub backing: Backing,
}

/// [`join`] through a function of a dApp's contract that takes the same arguments.
#[must_use]
pub fn join_through(
    function: FunctionName,
    join: &Join,
    endpoints: &[String],
    proof: &Signature,
) -> LedgerPayload {
    let args = vec![
        codec::encode(&join.channel),
        codec::encode(&join.node),
        codec::encode(&join.amount),
        codec::encode(endpoints),
        codec::encode(&proof.0.to_vec()),
        codec::encode(&join.backing.collateral),
        codec::encode(&join.backing.pooled),
    ];
    LedgerPayload::Invoke { function, type_args: Vec::new(), args }
}

#[must_use]
pub fn leave(channel: ChannelId) -> LedgerPayload {
    invoke("channel", "leave", vec![codec::encode(&channel)])
}

/// The sender wants to be spoken for by the member that joined with this sequence, from the next grant
/// on; by nobody in particular if that is `None`.
#[must_use]
pub fn delegate(channel: ChannelId, candidate: Option<JoinSequence>) -> LedgerPayload {
    let args = vec![codec::encode(&channel), codec::encode(&candidate.unwrap_or_default())];
    invoke("delegation", "delegate", args)
}

#[must_use]
pub fn close(channel: ChannelId) -> LedgerPayload {
    invoke("channel", "close", vec![codec::encode(&channel)])
}

/// What a node's request is on this chain, in as many transactions as it takes: headers that are too
/// many for one are led up before (`shown::lead`).
pub fn payloads(tx: &ChainTx) -> Result<Vec<LedgerPayload>, Refusal> {
    let led = |channel: ChannelId, headers: &[Header]| -> Vec<LedgerPayload> {
        let chunks = headers.chunks(limits::TRANSACTION_HEADERS);
        let lead = |chunk: &[Header]| {
            let args = vec![codec::encode(&channel), codec::encode(&encoded(chunk))];
            invoke("shown", "lead", args)
        };
        let count = chunks.len();
        chunks.take(count - 1).map(lead).collect()
    };
    #[allow(clippy::wildcard_enum_match_arm, reason = "all others fit one transaction")]
    match tx {
        ChainTx::Show { channel, proof } if proof.headers.len() > limits::TRANSACTION_HEADERS => {
            let mut payloads = led(*channel, &proof.headers);
            payloads.push(show("show_led", *channel, last_chunk(&proof.headers), proof));
            Ok(payloads)
        }
        ChainTx::Support { channel, headers } if headers.len() > limits::TRANSACTION_HEADERS => {
            let mut payloads = led(*channel, headers);
            let args = vec![codec::encode(channel), codec::encode(&encoded(last_chunk(headers)))];
            payloads.push(invoke("settlement", "support_led", args));
            Ok(payloads)
        }
        _ => Ok(vec![payload(tx)?]),
    }
}

fn last_chunk(headers: &[Header]) -> &[Header] {
    headers.chunks(limits::TRANSACTION_HEADERS).last().unwrap_or_default()
}

/// What a node's request is on this chain, in one transaction.
pub fn payload(tx: &ChainTx) -> Result<LedgerPayload, Refusal> {
    match tx {
        ChainTx::Heartbeat { channel } => {
            Ok(invoke("membership", "heartbeat", vec![codec::encode(channel)]))
        }
        ChainTx::ApplyForLeadership { channel } => {
            Ok(invoke("membership", "apply_for_leadership", vec![codec::encode(channel)]))
        }
        ChainTx::ShowTerm { channel, term, promises } => Ok(show_term(*channel, *term, promises)),
        ChainTx::Propose { proposal } => propose(proposal),
        ChainTx::Execute { channel, proposal, votes } => {
            Ok(voted(("settlement", "execute"), *channel, Some(proposal), votes))
        }
        ChainTx::OpenWindow { channel, proposal, votes } => {
            Ok(voted(("settlement", "open_window"), *channel, Some(proposal), votes))
        }
        ChainTx::Object { channel, votes } => {
            Ok(voted(("settlement", "object"), *channel, None, votes))
        }
        ChainTx::Show { channel, proof } => Ok(show("show", *channel, &proof.headers, proof)),
        ChainTx::Support { channel, headers } => {
            let args = vec![codec::encode(channel), codec::encode(&encoded(headers))];
            Ok(invoke("settlement", "support", args))
        }
        ChainTx::Finish { channel } => {
            Ok(invoke("settlement", "finish", vec![codec::encode(channel)]))
        }
        ChainTx::Refute { channel, row, entered, vault, departed } => {
            Ok(refute(*channel, *row, [entered, vault, departed]))
        }
        ChainTx::RefuteResult { channel, result } => {
            let mut args = vec![codec::encode(channel)];
            args.extend(proven(result));
            Ok(invoke("settlement", "refute_result", args))
        }
        ChainTx::Dispute { channel, votes } => {
            Ok(voted(("exits", "dispute"), *channel, None, votes))
        }
        ChainTx::FinishExit { channel, entered } => Ok(finish_exit(*channel, entered)),
        ChainTx::Claim { channel, account, vault, departed } => {
            Ok(claim(*channel, *account, vault, departed))
        }
        ChainTx::Decide { channel, accused, evidence, guilty, verdicts } => {
            Ok(decide(*channel, *accused, *evidence, *guilty, verdicts))
        }
        ChainTx::Answer { channel, header, certificate, number, departed } => {
            Ok(answer(*channel, header, certificate, [number, departed]))
        }
        ChainTx::Resolve { channel } => {
            Ok(invoke("complaint", "resolve", vec![codec::encode(channel)]))
        }
        ChainTx::Report { channel, accused, evidence } => Ok(accuse(*channel, *accused, evidence)),
        ChainTx::Judge { channel, accused, evidence } => Ok(judge(*channel, *accused, evidence)),
        ChainTx::Expire { channel } => {
            Ok(invoke("penalty", "expire", vec![codec::encode(channel)]))
        }
    }
}

fn propose(proposal: &Proposal) -> Result<LedgerPayload, Refusal> {
    Ok(invoke("settlement", "propose", proposal_args(proposal)?))
}

/// The view that says whether the contract would take the proposal as the chain stands, and its
/// arguments. It aborts with the reason if not.
pub fn dry_run(proposal: &Proposal) -> Result<(FunctionName, Vec<Vec<u8>>), Refusal> {
    Ok((function("settlement", "dry_run"), proposal_args(proposal)?))
}

fn proposal_args(proposal: &Proposal) -> Result<Vec<Vec<u8>>, Refusal> {
    let accounts: Vec<Address> = proposal.balances.iter().map(|row| row.account).collect();
    let balances: Vec<u64> =
        proposal.balances.iter().map(|row| amount(&row.amounts)).collect::<Result<_, _>>()?;
    let leaves: Vec<bool> = proposal.balances.iter().map(|row| row.leaves).collect();
    Ok(vec![
        codec::encode(&proposal.channel),
        codec::encode(&proposal.number),
        codec::encode(&proposal.from_height),
        codec::encode(&proposal.from_root),
        codec::encode(&proposal.to_height),
        codec::encode(&proposal.to_root),
        codec::encode(&proposal.to_block),
        codec::encode(&accounts),
        codec::encode(&balances),
        codec::encode(&leaves),
        codec::encode(&amount(&proposal.held)?),
        codec::encode(&proposal.closes),
        codec::encode(&proposal.result),
    ])
}

/// The contract takes promises sorted by node.
fn show_term(channel: ChannelId, term: Term, promises: &[ShownPromise]) -> LedgerPayload {
    let mut promises = promises.to_vec();
    promises.sort_by_key(|promise| promise.node);
    let nodes: Vec<NodeId> = promises.iter().map(|promise| promise.node).collect();
    let rests: Vec<Hash> = promises.iter().map(|promise| promise.rest).collect();
    let signatures: Vec<Vec<u8>> =
        promises.iter().map(|promise| promise.signature.0.to_vec()).collect();
    let args = vec![
        codec::encode(&channel),
        codec::encode(&term.epoch),
        codec::encode(&term.view),
        codec::encode(&nodes),
        codec::encode(&rests),
        codec::encode(&signatures),
    ];
    invoke("membership", "show_term", args)
}

/// The contract takes votes sorted by node.
fn voted(
    (module, name): (&str, &str),
    channel: ChannelId,
    proposal: Option<&Hash>,
    votes: &[SignedVote],
) -> LedgerPayload {
    let mut votes: Vec<&SignedVote> = votes.iter().collect();
    votes.sort_by_key(|vote| vote.node);
    let voters: Vec<NodeId> = votes.iter().map(|vote| vote.node).collect();
    let signatures: Vec<Vec<u8>> = votes.iter().map(|vote| vote.signature.0.to_vec()).collect();
    let mut args = vec![codec::encode(&channel)];
    args.extend(proposal.map(codec::encode));
    args.extend([codec::encode(&voters), codec::encode(&signatures)]);
    invoke(module, name, args)
}

fn refute(channel: ChannelId, row: u64, entries: [&ProvenEntry; 3]) -> LedgerPayload {
    let mut args = vec![codec::encode(&channel), codec::encode(&row)];
    args.extend(entries.into_iter().flat_map(proven));
    invoke("settlement", "refute", args)
}

fn encoded(headers: &[Header]) -> Vec<Vec<u8>> {
    headers.iter().map(codec::encode).collect()
}

fn show(name: &str, channel: ChannelId, headers: &[Header], proof: &BlockProof) -> LedgerPayload {
    let mut args = vec![codec::encode(&channel), codec::encode(&encoded(headers))];
    for certificate in [&proof.anchor, &proof.certificate] {
        args.extend(signers(certificate.as_ref()));
    }
    invoke("shown", name, args)
}

/// Who signed a certificate, and the signatures: two arguments.
fn signers(certificate: Option<&Certificate>) -> [Vec<u8>; 2] {
    let signatures = certificate.into_iter().flat_map(|certificate| &certificate.signatures);
    let (signers, signatures): (Vec<NodeId>, Vec<Vec<u8>>) =
        signatures.map(|(node, signature)| (*node, signature.0.to_vec())).unzip();
    [codec::encode(&signers), codec::encode(&signatures)]
}

/// The sender complains that the leader leaves this call of its own undone.
#[must_use]
pub fn complain(channel: ChannelId, call: &SignedCall) -> LedgerPayload {
    let args = vec![codec::encode(&channel), codec::encode(&codec::encode(call))];
    invoke("complaint", "complain", args)
}

fn answer(
    channel: ChannelId,
    header: &Header,
    certificate: &Certificate,
    entries: [&ProvenEntry; 2],
) -> LedgerPayload {
    let mut args = vec![codec::encode(&channel), codec::encode(&codec::encode(header))];
    args.extend(signers(Some(certificate)));
    args.extend(entries.into_iter().flat_map(proven));
    invoke("complaint", "answer", args)
}

/// A proven entry as three arguments: value (empty for none), siblings, end.
fn proven(entry: &ProvenEntry) -> [Vec<u8>; 3] {
    let end: Vec<Hash> = entry.end.iter().flat_map(|(key, value)| [*key, *value]).collect();
    [codec::encode(&entry.value), codec::encode(&entry.siblings), codec::encode(&end)]
}

/// The sender demands its exit.
#[must_use]
pub fn demand_exit(channel: ChannelId) -> LedgerPayload {
    invoke("exits", "demand", vec![codec::encode(&channel)])
}

/// Closes a channel by an exit whose window has ended.
#[must_use]
pub fn finish_exit(channel: ChannelId, entered: &ProvenEntry) -> LedgerPayload {
    let mut args = vec![codec::encode(&channel)];
    args.extend(proven(entered));
    invoke("exits", "finish", args)
}

/// Pays a member of a channel that an exit closed.
#[must_use]
pub fn claim(
    channel: ChannelId,
    account: Address,
    vault: &ProvenEntry,
    departed: &ProvenEntry,
) -> LedgerPayload {
    let mut args = vec![codec::encode(&channel), codec::encode(&account)];
    args.extend(proven(vault));
    args.extend(proven(departed));
    invoke("exits", "claim", args)
}

/// Adds to the sender's stake, which backs its seats in many channels.
#[must_use]
pub fn stake(asset: AssetId, amount: u64) -> LedgerPayload {
    invoke("collateral", "stake", vec![codec::encode(&asset), codec::encode(&amount)])
}

/// Asks to withdraw so much of the sender's stake after the delay, in the place of an earlier wish.
#[must_use]
pub fn ask_withdrawal(asset: AssetId, amount: u64) -> LedgerPayload {
    invoke("collateral", "ask_withdrawal", vec![codec::encode(&asset), codec::encode(&amount)])
}

/// Takes what was asked for, once its delay has passed.
#[must_use]
pub fn withdraw_stake(asset: AssetId) -> LedgerPayload {
    invoke("collateral", "withdraw", vec![codec::encode(&asset)])
}

/// Gives an account that has left its collateral back, once its time has come.
#[must_use]
pub fn release(channel: ChannelId, account: Address) -> LedgerPayload {
    invoke("backing", "release", vec![codec::encode(&channel), codec::encode(&account)])
}

/// Who signed twice is convicted by the two signatures, all else by members' votes.
fn accuse(channel: ChannelId, accused: JoinSequence, evidence: &Evidence) -> LedgerPayload {
    match evidence {
        Evidence::Divergence { .. } | Evidence::InvalidTransaction { .. } => {
            report(channel, accused, evidence.hash())
        }
        Evidence::DoubleBlock { first, second } => {
            let signed = [first, second].map(|one| (&one.header, &one.signature));
            double_block(channel, accused, signed)
        }
        Evidence::DoubleAck { first, second } => double_ack(channel, accused, [first, second]),
    }
}

/// The chain judges evidence about a block itself; who signed twice is convicted by the two signatures.
#[must_use]
pub fn judge(channel: ChannelId, accused: JoinSequence, evidence: &Evidence) -> LedgerPayload {
    match evidence {
        Evidence::Divergence { .. } | Evidence::InvalidTransaction { .. } => {
            LedgerPayload::Judge { channel, accused, file: evidence.to_file() }
        }
        Evidence::DoubleBlock { .. } | Evidence::DoubleAck { .. } => {
            accuse(channel, accused, evidence)
        }
    }
}

/// The sender's node accuses a member of what the evidence with this hash shows.
#[must_use]
pub fn report(channel: ChannelId, accused: JoinSequence, evidence: Hash) -> LedgerPayload {
    let args = vec![codec::encode(&channel), codec::encode(&accused), codec::encode(&evidence)];
    invoke("penalty", "report", args)
}

/// Two headers of one place that the accused's node signed.
#[must_use]
pub fn double_block(
    channel: ChannelId,
    accused: JoinSequence,
    [first, second]: [(&Header, &Signature); 2],
) -> LedgerPayload {
    let mut args = vec![codec::encode(&channel), codec::encode(&accused)];
    for (header, signature) in [first, second] {
        args.extend([codec::encode(&codec::encode(header)), codec::encode(&signature.0.to_vec())]);
    }
    invoke("penalty", "double_block", args)
}

/// Two acks of one place that the accused's node signed; the place is the first one's.
#[must_use]
pub fn double_ack(
    channel: ChannelId,
    accused: JoinSequence,
    [first, second]: [&SignedAck; 2],
) -> LedgerPayload {
    let place = first.ack;
    let mut args = vec![
        codec::encode(&channel),
        codec::encode(&accused),
        codec::encode(&place.term.epoch),
        codec::encode(&place.term.view),
        codec::encode(&place.height),
    ];
    for ack in [first, second] {
        args.extend([codec::encode(&ack.ack.block), codec::encode(&ack.signature.0.to_vec())]);
    }
    invoke("penalty", "double_ack", args)
}

/// The contract takes verdicts sorted by node.
fn decide(
    channel: ChannelId,
    accused: JoinSequence,
    evidence: Hash,
    guilty: bool,
    verdicts: &[SignedVerdict],
) -> LedgerPayload {
    let mut verdicts = verdicts.to_vec();
    verdicts.sort_by_key(|verdict| verdict.node);
    let voters: Vec<NodeId> = verdicts.iter().map(|verdict| verdict.node).collect();
    let signatures: Vec<Vec<u8>> =
        verdicts.iter().map(|verdict| verdict.signature.0.to_vec()).collect();
    let args = vec![
        codec::encode(&channel),
        codec::encode(&accused),
        codec::encode(&evidence),
        codec::encode(&guilty),
        codec::encode(&voters),
        codec::encode(&signatures),
    ];
    invoke("penalty", "decide", args)
}

/// A channel has one asset on this chain.
fn amount(amounts: &[AssetAmount]) -> Result<u64, Refusal> {
    match amounts {
        [] => Ok(0),
        [entry] => Ok(entry.amount),
        [_, _, ..] => Err(Refusal::invalid("balance", "a channel has one asset on this chain")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Epoch, View, ViewChange};

    /// The bytes that `membership::promise_prefix` puts together.
    #[test]
    fn promise_is_over_domain_channel_term_and_the_hash_of_the_rest() {
        let node = Keypair::from_seed(&[1; 32]);
        let term = Term { epoch: Epoch(3), view: View(5) };
        let (channel, acked) = (ChannelId([2; 32]), Vec::new());
        let change = ViewChange { channel, term, proof: None, certificate: None, acked };
        let signature = node.sign(&change.summary());
        let mut message = b"fairway/1/sign/view-change\0".to_vec();
        message.extend([2; 32]);
        message.extend(3u64.to_le_bytes());
        message.extend(5u64.to_le_bytes());
        message.extend(crate::hash(Domain::ViewChange, &[0, 0, 0]).0);
        assert!(node.public().verifies(&message, &signature));
    }

    /// The bytes that `admission::proof_message` puts together.
    #[test]
    fn join_proof_is_over_domain_chain_channel_and_account() {
        let node = Keypair::from_seed(&[1; 32]);
        let (channel, account) = (ChannelId([2; 32]), Address([3; 32]));
        let proof = join_proof(&node, ChainId(7), channel, account);
        let mut message = b"fairway/1/sign/join\0".to_vec();
        message.extend(7u64.to_le_bytes());
        message.extend([2; 32]);
        message.extend([3; 32]);
        assert!(node.public().verifies(&message, &proof));
    }
}
