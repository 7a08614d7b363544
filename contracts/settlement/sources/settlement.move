/// The nodes' face, second half: proposals and their execution.
module settlement::settlement {
    use std::bcs;
    use std::signer;
    use std::vector;
    use runtime::context;
    use runtime::ed25519;
    use runtime::event;
    use settlement::account;
    use settlement::channel;
    use settlement::coin;
    use settlement::header::{Self, Header};
    use settlement::ids;
    use settlement::quorum;
    use settlement::rules;
    use settlement::shown;
    use settlement::state_proof;
    use settlement::windows;

    /// The settlement does not follow the last one.
    const E_NOT_CONTINUOUS: u64 = 1;
    /// The lists differ in length.
    const E_LENGTHS: u64 = 2;
    /// Accounts are not sorted, not exactly the active members in the books with others that are
    /// active, or pass over a member that asked to leave more than a minute ago.
    const E_BAD_ACCOUNTS: u64 = 3;
    /// The balances do not add up to what is in the channel's books.
    const E_NOT_CONSERVED: u64 = 4;
    /// A closing settlement holds nothing back, and everybody leaves.
    const E_BAD_CLOSE: u64 = 5;
    /// This node has recorded no such proposal.
    const E_NO_PROPOSAL: u64 = 6;
    /// A vote's signature does not verify.
    const E_BAD_SIGNATURE: u64 = 7;
    /// Yes votes of less than two thirds of the active weight.
    const E_NOT_ENOUGH_VOTES: u64 = 8;
    /// Voters are not sorted, or one is named twice.
    const E_DOUBLE_VOTE: u64 = 9;
    /// In this channel all settle together: nothing waits for a window.
    const E_EVERYBODY_SETTLES: u64 = 10;
    /// The best block that was shown is not the proposal's, nor is it known to go on from it.
    const E_NOT_SHOWN: u64 = 11;
    /// No proposal waits.
    const E_NOTHING_WAITS: u64 = 12;
    /// The window runs.
    const E_TOO_SOON: u64 = 13;
    /// Those who said no are too few to keep two thirds from it.
    const E_NOT_ENOUGH_AGAINST: u64 = 14;
    /// A proposal waits that nothing has beaten, or that is as high.
    const E_ONE_WAITS: u64 = 15;
    /// In this channel every settlement waits for a window.
    const E_WINDOW_FIRST: u64 = 16;
    /// These headers do not lead from one of the two blocks to the other; or from the proposal's, which
    /// closes, to a later one; or the proposal's root is not its block's.
    const E_NOT_LINKED: u64 = 17;
    /// The state's root commits to what the proposal says.
    const E_IS_RIGHT: u64 = 18;
    /// The proposal has no such row.
    const E_NO_ROW: u64 = 19;

    friend settlement::exits;

    /// Milliseconds a heartbeat counts, as in `membership`.
    const VALIDITY: u64 = 15000;
    /// Milliseconds in which a channel takes out who asked to leave: from then on no settlement
    /// leaves it waiting.
    const LEAVE_PATIENCE: u64 = 60000;

    struct AssetAmount has copy, drop, store { asset: address, amount: u64 }

    struct Balance has copy, drop, store {
        account: address,
        amounts: vector<AssetAmount>,
        leaves: bool,
    }

    /// Its encoding is the nodes' `Proposal`: votes sign its hash.
    struct Proposal has copy, drop, store {
        chain: u64,
        channel: address,
        number: u64,
        from_height: u64,
        from_root: address,
        to_height: u64,
        to_root: address,
        to_block: address,
        balances: vector<Balance>,
        held: vector<AssetAmount>,
        closes: bool,
        result: vector<u8>,
    }

    /// A node's last proposal for a channel, under an address made of both; the one that waits for its
    /// window, under the channel's own.
    struct Pending has key, drop {
        id: address,
        number: u64,
        from_height: u64,
        from_root: address,
        to_height: u64,
        to_root: address,
        to_block: address,
        accounts: vector<address>,
        balances: vector<u64>,
        leaves: vector<bool>,
        held: u64,
        closes: bool,
        result: vector<u8>,
    }

