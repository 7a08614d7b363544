//! Where the money is: accounts outside, deposits of pending and of active members, and collateral.

use std::collections::BTreeMap;

use fairway_types::{
    Address, AssetId, JoinSequence, Time, chain::ChainMember, contract::SETTLEMENT,
    settlement::AssetAmount,
};

use super::{Chain, Refused, require};

/// Milliseconds for which the collateral of who has left is kept, at the least.
const LEAST_HOLD: u64 = 120_000;
/// Milliseconds by which reports prolong that in all.
const MOST_PROLONGED: u64 = 120_000;

#[derive(Debug, Clone, Copy)]
struct Held {
    amount: u64,
    until: Time,
    /// Reports keep it no longer than this.
    latest: Time,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Books {
    wallets: BTreeMap<Address, u64>,
    pub(super) pending: u64,
    pub(super) money: u64,
    /// What the last settlement left in the books, with deposits booked since.
    pub(super) booked_total: u64,
    /// Collateral, also of those who have left.
    pot: u64,
    held: BTreeMap<Address, Held>,
}

impl Books {
    pub(super) fn credit(&mut self, account: Address, amount: u64) {
        *self.wallets.entry(account).or_default() += amount;
    }

    pub(super) fn balance(&self, account: Address) -> u64 {
        self.wallets.get(&account).copied().unwrap_or_default()
    }

    pub(super) fn total(&self) -> u64 {
        self.wallets.values().sum::<u64>() + self.pending + self.money + self.pot
    }

    pub(super) fn locked(&self, asset: AssetId) -> Vec<AssetAmount> {
        let amount = self.pending + self.money;
        if amount == 0 { Vec::new() } else { vec![AssetAmount { asset, amount }] }
    }

    /// Takes a deposit, then collateral, out of a wallet.
    pub(super) fn bring(
        &mut self,
        account: Address,
        deposit: u64,
        collateral: u64,
    ) -> Result<(), Refused> {
        self.withdraw(account, deposit)?;
        self.pending += deposit;
        require(!self.held.contains_key(&account), "backing::E_STILL_HELD")?;
        self.withdraw(account, collateral)?;
        self.pot += collateral;
        Ok(())
    }

    fn withdraw(&mut self, account: Address, amount: u64) -> Result<(), Refused> {
        let wallet = self.wallets.entry(account).or_default();
        *wallet = wallet.checked_sub(amount).ok_or("coin::E_INSUFFICIENT")?;
        Ok(())
    }

    /// Keeps what is held of an account that has left at least until a time, as far as that is not too
    /// long after it left; how much that is.
    pub(super) fn prolong(&mut self, account: Address, until: Time) -> u64 {
        let Some(held) = self.held.get_mut(&account) else { return 0 };
        held.until = held.until.max(until.min(held.latest));
        held.amount
    }

    pub(super) fn pay_out(&mut self, account: Address, amount: u64) {
        self.money -= amount;
        self.credit(account, amount);
    }
}

/// What a member brought, in the channel's one asset.
pub(super) fn deposit(member: &ChainMember) -> u64 {
    member.record.deposit.first().map_or(0, |entry| entry.amount)
}

impl Chain {
    /// Gives a pending member that has lost its seat everything back: it never was in the channel.
    pub(super) fn refund(&mut self, seat: &ChainMember) {
        let account = seat.record.account;
        self.history.remove(&seat.record.join_sequence);
        self.books.pot -= seat.collateral;
        self.books.pending -= deposit(seat);
        self.books.credit(account, seat.collateral + deposit(seat));
    }

    /// Pays a member that has lost its seat. Its collateral follows a window later.
    pub(super) fn pay(&mut self, seat: &ChainMember, amount: u64) {
        let account = seat.record.account;
        let until = self.time.plus(self.window().max(LEAST_HOLD));
        if seat.collateral > 0 {
            let latest = until.plus(MOST_PROLONGED);
            self.books.held.insert(account, Held { amount: seat.collateral, until, latest });
        }
        self.books.pay_out(account, amount);
    }

    /// Closes the channel: whoever was never named in a settlement takes its deposit back.
    pub(super) fn end(&mut self) {
        for seat in std::mem::take(&mut self.record.members) {
            let amount = deposit(&seat);
            if seat.active { self.pay(&seat, amount) } else { self.refund(&seat) }
        }
        self.record.open = false;
    }

    pub(super) fn release(&mut self, account: Address) -> Result<(), Refused> {
        let held = self.books.held.remove(&account).ok_or("backing::E_NOTHING_HELD")?;
        require(self.time >= held.until, "backing::E_TOO_SOON")?;
        self.books.pot -= held.amount;
        self.books.credit(account, held.amount);
        Ok(())
    }

    /// Takes at most `amount` of a member's collateral for a report that nobody decided.
    pub(super) fn excuse(&mut self, join_sequence: JoinSequence, amount: u64) {
        let mut members = self.record.members.iter();
        let seat = members.find(|member| member.record.join_sequence == join_sequence);
        if let Some(seat) = seat {
            *self.excused.entry(join_sequence).or_default() += amount.min(seat.collateral);
        }
        self.fine(join_sequence, amount, SETTLEMENT);
    }

    /// Takes at most `amount` of a member's collateral, also after it left: half of it for `reporter`.
    pub(super) fn fine(&mut self, join_sequence: JoinSequence, amount: u64, reporter: Address) {
        let least = self.record.config.money.collateral;
        let barred = self.barred.contains(&join_sequence);
        let excused = self.excused.get(&join_sequence).copied().unwrap_or_default();
        let mut members = self.record.members.iter_mut();
        let taken = match members.find(|member| member.record.join_sequence == join_sequence) {
            Some(seat) => {
                let taken = amount.min(seat.collateral);
                seat.collateral -= taken;
                seat.eligible = !barred && seat.collateral + excused >= least;
                taken
            }
            None => {
                let account = self.history.get(&join_sequence).map(|record| record.account);
                let held = account.and_then(|account| self.books.held.get_mut(&account));
                held.map_or(0, |held| {
                    let taken = amount.min(held.amount);
                    held.amount -= taken;
                    taken
                })
            }
        };
        self.books.pot -= taken;
        self.books.credit(reporter, taken / 2);
        self.books.credit(SETTLEMENT, taken - taken / 2);
    }
}
