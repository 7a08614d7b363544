/// Storage of the settlement contracts under addresses that nobody signs for.
module settlement::account {
    friend settlement::channel;
    friend settlement::coin;
    friend settlement::history;
    friend settlement::rules;
    friend settlement::settlement;

    /// A signer of `address`, for `move_to` alone.
    native public(friend) fun create_signer(address: address): signer;
}
