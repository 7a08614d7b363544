//! Two of three members that settle what is not so. Their nodes go on as others do, but for what they
//! would say against it; the third one stops them alone.

use fairway_proto::settlement::{
    proof,
    proposal::{self, Settled},
};
use fairway_types::{
    chain::ChainTx,
    codec,
    settlement::{AssetAmount, Proposal, SignedVote, Vote},
    windows::BlockProof,
};
use rand::Rng;

use crate::{chain::CHAIN, invariants::Broken, machine::ASSET, world::World};

/// Nodes of those who settle together, and of the one whom that is about.
const PAIR: [usize; 2] = [0, 1];
const VICTIM: usize = 2;
/// Units that they take from it.
const TAKEN: u64 = 700;

impl World {
    /// They have a settlement of their own wait, and execute it once they can.
    pub(crate) fn collude(&mut self) -> Result<(), Broken> {
        let record = self.chain.record();
        let (channel, windows) = (record.channel, record.windows.clone());
        if record.members.len() != 3 || record.members.iter().any(|seat| !seat.active) {
            return Ok(());
        }
        if let Some(waits) = &windows.waiting {
            if self.doings.made_up.contains(&waits.proposal) && self.now >= waits.deadline {
                return self.say(ChainTx::Finish { channel });
            }
            if windows.stands(waits) {
                return Ok(());
            }
        }
        let Some((proof, made_up)) = self.make_up() else { return Ok(()) };
        let proposal = made_up.hash();
        self.doings.made_up.insert(proposal);
        let vote = Vote { channel, proposal, yes: true };
        let votes = PAIR.iter().map(|at| {
            let key = &self.nodes[*at].keypair;
            SignedVote { vote, node: key.node_id(), signature: key.sign(&vote), reason: None }
        });
        let votes = votes.collect();
        self.say(ChainTx::Show { channel, proof: Box::new(proof) })?;
        self.say(ChainTx::Propose { proposal: Box::new(made_up) })?;
        self.say(ChainTx::OpenWindow { channel, proposal, votes })
    }

    /// What one of them tells the chain, beside its node.
    fn say(&mut self, tx: ChainTx) -> Result<(), Broken> {
        let key = self.nodes[PAIR[0]].keypair.clone();
        let result = self.on_chain(|chain, now| chain.execute(now, &key, &tx))?;
        self.note_transaction(PAIR[0], &tx, &result);
        self.show_chain(50);
        Ok(())
    }

    /// A proposal of the best block that they can prove: one of them is paid what another one has, or
    /// leaves without having asked to, or the app had another result.
    fn make_up(&mut self) -> Option<(BlockProof, Proposal)> {
        let (record, node) = (self.chain.record(), &self.nodes[PAIR[0]]);
        let log = node.channel.log();
        let proof = proof::best(log, record, log.certified())?;
        let tip = log.tip_at(proof.shown()?.height)?;
        let last = &record.settlement;
        let from = Settled { number: last.number, height: last.height, root: last.root };
        let mut made_up = proposal::compute((CHAIN, record.channel), from, &tip)?;
        let account = |at: usize| self.nodes[at].account.address();
        let (own, other) = (account(PAIR[0]), account(VICTIM));
        let place = |of| made_up.balances.iter().position(|row| row.account == of);
        let (own, other) = (place(own)?, place(other)?);
        let units = |row: usize| made_up.balances[row].amounts.first().map_or(0, |it| it.amount);
        let (gains, loses) = (units(own), units(other));
        match self.rng.random_range(0..3) {
            0 => made_up.result = codec::encode(&"another one"),
            1 if loses > TAKEN => {
                made_up.balances[own].amounts = amounts(gains + TAKEN);
                made_up.balances[other].amounts = amounts(loses - TAKEN);
                made_up.balances[own].leaves = true;
            }
            _ => made_up.balances[own].leaves = !made_up.balances[own].leaves,
        }
        Some((proof, made_up))
    }

    /// What the nodes of those who settle together say against that stays unsaid.
    pub(crate) fn keeps_quiet(&self, from: usize, tx: &ChainTx) -> bool {
        let colludes = self.plan.deeds.is_some_and(|deeds| deeds.colludes);
        let against = matches!(
            tx,
            ChainTx::Refute { .. }
                | ChainTx::RefuteResult { .. }
                | ChainTx::Object { .. }
                | ChainTx::Dispute { .. }
        );
        colludes && against && PAIR.contains(&from)
    }
}

fn amounts(amount: u64) -> Vec<AssetAmount> {
    vec![AssetAmount { asset: ASSET, amount }]
}
