/// Storage of the settlement contracts under addresses that nobody signs for.
module settlement::account {
    friend settlement::backing;
    friend settlement::channel;
    friend settlement::coin;
    friend settlement::complaint;
    friend settlement::collateral;
    friend settlement::history;
    friend settlement::rules;
    friend settlement::spoken;
    friend settlement::settlement;
    friend settlement::penalty;
    friend settlement::shown;
    friend settlement::windows;

    /// A signer of `address`, for `move_to` alone.
    native public(friend) fun create_signer(address: address): signer;
}
