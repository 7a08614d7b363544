//! The last relevant steps of a run, one line each, for the person who looks at a broken invariant.
//! Written only when a failed seed is run once more.

use std::collections::VecDeque;

use fairway_proto::{Effect, Event, Input, Message, Request};
use fairway_types::{Block, Certificate, NodeId, Time, chain::Observation};

#[derive(Debug, Default)]
pub struct Trace {
    /// Lines kept; zero writes none.
    pub most: usize,
    lines: VecDeque<String>,
}

impl Trace {
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.most > 0
    }

    pub fn note(&mut self, now: Time, line: impl FnOnce() -> String) {
        if self.most == 0 {
            return;
        }
        if self.lines.len() == self.most {
            self.lines.pop_front();
        }
        self.lines.push_back(format!("{:>9} {}", now.0, line()));
    }

    #[must_use]
    pub fn text(&self) -> String {
        self.lines.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
    }
}

/// What a node was told, what it recorded and what it said; `None` for a step that tells nothing.
#[must_use]
pub fn group(
    names: &dyn Fn(&NodeId) -> String,
    inputs: &[Input],
    events: &[Event],
    effects: &[Effect],
) -> Option<String> {
    let told: Vec<String> = inputs.iter().filter_map(|input| told(names, input)).collect();
    let done: Vec<String> = events.iter().map(recorded).collect();
    let said: Vec<String> = effects.iter().filter_map(|effect| said(names, effect)).collect();
    if told.is_empty() && done.is_empty() && said.is_empty() {
        return None;
    }
    Some(format!("{} | {} | {}", told.join(", "), done.join(", "), said.join(", ")))
}

fn told(names: &dyn Fn(&NodeId) -> String, input: &Input) -> Option<String> {
    match input {
        Input::Peer { from, message } => {
            Some(format!("{}: {}", names(from), self::message(message)?))
        }
        Input::Client { request: Request::Call { call, .. }, .. } => {
            Some(format!("call {}", call.hash().short()))
        }
        Input::Chain(Observation::Rejected { reason, .. }) => Some(format!("refused: {reason}")),
        _ => None,
    }
}

fn recorded(event: &Event) -> String {
    match event {
        Event::Started { .. } => "started".to_owned(),
        Event::TermStarted { grant } => {
            let valid: Vec<u64> = grant.valid.iter().map(|sequence| sequence.0).collect();
            format!("granted epoch {} valid {valid:?}", grant.epoch)
        }
        Event::Appended(appended) => format!("appended {}", block(&appended.block)),
        Event::Acked { ack } => {
            let ack = ack.ack;
            format!("acked {}:{}@{}", ack.height, ack.block.short(), ack.term)
        }
        Event::Certified { certificate } => format!("certified {}", self::certificate(certificate)),
        Event::Promised { promise } => format!("promised {}", claims(promise)),
        Event::RolledBack { to } => format!("ROLLED BACK to {to}"),
        Event::Diverged { .. } => "EVIDENCE".to_owned(),
        Event::Proposed { proposal } => format!("proposed to {}", proposal.proposal.to_height),
        Event::Voted { .. } => "voted".to_owned(),
        Event::TailLost => "TAIL LOST".to_owned(),
        Event::Recovered { silent_to } => format!("RECOVERED, silent to {silent_to}"),
        Event::SettledOnChain { height } => format!("final by the chain to {height}"),
        Event::Adopted(adopted) => format!("ADOPTED {}", block(&adopted.checkpoint.block)),
    }
}

fn said(names: &dyn Fn(&NodeId) -> String, effect: &Effect) -> Option<String> {
    match effect {
        Effect::Send { to, message } => {
            Some(format!("{} -> {}", self::message(message)?, names(to)))
        }
        Effect::Broadcast(message) => Some(format!("{} -> all", self::message(message)?)),
        Effect::Reply { result: Ok(_), .. } => Some("answered".to_owned()),
        _ => None,
    }
}

/// A message in a few words; none for those that come all the time.
#[must_use]
pub fn message(message: &Message) -> Option<String> {
    match message {
        Message::Block(shown) => Some(format!("block {}", block(shown))),
        Message::Ack(ack) => {
            let ack = ack.ack;
            Some(format!("ack {}:{}@{}", ack.height, ack.block.short(), ack.term))
        }
        Message::Certificate(shown) => Some(format!("certificate {}", certificate(shown))),
        Message::SyncRequest { from } => Some(format!("asks from {from}")),
        Message::SyncBlocks(blocks) => {
            let shown: Vec<String> = blocks.iter().map(|entry| block(&entry.block)).collect();
            Some(format!("blocks {}", shown.join(" ")))
        }
        Message::ViewChange(promise) => Some(format!("promise {}", claims(promise))),
        Message::Refused { call, refusal } => Some(format!("refuses {call:?}: {}", refusal.name())),
        Message::Report(_) => Some("report".to_owned()),
        Message::Verdict(_) => Some("verdict".to_owned()),
        Message::Pruned { from } => Some(format!("keeps {from} no more")),
        Message::CheckpointRequest { above } => Some(format!("asks for a snapshot above {above}")),
        Message::Checkpoint(shown) => Some(format!("checkpoint {}", block(&shown.block))),
        Message::PartRequest { prefix, .. } => Some(format!("asks for part {prefix}")),
        Message::StatePart { prefix, part, .. } => {
            Some(format!("part {prefix}{}", if part.is_some() { "" } else { ": none" }))
        }
        Message::Recover { .. } => Some("asks what it signed".to_owned()),
        Message::Standing(standing) => {
            let place = standing.acked.map(|(height, hash)| format!("{height}:{}", hash.short()));
            Some(format!("stands in {} at {place:?}", standing.term))
        }
        Message::Heartbeat(_)
        | Message::Forward(_)
        | Message::Bundle(_)
        | Message::Proposal(_)
        | Message::Vote(_) => None,
    }
}

/// `height:hash@term`, with a star where it opens its term.
#[must_use]
pub fn block(block: &Block) -> String {
    let header = &block.header;
    let opens = if block.opening.is_some() { "*" } else { "" };
    format!("{}:{}@{}{opens}", header.height, block.hash().short(), header.term)
}

fn certificate(certificate: &Certificate) -> String {
    let ack = &certificate.ack;
    let by = certificate.signatures.len();
    format!("{}:{}@{} by {by}", ack.height, ack.block.short(), ack.term)
}

fn claims(promise: &fairway_types::Promise) -> String {
    let change = &promise.signed.view_change;
    let place =
        |ack: &fairway_types::Ack| format!("{}:{}@{}", ack.height, ack.block.short(), ack.term);
    let of = |ack: &Option<fairway_types::Ack>| ack.as_ref().map_or("-".to_owned(), place);
    let acked: Vec<String> =
        change.acked.iter().map(|place| format!("{}@{}", place.hash.short(), place.term)).collect();
    format!(
        "{} (proof {} cert {} acked {})",
        change.term,
        of(&change.proof),
        of(&change.certificate),
        acked.join(" ")
    )
}