    /// Where a `Pending` is stored.
    struct Place has drop { node: address, channel: address }

    struct Proposed has copy, drop, store { channel: address, number: u64, proposal: address }
    struct WindowOpened has copy, drop, store { channel: address, number: u64, proposal: address }
    struct Refuted has copy, drop, store { channel: address, proposal: address }
    struct Settled has copy, drop, store { channel: address, number: u64, height: u64, closes: bool }

    /// Records a proposal, in the place of this node's last one for the channel. `balances` are in
    /// the channel's asset, one for each account.
    public entry fun propose(
        node: &signer,
        channel: address,
        number: u64,
        from_height: u64,
        from_root: address,
        to_height: u64,
        to_root: address,
        to_block: address,
        accounts: vector<address>,
        balances: vector<u64>,
        leaves: vector<bool>,
        held: u64,
        closes: bool,
        result: vector<u8>,
    ) acquires Pending {
        let pending = acceptable(
            channel, number, from_height, from_root, to_height, to_root, to_block, accounts,
            balances, leaves, held, closes, result,
        );
        let id = pending.id;
        keep(place_of(signer::address_of(node), channel), pending);
        event::emit(Proposed { channel, number, proposal: id });
    }

    /// Whether the contract would take this proposal as the chain stands, votes aside: the hash that
    /// they would name. Aborts with the reason where it would not. Nodes ask before they sign.
    public fun dry_run(
        channel: address,
        number: u64,
        from_height: u64,
        from_root: address,
        to_height: u64,
        to_root: address,
        to_block: address,
        accounts: vector<address>,
        balances: vector<u64>,
        leaves: vector<bool>,
        held: u64,
        closes: bool,
        result: vector<u8>,
    ): address {
        let pending = acceptable(
            channel, number, from_height, from_root, to_height, to_root, to_block, accounts,
            balances, leaves, held, closes, result,
        );
        pending.id
    }

    /// Executes this node's recorded proposal with the yes votes of at least two thirds of the active
    /// weight; of all of it, where the channel's rule asks everybody. `signatures` are of the nodes
    /// `voters`, which are sorted, in the same order.
    public entry fun execute(
        node: &signer,
        channel: address,
        proposal: address,
        voters: vector<address>,
        signatures: vector<vector<u8>>,
    ) acquires Pending {
        let pending = recorded(signer::address_of(node), channel, proposal);
        assert!(!rules::is_judged(channel), E_WINDOW_FIRST);
        check(channel, &pending, context::time_ms());
        let (electors, weights) = channel::electorate(channel);
        let (part, _) =
            voted(channel, proposal, true, &electors, &weights, &weights, &voters, &signatures);
        let all = rules::asks_everybody(channel);
        assert!(suffices(part, quorum::total(&weights), all), E_NOT_ENOUGH_VOTES);
        settle(channel, pending);
    }

    /// Lets this node's recorded proposal wait for the channel's window, after which `finish` executes
    /// it: with the yes votes of two thirds of the weight whose heartbeats are fresh, as long as its
    /// block is the best that was shown (`shown::show`); or, in a channel that judges, of two thirds
    /// of the active weight, shown before or within the window. Takes the place of a lower one that waits and does not stand.
    public entry fun open_window(
        node: &signer,
        channel: address,
        proposal: address,
        voters: vector<address>,
        signatures: vector<vector<u8>>,
    ) acquires Pending {
        let pending = recorded(signer::address_of(node), channel, proposal);
        assert!(!rules::asks_everybody(channel), E_EVERYBODY_SETTLES);
        check(channel, &pending, context::time_ms());
        let window = rules::window(channel);
        assert!(windows::gives_way(channel, pending.to_height, window), E_ONE_WAITS);
        let (electors, weights) = channel::electorate(channel);
        let (_, heard) = channel::heard(channel, VALIDITY);
        let (part, of_heard) =
            voted(channel, proposal, true, &electors, &weights, &heard, &voters, &signatures);
        let by_active = rules::is_judged(channel) && suffices(part, quorum::total(&weights), false);
        let by_heard = suffices(of_heard, quorum::total(&heard), false);
        assert!(by_active || by_heard, E_NOT_ENOUGH_VOTES);
        assert!(by_active || is_best(channel, &pending), E_NOT_SHOWN);
        let number = pending.number;
        windows::wait(
            channel, proposal, number, pending.to_height, pending.to_block, by_active, window,
        );
        keep(waiting_place(channel), pending);
        event::emit(WindowOpened { channel, number, proposal });
    }

