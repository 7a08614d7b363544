//! The invariants of DESIGN section 10, checked after every step. What was ever signed, certified or
//! final is remembered here for the whole run, across crashes; it is checked for honest nodes alone.

use std::collections::{BTreeMap, BTreeSet};

use fairway_proto::{
    Effect, Event, Message,
    channel::{
        books,
        ground::{Ground, Roll},
        judging::Judged,
        log::Entry,
        quorum,
    },
};
use fairway_state::State;
use fairway_types::{
    Ack, Address, Certificate, Effects, Hash, Height, NodeId, StateKey, Term, View,
    bundle::SignedBundle,
    chain::{ChainMember, ChannelRecord},
    settlement::AssetAmount,
};

use crate::{chain::SettlementChain, contradictions::Contradictions, node::Node, sessions};

/// A broken invariant, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken(pub String);

/// A block that was certified somewhere.
#[derive(Debug, Clone, Copy)]
struct Certified {
    hash: Hash,
    /// The valid members of its epoch hold less than 2/3 of the registered weight.
    shrunken: bool,
}

#[derive(Debug, Default)]
pub struct Invariants {
    blocks: BTreeMap<(NodeId, Term, Height), Hash>,
    acks: BTreeMap<(NodeId, Term, Height), Hash>,
    promises: BTreeMap<NodeId, Term>,
    certified: BTreeMap<Height, Certified>,
    finalised: BTreeMap<Height, Hash>,
    /// Where a certified block was superseded by another.
    reversed: BTreeSet<Height>,
    /// The account of each node.
    accounts: BTreeMap<NodeId, Address>,
    /// Members whose word need not be true.
    suspects: BTreeSet<NodeId>,
    /// The last view that the chain learned, and how many it did.
    shown: Option<Term>,
    pub views_shown: u64,
    pub contradictions: Contradictions,
    pub checks: u64,
}

impl Invariants {
    /// The node is the one of this account.
    pub fn acts_for(&mut self, node: NodeId, account: Address) {
        self.accounts.insert(node, account);
    }

    /// From now on nothing is expected of this node.
    pub fn suspect(&mut self, node: NodeId) {
        self.suspects.insert(node);
    }

    /// How many heights had a certified block that another one superseded.
    #[must_use]
    pub fn reversals(&self) -> u64 {
        self.reversed.len() as u64
    }

