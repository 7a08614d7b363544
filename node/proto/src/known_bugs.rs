//! Bugs that a channel must not have, put back one at a time so that the simulation can be seen to
//! catch them. Compiled under the feature `known-bugs` alone, which no node enables.

use std::cell::Cell;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownBug {
    /// A follower acks every block that its leader shows it at a place (P-29).
    DoubleAck,
    /// A promise leaves out what its node acked (P-72).
    LostLock,
    /// What leaves a node need not be on its disk (P-2).
    SignatureBeforeStore,
    /// One vote less than a quorum is one (P-30).
    QuorumOffByOne,
    /// Once the leader has changed, a used sequence number may be used again (P-12).
    ForgottenNonce,
    /// Who came back without its last writes signs as if it had them (P-92).
    ForgottenTail,
    /// Nobody shows what it can prove while an exit's window runs (P-101).
    UnansweredExit,
    /// Every report on the chain is believed (P-108).
    BlindVerdict,
    /// Any node's bundle stands for any account's calls (P-133).
    AnyonesBundle,
    /// A session key spends without limit (P-137).
    EndlessSession,
}

impl KnownBug {
    pub const ALL: [Self; 10] = [
        Self::DoubleAck,
        Self::LostLock,
        Self::SignatureBeforeStore,
        Self::QuorumOffByOne,
        Self::ForgottenNonce,
        Self::ForgottenTail,
        Self::UnansweredExit,
        Self::BlindVerdict,
        Self::AnyonesBundle,
        Self::EndlessSession,
    ];

    pub(crate) fn is_back(self) -> bool {
        BACK.get() == Some(self)
    }
}

thread_local! {
    static BACK: Cell<Option<KnownBug>> = const { Cell::new(None) };
}

/// Gives the channels of this thread a bug, or none.
pub fn put_back(bug: Option<KnownBug>) {
    BACK.set(bug);
}