    /// Executes the proposal whose window has ended, or withdraws it where the block it names was shown
    /// with another root. Anybody may ask. Who asked to leave since it waits stays until the next one:
    /// no member stalls a settlement by leaving.
    public entry fun finish(_caller: &signer, channel: address) acquires Pending {
        let (waits, proposal, to_block, since, deadline, unbeaten) = windows::waiting(channel);
        assert!(waits, E_NOTHING_WAITS);
        assert!(context::time_ms() >= deadline, E_TOO_SOON);
        assert!(unbeaten, E_NOT_SHOWN);
        let (shown, _, block, root) = windows::best(channel);
        let to_root = borrow_global<Pending>(waiting_place(channel)).to_root;
        if (shown && block == to_block && root != to_root) return withdraw_waiting(channel);
        let pending = move_from<Pending>(waiting_place(channel));
        assert!(pending.id == proposal, E_NO_PROPOSAL);
        check(channel, &pending, since);
        settle(channel, pending);
    }

    /// Shows that the best block and the proposal's are of one chain: `headers`, each the parent of the
    /// next, lead from the lower to the higher of the two. So a newer proof of the same chain does not
    /// keep a proposal from executing, also after its window. It does where the proposal closes the
    /// channel: what came after its block would be lost.
    public entry fun support(_caller: &signer, channel: address, headers: vector<vector<u8>>)
    acquires Pending {
        let (first, last) = shown::ends(channel, &headers);
        support_by(channel, first, last);
    }

    /// The same for more headers than fit one transaction: these go on where those end that the caller
    /// led up before (`shown::lead`).
    public entry fun support_led(caller: &signer, channel: address, headers: vector<vector<u8>>)
    acquires Pending {
        let (first, last) = shown::led_ends(signer::address_of(caller), channel, &headers);
        support_by(channel, first, last);
    }

    /// BCS of the `Proposal` that waits; nothing if none does. Its rows are what a member refutes.
    public fun waiting(channel: address): vector<u8> acquires Pending {
        let (waits, _, _, _, _, _) = windows::waiting(channel);
        if (!waits) return vector::empty();
        let (_, _, _, asset) = channel::settled(channel);
        let pending = borrow_global<Pending>(waiting_place(channel));
        bcs::to_bytes(&Proposal {
            chain: coin::chain_id(),
            channel,
            number: pending.number,
            from_height: pending.from_height,
            from_root: pending.from_root,
            to_height: pending.to_height,
            to_root: pending.to_root,
            to_block: pending.to_block,
            balances: rows(asset, &pending.accounts, &pending.balances, &pending.leaves),
            held: amounts(asset, pending.held),
            closes: pending.closes,
            result: *&pending.result,
        })
    }

