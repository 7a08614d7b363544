//! What a node shows.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use fairway_ledger::rpc::Denials;
use fairway_proto::channel::status::{ChannelStatus, Role};
use fairway_types::{ChannelId, Height};
use prometheus_client::{collector::Collector, encoding::DescriptorEncoder};

use super::{
    Subject, Unready,
    metrics::{self, Metric, family, one},
};
use crate::{
    chain::SettlementChain,
    driver::{ChannelHandle, ChannelMeter, View, clock},
    node::Node,
};

/// Channels with metrics of their own; the cost of a scrape is bounded by it.
const CHANNELS: usize = 256;
/// Milliseconds after which a member that was not heard counts as not heard.
const HEARD: u64 = 5_000;

/// A running node.
pub struct NodeSubject {
    pub node: Node,
    /// Of its API port.
    pub denials: Arc<Denials>,
}

impl fmt::Debug for NodeSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeSubject").field("node", &self.node.id()).finish_non_exhaustive()
    }
}

/// Picks one count of a channel.
type Count = fn(&ChannelMeter) -> &AtomicU64;

/// A channel as one scrape sees it.
struct Seen {
    id: String,
    handle: ChannelHandle,
    view: Arc<View>,
}

impl Subject for NodeSubject {
    fn unready(&self) -> Vec<Unready> {
        let mut reasons = Vec::new();
        if let Some(reason) = self.node.chain().unreachable() {
            reasons.push(Unready { what: "chain", channel: None, reason });
        }
        for (channel, reason) in self.node.not_running() {
            reasons.push(Unready { what: "channel", channel: Some(channel), reason });
        }
        for handle in self.node.channels() {
            let view = handle.view();
            reasons.extend(holds_up(handle.id, view.storage.as_deref(), &view.status));
        }
        reasons
    }
}

/// What keeps a running channel from its work.
fn holds_up(id: ChannelId, storage: Option<&str>, status: &ChannelStatus) -> Vec<Unready> {
    let because = |what, reason: String| Unready { what, channel: Some(id), reason };
    let snapshot = status.catching_up.as_ref().map(|to| {
        let (parts, of) = (to.parts, to.parts_known);
        format!("takes a snapshot at height {}: {parts} of {of} parts", to.height)
    });
    let tail = "asks other members' nodes what it signed before it lost its last writes";
    [
        storage.map(|reason| because("storage", reason.to_owned())),
        snapshot.map(|reason| because("catching_up", reason)),
        status.tail_lost.then(|| because("tail_lost", tail.to_owned())),
    ]
    .into_iter()
    .flatten()
    .collect()
}

impl Collector for NodeSubject {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let encoder = &mut encoder;
        let handles = self.node.channels();
        one(encoder, &metrics::CHANNELS, handles.len() as u64)?;
        let seen: Vec<Seen> = handles
            .into_iter()
            .take(CHANNELS)
            .map(|handle| Seen { id: handle.id.to_string(), view: handle.view(), handle })
            .collect();
        heights(encoder, &seen)?;
        members(encoder, &seen)?;
        counts(encoder, &seen)?;
        troubles(encoder, &seen)?;
        family(encoder, &metrics::REFUSED, |family| {
            let refused = self.node.refusals().read();
            refused
                .into_iter()
                .try_for_each(|(name, count)| family.counter(&[("error", name)], count))
        })?;
        let reached = self.node.chain().unreachable().is_none();
        one(encoder, &metrics::CHAIN_REACHED, reached.into())?;
        let peers = self.node.peers();
        one(encoder, &metrics::PEERS, peers.connected() as u64)?;
        one(encoder, &metrics::SENT, peers.traffic().sent.load(Relaxed))?;
        one(encoder, &metrics::RECEIVED, peers.traffic().received.load(Relaxed))?;
        metrics::common(encoder, self.node.store_meter(), &self.denials)
    }
}

/// A gauge of each channel.
fn gauges(
    encoder: &mut DescriptorEncoder<'_>,
    seen: &[Seen],
    metric: &Metric,
    value: impl Fn(&View) -> u64,
) -> fmt::Result {
    family(encoder, metric, |family| {
        seen.iter().try_for_each(|channel| {
            family.gauge(&[("channel", channel.id.as_str())], value(&channel.view))
        })
    })
}

fn heights(encoder: &mut DescriptorEncoder<'_>, seen: &[Seen]) -> fmt::Result {
    let height = |of: fn(&View) -> Height| move |view: &View| of(view).0;
    gauges(encoder, seen, &metrics::HEAD, height(|view| view.status.head))?;
    gauges(encoder, seen, &metrics::CERTIFIED, height(|view| view.status.certified))?;
    gauges(encoder, seen, &metrics::FINAL, height(|view| view.status.finalised))?;
    gauges(encoder, seen, &metrics::SETTLED, height(|view| view.status.settled))?;
    gauges(encoder, seen, &metrics::EPOCH, |view| view.status.term.epoch.0)?;
    gauges(encoder, seen, &metrics::VIEW, |view| view.status.term.view.0)?;
    let roles = [
        ("waiting", Role::Waiting),
        ("leader", Role::Leader),
        ("follower", Role::Follower),
        ("halted", Role::Halted),
        ("ended", Role::Ended),
    ];
    family(encoder, &metrics::ROLE, |family| {
        seen.iter().try_for_each(|channel| {
            roles.iter().try_for_each(|(name, role)| {
                let labels = [("channel", channel.id.as_str()), ("role", *name)];
                family.gauge(&labels, (channel.view.status.role == *role).into())
            })
        })
    })
}

