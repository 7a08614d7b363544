//! What clients were told: a call acknowledged as certified is in every log, exactly once.

use std::collections::BTreeMap;

use fairway_proto::{CallStatus, channel::output::CallReport};
use fairway_types::{Hash, Height, Transaction};

use crate::{
    invariants::{Broken, Invariants},
    node::Node,
};

#[derive(Debug, Clone, Copy)]
struct Answer {
    height: Height,
    status: CallStatus,
    block: Option<Hash>,
}

#[derive(Debug, Default)]
pub struct Acknowledged {
    answers: BTreeMap<Hash, Answer>,
}

impl Acknowledged {
    /// A client was answered; `block` holds its call.
    pub fn note(&mut self, report: &CallReport, block: Option<Hash>) {
        let answer = Answer { height: report.height, status: report.status, block };
        let known = self.answers.entry(report.call).or_insert(answer);
        if known.status < report.status {
            *known = answer;
        }
    }

    /// No log has a call twice; and each that goes as far has every call that was acknowledged.
    pub fn check(&self, nodes: &[Node], invariants: &Invariants) -> Result<(), Broken> {
        for (index, node) in nodes.iter().enumerate().filter(|(_, node)| node.honest) {
            let calls = calls_of(node);
            for (call, places) in &calls {
                if places.len() > 1 {
                    let call = call.short();
                    return Err(Broken(format!("n{index} has call {call} twice: {places:?}")));
                }
            }
            let (certified, passed) = (node.channel.log().certified(), node.passed());
            for (call, answer) in &self.answers {
                let reaches = answer.height <= certified && answer.status >= CallStatus::Certified;
                if !reaches || answer.height <= passed || calls.contains_key(call) {
                    continue;
                }
                let lost =
                    answer.status < CallStatus::Final && invariants.may_be_reversed(answer.height);
                if !lost {
                    return Err(Broken(format!(
                        "n{index} lacks call {} that a client was told is {:?} at {} in {:?}",
                        call.short(),
                        answer.status,
                        answer.height,
                        answer.block.map(|block| block.short()),
                    )));
                }
            }
        }
        Ok(())
    }
}

/// Where the calls of a node's stored log are.
fn calls_of(node: &Node) -> BTreeMap<Hash, Vec<Height>> {
    let mut places: BTreeMap<Hash, Vec<Height>> = BTreeMap::new();
    for block in node.blocks() {
        for call in block.transactions.iter().filter_map(Transaction::as_call) {
            places.entry(call.hash()).or_default().push(block.height());
        }
    }
    places
}
