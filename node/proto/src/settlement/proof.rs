//! What a node can prove to the contract of its blocks, and what the contract will make of it.

use fairway_types::{
    Certificate, Epoch, Hash, Header, Height, NodeId, Time, Weight,
    chain::{ChainMember, ChainTx, ChannelRecord, SettlementRule},
    limits,
    windows::{BlockProof, Guard, ProvenEntry},
};

use crate::channel::{
    log::{Entry, Log, sum},
    quorum::is_quorum,
};

fn weight_where<'a>(record: &'a ChannelRecord, counts: impl Fn(&'a ChainMember) -> bool) -> Weight {
    let active = record.members.iter().filter(|member| member.active);
    sum(active.filter(|member| counts(member)).map(|member| member.record.weight))
}

fn signed(certificate: &Certificate, node: &NodeId) -> bool {
    certificate.signatures.iter().any(|(signer, _)| signer == node)
}

/// Whether the contract takes the certificate for an anchor: two thirds of the members that were
/// active in its epoch signed it; all of them, where everybody settles.
#[must_use]
pub fn is_anchor(record: &ChannelRecord, certificate: &Certificate) -> bool {
    let epoch = certificate.ack.term.epoch;
    let then = |member: &ChainMember| member.booked || member.active_since <= epoch;
    let whole = weight_where(record, then);
    let part =
        weight_where(record, |member| then(member) && signed(certificate, &member.record.node));
    suffices(record, part, whole)
}

/// Whether this much of the weight settles by the channel's rule.
#[must_use]
pub fn suffices(record: &ChannelRecord, part: Weight, whole: Weight) -> bool {
    match record.config.money.settlement_rule {
        SettlementRule::Unanimous => whole.0 > 0 && part == whole,
        SettlementRule::TwoThirds | SettlementRule::Judged => is_quorum(part, whole),
    }
}

/// Whether the contract takes the certificate for one of those valid in its epoch.
fn is_of_valid(log: &Log, record: &ChannelRecord, certificate: &Certificate) -> bool {
    let Some(grant) = log.grant_of(certificate.ack.term.epoch) else { return false };
    let valid = |member: &ChainMember| grant.valid.contains(&member.record.join_sequence);
    let part =
        weight_where(record, |member| valid(member) && signed(certificate, &member.record.node));
    // A conviction makes no quorum smaller.
    let convicted = |member: &ChainMember| {
        !member.eligible && (member.booked || member.active_since <= grant.epoch)
    };
    is_quorum(part, weight_where(record, |member| valid(member) || convicted(member)))
}

/// Whether the contract knows by the certificate that the block was made: two thirds of the members
/// active in its epoch signed it, or of those valid in it.
#[must_use]
pub fn is_known(log: &Log, record: &ChannelRecord, certificate: &Certificate) -> bool {
    let epoch = certificate.ack.term.epoch;
    let then = |member: &ChainMember| member.booked || member.active_since <= epoch;
    let part =
        weight_where(record, |member| then(member) && signed(certificate, &member.record.node));
    is_quorum(part, weight_where(record, then)) || is_of_valid(log, record, certificate)
}

/// The anchor of a proof, without what lies above it; `None` without one.
#[must_use]
pub fn anchor_alone(mut proof: BlockProof) -> Option<BlockProof> {
    proof.anchor.as_ref()?;
    proof.headers.truncate(1);
    proof.certificate = None;
    Some(proof)
}

