/// How an app ends a member's stay or the whole channel. Not entry functions: only the package's
/// own code can ask.
module runtime::lifecycle {
    use std::signer;
    use runtime::event;

    /// `account` leaves the channel after this transaction.
    struct LeaveRequested has copy, drop, store {
        account: address,
    }

    /// The channel closes after this transaction.
    struct CloseRequested has copy, drop, store {}

    /// Asks that the member leaves: `on_leave` runs and the next settlement pays it.
    public fun request_leave(member: &signer) {
        event::emit(LeaveRequested { account: signer::address_of(member) });
    }

    /// Asks that the channel closes: everybody leaves and is paid.
    public fun request_close() {
        event::emit(CloseRequested {});
    }
}
