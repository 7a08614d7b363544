/// Leaving alone. A member demands its exit; if no settlement pays it within the channel's window, the
/// best proof that anybody showed becomes the channel's last state, the channel is closed, and every
/// member is paid what that state gives it, for a proof, alone and at any time.
///
/// Who certified a proof is trusted with the money of all who were active then. So of what fewer than
/// two thirds of the active members certified, more than a third can say no (`dispute`): then anchors
/// alone count. And a state says nothing of the money of who became active after it.
module settlement::exits {
    use std::signer;
    use runtime::context;
    use runtime::event;
    use settlement::channel;
    use settlement::rules;
    use settlement::settlement;
    use settlement::state_proof;
    use settlement::windows;

    /// The account is pending: it withdraws with `channel::leave`.
    const E_PENDING: u64 = 1;
    /// Nobody demands an exit.
    const E_NO_EXIT: u64 = 2;
    /// The window runs.
    const E_TOO_SOON: u64 = 3;
    /// The channel was not closed by an exit.
    const E_NOT_ENDED: u64 = 4;
    /// No block was shown.
    const E_NOT_SHOWN: u64 = 5;

    struct ExitDemanded has copy, drop, store { channel: address, account: address }
    struct ExitDisputed has copy, drop, store { channel: address, block: address }
    struct ExitFinished has copy, drop, store { channel: address, height: u64, block: address }

    /// The sender demands its exit, which asks to leave as well: who pays it by a settlement within
    /// the window goes on without it.
    public entry fun demand(member: &signer, channel: address) {
        let account = signer::address_of(member);
        assert!(channel::demand_leave(channel, account), E_PENDING);
        windows::demand(channel, account, rules::window(channel));
        event::emit(ExitDemanded { channel, account });
    }

    /// Says no to the best block that was shown, by as many no votes of active members on its hash that
    /// the rest of the weight is no two thirds of it: until the exit's outcome is drawn, only anchors
    /// count. So nobody who was alone for a while ends the channel at what it certified alone, if who
    /// was away is back in time.
    public entry fun dispute(
        _caller: &signer,
        channel: address,
        voters: vector<address>,
        signatures: vector<vector<u8>>,
    ) {
        let (demanded, _, _) = windows::exit(channel);
        assert!(demanded, E_NO_EXIT);
        let (shown, _, block, _) = windows::best(channel);
        assert!(shown, E_NOT_SHOWN);
        settlement::check_against(channel, block, &voters, &signatures);
        windows::dispute(channel, rules::window(channel));
        event::emit(ExitDisputed { channel, block });
    }

    /// Closes the channel once the window has ended: at the best proof that was shown, else at the
    /// last settlement, else at the deposits. Who was not in that state gets its deposit back: for a
    /// block, by its list of `entered` join sequences, of which anybody brings the proof; for a
    /// settlement, whom it did not name.
    public entry fun finish(
        _caller: &signer,
        channel: address,
        entered: vector<u8>,
        siblings: vector<address>,
        end: vector<address>,
    ) {
        let (demanded, _, deadline) = windows::exit(channel);
        assert!(demanded, E_NO_EXIT);
        assert!(context::time_ms() >= deadline, E_TOO_SOON);
        let (shown, height, block, root) = windows::best(channel);
        let members = if (shown) {
            state_proof::check(root, state_proof::entered_key(), &entered, &siblings, &end);
            let epoch = windows::best_epoch(channel);
            channel::end_at(channel, &state_proof::runs(entered), epoch)
        } else {
            (height, root, block) = channel::settled_state(channel);
            channel::end_at_settlement(channel)
        };
        windows::end(channel, height, root, block, members);
        event::emit(ExitFinished { channel, height, block });
    }

    /// Pays a member of a channel that an exit closed: what it was owed as a leaver, else what its
    /// vault held. Anybody may ask; an absent entry is proven to be absent.
    public entry fun claim(
        _caller: &signer,
        channel: address,
        account: address,
        vault: vector<u8>,
        vault_siblings: vector<address>,
        vault_end: vector<address>,
        departed: vector<u8>,
        departed_siblings: vector<address>,
        departed_end: vector<address>,
    ) {
        let (ended, root, members) = windows::outcome(channel);
        assert!(ended, E_NOT_ENDED);
        let (vault_key, departed_key) =
            (state_proof::vault_key(account), state_proof::departed_key(account));
        state_proof::check(root, vault_key, &vault, &vault_siblings, &vault_end);
        state_proof::check(root, departed_key, &departed, &departed_siblings, &departed_end);
        let left = !std::vector::is_empty(&departed);
        let due = state_proof::amount(if (left) departed else vault, channel::asset(channel));
        channel::take_due(channel, account, due, members);
    }
}