fn members(encoder: &mut DescriptorEncoder<'_>, seen: &[Seen]) -> fmt::Result {
    let now = clock();
    let heard = |view: &View| {
        let members = view.status.members.iter();
        let recent = members.filter(|member| {
            member.node == view.node || member.heard_at.is_some_and(|at| now.since(at) <= HEARD)
        });
        recent.count() as u64
    };
    let valid = |view: &View| {
        let grants = view.record.as_ref().map(|record| &record.grants);
        grants.and_then(|grants| grants.last()).map_or(0, |grant| grant.valid.len() as u64)
    };
    gauges(encoder, seen, &metrics::MEMBERS, |view| view.status.members.len() as u64)?;
    gauges(encoder, seen, &metrics::MEMBERS_HEARD, heard)?;
    gauges(encoder, seen, &metrics::MEMBERS_VALID, valid)
}

fn counts(encoder: &mut DescriptorEncoder<'_>, seen: &[Seen]) -> fmt::Result {
    gauges(encoder, seen, &metrics::QUEUED, |view| view.status.queued as u64)?;
    let counters: [(&Metric, Count); 6] = [
        (&metrics::ORDERED_CALLS, |meter| &meter.ordered),
        (&metrics::CERTIFIED_CALLS, |meter| &meter.certified),
        (&metrics::ROLLED_BACK_CALLS, |meter| &meter.rolled_back),
        (&metrics::PROPOSALS, |meter| &meter.proposals),
        (&metrics::VOTES, |meter| &meter.votes),
        (&metrics::DIVERGENCES, |meter| &meter.divergences),
    ];
    for (metric, count) in counters {
        family(encoder, metric, |family| {
            seen.iter().try_for_each(|channel| {
                let count = count(channel.handle.meter()).load(Relaxed);
                family.counter(&[("channel", channel.id.as_str())], count)
            })
        })?;
    }
    family(encoder, &metrics::TO_CERTIFIED, |family| {
        seen.iter().try_for_each(|channel| {
            let labels = [("channel", channel.id.as_str())];
            family.latency(&labels, &channel.handle.meter().to_certified)
        })
    })?;
    let settlements = |view: &View| view.record.as_ref().map_or(0, |it| it.settlement.number);
    gauges(encoder, seen, &metrics::SETTLEMENTS, settlements)
}

fn troubles(encoder: &mut DescriptorEncoder<'_>, seen: &[Seen]) -> fmt::Result {
    let failing = |view: &View| view.settlement_error.is_some().into();
    gauges(encoder, seen, &metrics::SETTLEMENT_FAILING, failing)?;
    gauges(encoder, seen, &metrics::CATCHING_UP, |view| view.status.catching_up.is_some().into())?;
    gauges(encoder, seen, &metrics::TAIL_LOST, |view| view.status.tail_lost.into())?;
    let lacks = |view: &View| view.status.lacking_quorum.is_some().into();
    gauges(encoder, seen, &metrics::LACKS_QUORUM, lacks)?;
    gauges(encoder, seen, &metrics::STORAGE_FAILING, |view| view.storage.is_some().into())
}

#[cfg(test)]
mod tests {
    use fairway_proto::channel::{Channel, Env, Limits, status::CatchingUp};
    use fairway_types::{ChainId, Keypair};

    use super::*;

    #[test]
    fn each_thing_that_holds_a_channel_up_has_its_word_and_reason() {
        let keypair = Keypair::from_seed(&[1; 32]);
        let id = ChannelId::ZERO;
        let env = Env { chain: ChainId(1), channel: id, keypair, limits: Limits::default() };
        let mut status = Channel::new(env).status();
        assert_eq!(holds_up(id, None, &status), []);
        status.tail_lost = true;
        status.catching_up = Some(CatchingUp {
            height: Height(7),
            parts: 2,
            parts_known: 9,
            entries: 0,
            of_entries: 0,
            bytes: 0,
            sources: Vec::new(),
            refused: Vec::new(),
        });
        let found = holds_up(id, Some("no space left"), &status);
        let words: Vec<&str> = found.iter().map(|unready| unready.what).collect();
        assert_eq!(words, ["storage", "catching_up", "tail_lost"]);
        assert!(found.iter().all(|unready| unready.channel == Some(id)));
        assert_eq!(found[0].reason, "no space left");
        assert_eq!(found[1].reason, "takes a snapshot at height 7: 2 of 9 parts");
    }
}
