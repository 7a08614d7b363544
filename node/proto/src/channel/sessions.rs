//! Session keys: what a channel's state says that an account delegated to others, and what calls of
//! theirs leave of it.

use fairway_types::{
    Address, Call, Operation, PublicKey, Refusal, StateKey, StateReader, Time, codec, limits,
    session::Session, settlement::AssetAmount,
};

/// What the account delegated and did not revoke, sorted by key; expired ones may be among it.
pub fn sessions(state: &dyn StateReader, account: Address) -> Vec<Session> {
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
) -> Option<Session> {
    sessions(state, account).into_iter().find(|session| session.key == *key)
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
            check_number(&with(state, call.sender, session, now))
        }
        Operation::Session { key, function, .. } => {
            let missing = || Refusal::Unauthorised {
                reason: format!("session key {key} has nothing delegated by {}", call.sender),
            };
            session(state, call.sender, key).ok_or_else(missing)?.admits(function, now)
        }
    }
}

fn check_number(sessions: &[Session]) -> Result<(), Refusal> {
    if sessions.len() <= limits::SESSIONS {
        return Ok(());
    }
    Err(Refusal::TooLarge {
        what: "number of sessions".into(),
        actual: sessions.len() as u64,
        limit: limits::SESSIONS as u64,
    })
}

/// The account's sessions with this one, without those that have expired.
pub(super) fn with(
    state: &dyn StateReader,
    account: Address,
    session: &Session,
    now: Time,
) -> Vec<Session> {
    let mut sessions = without(state, account, &session.key);
    sessions.retain(|session| session.expires_at >= now);
    let place = sessions.partition_point(|other| other.key < session.key);
    sessions.insert(place, session.clone());
    sessions
}

/// The account's sessions but for one.
pub(super) fn without(state: &dyn StateReader, account: Address, key: &PublicKey) -> Vec<Session> {
    let mut sessions = sessions(state, account);
    sessions.retain(|session| session.key != *key);
    sessions
}

/// P-137: the account's sessions once a call by `key` turned its vault from `before` to `after`.
pub(super) fn spent(
    state: &dyn StateReader,
    account: Address,
    key: &PublicKey,
    vault: [&[AssetAmount]; 2],
) -> Result<Vec<Session>, fairway_types::session::OverSpent> {
    let mut sessions = sessions(state, account);
    #[cfg(feature = "known-bugs")]
    if crate::known_bugs::KnownBug::EndlessSession.is_back() {
        return Ok(sessions);
    }
    for session in sessions.iter_mut().filter(|session| session.key == *key) {
        *session = session.spend(vault[0], vault[1])?;
    }
    Ok(sessions)
}

#[cfg(test)]
mod tests;
