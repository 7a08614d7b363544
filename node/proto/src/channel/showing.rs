//! Shows the contract who leads: a later view that began, by the promises that opened it.

use fairway_types::{
    ShownPromise, Term,
    chain::{ChainTx, ChannelRecord},
};

use super::{Channel, output::Effect};
use crate::settlement::membership;

/// Milliseconds for which the leader, and then each member after it, has the word.
const TURN: u64 = 2_000;
/// Turns after which whoever is left shows it, all at once.
const TURNS: usize = 4;

impl Channel {
    /// P-47: the leader of a later view shows it to the contract once the term's first block is
    /// certified; the members after it when it does not.
    pub(super) fn show_term(&mut self) {
        let due = self.term_to_show();
        let waited = self.timers.has_been_unshown(self.now, due.as_ref().map(|(term, _)| *term));
        let Some((term, promises)) = due else { return };
        if waited >= self.turn_to_show() && self.timers.may_show(self.now) {
            let channel = self.env.channel;
            self.perform(Effect::Submit(ChainTx::ShowTerm { channel, term, promises }));
        }
    }

    /// The term that the contract does not know, with promises enough for it.
    fn term_to_show(&self) -> Option<(Term, Vec<ShownPromise>)> {
        let record = self.chain.record().filter(|record| record.open)?;
        let opened = self.log.opened().filter(|opened| is_news(record, opened.term))?;
        let began = self.log.certificate().is_some_and(|known| known.ack.term >= opened.term);
        let may = began && opened.term == self.log.term() && self.chain.knows(&self.me);
        let promises = membership::enough_promises(record, &opened.promises)?;
        (may && !self.has_left()).then_some((opened.term, promises))
    }

    /// Milliseconds that this node leaves to the leader and those between: the later in join order
    /// after the leader, the longer.
    fn turn_to_show(&self) -> u64 {
        let Some(tip) = self.log.tip() else { return 0 };
        let mut order: Vec<_> = tip.members.values().collect();
        order.sort_by_key(|member| member.join_sequence);
        let place = |node| order.iter().position(|member| Some(member.node) == node);
        let leader = place(self.log.leader()).unwrap_or_default();
        let turn = place(Some(self.me)).map_or(TURNS, |own| {
            (own + order.len() - leader).checked_rem(order.len()).unwrap_or_default()
        });
        TURN * turn.min(TURNS) as u64
    }

    /// P-48: whether the chain takes this node for a leader that others have left for a later view.
    /// After a while it applies all the same: the view can't be shown.
    pub(super) fn gave_way(&mut self) -> bool {
        let later = self.chain.record().is_some_and(|record| is_news(record, self.log.term()));
        let gave_way = later && self.log.leader() != Some(self.me);
        let since = self.timers.has_given_way(self.now, gave_way);
        gave_way && since < self.env.limits.vacancy
    }
}

/// Whether the term is a later view of the epoch in force than the contract knows.
fn is_news(record: &ChannelRecord, term: Term) -> bool {
    let in_force = record.in_force.as_ref().map(|in_force| in_force.term);
    in_force.is_some_and(|shown| term.epoch == shown.epoch && term.view > shown.view)
}
