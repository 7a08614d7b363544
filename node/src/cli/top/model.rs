//! What is shown of a node, and how answers and keys change it. Pure: it is told the time.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use fairway_sdk::{
    ChannelId, Height, NodeId,
    api::channel::{ChannelStatus, MemberStatus, ProposalView, Role},
};
use fairway_types::{
    Address, JoinSequence, Term, Time,
    chain::{ChainMember, ChannelRecord},
};
use ratatui::{
    crossterm::event::{KeyCode, KeyEvent, KeyModifiers},
    widgets::TableState,
};
use serde::Serialize;

use crate::cli::money::describe_windows;

/// Looks that the curves go back.
const HISTORY: usize = 300;

/// A node as one look found it.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Look {
    /// When it was taken, by this machine's clock.
    pub(super) at: Time,
    pub(super) node: NodeId,
    pub(super) version: String,
    pub(super) connected_peers: u64,
    pub(super) chain_unreachable: Option<String>,
    /// In the order of their ids.
    pub(super) channels: Vec<Row>,
}

/// A channel as one look found it. What was not read yet is absent.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Row {
    pub(super) channel: ChannelId,
    pub(super) role: Role,
    pub(super) term: Term,
    pub(super) leader: Option<NodeId>,
    pub(super) head: Height,
    pub(super) certified: Height,
    #[serde(rename = "final")]
    pub(super) finalised: Height,
    pub(super) settled: Height,
    pub(super) settlements: u64,
    /// Calls in blocks that this node appended since the look before.
    pub(super) calls_per_second: Option<f64>,
    /// From a block's notice to that of its certificate, as they came here: the mean of the blocks
    /// certified since the look before.
    pub(super) certify_ms: Option<f64>,
    pub(super) queued: u64,
    /// Members valid when the chain granted the last epoch.
    pub(super) valid: Option<usize>,
    /// Members that count in quorums on the chain.
    pub(super) registered: Option<usize>,
    /// What is open to be answered on the chain.
    pub(super) open_windows: Option<usize>,
    /// Accusations of a broken rule that this node found to be true.
    pub(super) divergences: Option<usize>,
    pub(super) members: Vec<MemberRow>,
    /// Windows and their time left, as text.
    pub(super) windows: Vec<String>,
    /// What keeps the channel from its work.
    pub(super) troubles: Vec<String>,
    pub(super) proposal: Option<ProposalRow>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct MemberRow {
    pub(super) account: Address,
    pub(super) node: NodeId,
    pub(super) join_sequence: JoinSequence,
    pub(super) state: &'static str,
    /// Milliseconds since its node was heard; absent when it never was.
    pub(super) heard_ms: Option<u64>,
    pub(super) head: Height,
    pub(super) certified: Height,
}

/// The node's own proposal for a settlement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct ProposalRow {
    pub(super) number: u64,
    pub(super) from_height: Height,
    pub(super) to_height: Height,
    pub(super) closes: bool,
}

/// What notices told of a channel since the look before.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Rates {
    pub(super) calls_per_second: f64,
    pub(super) certify_ms: Option<f64>,
}

/// What is read of a channel beside its status, now and then.
#[derive(Debug, Clone)]
pub(super) struct Detail {
    pub(super) record: ChannelRecord,
    pub(super) divergences: usize,
    pub(super) proposal: Option<ProposalView>,
}

impl Row {
    pub(super) fn of(
        now: Time,
        me: NodeId,
        status: ChannelStatus,
        detail: Option<&Detail>,
        rates: Option<Rates>,
    ) -> Self {
        let record = detail.map(|detail| &detail.record);
        let valid = record.and_then(valid);
        let member = |member: &MemberStatus| MemberRow::of(now, me, member, record);
        Self {
            troubles: troubles(&status),
            members: status.members.iter().map(member).collect(),
            channel: status.channel,
            role: status.role,
            term: status.term,
            leader: status.leader,
            head: status.head,
            certified: status.certified,
            finalised: status.finalised,
            settled: status.settled,
            settlements: status.settlements,
            calls_per_second: rates.map(|rates| rates.calls_per_second),
            certify_ms: rates.and_then(|rates| rates.certify_ms),
            queued: status.queued,
            valid: valid.map(<[_]>::len),
            registered: record.map(|record| record.members.iter().filter(|it| it.active).count()),
            open_windows: record.map(open_windows),
            divergences: detail.map(|detail| detail.divergences),
            windows: record
                .map(|record| describe_windows(&record.windows, now))
                .unwrap_or_default(),
            proposal: detail.and_then(|detail| detail.proposal.as_ref()).map(ProposalRow::of),
        }
    }
}

