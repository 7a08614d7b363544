//! The chain as judge: it executes a disputed block again, on the evidence's own witness and the facts
//! of the channel's record. It meters no gas.

use std::{fmt, rc::Rc};

use fairway_proto::settlement::dispute::{self, Verdict};
use fairway_types::{
    Execute, Hash, JoinSequence, NodeId, Time, crypto::Verify, evidence::Evidence,
};

use super::{Chain, Refused, penalties::Deed, require};

/// What runs the channel's package; none where nothing does.
#[derive(Clone, Default)]
pub(super) struct Vm(pub(super) Option<Rc<dyn Execute>>);

impl fmt::Debug for Vm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "a VM" } else { "no VM" })
    }
}

impl Chain {
    /// Guilty and innocent are decided for good; what is unclear, or does not run here, changes
    /// nothing.
    pub(super) fn judge(
        &mut self,
        node: NodeId,
        accused: JoinSequence,
        evidence: &Evidence,
    ) -> Result<(), Refused> {
        let block = match evidence {
            Evidence::Divergence { block, .. } | Evidence::InvalidTransaction { block, .. } => {
                block.header()
            }
            Evidence::DoubleBlock { .. } | Evidence::DoubleAck { .. } => {
                return Err("two signatures convict by themselves");
            }
        };
        let sound = evidence.channel() == self.record.channel && evidence.check().is_ok();
        require(sound, "the evidence is not sound")?;
        let (hash, what) = (block.hash(), evidence.hash());
        let party = self.party(accused);
        self.may_judge(node, accused, evidence, hash)?;
        let Vm(Some(vm)) = self.vm.clone() else { return Err("penalty::E_DOES_NOT_FIT") };
        let verdict = dispute::check(evidence, &self.record.facts(), &&*vm, None).verdict;
        self.end_overdue()?;
        let accuser = self.may_judge(node, accused, evidence, hash)?;
        let guilty = match verdict {
            Verdict::Guilty(_) => true,
            Verdict::Innocent(_) => false,
            Verdict::Unclear(_) => return Err("penalty::E_UNCLEAR"),
        };
        if guilty {
            self.decided.insert((party?.node, Deed::Shown(hash)));
        }
        self.conclude(accused, what, guilty, accuser)
    }

    /// Who asks, and what it can pay with: also one that has left, as long as its collateral is held.
    fn asker(&mut self, node: NodeId) -> Result<(JoinSequence, u64), Refused> {
        if let Some(seat) = self.seat_of_node(node) {
            require(seat.active, "penalty::E_NOT_ACTIVE")?;
            return Ok((seat.record.join_sequence, seat.collateral));
        }
        let mut latest = self.history.values().rev();
        let party = latest.find(|record| record.node == node).cloned();
        let party = party.ok_or("penalty::E_NOT_ACTIVE")?;
        let held = self.books.prolong(party.account, Time::ZERO);
        require(held > 0, "penalty::E_NOT_ACTIVE")?;
        Ok((party.join_sequence, held))
    }

    /// Who answers for the accusation, if the chain may be asked to judge it.
    fn may_judge(
        &mut self,
        node: NodeId,
        accused: JoinSequence,
        evidence: &Evidence,
        block: Hash,
    ) -> Result<JoinSequence, Refused> {
        let (by, backing) = self.asker(node)?;
        let party = self.party(accused)?;
        self.check_new(evidence.accused(), evidence.hash())?;
        self.check_new(evidence.accused(), block)?;
        let (epoch, is_meant) = (evidence.place().0.epoch, party.node == evidence.accused());
        let fits = is_meant && self.was_in(accused, epoch) && self.can_be_fined(accused)?;
        require(fits, "penalty::E_BAD_ACCUSED")?;
        if let Some(reporter) = self.reporter(accused, evidence.hash()) {
            return Ok(reporter);
        }
        require(by != accused, "penalty::E_BAD_ACCUSED")?;
        self.check_bond(by, backing)?;
        Ok(by)
    }
}
