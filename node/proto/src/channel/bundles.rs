//! Bundles: in a channel that trusts members' own nodes, calls of a node's member go to the leader, and
//! into blocks, under one signature of the node.

use std::{collections::BTreeSet, sync::Arc};

use fairway_types::{
    Address, Block, Hash, NodeId, Refusal, SignedCall, Transaction,
    bundle::{Bundle, BundledCalls, SignedBundle},
    codec,
    crypto::Verify,
    limits,
};

use super::{Channel, follower::Unfit, log::Tip, output::Effect, pool::Pooled};
#[cfg(feature = "known-bugs")]
use crate::known_bugs::KnownBug;
use crate::message::Message;

/// Bytes of calls in one bundle, unless a single call has more.
const BUNDLE_BYTES: usize = limits::FRAME_BYTES / 4;

/// What stands in a block for the signature of one of its calls.
pub(super) enum Word {
    /// The account's own signature.
    Account,
    /// A bundle of the account's node, which came with the call.
    Bundle(Arc<SignedBundle>),
    /// This node's, which is yet to be signed.
    Own,
}

impl Channel {
    /// P-133: whose calls a node may bundle: its member's, as registered before the next block.
    fn trusted_account(&self, node: &NodeId, tip: &Tip) -> Option<Address> {
        let trusts = self.log.genesis()?.record.config.trust_own_node;
        tip.members.get(node).filter(|_| trusts).map(|member| member.account)
    }

    fn is_own_members(&self, call: &SignedCall) -> bool {
        let tip = self.log.tip();
        tip.and_then(|tip| self.trusted_account(&self.me, &tip)) == Some(call.call.sender)
    }

    /// Sends a call whose signature was checked to the leader: its member's with the end of the group.
    pub(super) fn send_call(&mut self, leader: NodeId, call: SignedCall) {
        if self.is_own_members(&call) {
            return self.leaving.push(call);
        }
        self.perform(Effect::Send { to: leader, message: Message::Forward(call) });
    }

    /// P-134: the calls of a group's inputs leave together.
    pub(super) fn send_bundles(&mut self) {
        let mut calls = std::mem::take(&mut self.leaving).into_iter().peekable();
        // Who leads by now has them among those on their way.
        let Some(leader) = self.log.leader().filter(|leader| *leader != self.me) else { return };
        while let Some(first) = calls.next() {
            let mut bytes = codec::size(&first);
            let mut bundled = vec![first];
            while bundled.len() < limits::BUNDLE_CALLS
                && let Some(call) = calls.next_if(|call| bytes + codec::size(call) <= BUNDLE_BYTES)
            {
                bytes += codec::size(&call);
                bundled.push(call);
            }
            let message = Message::Bundle(self.bundle(bundled));
            self.perform(Effect::Send { to: leader, message });
        }
    }

    fn bundle(&self, calls: Vec<SignedCall>) -> BundledCalls {
        let account = calls.first().map_or(Address::ZERO, |call| call.call.sender);
        let hashes = calls.iter().map(Transaction::hash_of_call).collect();
        let signature = self.env.keypair.sign_known(&Bundle { account, calls: hashes });
        BundledCalls { calls, node: self.me, signature }
    }

    /// P-133: the leader takes a bundle from the node that signed it, for the account that it acts for.
    pub(super) fn on_bundle(&mut self, from: NodeId, bundled: BundledCalls) {
        let Some(signed) = bundled.signed().filter(|signed| signed.node == from) else { return };
        let trusted = self.log.tip().and_then(|tip| self.trusted_account(&from, &tip));
        if trusted != Some(signed.bundle.account) {
            // This node's log may lack the member's entry: the calls come again.
            let reason = "the sender's node is not known to act for this account".to_owned();
            for call in bundled.calls {
                let refusal = Refusal::NotReady { what: "bundle".into(), reason: reason.clone() };
                self.refuse_call(Some(from), call.hash(), refusal);
            }
            return;
        }
        let signed = Arc::new(signed);
        for call in bundled.calls {
            self.take_forwarded(from, call, Some(Arc::clone(&signed)));
        }
    }

    /// What a block shows for the signature of a call that waited here; `None` if nothing stands for
    /// it any more and it is not signed itself.
    pub(super) fn word_for(&self, pooled: &Pooled, tip: &Tip) -> Option<Word> {
        let sender = Some(pooled.call.call.sender);
        match &pooled.bundle {
            Some(bundle) if self.trusted_account(&bundle.node, tip) == sender => {
                Some(Word::Bundle(Arc::clone(bundle)))
            }
            Some(_) => pooled.call.check().is_ok().then_some(Word::Account),
            None if pooled.from.is_none() && self.trusted_account(&self.me, tip) == sender => {
                Some(Word::Own)
            }
            None => Some(Word::Account),
        }
    }

    /// The bundles of a block, with this node's own for these calls of it.
    pub(super) fn bundles_with_own(
        &self,
        bundles: Vec<Arc<SignedBundle>>,
        own: &[&SignedCall],
    ) -> Vec<SignedBundle> {
        let own = own.chunks(limits::BUNDLE_CALLS).filter_map(|calls| {
            let account = calls.first()?.call.sender;
            let calls: Vec<Hash> =
                calls.iter().map(|call| Transaction::hash_of_call(call)).collect();
            let bundle = Bundle { account, calls };
            let signature = self.env.keypair.sign_known(&bundle);
            Some(SignedBundle { bundle, node: self.me, signature })
        });
        bundles.into_iter().map(Arc::unwrap_or_clone).chain(own).collect()
    }

    /// P-133: each bundle in a block is of the node that acts for its account, where members trust
    /// their own nodes. The header does not say, so there is no evidence of it.
    pub(super) fn check_bundles(&self, block: &Block, tip: &Tip) -> Result<(), Unfit> {
        #[cfg(feature = "known-bugs")]
        if KnownBug::AnyonesBundle.is_back() {
            return Ok(());
        }
        let fits = |signed: &SignedBundle| {
            self.trusted_account(&signed.node, tip) == Some(signed.bundle.account)
        };
        if block.bundles.iter().all(fits) { Ok(()) } else { Err(Unfit::Never) }
    }

    /// The calls of a block, and whether this node may send each on: it is signed by its account, or in
    /// a bundle of this node. What another node vouched for is that node's to repeat.
    pub(super) fn calls_of(&self, block: &Block) -> Vec<(SignedCall, bool)> {
        let others: BTreeSet<&Hash> = block
            .bundles
            .iter()
            .filter(|signed| signed.node != self.me)
            .flat_map(|signed| &signed.bundle.calls)
            .collect();
        let calls = block.transactions.iter().filter_map(Transaction::as_call);
        let goes_on = |call: &SignedCall| {
            others.is_empty() || !others.contains(&Transaction::hash_of_call(call))
        };
        calls.map(|call| (call.clone(), goes_on(call))).collect()
    }
}

#[cfg(test)]
mod tests;