impl MemberRow {
    fn of(now: Time, me: NodeId, member: &MemberStatus, record: Option<&ChannelRecord>) -> Self {
        let number = member.join_sequence;
        let on_chain = record.and_then(|record| {
            record.members.iter().find(|on_chain| on_chain.record.join_sequence == number)
        });
        let valid = record.and_then(valid).map(|valid| valid.contains(&number));
        let heard = member.heard_at.map(|at| now.since(at));
        Self {
            account: member.account,
            node: member.node,
            join_sequence: number,
            state: state(on_chain, valid),
            heard_ms: if member.node == me { Some(0) } else { heard },
            head: member.head,
            certified: member.certified,
        }
    }
}

impl ProposalRow {
    fn of(view: &ProposalView) -> Self {
        let proposal = &view.proposal;
        Self {
            number: proposal.number,
            from_height: proposal.from_height,
            to_height: proposal.to_height,
            closes: proposal.closes,
        }
    }
}

fn valid(record: &ChannelRecord) -> Option<&[JoinSequence]> {
    record.grants.last().map(|grant| grant.valid.as_slice())
}

fn state(member: Option<&ChainMember>, valid: Option<bool>) -> &'static str {
    match (member, valid) {
        (Some(member), _) if member.leaving => "leaving",
        (Some(member), _) if !member.eligible => "barred",
        (Some(member), _) if !member.active => "pending",
        (_, Some(true)) => "valid",
        (_, Some(false)) => "not valid",
        (_, None) => "?",
    }
}

fn open_windows(record: &ChannelRecord) -> usize {
    let windows = &record.windows;
    usize::from(windows.exit.is_some())
        + usize::from(windows.waiting.is_some())
        + usize::from(windows.complaint.is_some())
        + windows.reports.len()
}

fn troubles(status: &ChannelStatus) -> Vec<String> {
    let mut found = Vec::new();
    let reasons = [
        ("can't store, signing nothing", &status.storage),
        ("nothing is certified", &status.lacking_quorum),
        ("chain unreachable", &status.chain_unreachable),
        ("last settlement failed", &status.settlement_error),
    ];
    for (what, reason) in reasons {
        found.extend(reason.as_ref().map(|reason| format!("{what}: {reason}")));
    }
    if status.tail_lost {
        found.push("lost its last writes: signs nothing until enough members answer".into());
    }
    if let Some(to) = &status.catching_up {
        let (parts, of) = (to.parts, to.parts_known);
        found.push(format!("takes a snapshot at height {}: {parts} of {of} parts", to.height));
    }
    if status.closed {
        found.push("closed: only the last settlement follows".into());
    }
    found
}

/// What curves are drawn of, oldest first.
#[derive(Debug, Default)]
pub(super) struct History {
    pub(super) calls: VecDeque<u64>,
    /// In microseconds.
    pub(super) certify: VecDeque<u64>,
}

impl History {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "rates are positive, and far below what fits"
    )]
    fn push(&mut self, row: &Row) {
        let rate = row.calls_per_second.unwrap_or_default().round() as u64;
        let certify = (row.certify_ms.unwrap_or_default() * 1_000.0).round() as u64;
        for (series, value) in [(&mut self.calls, rate), (&mut self.certify, certify)] {
            if series.len() == HISTORY {
                series.pop_front();
            }
            series.push_back(value);
        }
    }
}