    /// Invariant 3: what a node stored that it signed, it signs once a place, and nothing of a term
    /// below its promise. Invariant 4: the effects it stored are those of the block's header. And nobody
    /// but an account's own node vouches for what the account asks for.
    pub fn on_stored(&mut self, node: &Node, events: &[Event]) -> Result<(), Broken> {
        let id = node.keypair.node_id();
        for event in events {
            match event {
                Event::Appended(appended) => {
                    let header = &appended.block.header;
                    if Effects::root(&appended.effects) != header.effects_root {
                        let height = header.height;
                        return Err(Broken(format!("{id} stored other effects at {height}")));
                    }
                    let is_strange = |signed: &&SignedBundle| {
                        self.accounts.get(&signed.node) != Some(&signed.bundle.account)
                    };
                    if let Some(strange) = appended.block.bundles.iter().find(is_strange) {
                        let (node, height) = (strange.node, header.height);
                        return Err(Broken(format!("{id} took a bundle of {node} at {height}")));
                    }
                    let parent = header.height.0.checked_sub(1).map(Height);
                    let log = node.channel.log();
                    if let Some(parent) = parent.and_then(|height| log.entry(height))
                        && parent.block.hash() == header.parent
                    {
                        sessions::check(&parent.state, appended)?;
                    }
                    if appended.block.leader == id {
                        let place = (id, header.term, header.height);
                        once(&mut self.blocks, place, appended.block.hash(), "blocks")?;
                    }
                }
                Event::Acked { ack } => self.on_acked(id, &ack.ack)?,
                Event::Adopted(adopted) => {
                    let block = &adopted.checkpoint.block;
                    once(&mut self.finalised, block.height(), block.hash(), "final blocks")?;
                    if adopted.state.root() != block.header.state_root {
                        return Err(Broken(format!("{id} adopted another state")));
                    }
                }
                Event::Promised { promise } => {
                    let before = self.promises.insert(id, promise.term());
                    if before.is_some_and(|before| before >= promise.term()) {
                        let term = promise.term();
                        return Err(Broken(format!("{id} promised {term} after {before:?}")));
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn on_acked(&mut self, id: NodeId, ack: &Ack) -> Result<(), Broken> {
        let promised = self.promises.get(&id).copied().unwrap_or_default();
        if ack.term < promised {
            return Err(Broken(format!("{id} acked {ack:?} after promising {promised}")));
        }
        once(&mut self.acks, (id, ack.term, ack.height), ack.block, "acks")
    }

    /// Nothing leaves that is not stored, and no signature is in a certificate whose signer did not
    /// give it.
    pub fn on_effects(&mut self, node: &Node, effects: &[Effect]) -> Result<(), Broken> {
        let id = node.keypair.node_id();
        for effect in effects {
            let (Effect::Send { message, .. } | Effect::Broadcast(message)) = effect else {
                continue;
            };
            match message {
                Message::Block(block) if block.leader == id => {
                    let stored = self.blocks.get(&(id, block.header.term, block.height()));
                    was_stored(stored, block.hash(), "block")?;
                }
                Message::Ack(ack) if ack.node == id => {
                    let ack = &ack.ack;
                    let stored = self.acks.get(&(id, ack.term, ack.height));
                    was_stored(stored, ack.block, "ack")?;
                }
                Message::Certificate(certificate) => self.on_certificate(certificate)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn on_certificate(&self, certificate: &Certificate) -> Result<(), Broken> {
        let ack = &certificate.ack;
        let honest =
            certificate.signatures.iter().filter(|(node, _)| !self.suspects.contains(node));
        for (node, _) in honest {
            if self.acks.get(&(*node, ack.term, ack.height)) != Some(&ack.block) {
                return Err(Broken(format!("{node} never signed {ack:?} of a certificate")));
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
            if height > log.certified() {
                break;
            }
            self.check_certified(node, entry)?;
            if height <= log.finalised() {
                once(&mut self.finalised, height, entry.hash, "final blocks")?;
            }
        }
        check_bounds(node)?;
        check_books(node, app_holds)
    }

    /// Invariant 2: another certified block takes the place of one only where the valid members were
    /// fewer than 2/3 of the registered, or where somebody signed twice.
    fn check_certified(&mut self, node: &Node, entry: &Entry) -> Result<(), Broken> {
        let height = entry.block.height();
        let Some(known) = self.certified.get(&height).copied() else {
            let shrunken = is_shrunken(node, entry);
            self.certified.insert(height, Certified { hash: entry.hash, shrunken });
            return Ok(());
        };
        if known.hash == entry.hash {
            return Ok(());
        }
        let shrunken = is_shrunken(node, entry);
        let excused = known.shrunken || shrunken || self.contradictions.exist();
        if !excused {
            return Err(Broken(format!(
                "two certified blocks at {height}: {} and {} ({})",
                known.hash.short(),
                entry.hash.short(),
                node.keypair.node_id().short(),
            )));
        }
        self.reversed.insert(height);
        Ok(())
    }

    /// Whether the block may have lost its certificate's worth without anybody breaking a rule of
    /// ours.
    #[must_use]
    pub fn may_be_reversed(&self, height: Height) -> bool {
        self.contradictions.exist()
            || self.certified.get(&height).is_some_and(|known| known.shrunken)
            || self.reversed.range(..=height).next().is_some()
    }

    /// P-47: the chain knows no view that no honest member promised, but where those who count are so
    /// few that the Byzantine one is a third of them.
    pub fn check_term(&mut self, record: &ChannelRecord) -> Result<(), Broken> {
        let Some(in_force) = record.in_force.as_ref() else { return Ok(()) };
        let term = in_force.term;
        if term.view == View::default() || self.shown == Some(term) {
            return Ok(());
        }
        let valid = |member: &&ChainMember| {
            let grant = record.grants.last();
            grant.is_some_and(|grant| grant.valid.contains(&member.record.join_sequence))
        };
        let suspects = record.members.iter().filter(|member| member.active).filter(valid);
        let suspects = suspects.filter(|member| self.suspects.contains(&member.record.node));
        let few = record.members.iter().filter(|member| member.active).filter(valid).count();
        let excused = 3 * suspects.count() >= few;
        let mut honest = self.promises.iter().filter(|(node, _)| !self.suspects.contains(node));
        if !excused && !honest.any(|(_, promised)| *promised >= term) {
            return Err(Broken(format!("the chain knows {term}, which nobody honest promised")));
        }
        self.shown = Some(term);
        self.views_shown += 1;
        Ok(())
    }

    /// Invariant 6, before any fine: nobody finds an honest member guilty.
    pub fn check_verdict(&mut self, judged: &Judged) -> Result<(), Broken> {
        self.checks += 1;
        if judged.verdict.is_guilty() && !self.suspects.contains(&judged.accused) {
            return Err(Broken(format!("an honest member was found guilty: {judged:?}")));
        }
        Ok(())
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

/// Whether fewer than 2/3 of the registered certified the block; or one below it, not final either, that
/// changed who is registered.
fn is_shrunken(node: &Node, entry: &Entry) -> bool {
    let log = node.channel.log();
    let height = entry.block.height();
    let changes = |below: &Entry| {
        let height = below.block.height();
        log.changes_set(height.previous(), height.next())
    };
    let open = log.entries_from(log.finalised().next());
    let mut below = open.take_while(|below| below.block.height() < height);
    is_of_few(node, entry) || below.any(|below| changes(below) && is_of_few(node, below))
}

/// By its own term's certificate, or by a later term's that covers it.
fn is_of_few(node: &Node, entry: &Entry) -> bool {
    let log = node.channel.log();
    let Some(members) = log.members_before(entry.block.height()) else { return false };
    let weight = |part: &mut dyn Iterator<Item = u64>| fairway_types::Weight(part.sum());
    let mut above = log.entries_from(entry.block.height());
    let certifier = above.find(|above| above.certificate.is_some()).unwrap_or(entry);
    let epoch = certifier.block.header.term.epoch;
    let valid = weight(&mut quorum::voters(log, members, epoch).map(|member| member.weight.0));
    let whole = weight(&mut members.values().map(|member| member.weight.0));
    !quorum::is_quorum(valid, whole)
}

/// Invariant 7: what a channel holds in memory is bounded.
fn check_bounds(node: &Node) -> Result<(), Broken> {
    match node.channel.load().above(&node.limits()) {
        None => Ok(()),
        Some(what) => Err(Broken(format!("{} holds {what}", node.keypair.node_id().short()))),
    }
}

/// Vaults, dues of leavers and what the app holds are what is locked; the simulated app holds
/// nothing unless a run says so.
fn check_books(node: &Node, app_holds: bool) -> Result<(), Broken> {
    let Some(tip) = node.channel.log().tip() else { return Ok(()) };
    let mut sum: Vec<AssetAmount> = Vec::new();
    for (key, _) in tip.state.entries() {
        let amounts = match key {
            StateKey::Resource { address, type_tag } if **type_tag == *books::VAULT_TAG => {
                books::vault(&tip.state, *address)
            }
            StateKey::Departed(account) => {
                books::departed(&tip.state, *account).unwrap_or_default()
            }
            _ => continue,
        };
        sum = books::add(&sum, &amounts).ok_or(Broken("books overflow".into()))?;
    }
    check_counts(&tip.state)?;
    let locked = books::locked(&tip.state);
    let covered = books::subtract(&locked, &sum).is_some();
    if sum == locked || (app_holds && covered) {
        return Ok(());
    }
    Err(Broken(format!("the books hold {sum:?} of {locked:?} at height {}", tip.height)))
}

/// P-94: the state counts its members and leavers as they are.
fn check_counts(state: &State) -> Result<(), Broken> {
    let entries = [Roll::Members, Roll::Departed].map(|roll| state.accounts(roll).len() as u64);
    let counted = books::counted(state);
    if counted == (entries[0], entries[1]) {
        return Ok(());
    }
    Err(Broken(format!("the state counts {counted:?} and holds {entries:?}")))
}

fn was_stored(stored: Option<&Hash>, sent: Hash, what: &str) -> Result<(), Broken> {
    if stored == Some(&sent) {
        return Ok(());
    }
    Err(Broken(format!("{what} {} left before it was stored: {stored:?}", sent.short())))
}

fn once<K: Ord + std::fmt::Debug>(
    seen: &mut BTreeMap<K, Hash>,
    key: K,
    hash: Hash,
    what: &str,
) -> Result<(), Broken> {
    match seen.get(&key) {
        Some(known) if *known != hash => {
            Err(Broken(format!("two {what} at {key:?}: {} and {}", known.short(), hash.short())))
        }
        Some(_) => Ok(()),
        None => {
            seen.insert(key, hash);
            Ok(())
        }
    }
}
