//! Session keys: what an account lets another key call in a channel, within limits.
//!
//! A game signs with a session key, so that the account's own key stays away. The channel's state
//! holds what is delegated, so every member judges a call by it alike.

use serde::{Deserialize, Serialize};

use crate::{
    Refusal,
    call::FunctionName,
    codec,
    crypto::PublicKey,
    ids::{Address, AssetId, SequenceNumber, Time},
    limits,
    settlement::AssetAmount,
};

/// What an account delegates to a key, and what is left of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Session {
    pub key: PublicKey,
    /// Entry functions that it may call; all of the package when empty.
    #[serde(deserialize_with = "codec::at_most::<_, _, { limits::SESSION_FUNCTIONS }>")]
    pub functions: Vec<FunctionName>,
    /// How much of each asset its calls may take out of the account's vault, all together: sorted by
    /// asset, no zeros, nothing of an asset that is not listed.
    #[serde(deserialize_with = "codec::at_most::<_, _, { limits::ASSETS }>")]
    pub spending: Vec<AssetAmount>,
    /// The last block time (milliseconds) at which it may call.
    pub expires_at: Time,
}

/// A session as the channel's state holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delegated {
    pub session: Session,
    /// The number of the key's next call.
    pub next: SequenceNumber,
}

impl Delegated {
    /// What a delegation with this number gives.
    #[must_use]
    pub fn new(session: Session, number: SequenceNumber) -> Self {
        let next = SequenceNumber(number.0.saturating_mul(limits::SESSION_CALLS));
        Self { session, next }
    }

    /// P-135: whether no number is left for a call.
    #[must_use]
    pub const fn is_used_up(&self) -> bool {
        self.next.0 % limits::SESSION_CALLS == limits::SESSION_CALLS - 1
    }
}

/// A call took more out of the vault than its session may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverSpent {
    pub asset: AssetId,
    pub left: u64,
    pub spent: u64,
}

impl Session {
    /// P-135: whether an account may delegate this at `now`.
    pub fn check(&self, account: Address, now: Time) -> Result<(), Refusal> {
        let refuse = |reason: String| Err(Refusal::invalid("session", reason));
        if self.key.address() == account {
            return refuse("its key is the account's own".into());
        }
        if self.expires_at <= now {
            return refuse(format!("expires_at {} is past, it is {now}", self.expires_at));
        }
        if self.expires_at.since(now) > limits::SESSION_LIFETIME {
            return refuse(format!(
                "expires_at {} is more than {} ms ahead",
                self.expires_at,
                limits::SESSION_LIFETIME
            ));
        }
        let size = codec::size(self);
        if size > limits::SESSION_BYTES {
            return Err(Refusal::TooLarge {
                what: "session".into(),
                actual: size as u64,
                limit: limits::SESSION_BYTES as u64,
            });
        }
        let in_order = self.spending.is_sorted_by(|left, right| left.asset < right.asset);
        if !in_order || self.spending.iter().any(|limit| limit.amount == 0) {
            return refuse("spending lists each asset once, sorted, with an amount above 0".into());
        }
        Ok(())
    }

    /// P-136: whether its key may call `function` at `now`.
    pub fn admits(&self, function: &FunctionName, now: Time) -> Result<(), Refusal> {
        if self.expires_at < now {
            return Err(Refusal::Expired { expires_at: self.expires_at, now });
        }
        if self.functions.is_empty() || self.functions.contains(function) {
            return Ok(());
        }
        let reason = format!("session key {} was not delegated {function}", self.key);
        Err(Refusal::Unauthorised { reason })
    }

