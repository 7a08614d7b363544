//! What a node can prove to the contract of its blocks, and what the contract will make of it.

use std::collections::VecDeque;

use fairway_state::verify_entry;
use fairway_types::{
    Certificate, Epoch, Hash, Header, Height, NodeId, Refusal, StateKey, Time, Weight,
    chain::{ChainMember, ChainTx, ChannelRecord, EpochGrant, SettlementRule},
    crypto::Verify,
    limits,
    windows::{BlockProof, Guard, ProvenEntry, WaitingRecord},
};

use crate::channel::{
    books,
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
    is_quorum(part, whole_of_valid(record, grant))
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

/// The headers from the highest anchor of a log to its head: kept when memory keeps their blocks no
/// more, as many as one proof links.
#[derive(Debug, Default)]
pub struct Trail {
    anchor: Option<Certificate>,
    headers: Vec<Header>,
    /// Hash of the last of them.
    top: Option<Hash>,
}

impl Trail {
    /// The block was appended.
    pub fn follow(&mut self, header: &Header) {
        let room = (1..limits::PROOF_HEADERS).contains(&self.headers.len());
        if room && Some(header.parent) == self.top {
            self.top = Some(header.hash());
            self.headers.push(header.clone());
        }
    }

    /// Blocks above this height were taken back.
    pub fn roll_back(&mut self, to: Height) {
        self.headers.retain(|header| header.height <= to);
        self.top = self.headers.last().map(Header::hash);
    }

    /// Begins anew at the log's highest anchor, if it has a higher one.
    pub fn update(&mut self, log: &Log, record: &ChannelRecord) {
        let known = self.headers.first().map_or(Height::ZERO, |first| first.height);
        let higher = log
            .entries_down(log.head())
            .take_while(|entry| entry.block.height() > known)
            .filter_map(|entry| entry.certificate.as_ref().map(|certificate| (entry, certificate)))
            .find(|(_, certificate)| is_anchor(record, certificate));
        if let Some((entry, certificate)) = higher {
            self.anchor = Some(certificate.clone());
            self.headers = vec![entry.block.header.clone()];
            self.top = Some(entry.hash);
            for entry in log.entries_from(entry.block.height().next()) {
                self.follow(&entry.block.header);
            }
        }
    }

    /// Its headers up to this block, if it leads there.
    fn to(&self, entry: &Entry) -> Option<Vec<Header>> {
        let first = self.headers.first()?.height;
        let count = usize::try_from(entry.block.height().0.checked_sub(first.0)?).ok()? + 1;
        let headers = self.headers.get(..count)?;
        (headers.last()?.hash() == entry.hash).then(|| headers.to_vec())
    }
}

/// The headers from the block of the proposal that waits, or from the one that was last linked to it, to
/// a log's head: kept when memory keeps their blocks no more, as many as one proof links.
#[derive(Debug, Default)]
pub struct Line {
    blocks: VecDeque<(Hash, Header)>,
}

impl Line {
    /// The block was appended.
    pub fn follow(&mut self, hash: Hash, header: &Header) {
        let is_next = self.blocks.back().is_some_and(|(top, _)| *top == header.parent);
        if is_next && self.blocks.len() < limits::PROOF_HEADERS {
            self.blocks.push_back((hash, header.clone()));
        }
    }

    /// Blocks above this height were taken back.
    pub fn roll_back(&mut self, to: Height) {
        self.blocks.retain(|(_, header)| header.height <= to);
    }

    /// Begins at the block of what waits, if the log has it; goes on from what was linked to it.
    pub fn update(&mut self, log: &Log, waits: Option<&WaitingRecord>) {
        let Some(waits) = waits else { return self.blocks.clear() };
        let begins =
            |(hash, _): &(Hash, Header)| *hash == waits.to_block || *hash == waits.supported_by;
        if !self.blocks.front().is_some_and(begins) {
            self.blocks.clear();
        }
        let of = |hash: Hash| {
            let entries = log.entries_from(waits.to_height);
            entries.into_iter().find(move |entry| entry.hash == hash)
        };
        if self.blocks.is_empty()
            && let Some(entry) = of(waits.supported_by).or_else(|| of(waits.to_block))
        {
            self.blocks.push_back((entry.hash, entry.block.header.clone()));
        }
        if let Some(place) = self.blocks.iter().position(|(hash, _)| *hash == waits.supported_by) {
            self.blocks.drain(..place);
        }
        if let Some(top) = self.blocks.back().map(|(_, header)| header.height) {
            for entry in log.entries_from(top.next()) {
                self.follow(entry.hash, &entry.block.header);
            }
        }
    }

    /// Its headers from where it begins to this block, if it leads there.
    #[must_use]
    pub fn to(&self, block: Hash) -> Option<Vec<Header>> {
        let place = self.blocks.iter().position(|(hash, _)| *hash == block)?;
        Some(self.blocks.range(..=place).map(|(_, header)| header.clone()).collect())
    }
}

/// As many of the signatures as suffice, the heaviest first: a transaction has no room to spare.
fn least(
    certificate: &Certificate,
    weight: impl Fn(&NodeId) -> Weight,
    suffices: impl Fn(Weight) -> bool,
) -> Certificate {
    let mut all = certificate.signatures.clone();
    all.sort_by_key(|(node, _)| (std::cmp::Reverse(weight(node)), *node));
    let (mut part, mut signatures) = (Weight(0), Vec::new());
    for (node, signature) in all {
        if suffices(part) {
            break;
        }
        part = sum([part, weight(&node)].into_iter());
        signatures.push((node, signature));
    }
    signatures.sort_by_key(|(node, _)| *node);
    Certificate { ack: certificate.ack, signatures }
}

fn weight_of(
    record: &ChannelRecord,
    node: &NodeId,
    counts: impl Fn(&ChainMember) -> bool,
) -> Weight {
    let mut members = record.members.iter().filter(|member| member.active);
    let member = members.find(|member| member.record.node == *node && counts(member));
    member.map_or(Weight(0), |member| member.record.weight)
}

/// P-119: what of an anchor's certificate the contract needs.
#[must_use]
pub fn least_anchor(record: &ChannelRecord, certificate: &Certificate) -> Certificate {
    let epoch = certificate.ack.term.epoch;
    let then = |member: &ChainMember| member.booked || member.active_since <= epoch;
    let whole = weight_where(record, then);
    let weight = |node: &NodeId| weight_of(record, node, then);
    least(certificate, weight, |part| suffices(record, part, whole))
}

/// P-119: what the contract needs of a certificate by those valid in its epoch.
fn least_of_valid(log: &Log, record: &ChannelRecord, certificate: &Certificate) -> Certificate {
    let epoch = certificate.ack.term.epoch;
    let Some(grant) = log.grant_of(epoch) else { return certificate.clone() };
    let valid = |member: &ChainMember| grant.valid.contains(&member.record.join_sequence);
    let whole = whole_of_valid(record, grant);
    least(certificate, |node| weight_of(record, node, valid), |part| is_quorum(part, whole))
}

fn whole_of_valid(record: &ChannelRecord, grant: &EpochGrant) -> Weight {
    let valid = |member: &ChainMember| grant.valid.contains(&member.record.join_sequence);
    // A conviction makes no quorum smaller.
    let convicted = |member: &ChainMember| {
        !member.eligible && (member.booked || member.active_since <= grant.epoch)
    };
    weight_where(record, |member| valid(member) || convicted(member))
}

/// P-100: the best proof that this log gives by the blocks in memory.
#[must_use]
pub fn best(log: &Log, record: &ChannelRecord, most: Height) -> Option<BlockProof> {
    best_along(log, record, most, &Trail::default())
}

/// P-100: the best proof that this log gives of a block at `most` or below it and above the last
/// settlement: the highest block that those valid in its epoch certified, above the highest anchor of
/// its chain, which may have left memory if the trail begins there; the anchor alone where everybody
/// settles.
#[must_use]
pub fn best_along(
    log: &Log,
    record: &ChannelRecord,
    most: Height,
    trail: &Trail,
) -> Option<BlockProof> {
    let settled = record.settlement.height;
    let below = |most: Height| {
        let entries = log.entries_down(most);
        entries
            .take_while(move |entry| entry.block.height() > settled)
            .filter_map(|entry| entry.certificate.as_ref().map(|certificate| (entry, certificate)))
    };
    let granted = |epoch: Epoch| record.in_force.as_ref().is_some_and(|t| epoch <= t.term.epoch);
    let holds = |known: &Certificate| granted(known.ack.term.epoch) && is_anchor(record, known);
    let here = below(most).find(|(_, known)| holds(known));
    let here = here.map(|(entry, certificate)| (&entry.block.header, certificate));
    let led = trail.headers.first().zip(trail.anchor.as_ref()).filter(|(header, certificate)| {
        (settled.next()..=most).contains(&header.height) && holds(certificate)
    });
    let anchor = here.or(led);
    if record.config.money.settlement_rule == SettlementRule::Unanimous {
        return anchor.map(|(header, certificate)| anchored(record, header, certificate));
    }
    let base = anchor.map(|(header, _)| header.height);
    let reach = base.map_or(most, |base| {
        most.min(Height(base.0.saturating_add(limits::PROOF_HEADERS as u64 - 1)))
    });
    let top = below(reach)
        .take_while(|(entry, _)| base.is_none_or(|base| entry.block.height() > base))
        .find(|(_, known)| granted(known.ack.term.epoch) && is_of_valid(log, record, known));
    match (anchor, top) {
        (None, None) => None,
        (Some((header, certificate)), None) => Some(anchored(record, header, certificate)),
        (None, Some((entry, certificate))) => Some(BlockProof {
            headers: vec![entry.block.header.clone()],
            anchor: None,
            certificate: Some(least_of_valid(log, record, certificate)),
        }),
        (Some((low, anchor)), Some((high, certificate))) => {
            let here = headers(log, low.height, high.block.height());
            let whole = here.first().is_some_and(|first| first.height == low.height);
            let headers = if whole { Some(here) } else { trail.to(high) };
            let Some(headers) = headers else { return Some(anchored(record, low, anchor)) };
            Some(BlockProof {
                headers,
                anchor: Some(least_anchor(record, anchor)),
                certificate: Some(least_of_valid(log, record, certificate)),
            })
        }
    }
}

/// P-106: whether a guard is worth keeping: well signed, and its entries are of its block's state.
/// Whether those who signed have a say is the chain's to know.
pub fn check_guard(guard: &Guard) -> Result<(), Refusal> {
    guard.check()?;
    let top = guard.proof.headers.last();
    let root = top.map_or(Hash::ZERO, |header| header.state_root);
    let entries = [
        (StateKey::Entered, &guard.entered),
        (StateKey::resource(guard.account, books::VAULT_TAG), &guard.vault),
        (StateKey::Departed(guard.account), &guard.departed),
    ];
    for (key, entry) in entries {
        verify_entry(&root, &key, entry)
            .map_err(|error| Refusal::invalid("guard", format!("{key:?}: {error}")))?;
    }
    Ok(())
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

fn anchored(record: &ChannelRecord, header: &Header, certificate: &Certificate) -> BlockProof {
    BlockProof {
        headers: vec![header.clone()],
        anchor: Some(least_anchor(record, certificate)),
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
