//! The invariants of DESIGN section 10 that apply so far, checked after every step. What was ever
//! signed, certified or final is remembered here for the whole run, across crashes.

use std::collections::BTreeMap;

use fairway_proto::{Effect, Message, channel::books};
use fairway_types::{Hash, Height, NodeId, StateKey, Term, settlement::AssetAmount};

use crate::{chain::SettlementChain, node::Node};

/// A broken invariant, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken(pub String);

#[derive(Debug, Default)]
pub struct Invariants {
    signed_blocks: BTreeMap<(NodeId, Term, Height), Hash>,
    signed_acks: BTreeMap<(NodeId, Term, Height), Hash>,
    certified: BTreeMap<Height, Hash>,
    finalised: BTreeMap<Height, Hash>,
    pub checks: u64,
}

impl Invariants {
    /// Invariant 3: what leaves a node is signed once a place.
    pub fn on_effects(&mut self, node: &Node, effects: &[Effect]) -> Result<(), Broken> {
        for effect in effects {
            let message = match effect {
                Effect::Send { message, .. } | Effect::Broadcast(message) => message,
                Effect::Reply { .. }
                | Effect::Submit(_)
                | Effect::Refresh
                | Effect::Publish(_)
                | Effect::ServeBlocks { .. } => continue,
            };
            let id = node.keypair.node_id();
            match message {
                Message::Block(block) if block.leader == id => {
                    let place = (id, block.header.term, block.height());
                    once(&mut self.signed_blocks, place, block.hash(), "blocks")?;
                }
                Message::Ack(ack) if ack.node == id => {
                    let place = (id, ack.ack.term, ack.ack.height);
                    once(&mut self.signed_acks, place, ack.ack.block, "acks")?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Invariants 1 and 2 on the state a node is in now.
    pub fn check(
        &mut self,
        node: &Node,
        chain: &dyn SettlementChain,
        money: u64,
        app_holds: bool,
    ) -> Result<(), Broken> {
        self.checks += 1;
        if chain.total() != money {
            return Err(Broken(format!("the chain holds {} of {money}", chain.total())));
        }
        let log = node.channel.log();
        for entry in log.entries_from(Height(log.finalised().0.saturating_sub(2))) {
            let height = entry.block.height();
            if height <= log.certified() {
                once(&mut self.certified, height, entry.hash, "certified blocks")?;
            }
            if height <= log.finalised() {
                once(&mut self.finalised, height, entry.hash, "final blocks")?;
            }
        }
        check_books(node, app_holds)
    }

    /// Invariant 4: replaying what is stored gives what is live.
    pub fn check_replay(&mut self, node: &Node) -> Result<(), Broken> {
        let (live, replayed) = (node.digest(), node.replayed().digest());
        let recovered = node.recovered().digest();
        if recovered != live {
            return Err(Broken(format!(
                "the snapshot differs:\nlive      {live:?}\nrecovered {recovered:?}"
            )));
        }
        if live == replayed {
            return Ok(());
        }
        Err(Broken(format!("replay differs:\nlive     {live:?}\nreplayed {replayed:?}")))
    }

    #[must_use]
    pub fn highest_certified(&self) -> Height {
        self.certified.last_key_value().map_or(Height::ZERO, |(height, _)| *height)
    }
}

/// Vaults, dues of leavers and what the app holds are what is locked; the simulated app holds
/// nothing unless a run says so.
fn check_books(node: &Node, app_holds: bool) -> Result<(), Broken> {
    let Some(tip) = node.channel.log().tip() else { return Ok(()) };
    let mut sum: Vec<AssetAmount> = Vec::new();
    for (key, _) in tip.state.entries() {
        let amounts = match key {
            StateKey::Resource { address, type_tag } if type_tag == books::VAULT_TAG => {
                books::vault(&tip.state, *address)
            }
            StateKey::Departed(account) => {
                books::departed(&tip.state, *account).unwrap_or_default()
            }
            _ => continue,
        };
        sum = books::add(&sum, &amounts).ok_or(Broken("books overflow".into()))?;
    }
    let locked = books::locked(&tip.state);
    let covered = books::subtract(&locked, &sum).is_some();
    if sum == locked || (app_holds && covered) {
        return Ok(());
    }
    Err(Broken(format!("the books hold {sum:?} of {locked:?} at height {}", tip.height)))
}

fn once<K: Ord + std::fmt::Debug>(
    seen: &mut BTreeMap<K, Hash>,
    key: K,
    hash: Hash,
    what: &str,
) -> Result<(), Broken> {
    match seen.get(&key) {
        Some(known) if *known != hash => {
            Err(Broken(format!("two {what} at {key:?}: {known:?} and {hash:?}")))
        }
        Some(_) => Ok(()),
        None => {
            seen.insert(key, hash);
            Ok(())
        }
    }
}