    /// P-137: what is left of it once a call turned the vault from `before` to `after`. What a call
    /// puts in raises no limit.
    pub fn spend(&self, before: &[AssetAmount], after: &[AssetAmount]) -> Result<Self, OverSpent> {
        let amount_in = |vault: &[AssetAmount], asset: AssetId| {
            vault.iter().find(|held| held.asset == asset).map_or(0, |held| held.amount)
        };
        let mut rest = self.clone();
        for held in before {
            let asset = held.asset;
            let spent = held.amount.saturating_sub(amount_in(after, asset));
            let left = amount_in(&self.spending, asset);
            if spent > left {
                return Err(OverSpent { asset, left, spent });
            }
            rest.spending.iter_mut().filter(|limit| limit.asset == asset).for_each(|limit| {
                limit.amount -= spent;
            });
        }
        rest.spending.retain(|limit| limit.amount > 0);
        Ok(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Keypair;

    fn amount(asset: u8, amount: u64) -> AssetAmount {
        AssetAmount { asset: AssetId([asset; 32]), amount }
    }

    fn function(name: &str) -> FunctionName {
        format!("0x44::payments::{name}").parse().unwrap()
    }

    fn session() -> Session {
        Session {
            key: Keypair::from_seed(&[7; 32]).public(),
            functions: vec![function("pay")],
            spending: vec![amount(1, 100), amount(2, 5)],
            expires_at: Time(10_000),
        }
    }

    /// P-135.
    #[test]
    fn sessions_that_nobody_may_delegate_are_refused_by_name() {
        let account = Keypair::from_seed(&[1; 32]).address();
        let good = session();
        assert_eq!(good.check(account, Time(9_999)), Ok(()));
        let refused = |change: &dyn Fn(&mut Session), now: Time| {
            let mut session = session();
            change(&mut session);
            session.check(account, now).unwrap_err().to_string()
        };
        assert!(refused(&|_| (), Time(10_000)).contains("is past"));
        let late = |session: &mut Session| session.expires_at = Time(limits::SESSION_LIFETIME + 2);
        assert!(refused(&late, Time(1)).contains("ahead"));
        assert!(refused(&|session| session.spending.reverse(), Time(1)).contains("sorted"));
        let twice = |session: &mut Session| session.spending[1] = session.spending[0];
        assert!(refused(&twice, Time(1)).contains("sorted"));
        assert!(refused(&|session| session.spending[0].amount = 0, Time(1)).contains("above 0"));
        assert!(good.check(good.key.address(), Time(1)).unwrap_err().to_string().contains("own"));
        let name = format!("0x44::payments::{}", "a".repeat(limits::SESSION_BYTES));
        let long = |session: &mut Session| session.functions = vec![name.parse().unwrap()];
        assert!(refused(&long, Time(1)).contains("4096"), "{}", refused(&long, Time(1)));
    }

    /// P-136.
    #[test]
    fn key_calls_what_it_was_delegated_until_it_expires() {
        let session = session();
        assert_eq!(session.admits(&function("pay"), Time(10_000)), Ok(()));
        let late = session.admits(&function("pay"), Time(10_001)).unwrap_err();
        assert_eq!(late.name(), "expired");
        let other = session.admits(&function("drain"), Time(1)).unwrap_err();
        assert_eq!(other.name(), "unauthorised");
        let all = Session { functions: Vec::new(), ..session };
        assert_eq!(all.admits(&function("drain"), Time(1)), Ok(()));
    }

    /// P-137.
    #[test]
    fn what_is_spent_is_taken_off_and_no_more_than_was_left() {
        let before = [amount(1, 1_000), amount(2, 1_000), amount(3, 1_000)];
        let after = [amount(1, 940), amount(2, 995), amount(3, 1_000)];
        let rest = session().spend(&before, &after).unwrap();
        assert_eq!(rest.spending, [amount(1, 40)]);
        let over = rest.spend(&after, &[amount(1, 899), amount(2, 995), amount(3, 1_000)]);
        assert_eq!(over, Err(OverSpent { asset: amount(1, 0).asset, left: 40, spent: 41 }));
        let unlisted = rest.spend(&after, &[amount(1, 940), amount(2, 995)]);
        assert_eq!(unlisted, Err(OverSpent { asset: amount(3, 0).asset, left: 0, spent: 1_000 }));
        let gained = rest.spend(&after, &[amount(1, 2_000), amount(2, 995), amount(3, 1_000)]);
        assert_eq!(gained.unwrap(), rest);
    }
}
