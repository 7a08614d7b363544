//! Proposals, and how they execute: at once, or after the channel's window.

use fairway_proto::channel::quorum::is_quorum;
use fairway_types::{
    Address, Hash, Header, NodeId, Time, Weight,
    chain::{ChainMember, SettlementRecord},
    codec,
    settlement::{AssetAmount, Balance, Proposal, SignedVote},
    windows::{ProvenEntry, WaitingRecord},
};

use super::{CHAIN, Chain, Refused, books::deposit, proven, require};

/// Milliseconds after which no settlement executes that leaves who asked to leave waiting.
const LEAVE_PATIENCE: u64 = 60_000;

impl Chain {
    pub(super) fn propose(&mut self, node: NodeId, proposal: &Proposal) -> Result<(), Refused> {
        self.check_open()?;
        let amounts = |amounts: &[AssetAmount]| -> Vec<AssetAmount> {
            let asset = self.record.config.asset;
            amounts.first().map(|entry| AssetAmount { asset, ..*entry }).into_iter().collect()
        };
        let row = |row: &Balance| Balance { amounts: amounts(&row.amounts), ..row.clone() };
        let proposal = Proposal {
            chain: CHAIN,
            channel: self.record.channel,
            balances: proposal.balances.iter().map(row).collect(),
            held: amounts(&proposal.held),
            ..proposal.clone()
        };
        self.check_proposal(&proposal, self.time)?;
        self.proposals.insert(node, proposal);
        Ok(())
    }

    /// Continuity, the right accounts as of a time, and conservation to the unit.
    pub(super) fn check_proposal(&self, proposal: &Proposal, now: Time) -> Result<(), Refused> {
        self.check_open()?;
        let last = &self.record.settlement;
        let continues = proposal.number == last.number + 1
            && proposal.from_height == last.height
            && proposal.from_root == last.root
            && proposal.to_height > last.height;
        require(continues, "settlement::E_NOT_CONTINUOUS")?;
        let overdue = Time(now.0.saturating_sub(LEAVE_PATIENCE));
        let named = self.first_named(proposal, overdue).ok_or("settlement::E_BAD_ACCOUNTS")?;
        let expected = self.books.booked_total + named;
        let sum = |amounts: &[AssetAmount]| u128::from(units(amounts));
        let rows: u128 = proposal.balances.iter().map(|row| sum(&row.amounts)).sum();
        let conserved = rows + sum(&proposal.held) == u128::from(expected);
        require(conserved, "settlement::E_NOT_CONSERVED")?;
        let all_leave = proposal.balances.iter().all(|row| row.leaves);
        let ends = !proposal.closes || all_leave && units(&proposal.held) == 0;
        require(ends, "settlement::E_BAD_CLOSE")
    }

    /// The deposits that it names for the first time, if it may name these accounts.
    fn first_named(&self, proposal: &Proposal, overdue: Time) -> Option<u64> {
        let mut rows = proposal.balances.iter().peekable();
        let mut sum = 0;
        for seat in self.seats_by_account() {
            let row = rows.next_if(|row| row.account == seat.record.account);
            let named = row.is_some();
            if named && !seat.active || seat.booked && !named {
                return None;
            }
            if named && !seat.booked {
                sum += deposit(seat);
            }
            let since = self.leaving.get(&seat.record.join_sequence);
            let waits = since.is_some_and(|since| *since < overdue);
            if waits && !row.is_some_and(|row| row.leaves) && !proposal.closes {
                return None;
            }
        }
        rows.next().is_none().then_some(sum)
    }

    fn recorded(&mut self, node: NodeId, hash: &Hash) -> Result<Proposal, Refused> {
        let proposal = self.proposals.remove(&node).ok_or("settlement::E_NO_PROPOSAL")?;
        require(proposal.hash() == *hash, "settlement::E_NO_PROPOSAL")?;
        Ok(proposal)
    }

