//! Weights and signatures: who counts for what, and whether so many signed.

use std::collections::BTreeMap;

use fairway_proto::{channel::quorum::is_quorum, settlement::membership};
use fairway_types::{
    Ack, Certificate, Epoch, Hash, Header, NodeId, Weight,
    chain::{ChainMember, SettlementRule, WeightBy},
    crypto::{PublicKey, check_signature},
    settlement::{SignedVote, Vote},
};

use super::{Chain, Refused, require};

/// What each active member weighs, in two respects.
type Weights = BTreeMap<NodeId, (u64, u64)>;

/// Who acked a block, as far as that says something.
pub(super) struct Acked {
    /// Two thirds of those active in its epoch; all of them; two thirds of those valid in it.
    pub(super) active: bool,
    pub(super) everybody: bool,
    pub(super) valid: bool,
}

/// Who may have certified a block of an epoch.
pub(super) struct Certifiers {
    /// By weight of those active in the epoch, and of those valid in it.
    weights: Weights,
    whole_active: u64,
    whole_valid: u64,
}

impl Chain {
    pub(super) fn asks_everybody(&self) -> bool {
        self.record.config.money.settlement_rule == SettlementRule::Unanimous
    }

    pub(super) fn is_judged(&self) -> bool {
        self.record.config.money.settlement_rule == SettlementRule::Judged
    }

    pub(super) fn whole(&self) -> u64 {
        self.active().map(|member| member.record.weight.0).sum()
    }

    /// What the active members weigh, and those of them whose heartbeats are fresh.
    pub(super) fn electorate(&self) -> Weights {
        let weight = |member: &ChainMember| {
            let weight = member.record.weight.0;
            (weight, if membership::is_fresh(member, self.time) { weight } else { 0 })
        };
        self.active().map(|member| (member.record.node, weight(member))).collect()
    }

    /// Who judges others: those heard that are not convicted, by what backs them where that counts.
    pub(super) fn judges(&self) -> BTreeMap<NodeId, u64> {
        let by_collateral = self.record.config.money.weight_by == WeightBy::Collateral;
        let weight = |member: &ChainMember| {
            let weight = member.record.weight.0;
            let barred = self.barred.contains(&member.record.join_sequence);
            let heard = membership::is_fresh(member, self.time) && !barred;
            let most = if by_collateral { member.collateral } else { weight };
            if heard { weight.min(most) } else { 0 }
        };
        self.active().map(|member| (member.record.node, weight(member))).collect()
    }

    /// What those weigh who voted so on `what`; strangers and pending members weigh nothing.
    pub(super) fn voted(
        &self,
        what: Hash,
        yes: bool,
        votes: &[SignedVote],
    ) -> Result<(u64, u64), Refused> {
        let weights = self.electorate();
        let mut votes: Vec<&SignedVote> = votes.iter().collect();
        votes.sort_by_key(|vote| vote.node);
        let said = Vote { channel: self.record.channel, proposal: what, yes };
        let (mut part, mut other, mut before) = (0, 0, None);
        for vote in votes {
            let sorted = before.is_none_or(|before| before < vote.node);
            require(sorted, "settlement::E_DOUBLE_VOTE")?;
            if let Some((weight, heard)) = weights.get(&vote.node) {
                let signed = check_signature(&said, &PublicKey::from(vote.node), &vote.signature);
                require(signed.is_ok(), "settlement::E_BAD_SIGNATURE")?;
                part += weight;
                other += heard;
            }
            before = Some(vote.node);
        }
        Ok((part, other))
    }

    /// Refused unless so many signed a no that the rest of the weight is no two thirds.
    pub(super) fn check_against(&self, what: Hash, votes: &[SignedVote]) -> Result<(), Refused> {
        let (against, _) = self.voted(what, false, votes)?;
        let whole = self.whole();
        let agree = is_quorum(Weight(whole - against), Weight(whole));
        require(!agree, "settlement::E_NOT_ENOUGH_AGAINST")
    }

    /// Whether this much of the active weight settles.
    pub(super) fn settles(&self, part: u64, all: bool) -> bool {
        let whole = self.whole();
        if all { part == whole && whole > 0 } else { is_quorum(Weight(part), Weight(whole)) }
    }

    /// Who has money in the books counts in every epoch; who is convicted counts in the whole and not
    /// for it.
    pub(super) fn certifiers(&self, epoch: Epoch) -> Result<Certifiers, Refused> {
        self.check_open()?;
        let grant = self.grants.get(&epoch).ok_or("channel::E_NO_EPOCH")?;
        let (mut weights, mut convicted) = (Weights::new(), 0);
        for member in self.active() {
            let weight = member.record.weight.0;
            let sequence = member.record.join_sequence;
            let is_valid = grant.valid.contains(&sequence);
            let since = member.booked || member.active_since <= epoch;
            let of = |counts: bool| if counts { weight } else { 0 };
            weights.insert(member.record.node, (of(since), of(is_valid)));
            convicted += of(!is_valid && since && self.barred.contains(&sequence));
        }
        let whole_active = weights.values().map(|(active, _)| active).sum();
        let valid: u64 = weights.values().map(|(_, valid)| valid).sum();
        Ok(Certifiers { weights, whole_active, whole_valid: valid + convicted })
    }

    pub(super) fn acked(
        &self,
        header: &Header,
        certificate: Option<&Certificate>,
    ) -> Result<Acked, Refused> {
        let certifiers = self.certifiers(header.term.epoch)?;
        let signatures = certificate.map_or(&[][..], |known| &known.signatures);
        let ack = Ack {
            channel: header.channel,
            term: header.term,
            height: header.height,
            block: header.hash(),
        };
        let (mut active, mut valid, mut before) = (0, 0, None);
        for (signer, signature) in signatures {
            require(before.is_none_or(|before| before < *signer), "header::E_DOUBLE_SIGNER")?;
            if let Some((of_active, of_valid)) = certifiers.weights.get(signer) {
                let signed = check_signature(&ack, &PublicKey::from(*signer), signature);
                require(signed.is_ok(), "header::E_BAD_SIGNATURE")?;
                active += of_active;
                valid += of_valid;
            }
            before = Some(*signer);
        }
        let whole = certifiers.whole_active;
        Ok(Acked {
            active: is_quorum(Weight(active), Weight(whole)),
            everybody: whole > 0 && active == whole,
            valid: is_quorum(Weight(valid), Weight(certifiers.whole_valid)),
        })
    }
}