/// All that is drawn.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) url: String,
    interval: Duration,
    look: Option<Look>,
    /// Why the node does not answer, and since when.
    pub(super) away: Option<(String, Time)>,
    /// When it began to answer without a break.
    since: Option<Time>,
    selected: Option<ChannelId>,
    histories: BTreeMap<ChannelId, History>,
    pub(super) table: TableState,
    pub(super) detail: bool,
    pub(super) help: bool,
}

impl Model {
    pub(super) fn new(url: &str, interval: Duration) -> Self {
        Self {
            url: url.to_owned(),
            interval,
            look: None,
            away: None,
            since: None,
            selected: None,
            histories: BTreeMap::new(),
            table: TableState::default(),
            detail: true,
            help: false,
        }
    }

    pub(super) fn interval(&self) -> Duration {
        self.interval
    }

    /// The last look, if there was one.
    pub(super) fn shown(&self) -> Option<&Look> {
        self.look.as_ref()
    }

    pub(super) fn select(&mut self, channel: Option<ChannelId>) {
        self.selected = channel;
    }

    pub(super) fn selected(&self) -> Option<ChannelId> {
        self.selected
    }

    /// The selected channel, and what it was.
    pub(super) fn selected_row(&self) -> Option<(&Row, &History)> {
        let channel = self.selected?;
        let row = self.look.as_ref()?.channels.iter().find(|row| row.channel == channel)?;
        Some((row, self.histories.get(&channel)?))
    }

    /// How long the node has answered without a break, in milliseconds.
    pub(super) fn seen_for(&self) -> Option<u64> {
        Some(self.look.as_ref()?.at.since(self.since?))
    }

    /// A look, or when and why there was none.
    pub(super) fn take(&mut self, look: Result<Look, (String, Time)>) {
        let look = match look {
            Ok(look) => look,
            Err((reason, at)) => {
                let since = self.away.take().map_or(at, |(_, since)| since);
                self.away = Some((reason, since));
                self.since = None;
                return;
            }
        };
        self.away = None;
        self.since.get_or_insert(look.at);
        self.histories.retain(|id, _| look.channels.iter().any(|row| row.channel == *id));
        for row in &look.channels {
            self.histories.entry(row.channel).or_default().push(row);
        }
        self.look = Some(look);
        self.settle_selection();
    }

    fn channels(&self) -> &[Row] {
        self.look.as_ref().map_or(&[], |look| &look.channels)
    }

    /// A channel that is gone is selected no longer.
    fn settle_selection(&mut self) {
        let place = self.place().unwrap_or(0);
        let place = place.min(self.channels().len().saturating_sub(1));
        self.selected = self.channels().get(place).map(|row| row.channel);
        self.table.select(self.selected.map(|_| place));
    }

    fn place(&self) -> Option<usize> {
        let selected = self.selected?;
        self.channels().iter().position(|row| row.channel == selected)
    }

    fn go(&mut self, by: isize) {
        let last = self.channels().len().saturating_sub(1);
        let place = self.place().unwrap_or(0).saturating_add_signed(by).min(last);
        self.selected = self.channels().get(place).map(|row| row.channel);
        self.table.select(self.selected.map(|_| place));
    }

    /// What a key changes; whether it ends the program.
    #[allow(clippy::wildcard_enum_match_arm, reason = "the other keys do nothing")]
    pub(super) fn on_key(&mut self, key: KeyEvent) -> bool {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c') if control => return true,
            KeyCode::Esc if self.help => self.help = false,
            KeyCode::Char('q') | KeyCode::Esc => return true,
            KeyCode::Char('?' | 'h') => self.help = !self.help,
            KeyCode::Enter => self.detail = !self.detail,
            KeyCode::Up | KeyCode::Char('k') => self.go(-1),
            KeyCode::Down | KeyCode::Char('j') => self.go(1),
            KeyCode::PageUp => self.go(-10),
            KeyCode::PageDown => self.go(10),
            KeyCode::Home => self.go(isize::MIN),
            KeyCode::End => self.go(isize::MAX),
            _ => {}
        }
        false
    }
}
