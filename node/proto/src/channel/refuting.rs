//! Refuting: a proposal that waits and contradicts the state it names is withdrawn by the proof of one
//! row, whoever agreed to it.

use fairway_state::State;
use fairway_types::{Time, chain::ChannelRecord, settlement::Proposal, windows::WaitingRecord};

use super::{Channel, output::Effect};
use crate::settlement::refutation;

/// Milliseconds between two tries.
const TRY_EVERY: u64 = 2_000;

#[derive(Debug, Default)]
pub(super) struct Refuting {
    /// The proposal that waits on the chain, as the chain gave it.
    waiting: Option<Proposal>,
    next_try: Time,
}

impl Channel {
    /// P-117: proves to the contract what the proposal that waits says of somebody's money and its
    /// state does not. What its proposer did not show this node it reads from the chain.
    pub(super) fn refute(&mut self, record: &ChannelRecord, waits: &WaitingRecord) {
        if self.now < self.refuting.next_try {
            return;
        }
        self.refuting.next_try = self.now.plus(TRY_EVERY);
        let own = self.settling.own().map(|own| own.signed.proposal.clone());
        let known = self.refuting.waiting.clone().into_iter().chain(own);
        let is_it = |proposal: &Proposal| proposal.hash() == waits.proposal;
        let Some(proposal) = known.chain(self.voting.known(&waits.proposal)).find(is_it) else {
            return self.perform(Effect::ReadWaiting);
        };
        let state = self.state_named(&proposal);
        let tx = state.and_then(|state| refutation::refutation(record, &proposal, &state));
        if let Some(tx) = tx {
            self.perform(Effect::Submit(tx));
        }
    }

    pub(super) fn on_waiting(&mut self, proposal: Proposal) {
        self.refuting.waiting = Some(proposal);
        self.refuting.next_try = self.now;
        self.guard_soon();
    }

    /// The state under the root that the proposal names, if memory has it.
    fn state_named(&self, proposal: &Proposal) -> Option<State> {
        let here = self.log.tip_at(proposal.to_height).map(|tip| tip.state);
        let pinned = self.pinned().find(|state| state.root() == proposal.to_root).cloned();
        here.filter(|state| state.root() == proposal.to_root).or(pinned)
    }
}

#[cfg(test)]
mod tests {
    use fairway_types::{
        Height,
        chain::{ChainTx, Observation},
        settlement::AssetAmount,
    };

    use super::{
        super::{
            bench::{Bench, record},
            input::Input,
        },
        *,
    };
    use crate::settlement::proposal;

    const WINDOW: u64 = 20_000;

    fn refuted(bench: &Bench, node: usize) -> Vec<u64> {
        let rows = bench
            .submitted(node)
            .filter_map(|tx| if let ChainTx::Refute { row, .. } = tx { Some(*row) } else { None });
        rows.collect()
    }

    fn reads(bench: &Bench, node: usize) -> usize {
        let of_node = bench.effects.iter().filter(|(of, _)| *of == node);
        of_node.filter(|(_, effect)| matches!(effect, Effect::ReadWaiting)).count()
    }

    /// Four members in a channel that judges; `change` was done to what waits.
    fn waiting(change: impl FnOnce(&mut Proposal)) -> (Bench, Proposal) {
        let mut record = record(4);
        record.config.money.settlement_rule = fairway_types::chain::SettlementRule::Judged;
        let mut bench = Bench::with_record(4, record);
        bench.note(0);
        bench.note(0);
        bench.wait(200);
        let node = &bench.nodes[3];
        let tip = node.log().tip_at(Height(1)).unwrap();
        let place = (node.env.chain, node.env.channel);
        let mut forged = proposal::compute(place, node.settled_point().unwrap(), &tip).unwrap();
        change(&mut forged);
        bench.record.windows.waiting = Some(WaitingRecord {
            proposal: forged.hash(),
            number: 1,
            to_height: forged.to_height,
            to_block: forged.to_block,
            opened_at: bench.now,
            deadline: bench.now.plus(WINDOW),
            supported_by: forged.to_block,
            by_active: true,
        });
        bench.down.extend([0, 1, 2]);
        bench.observe();
        bench.wait(600);
        (bench, forged)
    }

    fn told(bench: &mut Bench, forged: &Proposal) {
        let proposal = Box::new(forged.clone());
        bench.run(3, Input::Chain(Observation::Waiting { proposal }));
        bench.wait(600);
    }

    /// P-117: two thirds agreed to what takes one's money; that one alone stops it.
    #[test]
    fn one_honest_member_refutes_a_row_that_all_others_agreed_to() {
        let (mut bench, forged) = waiting(|forged| {
            let asset = forged.balances[2].amounts[0].asset;
            let amount = forged.balances[2].amounts[0].amount + 100;
            forged.balances[2].amounts = vec![AssetAmount { asset, amount }];
            forged.balances[3].amounts.clear();
        });
        assert_eq!((reads(&bench, 3), refuted(&bench, 3)), (1, vec![]), "it asks the chain first");
        let mut other = forged.clone();
        other.number = 9;
        told(&mut bench, &other);
        assert!(refuted(&bench, 3).is_empty(), "that is not what waits");
        told(&mut bench, &forged);
        assert_eq!(refuted(&bench, 3), [2]);
    }

    /// P-117
    #[test]
    fn a_result_that_the_app_did_not_set_is_refuted() {
        let (mut bench, forged) = waiting(|forged| forged.result = b"won".to_vec());
        told(&mut bench, &forged);
        let results = |tx: &&ChainTx| matches!(tx, ChainTx::RefuteResult { .. });
        assert_eq!(bench.submitted(3).filter(results).count(), 1);
    }

    /// P-117: nothing is said against what is right.
    #[test]
    fn what_the_state_says_too_is_not_refuted() {
        let (mut bench, forged) = waiting(|forged| forged.number = 1);
        told(&mut bench, &forged);
        assert_eq!((reads(&bench, 3), refuted(&bench, 3)), (0, vec![]));
    }
}