    /// What was linked already needs no link again, only what was shown since: above the proposal's
    /// block, since another branch may go on from below it. A lower block supports it only if its own
    /// was shown: headers alone don't say that anybody made it.
    fun support_by(channel: address, first: Header, last: Header) acquires Pending {
        let (waits, _, to_block, _, _, _) = windows::waiting(channel);
        assert!(waits, E_NOTHING_WAITS);
        let (_, _, best, _) = windows::best(channel);
        let linked = windows::supported_by(channel);
        let pending = borrow_global<Pending>(waiting_place(channel));
        let from_own = header::hash(&first) == to_block
            && header::state_root(&first) == pending.to_root;
        let (_, _, from_height) = header::place(&first);
        let from_linked = from_height > pending.to_height && header::hash(&first) == linked;
        let below = (from_own || from_linked) && header::hash(&last) == best && !pending.closes;
        let above = windows::is_own_shown(channel) && header::hash(&first) == best
            && header::hash(&last) == to_block && header::state_root(&last) == pending.to_root;
        assert!(below || above, E_NOT_LINKED);
        windows::support(channel, best);
    }

    /// Withdraws the proposal that waits, for as many no votes of active members that the rest of the
    /// weight is no two thirds of it. So who comes back within the window can stop what those settle
    /// that cut it off.
    public entry fun object(
        _caller: &signer,
        channel: address,
        voters: vector<address>,
        signatures: vector<vector<u8>>,
    ) acquires Pending {
        let (waits, proposal, _, _, _, _) = windows::waiting(channel);
        assert!(waits, E_NOTHING_WAITS);
        check_against(channel, proposal, &voters, &signatures);
        withdraw_waiting(channel);
    }

    /// Aborts unless so many active members signed a no to this proposal, or block, that the rest of
    /// the weight is no two thirds.
    public(friend) fun check_against(
        channel: address,
        what: address,
        voters: &vector<address>,
        signatures: &vector<vector<u8>>,
    ) {
        let (electors, weights) = channel::electorate(channel);
        let (against, _) =
            voted(channel, what, false, &electors, &weights, &weights, voters, signatures);
        let whole = quorum::total(&weights);
        assert!(!suffices(whole - against, whole, false), E_NOT_ENOUGH_AGAINST);
    }

    /// Withdraws the proposal that waits, for the proof that it gives an account something else than
    /// the state it names does: its vault, or what it is owed as a leaver, under the proposal's root;
    /// its deposit, where that state's list of `entered` join sequences lacks it.
    public entry fun refute(
        _caller: &signer,
        channel: address,
        row: u64,
        entered: vector<u8>,
        entered_siblings: vector<address>,
        entered_end: vector<address>,
        vault: vector<u8>,
        vault_siblings: vector<address>,
        vault_end: vector<address>,
        departed: vector<u8>,
        departed_siblings: vector<address>,
        departed_end: vector<address>,
    ) acquires Pending {
        let (waits, _, _, _, _, _) = windows::waiting(channel);
        assert!(waits, E_NOTHING_WAITS);
        let (_, _, _, asset) = channel::settled(channel);
        let pending = borrow_global<Pending>(waiting_place(channel));
        assert!(row < vector::length(&pending.accounts), E_NO_ROW);
        let (root, account) = (pending.to_root, *vector::borrow(&pending.accounts, row));
        let (vault_key, departed_key) =
            (state_proof::vault_key(account), state_proof::departed_key(account));
        let entered_key = state_proof::entered_key();
        state_proof::check(root, entered_key, &entered, &entered_siblings, &entered_end);
        state_proof::check(root, vault_key, &vault, &vault_siblings, &vault_end);
        state_proof::check(root, departed_key, &departed, &departed_siblings, &departed_end);
        let (join_sequence, deposit) = channel::brought(channel, account);
        let is_in = state_proof::is_in_runs(&state_proof::runs(entered), join_sequence);
        let left = is_in && !vector::is_empty(&departed);
        let due = if (is_in) state_proof::amount(if (left) departed else vault, asset) else deposit;
        let says = *vector::borrow(&pending.balances, row);
        let leaves = *vector::borrow(&pending.leaves, row);
        let goes = left || pending.closes;
        assert!(due != says || is_in && leaves != goes, E_IS_RIGHT);
        withdraw_waiting(channel);
    }