    pub(super) fn execute_proposal(
        &mut self,
        node: NodeId,
        hash: &Hash,
        votes: &[SignedVote],
    ) -> Result<(), Refused> {
        let proposal = self.recorded(node, hash)?;
        require(!self.is_judged(), "settlement::E_WINDOW_FIRST")?;
        self.check_proposal(&proposal, self.time)?;
        let (part, _) = self.voted(*hash, true, votes)?;
        let enough = self.settles(part, self.asks_everybody());
        require(enough, "settlement::E_NOT_ENOUGH_VOTES")?;
        self.settle(&proposal);
        Ok(())
    }

    pub(super) fn open_window(
        &mut self,
        node: NodeId,
        hash: &Hash,
        votes: &[SignedVote],
    ) -> Result<(), Refused> {
        let proposal = self.recorded(node, hash)?;
        require(!self.asks_everybody(), "settlement::E_EVERYBODY_SETTLES")?;
        self.check_proposal(&proposal, self.time)?;
        let windows = &self.record.windows;
        let gives_way = windows.gives_way(proposal.to_height, self.time, self.window());
        require(gives_way, "settlement::E_ONE_WAITS")?;
        let (part, of_heard) = self.voted(*hash, true, votes)?;
        let by_active = self.is_judged() && self.settles(part, false);
        let heard: u64 = self.electorate().values().map(|(_, heard)| heard).sum();
        let by_heard = is_quorum(Weight(of_heard), Weight(heard));
        require(by_active || by_heard, "settlement::E_NOT_ENOUGH_VOTES")?;
        let is_best = self.best().is_some_and(|best| {
            (best.height, best.block, best.root)
                == (proposal.to_height, proposal.to_block, proposal.to_root)
        });
        require(by_active || is_best, "settlement::E_NOT_SHOWN")?;
        self.record.windows.waiting = Some(WaitingRecord {
            proposal: *hash,
            number: proposal.number,
            to_height: proposal.to_height,
            to_block: proposal.to_block,
            opened_at: self.time,
            deadline: self.time.plus(self.window()),
            supported_by: proposal.to_block,
            by_active,
        });
        self.own_shown = self.best().is_some_and(|best| best.block == proposal.to_block);
        self.waiting = Some(proposal);
        Ok(())
    }

    pub(super) fn finish(&mut self) -> Result<(), Refused> {
        let windows = &self.record.windows;
        let waits = windows.waiting.clone().ok_or("settlement::E_NOTHING_WAITS")?;
        require(self.time >= waits.deadline, "settlement::E_TOO_SOON")?;
        require(windows.stands(&waits), "settlement::E_NOT_SHOWN")?;
        let proposal = self.waiting.clone().ok_or("settlement::E_NO_PROPOSAL")?;
        let lies = |best: fairway_types::windows::ShownBlock| {
            best.block == waits.to_block && best.root != proposal.to_root
        };
        if self.best().is_some_and(lies) {
            self.withdraw();
            return Ok(());
        }
        require(proposal.hash() == waits.proposal, "settlement::E_NO_PROPOSAL")?;
        self.check_proposal(&proposal, waits.opened_at)?;
        self.waiting = None;
        self.settle(&proposal);
        Ok(())
    }

    pub(super) fn support(&mut self, headers: &[Header]) -> Result<(), Refused> {
        let (first, last) = self.ends(headers)?;
        let waits = self.record.windows.waiting.clone().ok_or("settlement::E_NOTHING_WAITS")?;
        let best = self.best().map_or(Hash::ZERO, |best| best.block);
        let (first_hash, last_hash) = (first.hash(), last.hash());
        let proposal = self.waiting.as_ref().ok_or("settlement::E_NO_PROPOSAL")?;
        let from_own = first_hash == waits.to_block && first.state_root == proposal.to_root;
        let linked = waits.supported_by;
        let from_linked = first.height > proposal.to_height && first_hash == linked;
        let below = (from_own || from_linked) && last_hash == best && !proposal.closes;
        let above = self.own_shown
            && first_hash == best
            && last_hash == waits.to_block
            && last.state_root == proposal.to_root;
        require(below || above, "settlement::E_NOT_LINKED")?;
        if let Some(waiting) = &mut self.record.windows.waiting {
            waiting.supported_by = best;
        }
        Ok(())
    }

