//! Session keys in a run: accounts delegate to them and revoke, the keys call, some of them for
//! accounts that delegated nothing. And what must hold of every call that they made.

use fairway_proto::channel::{output::Appended, sessions::sessions};
use fairway_state::State;
use fairway_types::{
    Address, Effects, Height, Keypair, MoveEvent, Operation, SignedCall, StateKey, Transaction,
    call::Counter,
    codec,
    session::{Delegated, Session},
    settlement::AssetAmount,
};
use rand::Rng;

use crate::{
    invariants::Broken,
    machine::{ASSET, function},
    world::World,
};

/// The session key of a member.
fn key(index: usize) -> Keypair {
    Keypair::from_seed(&[u8::try_from(200 + index).unwrap_or(u8::MAX); 32])
}

impl World {
    /// An account delegates, or revokes, or one of the keys calls.
    pub(crate) fn use_session(&mut self, sender: usize, via: usize) -> Result<(), Broken> {
        let chosen = if self.rng.random_bool(0.9) {
            sender
        } else {
            self.rng.random_range(0..self.nodes.len())
        };
        let key = key(chosen);
        let delegation = match self.rng.random_range(0..12) {
            0 | 1 => Operation::Delegate(self.session(&key)),
            2 => Operation::Revoke { key: key.public() },
            _ => return self.call_by(&key, sender, via),
        };
        self.submit(sender, via, delegation)
    }

    fn session(&mut self, key: &Keypair) -> Session {
        let amount = self.rng.random_range(0..200_000u64);
        let spending = vec![AssetAmount { asset: ASSET, amount }];
        Session {
            key: key.public(),
            functions: if self.rng.random_bool(0.5) { vec![function("pay")] } else { Vec::new() },
            spending: if amount < 20_000 { Vec::new() } else { spending },
            expires_at: self.now.plus(self.rng.random_range(1..40_000)),
        }
    }

    fn call_by(&mut self, key: &Keypair, sender: usize, via: usize) -> Result<(), Broken> {
        let receiver = self.rng.random_range(0..self.nodes.len());
        let to = self.nodes[receiver].account.address();
        let amount = self.rng.random_range(0..60_000u64);
        let (name, args) = match self.rng.random_range(0..10) {
            0 => ("nothing", Vec::new()),
            1 => ("abort", Vec::new()),
            _ => ("pay", vec![codec::encode(&to), codec::encode(&amount)]),
        };
        let type_args = Vec::new();
        let operation =
            Operation::Session { key: key.public(), function: function(name), type_args, args };
        let account = self.nodes[sender].account.address();
        let counter = Counter { account, session: Some(key.public()) };
        let sequence = self.next_number(counter);
        let call = self.sign(sender, sequence, operation).call;
        let signed = SignedCall { signature: key.sign(&call), key: key.public(), call };
        self.count("calls by session keys");
        self.ask(sender, via, signed)
    }
}

/// P-136, P-137: each call of a session key in a block is one that it may make by the state before it,
/// and takes off what is left as much as the app paid.
pub(crate) fn check(before: &State, appended: &Appended) -> Result<(), Broken> {
    let height = appended.block.height();
    let mut known = std::collections::BTreeMap::new();
    for (transaction, effects) in appended.block.transactions.iter().zip(appended.effects.iter()) {
        if let Transaction::Call(signed) = transaction
            && let Operation::Session { key, function, .. } = &signed.call.operation
        {
            let sender = signed.call.sender;
            let held = known.entry(sender).or_insert_with(|| sessions(before, sender));
            let delegated = held.iter().find(|delegated| delegated.session.key == *key);
            let delegated = delegated.ok_or_else(|| strange(height, "has no session", sender))?;
            if delegated.next != signed.call.sequence {
                return Err(strange(height, "used a number that is not next", sender));
            }
            let session = &delegated.session;
            let time = appended.block.header.time;
            if session.expires_at < time {
                return Err(strange(height, "called after its expiry", sender));
            }
            if !session.functions.is_empty() && !session.functions.contains(function) {
                return Err(strange(height, "called what it was not delegated", sender));
            }
            check_writes(delegated, effects, height, sender)?;
        }
        for write in &effects.writes {
            if let StateKey::Sessions(account) = &write.key {
                let now = write.value.as_deref().unwrap_or(&[0]);
                let now = codec::decode("sessions", now).unwrap_or_default();
                known.insert(*account, now);
            }
        }
    }
    Ok(())
}

fn check_writes(
    delegated: &Delegated,
    effects: &Effects,
    height: Height,
    sender: Address,
) -> Result<(), Broken> {
    let counts = |key: &StateKey| matches!(key, StateKey::Sequence(_));
    if effects.writes.iter().any(|write| counts(&write.key)) {
        return Err(strange(height, "used a number of an account", sender));
    }
    let written = effects.writes.iter().find(|write| write.key == StateKey::Sessions(sender));
    let roll = written.and_then(|write| write.value.as_deref());
    let after: Vec<Delegated> = codec::decode("sessions", roll.unwrap_or(&[0])).unwrap_or_default();
    let after = after.into_iter().find(|other| other.session.key == delegated.session.key);
    let Some(after) = after.filter(|after| after.next == delegated.next.next()) else {
        return Err(strange(height, "did not use its number", sender));
    };
    let failed = !effects.status.is_success();
    let paid = |event: &MoveEvent| codec::decode::<u64>("amount", &event.data).ok();
    let paid: u64 = effects.events.iter().filter_map(paid).sum();
    let left = |session: &Session| session.spending.iter().map(|limit| limit.amount).sum::<u64>();
    let (before, after) = (left(&delegated.session), left(&after.session));
    if after.checked_add(if failed { 0 } else { paid }) == Some(before) {
        return Ok(());
    }
    Err(strange(height, "paid other than what was taken off", sender))
}

fn strange(height: Height, what: &str, account: Address) -> Broken {
    Broken(format!("a session key of {account} {what} at {height}"))
}