    /// Withdraws the proposal that waits, for the proof that the app's result in the state it names is
    /// another than the one it would give to other contracts.
    public entry fun refute_result(
        _caller: &signer,
        channel: address,
        result: vector<u8>,
        siblings: vector<address>,
        end: vector<address>,
    ) acquires Pending {
        let (waits, _, _, _, _, _) = windows::waiting(channel);
        assert!(waits, E_NOTHING_WAITS);
        let pending = borrow_global<Pending>(waiting_place(channel));
        state_proof::check(pending.to_root, state_proof::result_key(), &result, &siblings, &end);
        let none = vector::is_empty(&result) && vector::is_empty(&pending.result);
        assert!(!none && bcs::to_bytes(&pending.result) != result, E_IS_RIGHT);
        withdraw_waiting(channel);
    }

    fun acceptable(
        channel: address,
        number: u64,
        from_height: u64,
        from_root: address,
        to_height: u64,
        to_root: address,
        to_block: address,
        accounts: vector<address>,
        balances: vector<u64>,
        leaves: vector<bool>,
        held: u64,
        closes: bool,
        result: vector<u8>,
    ): Pending {
        let (_, _, _, asset) = channel::settled(channel);
        let proposal = Proposal {
            chain: coin::chain_id(), channel, number, from_height, from_root, to_height, to_root,
            to_block, balances: rows(asset, &accounts, &balances, &leaves),
            held: amounts(asset, held), closes, result: copy result,
        };
        let id = ids::hash(b"proposal", bcs::to_bytes(&proposal));
        let pending = Pending {
            id, number, from_height, from_root, to_height, to_root, to_block, accounts, balances,
            leaves, held, closes, result,
        };
        check(channel, &pending, context::time_ms());
        pending
    }

    fun recorded(node: address, channel: address, proposal: address): Pending acquires Pending {
        let place = place_of(node, channel);
        assert!(exists<Pending>(place), E_NO_PROPOSAL);
        let pending = move_from<Pending>(place);
        assert!(pending.id == proposal, E_NO_PROPOSAL);
        pending
    }

    fun settle(channel: address, pending: Pending) {
        let Pending {
            id: _, number, from_height: _, from_root: _, to_height, to_root, to_block, accounts,
            balances, leaves, held: _, closes, result,
        } = pending;
        channel::settle(
            channel, &accounts, &balances, &leaves, to_height, to_root, to_block, closes, result,
        );
        event::emit(Settled { channel, number, height: to_height, closes });
    }

    fun withdraw_waiting(channel: address) acquires Pending {
        let pending = move_from<Pending>(waiting_place(channel));
        windows::drop_waiting(channel);
        event::emit(Refuted { channel, proposal: pending.id });
    }

    /// Whether the best proof is of the proposal's block and root.
    fun is_best(channel: address, pending: &Pending): bool {
        let (shown, height, block, root) = windows::best(channel);
        shown && block == pending.to_block && root == pending.to_root && height == pending.to_height
    }

    /// Continuity, the right accounts as of a time, and conservation to the unit.
    fun check(channel: address, pending: &Pending, now: u64) {
        let (number, height, root, _) = channel::settled(channel);
        let continues = pending.number == number + 1
            && pending.from_height == height
            && pending.from_root == root
            && pending.to_height > height;
        assert!(continues, E_NOT_CONTINUOUS);
        let overdue = if (now > LEAVE_PATIENCE) now - LEAVE_PATIENCE else 0;
        let (held, closes) = (pending.held, pending.closes);
        let (known, expected) =
            channel::expected_total(channel, &pending.accounts, &pending.leaves, closes, overdue);
        assert!(known, E_BAD_ACCOUNTS);
        let (sum, all_leave) = ((held as u128), true);
        let (index, count) = (0, vector::length(&pending.accounts));
        while (index < count) {
            sum = sum + (*vector::borrow(&pending.balances, index) as u128);
            all_leave = all_leave && *vector::borrow(&pending.leaves, index);
            index = index + 1;
        };
        assert!(sum == (expected as u128), E_NOT_CONSERVED);
        assert!(!closes || (all_leave && held == 0), E_BAD_CLOSE);
    }