/// P-100: the best proof that this log gives of a block at `most` or below it and above the last
/// settlement: the highest block that those valid in its epoch certified, above the highest anchor of
/// its chain; the anchor alone where everybody settles, or where the two lie too far apart.
#[must_use]
pub fn best(log: &Log, record: &ChannelRecord, most: Height) -> Option<BlockProof> {
    let settled = record.settlement.height;
    let below = |most: Height| {
        let entries = log.entries_down(most);
        entries
            .take_while(move |entry| entry.block.height() > settled)
            .filter_map(|entry| entry.certificate.as_ref().map(|certificate| (entry, certificate)))
    };
    let granted = |epoch: Epoch| record.in_force.as_ref().is_some_and(|t| epoch <= t.term.epoch);
    let anchor =
        below(most).find(|(_, known)| granted(known.ack.term.epoch) && is_anchor(record, known));
    if record.config.money.settlement_rule == SettlementRule::Unanimous {
        return anchor.map(|(entry, certificate)| anchored(entry, certificate));
    }
    let base = anchor.map(|(entry, _)| entry.block.height());
    let reach = base.map_or(most, |base| {
        most.min(Height(base.0.saturating_add(limits::PROOF_HEADERS as u64 - 1)))
    });
    let top = below(reach)
        .take_while(|(entry, _)| base.is_none_or(|base| entry.block.height() > base))
        .find(|(_, known)| granted(known.ack.term.epoch) && is_of_valid(log, record, known));
    match (anchor, top) {
        (None, None) => None,
        (Some((entry, certificate)), None) => Some(anchored(entry, certificate)),
        (None, Some((entry, certificate))) => Some(BlockProof {
            headers: vec![entry.block.header.clone()],
            anchor: None,
            certificate: Some(certificate.clone()),
        }),
        (Some((low, anchor)), Some((high, certificate))) => Some(BlockProof {
            headers: headers(log, low.block.height(), high.block.height()),
            anchor: Some(anchor.clone()),
            certificate: Some(certificate.clone()),
        }),
    }
}

/// P-106: what somebody who holds a guard of an account's money does with it now: shows its block
/// while a window runs in which nothing as good was shown; closes an exit that ends at its block, or
/// without one; claims what its block gives the account. `time` is the chain's, which may stand still
/// as long as nothing happens there; the `clock` alone says when to close.
#[must_use]
pub fn answer(record: &ChannelRecord, guard: &Guard, time: Time, clock: Time) -> Option<ChainTx> {
    let (channel, account) = (guard.channel, guard.account);
    let kept = guard.proof.shown()?;
    if !record.members.iter().any(|member| member.record.account == account) {
        return None;
    }
    let windows = &record.windows;
    if let Some(outcome) = &windows.outcome {
        let (vault, departed) = (guard.vault.clone(), guard.departed.clone());
        return (outcome.block == kept.block).then(|| ChainTx::Claim {
            channel,
            account,
            vault: Box::new(vault),
            departed: Box::new(departed),
        });
    }
    if let Some(exit) = &windows.exit
        && exit.deadline <= time.max(clock)
    {
        let entered = match windows.shown {
            None => Some(ProvenEntry::default()),
            Some(shown) => (shown.block == kept.block).then(|| guard.entered.clone()),
        };
        return entered.map(|entered| ChainTx::FinishExit { channel, entered: Box::new(entered) });
    }
    let runs = (windows.exit.is_some() || windows.waiting.is_some()) && !windows.is_over(time);
    let few = !windows.takes_anchors_alone(time, record.config.money.challenge_window);
    let proof = if few { Some(guard.proof.clone()) } else { anchor_alone(guard.proof.clone()) }?;
    let kept = proof.shown()?;
    let news = kept.height > record.settlement.height
        && windows.shown.is_none_or(|shown| shown.rank() < kept.rank());
    (runs && news).then(|| ChainTx::Show { channel, proof: Box::new(proof) })
}

fn anchored(entry: &Entry, certificate: &Certificate) -> BlockProof {
    BlockProof {
        headers: vec![entry.block.header.clone()],
        anchor: Some(certificate.clone()),
        certificate: None,
    }
}

fn headers(log: &Log, low: Height, high: Height) -> Vec<Header> {
    log.entries_from(low)
        .take_while(|entry| entry.block.height() <= high)
        .map(|entry| entry.block.header.clone())
        .collect()
}

/// The headers from one of two blocks to the other, if both are in this log and near enough.
#[must_use]
pub fn link(log: &Log, one: (Height, Hash), other: (Height, Hash)) -> Option<Vec<Header>> {
    let here =
        |(height, hash): (Height, Hash)| log.entry(height).is_some_and(|entry| entry.hash == hash);
    if !here(one) || !here(other) {
        return None;
    }
    let (low, high) = (one.0.min(other.0), one.0.max(other.0));
    let count = high.0 - low.0;
    (count < limits::PROOF_HEADERS as u64).then(|| headers(log, low, high))
}