    pub(super) fn object(&mut self, votes: &[SignedVote]) -> Result<(), Refused> {
        let waits = self.record.windows.waiting.as_ref().ok_or("settlement::E_NOTHING_WAITS")?;
        self.check_against(waits.proposal, votes)?;
        self.withdraw();
        Ok(())
    }

    pub(super) fn refute(
        &mut self,
        row: u64,
        [entered, vault, departed]: [&ProvenEntry; 3],
    ) -> Result<(), Refused> {
        require(self.record.windows.waiting.is_some(), "settlement::E_NOTHING_WAITS")?;
        self.check_open()?;
        let proposal = self.waiting.as_ref().ok_or("settlement::E_NO_PROPOSAL")?;
        let row = usize::try_from(row).ok().and_then(|row| proposal.balances.get(row));
        let row = row.ok_or("settlement::E_NO_ROW")?;
        let (root, account) = (proposal.to_root, row.account);
        proven::check(root, proven::entered_key(), entered)?;
        proven::check(root, proven::vault_key(account), vault)?;
        proven::check(root, proven::departed_key(account), departed)?;
        let (sequence, brought) =
            self.seat(account).map_or((0, 0), |seat| (seat.record.join_sequence.0, deposit(seat)));
        let is_in = proven::is_in_runs(&proven::runs(entered)?, sequence);
        let left = is_in && !departed.value.is_empty();
        let due = if is_in {
            proven::amount(if left { departed } else { vault }, self.record.config.asset)?
        } else {
            brought
        };
        let goes = left || proposal.closes;
        let wrong = due != units(&row.amounts) || is_in && row.leaves != goes;
        require(wrong, "settlement::E_IS_RIGHT")?;
        self.withdraw();
        Ok(())
    }

    pub(super) fn refute_result(&mut self, result: &ProvenEntry) -> Result<(), Refused> {
        require(self.record.windows.waiting.is_some(), "settlement::E_NOTHING_WAITS")?;
        let proposal = self.waiting.as_ref().ok_or("settlement::E_NO_PROPOSAL")?;
        proven::check(proposal.to_root, proven::result_key(), result)?;
        let none = result.value.is_empty() && proposal.result.is_empty();
        let wrong = !none && codec::encode(&proposal.result) != result.value;
        require(wrong, "settlement::E_IS_RIGHT")?;
        self.withdraw();
        Ok(())
    }

    fn withdraw(&mut self) {
        self.waiting = None;
        self.record.windows.waiting = None;
    }

    /// Books the rows, pays who leaves, and ends what the settlement ends.
    fn settle(&mut self, proposal: &Proposal) {
        let (mut booked, mut payments, mut paid) = (0, 0, Vec::new());
        for row in &proposal.balances {
            let mut members = self.record.members.iter_mut();
            let seat = members.find(|seat| seat.record.account == row.account);
            let Some(seat) = seat else { continue };
            if !seat.booked {
                booked += deposit(seat);
                seat.booked = true;
            }
            if row.leaves {
                let seat: ChainMember = seat.clone();
                self.give_up(row.account);
                self.pay(&seat, units(&row.amounts));
                payments += units(&row.amounts);
                paid.push(row.account);
            }
        }
        self.books.booked_total = self.books.booked_total + booked - payments;
        self.record.settlement = SettlementRecord {
            number: proposal.number,
            height: proposal.to_height,
            root: proposal.to_root,
            block: proposal.to_block,
            paid,
            closed: proposal.closes,
        };
        (self.kept, self.settled_in) = (self.settled_in, self.epoch());
        self.keep_grants();
        self.close_windows(proposal.to_height);
        if proposal.closes {
            self.end();
        }
    }

    pub(super) fn is_active(&self, account: Address) -> bool {
        self.record.open && self.seat(account).is_some_and(|seat| seat.active)
    }
}

fn units(amounts: &[AssetAmount]) -> u64 {
    amounts.first().map_or(0, |entry| entry.amount)
}
