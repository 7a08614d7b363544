//! Session keys: what a channel's state says that an account delegated to others, and what calls of
//! theirs leave of it.

use fairway_types::{
    Address, Call, Operation, PublicKey, Refusal, SequenceNumber, StateKey, StateReader, Time,
    codec, limits,
    session::{Delegated, Session},
    settlement::AssetAmount,
};

/// What the account delegated and did not revoke, sorted by key; expired ones may be among it.
pub fn sessions(state: &dyn StateReader, account: Address) -> Vec<Delegated> {
    state
        .read(&StateKey::Sessions(account))
        .and_then(|bytes| codec::decode("sessions", &bytes).ok())
        .unwrap_or_default()
}

/// What the account delegated to `key`.
pub(super) fn session(
    state: &dyn StateReader,
    account: Address,
    key: &PublicKey,
) -> Option<Delegated> {
    sessions(state, account).into_iter().find(|delegated| delegated.session.key == *key)
}

/// P-135, P-136: whether the call keeps to what its sender delegated, if that matters to it.
pub(super) fn check(state: &dyn StateReader, call: &Call, now: Time) -> Result<(), Refusal> {
    match &call.operation {
        Operation::Invoke { .. }
        | Operation::Leave
        | Operation::Close
        | Operation::Revoke { .. } => Ok(()),
        Operation::Delegate(session) => {
            session.check(call.sender, now)?;
            check_number(&with(state, call, session, now))
        }
        Operation::Session { key, function, .. } => {
            let refuse = |reason: String| Err(Refusal::Unauthorised { reason });
            let Some(delegated) = session(state, call.sender, key) else {
                let sender = call.sender;
                return refuse(format!("session key {key} has nothing delegated by {sender}"));
            };
            if delegated.is_used_up() {
                let most = limits::SESSION_CALLS;
                return refuse(format!("session key {key} made {most} calls: revoke and delegate"));
            }
            delegated.session.admits(function, now)
        }
    }
}

fn check_number(sessions: &[Delegated]) -> Result<(), Refusal> {
    if sessions.len() <= limits::SESSIONS {
        return Ok(());
    }
    Err(Refusal::TooLarge {
        what: "number of sessions".into(),
        actual: sessions.len() as u64,
        limit: limits::SESSIONS as u64,
    })
}

/// The sessions of the call's sender with this one, without those that have expired. New terms leave a
/// key its numbers; a key that held nothing begins above all that it may have used before.
pub(super) fn with(
    state: &dyn StateReader,
    call: &Call,
    session: &Session,
    now: Time,
) -> Vec<Delegated> {
    let mut delegated = Delegated::new(session.clone(), call.sequence);
    let mut sessions = sessions(state, call.sender);
    if let Some(known) = sessions.iter().find(|known| known.session.key == session.key) {
        delegated.next = known.next;
    }
    sessions.retain(|known| known.session.key != session.key && known.session.expires_at >= now);
    let place = sessions.partition_point(|other| other.session.key < session.key);
    sessions.insert(place, delegated);
    sessions
}

/// The account's sessions but for one.
pub(super) fn without(
    state: &dyn StateReader,
    account: Address,
    key: &PublicKey,
) -> Vec<Delegated> {
    let mut sessions = sessions(state, account);
    sessions.retain(|delegated| delegated.session.key != *key);
    sessions
}

/// The account's sessions once a call by `key` used its number.
pub(super) fn counted(
    state: &dyn StateReader,
    account: Address,
    key: &PublicKey,
    used: SequenceNumber,
) -> Vec<Delegated> {
    let mut sessions = sessions(state, account);
    for delegated in sessions.iter_mut().filter(|delegated| delegated.session.key == *key) {
        delegated.next = used.next();
    }
    sessions
}

/// P-137: the account's sessions once a call by `key` turned its vault from `before` to `after`.
pub(super) fn spent(
    state: &dyn StateReader,
    account: Address,
    key: &PublicKey,
    vault: [&[AssetAmount]; 2],
) -> Result<Vec<Delegated>, fairway_types::session::OverSpent> {
    let mut sessions = sessions(state, account);
    #[cfg(feature = "known-bugs")]
    if crate::known_bugs::KnownBug::EndlessSession.is_back() {
        return Ok(sessions);
    }
    for delegated in sessions.iter_mut().filter(|delegated| delegated.session.key == *key) {
        delegated.session = delegated.session.spend(vault[0], vault[1])?;
    }
    Ok(sessions)
}

#[cfg(test)]
mod tests;
