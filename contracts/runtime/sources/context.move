/// Where this code runs. Equal on every node that executes the transaction.
module runtime::context {
    /// Id of the settlement chain.
    native public fun chain_id(): u64;

    /// Id of the channel; zero on the settlement chain itself.
    native public fun channel_id(): address;

    /// Number of the block that is being executed; zero in `init`.
    native public fun height(): u64;

    /// Time of the block in milliseconds since the Unix epoch. The leader sets it; it never goes
    /// back and runs at most two seconds ahead of the followers' clocks.
    native public fun time_ms(): u64;

    /// Place of the transaction in its block.
    native public fun transaction_index(): u64;

    #[test_only]
    /// Sets the time that the rest of the test sees.
    native public fun set_time_ms_for_testing(time: u64);
}