    /// What those weigh who voted so, by each of two lists of weights; strangers and pending members
    /// weigh nothing.
    fun voted(
        channel: address,
        proposal: address,
        yes: bool,
        electors: &vector<address>,
        weights: &vector<u64>,
        other_weights: &vector<u64>,
        voters: &vector<address>,
        signatures: &vector<vector<u8>>,
    ): (u64, u64) {
        assert!(vector::length(voters) == vector::length(signatures), E_LENGTHS);
        let message = vote_message(channel, proposal, yes);
        let (part, other, elector, before) = (0, 0, 0, @0x0);
        let (index, count) = (0, vector::length(voters));
        while (index < count) {
            let voter = *vector::borrow(voters, index);
            assert!(index == 0 || ids::comes_before(before, voter), E_DOUBLE_VOTE);
            let (found, place) = quorum::find_from(electors, elector, voter);
            if (found) {
                let signature = vector::borrow(signatures, index);
                let signed = ed25519::verify(&bcs::to_bytes(&voter), &message, signature);
                assert!(signed, E_BAD_SIGNATURE);
                part = part + *vector::borrow(weights, place);
                other = other + *vector::borrow(other_weights, place);
            };
            elector = place;
            before = voter;
            index = index + 1;
        };
        (part, other)
    }

    fun suffices(part: u64, whole: u64, all: bool): bool {
        if (all) part == whole && whole > 0 else quorum::is_enough(part, whole)
    }

    /// What a node signs to vote: the nodes' `Vote`.
    fun vote_message(channel: address, proposal: address, yes: bool): vector<u8> {
        let message = b"fairway/1/sign/vote";
        vector::push_back(&mut message, 0);
        vector::append(&mut message, bcs::to_bytes(&channel));
        vector::append(&mut message, bcs::to_bytes(&proposal));
        vector::append(&mut message, bcs::to_bytes(&yes));
        message
    }

    fun keep(place: address, pending: Pending) acquires Pending {
        if (exists<Pending>(place)) {
            let _ = move_from<Pending>(place);
        };
        let storage = account::create_signer(place);
        move_to(&storage, pending);
    }

    fun waiting_place(channel: address): address {
        ids::hash(b"waiting", bcs::to_bytes(&channel))
    }

    fun place_of(node: address, channel: address): address {
        ids::hash(b"pending", bcs::to_bytes(&Place { node, channel }))
    }

    fun rows(
        asset: address,
        accounts: &vector<address>,
        balances: &vector<u64>,
        leaves: &vector<bool>,
    ): vector<Balance> {
        let count = vector::length(accounts);
        assert!(vector::length(balances) == count && vector::length(leaves) == count, E_LENGTHS);
        let rows = vector::empty();
        let index = 0;
        while (index < count) {
            let amounts = amounts(asset, *vector::borrow(balances, index));
            let leaves = *vector::borrow(leaves, index);
            let account = *vector::borrow(accounts, index);
            vector::push_back(&mut rows, Balance { account, amounts, leaves });
            index = index + 1;
        };
        rows
    }

    fun amounts(asset: address, amount: u64): vector<AssetAmount> {
        if (amount == 0) vector::empty() else vector::singleton(AssetAmount { asset, amount })
    }

    #[test_only]
    /// The hash of what `node` recorded last.
    public fun recorded_for_testing(node: address, channel: address): address acquires Pending {
        borrow_global<Pending>(place_of(node, channel)).id
    }

    #[test_only]
    public fun vote_for_testing(seed: &vector<u8>, channel: address, proposal: address): vector<u8> {
        ed25519::sign_for_testing(seed, &vote_message(channel, proposal, true))
    }

    #[test_only]
    public fun no_for_testing(seed: &vector<u8>, channel: address, proposal: address): vector<u8> {
        ed25519::sign_for_testing(seed, &vote_message(channel, proposal, false))
    }
}
