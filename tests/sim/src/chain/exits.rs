//! Leaving alone: the best proof that anybody showed in the window ends the channel.

use fairway_types::{
    Address, Height, Time,
    chain::ChainMember,
    settlement::SignedVote,
    windows::{ExitRecord, Outcome, ProvenEntry},
};

use super::{Chain, Refused, books::deposit, proven, require, windows::later};

impl Chain {
    pub(super) fn demand(&mut self, account: Address) -> Result<(), Refused> {
        let active = self.demand_leave(account)?;
        require(active, "exits::E_PENDING")?;
        self.open_exit(account);
        Ok(())
    }

    /// Marks an active member as leaving: whether it is one.
    pub(super) fn demand_leave(&mut self, account: Address) -> Result<bool, Refused> {
        self.check_open()?;
        let active = self.seat(account).ok_or("channel::E_NOT_A_MEMBER")?.active;
        if active {
            self.ask_to_leave(account);
        }
        Ok(active)
    }

    pub(super) fn open_exit(&mut self, account: Address) {
        let (time, window) = (self.time, self.window());
        let exit = self.record.windows.exit.get_or_insert_with(|| ExitRecord {
            by: Vec::new(),
            opened_at: time,
            deadline: time.plus(window),
            disputed: false,
        });
        if !exit.by.contains(&account) {
            exit.by.push(account);
        }
    }

    /// From then on anchors alone count.
    pub(super) fn dispute(&mut self, votes: &[SignedVote]) -> Result<(), Refused> {
        require(self.record.windows.exit.is_some(), "exits::E_NO_EXIT")?;
        let best = self.best().ok_or("exits::E_NOT_SHOWN")?;
        self.check_against(best.block, votes)?;
        let (time, window) = (self.time, self.window());
        let windows = &mut self.record.windows;
        if let Some(ExitRecord { opened_at, deadline, disputed, .. }) = &mut windows.exit {
            *disputed = true;
            *deadline = later(*deadline, time.plus(window / 2), opened_at.plus(3 * window));
        }
        windows.shown = windows.shown.filter(|shown| shown.anchor_height > Height::ZERO);
        if let Some(shown) = &mut windows.shown {
            (shown.height, shown.term) = (shown.anchor_height, shown.anchor_term);
            (shown.block, shown.root) = (shown.anchor_block, shown.anchor_root);
        }
        Ok(())
    }

    pub(super) fn finish_exit(&mut self, entered: &ProvenEntry) -> Result<(), Refused> {
        let deadline: Time = self.record.windows.exit.as_ref().ok_or("exits::E_NO_EXIT")?.deadline;
        require(self.time >= deadline, "exits::E_TOO_SOON")?;
        let (height, root, block, members) = match self.best() {
            Some(best) => {
                proven::check(best.root, proven::entered_key(), entered)?;
                let (runs, epoch) = (proven::runs(entered)?, best.term.epoch);
                let is_in = |seat: &ChainMember| {
                    proven::is_in_runs(&runs, seat.record.join_sequence.0)
                        && seat.active_since <= epoch
                };
                (best.height, best.root, best.block, self.end_with(is_in)?)
            }
            None => {
                let last = self.record.settlement.clone();
                let members = self.end_with(|seat| last.number > 0 && seat.booked)?;
                (last.height, last.root, last.block, members)
            }
        };
        self.close_by(Outcome { height, root, block, members });
        Ok(())
    }

    fn close_by(&mut self, outcome: Outcome) {
        let windows = &mut self.record.windows;
        (windows.exit, windows.waiting) = (None, None);
        windows.outcome = Some(outcome);
    }

    /// Who is not in the state gets its deposit; the accounts of the others, who claim.
    fn end_with(&mut self, is_in: impl Fn(&ChainMember) -> bool) -> Result<Vec<Address>, Refused> {
        self.check_open()?;
        let seats: Vec<ChainMember> = self.seats_by_account().into_iter().cloned().collect();
        let mut members = Vec::new();
        for seat in seats {
            if seat.active && is_in(&seat) {
                members.push(seat.record.account);
                continue;
            }
            self.give_up(seat.record.account);
            if seat.active {
                let due = deposit(&seat).min(self.books.money);
                self.pay(&seat, due);
            } else {
                self.refund(&seat);
            }
        }
        self.record.open = false;
        Ok(members)
    }

    pub(super) fn claim(
        &mut self,
        account: Address,
        vault: &ProvenEntry,
        departed: &ProvenEntry,
    ) -> Result<(), Refused> {
        let outcome = self.record.windows.outcome.clone().ok_or("exits::E_NOT_ENDED")?;
        proven::check(outcome.root, proven::vault_key(account), vault)?;
        proven::check(outcome.root, proven::departed_key(account), departed)?;
        let due = if departed.value.is_empty() { vault } else { departed };
        let due = proven::amount(due, self.record.config.asset)?;
        let seat = self.seat(account).ok_or("channel::E_NOT_A_MEMBER")?.clone();
        self.give_up(account);
        let due = due.min(self.books.money);
        self.pay(&seat, due);
        if self.record.members.is_empty() {
            self.share_out(&outcome.members);
        }
        Ok(())
    }

    /// With the last one goes what is left, in equal parts, single units to the first.
    fn share_out(&mut self, members: &[Address]) {
        let (left, count) = (self.books.money, members.len() as u64);
        for (place, member) in (0..).zip(members) {
            let part = left / count + u64::from(place < left % count);
            self.books.pay_out(*member, part);
        }
    }
}
