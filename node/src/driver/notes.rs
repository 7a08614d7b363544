//! What a channel's log says for operators.

use fairway_proto::{Event, Update, channel::status::CatchingUp};
use fairway_types::{ChannelId, Height, NodeId, Term, View};
use tracing::{error, info, warn};

pub(super) struct Notes {
    channel: String,
    /// What was last said about a snapshot under way.
    said: Option<(Height, u64)>,
    refused: usize,
}

impl Notes {
    pub(super) fn new(channel: ChannelId) -> Self {
        Self { channel: channel.short(), said: None, refused: 0 }
    }

    pub(super) fn events(&self, events: &[Event]) {
        let channel = &self.channel;
        for event in events {
            match event {
                Event::Started { record, .. } => {
                    info!(channel, members = record.founders.len(), "channel started");
                }
                Event::TermStarted { grant } => {
                    info!(channel, epoch = grant.epoch.0, leader = %grant.leader, "epoch granted");
                }
                Event::Promised { promise } => {
                    let term = promise.term().to_string();
                    info!(channel, term, "promised a new term");
                }
                Event::SettledOnChain { height } => {
                    info!(channel, height = height.0, "the chain settled what few had certified");
                }
                Event::RolledBack { to } => {
                    warn!(
                        channel,
                        to = to.0,
                        "blocks taken back: a later term goes on without them"
                    );
                }
                Event::Diverged { evidence } => {
                    let (accused, kind) = (evidence.accused().short(), evidence.kind());
                    let (term, height) = evidence.place();
                    error!(
                        channel,
                        accused,
                        kind,
                        %term,
                        height = height.0,
                        evidence = %evidence.hash(),
                        "a member broke a rule: see `fairway evidence`"
                    );
                }
                Event::Proposed { proposal } => {
                    let number = proposal.proposal.number;
                    info!(
                        channel,
                        number,
                        to = proposal.proposal.to_height.0,
                        "settlement proposed"
                    );
                }
                Event::Voted { vote } => {
                    info!(channel, yes = vote.vote.yes, reason = vote.reason, "settlement voted");
                }
                Event::Adopted(adopted) => {
                    let (height, entries) = (adopted.checkpoint.height().0, adopted.state.len());
                    info!(channel, height, entries, "went on from a snapshot");
                }
                Event::TailLost => {
                    warn!(
                        channel,
                        "the last writes may be gone: signing nothing until others answered"
                    );
                }
                Event::Recovered { silent_to } => {
                    let after = last_silent(*silent_to);
                    info!(channel, after, "others told what this node signed: it signs again");
                }
                Event::Appended(_) | Event::Acked { .. } | Event::Certified { .. } => {}
            }
        }
    }

    /// What this node found about what another one, not `me`, reported.
    pub(super) fn verdict(&self, update: &Update, me: NodeId) {
        let Update::Judged(judged) = update else { return };
        if judged.reporter != me {
            info!(
                channel = self.channel,
                accused = judged.accused.short(),
                reporter = judged.reporter.short(),
                kind = judged.kind,
                verdict = ?judged.verdict,
                "judged a report"
            );
        }
    }

    /// Says when a snapshot begins, each tenth of it, and which peers sent what is not the state's.
    pub(super) fn progress(&mut self, now: Option<CatchingUp>) {
        let Some(now) = now else {
            self.said = None;
            return;
        };
        let channel = &self.channel;
        if now.refused.len() > self.refused {
            self.refused = now.refused.len();
            warn!(channel, peers = ?now.refused, "peers sent parts that are not the state's");
        }
        let tenth = now.tenths();
        if self.said != Some((now.height, tenth)) {
            self.said = Some((now.height, tenth));
            info!(
                channel,
                height = now.height.0,
                parts = now.parts,
                parts_known = now.parts_known,
                entries = now.entries,
                of_entries = now.of_entries,
                bytes = now.bytes,
                peers = now.sources.len(),
                "taking a snapshot"
            );
        }
    }
}

/// After what a node that lost its last writes signs again: a term, or all of an epoch (P-92).
fn last_silent(term: Term) -> String {
    match term.view {
        View(u64::MAX) => format!("every term of epoch {}", term.epoch),
        _ => format!("term {term}"),
    }
}

#[cfg(test)]
mod tests {
    use fairway_types::Epoch;

    use super::*;

    #[test]
    fn silence_for_an_epoch_is_said_as_one() {
        let at = |view| last_silent(Term { epoch: Epoch(3), view: View(view) });
        assert_eq!((at(2).as_str(), at(u64::MAX).as_str()), ("term 3.2", "every term of epoch 3"));
    }
}
