//! Calls that an account says its leader leaves undone.

use fairway_types::{
    Address, Certificate, Header, SignedCall,
    call::Operation,
    chain::DropRule,
    codec,
    crypto::check_signature,
    limits,
    windows::{ComplaintRecord, ProvenEntry},
};

use super::{CHAIN, Chain, Refused, proven, require};

/// Milliseconds until a replaced leader may come back.
const BAN: u64 = 300_000;
/// Bytes of a signed call about which somebody can complain.
const MOST_CALL: usize = 16_384;

impl Chain {
    pub(super) fn complain(
        &mut self,
        account: Address,
        signed: &SignedCall,
    ) -> Result<(), Refused> {
        self.check_open()?;
        let seat = self.seat(account).ok_or("channel::E_NOT_A_MEMBER")?;
        let leader = self.record.in_force.as_ref().map(|in_force| in_force.join_sequence);
        let leads = leader == Some(seat.record.join_sequence);
        require(seat.active && !seat.leaving && !leads, "complaint::E_NOT_ACTIVE")?;
        let bond = self.record.config.money.bond;
        require(seat.collateral >= bond, "complaint::E_NO_BOND")?;
        let quiet = self.heard.get(&account).is_some_and(|until| *until > self.time);
        let room = self.record.windows.complaint.is_none() && !quiet;
        require(room, "complaint::E_NO_ROOM")?;
        let bytes = codec::encode(signed);
        self.check_complained(account, signed, bytes.len())?;
        let complaint = ComplaintRecord {
            account,
            sequence: signed.call.sequence,
            call: bytes,
            leader: leader.unwrap_or_default(),
            deadline: self.time.plus(self.window()),
        };
        self.record.windows.complaint = Some(complaint);
        Ok(())
    }

    /// What nobody could order is no complaint.
    fn check_complained(
        &self,
        account: Address,
        signed: &SignedCall,
        size: usize,
    ) -> Result<(), Refused> {
        require(size <= MOST_CALL, "complaint::E_MALFORMED")?;
        let call = &signed.call;
        let meant =
            (call.chain, call.channel, call.sender) == (CHAIN, self.record.channel, account);
        require(meant, "complaint::E_OTHER_CALL")?;
        let own = signed.key.address() == account
            && check_signature(call, &signed.key, &signed.signature).is_ok();
        require(own, "complaint::E_OTHER_CALL")?;
        let orderable =
            !matches!(call.operation, Operation::Delegate(_) | Operation::Session { .. });
        require(orderable, "complaint::E_MALFORMED")?;
        let least = self.window().min(limits::CALL_LIFETIME) / 2;
        let in_time = call.expires_at >= self.time.plus(least)
            && call.expires_at <= self.time.plus(limits::CALL_LIFETIME);
        let closes = matches!(call.operation, Operation::Close);
        let may_close = !closes || self.record.creator == account;
        let orderly = in_time && may_close && call.gas_limit.0 <= limits::CALL_GAS;
        require(orderly, "complaint::E_NOT_ORDERED")
    }

    pub(super) fn answer(
        &mut self,
        header: &Header,
        certificate: &Certificate,
        number: &ProvenEntry,
        departed: &ProvenEntry,
    ) -> Result<(), Refused> {
        let windows = &self.record.windows;
        let complaint = windows.complaint.clone().ok_or("complaint::E_NO_COMPLAINT")?;
        require(self.time < complaint.deadline, "complaint::E_TOO_LATE")?;
        self.check_header(header)?;
        let is_new = header.channel == self.record.channel
            && header.term.epoch == self.epoch()
            && header.time.0 >= complaint.deadline.0 - self.window();
        require(is_new, "complaint::E_OLD_BLOCK")?;
        let acked = self.acked(header, Some(certificate))?;
        require(acked.valid || acked.active, "complaint::E_NOT_CERTIFIED")?;
        let (root, account) = (header.state_root, complaint.account);
        proven::check(root, proven::sequence_key(account), number)?;
        proven::check(root, proven::departed_key(account), departed)?;
        let left = !departed.value.is_empty();
        let other = left || proven::number(number)? != complaint.sequence.0;
        require(other, "complaint::E_NO_ANSWER")?;
        self.record.windows.complaint = None;
        self.heard.insert(account, complaint.deadline.plus(self.window()));
        Ok(())
    }

    pub(super) fn resolve(&mut self) -> Result<(), Refused> {
        let windows = &self.record.windows;
        let complaint = windows.complaint.clone().ok_or("complaint::E_NO_COMPLAINT")?;
        require(self.time >= complaint.deadline, "complaint::E_TOO_SOON")?;
        self.record.windows.complaint = None;
        match self.record.config.money.drop_rule {
            DropRule::Replace => {
                let party = self.history.get(&complaint.leader).cloned();
                let party = party.ok_or("history::MISSING")?;
                self.bar(complaint.leader, &party, self.time.plus(BAN));
            }
            DropRule::Close if self.is_active(complaint.account) => {
                self.demand_leave(complaint.account)?;
                self.open_exit(complaint.account);
            }
            DropRule::Close => {}
        }
        Ok(())
    }
}
