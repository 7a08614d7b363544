/// How an app ends a member's stay or the whole channel, and what it tells the settlement chain. Not
/// entry functions: only the package's own code can ask.
module runtime::lifecycle {
    use std::signer;
    use std::vector;
    use runtime::event;

    /// The result is larger than a settlement carries: 8,192 bytes.
    const E_RESULT_TOO_LARGE: u64 = 1;

    /// Bytes of a result.
    const MOST_RESULT: u64 = 8192;

    /// `account` leaves the channel after this transaction.
    struct LeaveRequested has copy, drop, store {
        account: address,
    }

    /// The channel closes after this transaction.
    struct CloseRequested has copy, drop, store {}

    /// The app's result is this from now on.
    struct ResultSet has copy, drop, store {
        result: vector<u8>,
    }

    /// Sets the app's result in the place of the last one: the next settlement carries it to the
    /// chain, where `channel::last_settlement` reads it. Every member that votes has computed it.
    public fun set_result(result: vector<u8>) {
        assert!(vector::length(&result) <= MOST_RESULT, E_RESULT_TOO_LARGE);
        event::emit(ResultSet { result });
    }

    /// Asks that the member leaves: `on_leave` runs and the next settlement pays it.
    public fun request_leave(member: &signer) {
        event::emit(LeaveRequested { account: signer::address_of(member) });
    }

    /// Asks that the channel closes: everybody leaves and is paid.
    public fun request_close() {
        event::emit(CloseRequested {});
    }

    #[test_only]
    fun bytes(count: u64): vector<u8> {
        let bytes = vector::empty();
        while (vector::length(&bytes) < count) vector::push_back(&mut bytes, 7);
        bytes
    }

    #[test]
    fun a_result_may_fill_what_a_settlement_carries() {
        set_result(vector::empty());
        set_result(bytes(MOST_RESULT));
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun a_larger_result_is_refused() {
        set_result(bytes(MOST_RESULT + 1));
    }
}
