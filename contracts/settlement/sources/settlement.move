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
    use settlement::ids;

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

    /// A node's last proposal for a channel, under an address made of both.
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
        check(channel, &pending);
        keep(signer::address_of(node), channel, pending);
        event::emit(Proposed { channel, number, proposal: id });
    }

    /// Executes this node's recorded proposal with the yes votes of at least two thirds of the active
    /// weight. `signatures` are of the nodes `voters`, which are sorted, in the same order.
    public entry fun execute(
        node: &signer,
        channel: address,
        proposal: address,
        voters: vector<address>,
        signatures: vector<vector<u8>>,
    ) acquires Pending {
        let place = place_of(signer::address_of(node), channel);
        assert!(exists<Pending>(place), E_NO_PROPOSAL);
        let pending = move_from<Pending>(place);
        assert!(pending.id == proposal, E_NO_PROPOSAL);
        check(channel, &pending);
        check_votes(channel, proposal, &voters, &signatures);
        let Pending {
            id: _, number, from_height: _, from_root: _, to_height, to_root, to_block, accounts,
            balances, leaves, held: _, closes, result,
        } = pending;
        channel::settle(
            channel, &accounts, &balances, &leaves, to_height, to_root, to_block, closes, result,
        );
        event::emit(Settled { channel, number, height: to_height, closes });
    }

    /// Continuity, the right accounts, and conservation to the unit.
    fun check(channel: address, pending: &Pending) {
        let (number, height, root, _) = channel::settled(channel);
        let continues = pending.number == number + 1
            && pending.from_height == height
            && (number == 0 || pending.from_root == root)
            && pending.to_height > height;
        assert!(continues, E_NOT_CONTINUOUS);
        let now = context::time_ms();
        let overdue = if (now > LEAVE_PATIENCE) now - LEAVE_PATIENCE else 0;
        let (held, closes) = (pending.held, pending.closes);
        let (known, expected) =
            channel::expected_total(channel, &pending.accounts, &pending.leaves, closes, overdue);
        assert!(known, E_BAD_ACCOUNTS);
        let (sum, all_leave) = (held, true);
        let (index, count) = (0, vector::length(&pending.accounts));
        while (index < count) {
            sum = sum + *vector::borrow(&pending.balances, index);
            all_leave = all_leave && *vector::borrow(&pending.leaves, index);
            index = index + 1;
        };
        assert!(sum == expected, E_NOT_CONSERVED);
        assert!(!closes || (all_leave && held == 0), E_BAD_CLOSE);
    }

    /// Votes count until there are enough of them; those of strangers and pending members do not.
    fun check_votes(
        channel: address,
        proposal: address,
        voters: &vector<address>,
        signatures: &vector<vector<u8>>,
    ) {
        assert!(vector::length(voters) == vector::length(signatures), E_LENGTHS);
        let (electors, weights) = channel::electorate(channel);
        let (whole, part, elector, before) = (total_weight(&weights), 0, 0, @0x0);
        let message = vote_message(channel, proposal);
        let (index, count) = (0, vector::length(voters));
        while (index < count && 3 * (part as u128) < 2 * (whole as u128)) {
            let voter = *vector::borrow(voters, index);
            assert!(index == 0 || ids::comes_before(before, voter), E_DOUBLE_VOTE);
            let (found, place) = find_from(&electors, elector, voter);
            if (found) {
                let signature = vector::borrow(signatures, index);
                let signed = ed25519::verify(&bcs::to_bytes(&voter), &message, signature);
                assert!(signed, E_BAD_SIGNATURE);
                part = part + *vector::borrow(&weights, place);
            };
            elector = place;
            before = voter;
            index = index + 1;
        };
        assert!(whole > 0 && 3 * (part as u128) >= 2 * (whole as u128), E_NOT_ENOUGH_VOTES);
    }

    /// The place of `one` in a sorted list from `place` on, or where it would be.
    fun find_from(list: &vector<address>, place: u64, one: address): (bool, u64) {
        let count = vector::length(list);
        while (place < count && ids::comes_before(*vector::borrow(list, place), one)) {
            place = place + 1;
        };
        (place < count && *vector::borrow(list, place) == one, place)
    }

    fun total_weight(weights: &vector<u64>): u64 {
        let (whole, index, count) = (0, 0, vector::length(weights));
        while (index < count) {
            whole = whole + *vector::borrow(weights, index);
            index = index + 1;
        };
        whole
    }

    /// What a node signs to vote yes: the nodes' `Vote`.
    fun vote_message(channel: address, proposal: address): vector<u8> {
        let message = b"fairway/1/sign/vote";
        vector::push_back(&mut message, 0);
        vector::append(&mut message, bcs::to_bytes(&channel));
        vector::append(&mut message, bcs::to_bytes(&proposal));
        vector::push_back(&mut message, 1);
        message
    }

    fun keep(node: address, channel: address, pending: Pending) acquires Pending {
        let place = place_of(node, channel);
        if (exists<Pending>(place)) {
            let _ = move_from<Pending>(place);
        };
        let storage = account::create_signer(place);
        move_to(&storage, pending);
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

    // The attacks: each starts from a valid settlement and changes one thing.

    #[test_only]
    use settlement::membership;

    #[test_only]
    const NOW: u64 = 1000000;

    #[test_only]
    fun beat(byte: u8, channel: address) {
        membership::heartbeat(&channel::node_for_testing(byte), channel);
    }

    #[test_only]
    fun apply(byte: u8, channel: address) {
        membership::apply_for_leadership(&channel::node_for_testing(byte), channel);
    }

    #[test_only]
    /// Three active members with 30, 40 and 50 and the nodes 1, 2 and 3; node 1 leads.
    fun three_members(): address {
        let channel = channel::create_for_testing();
        channel::join_for_testing(channel, @0xa, 1, 30);
        channel::join_for_testing(channel, @0xb, 2, 40);
        channel::join_for_testing(channel, @0xc, 3, 50);
        context::set_time_ms_for_testing(NOW);
        beat(2, channel);
        beat(3, channel);
        apply(1, channel);
        channel
    }

    #[test_only]
    /// @0xd with node 4 and 80, active from the next epoch on.
    fun fourth_member(channel: address) {
        channel::join_for_testing(channel, @0xd, 4, 80);
        context::set_time_ms_for_testing(NOW + 5000);
        beat(4, channel);
        apply(1, channel);
    }

    #[test_only]
    fun propose_balances(channel: address, balances: vector<u64>, leaves: vector<bool>, held: u64)
    acquires Pending {
        propose_all(channel, 1, 0, vector[@0xa, @0xb, @0xc], balances, leaves, held, false);
    }

    #[test_only]
    fun propose_four(channel: address, balances: vector<u64>, leaves: vector<bool>)
    acquires Pending {
        let accounts = vector[@0xa, @0xb, @0xc, @0xd];
        propose_all(channel, 1, 0, accounts, balances, leaves, 0, false);
    }

    #[test_only]
    fun propose_all(
        channel: address,
        number: u64,
        from_height: u64,
        accounts: vector<address>,
        balances: vector<u64>,
        leaves: vector<bool>,
        held: u64,
        closes: bool,
    ) acquires Pending {
        let root = if (number == 1) @0x0 else @0x11;
        propose(
            &channel::node_for_testing(1), channel, number, from_height, root, from_height + 9,
            @0x11, @0x12, accounts, balances, leaves, held, closes, b"score",
        );
    }

    #[test_only]
    fun recorded(channel: address): address acquires Pending {
        let node = ids::account_of(channel::key_for_testing(1));
        borrow_global<Pending>(place_of(node, channel)).id
    }

    #[test_only]
    fun vote(byte: u8, channel: address, proposal: address): vector<u8> {
        let seed = channel::seed_for_testing(byte);
        ed25519::sign_for_testing(&seed, &vote_message(channel, proposal))
    }

    #[test_only]
    /// Votes of these nodes on what they are asked to vote on, sorted by key.
    fun votes(bytes: vector<u8>, channel: address, proposal: address)
    : (vector<address>, vector<vector<u8>>) {
        let (voters, signatures) = (vector::empty(), vector::empty());
        while (!vector::is_empty(&bytes)) {
            let byte = vector::pop_back(&mut bytes);
            let voter = channel::key_for_testing(byte);
            vector::push_back(&mut voters, voter);
            vector::push_back(&mut signatures, vote(byte, channel, proposal));
            let last = vector::length(&voters) - 1;
            while (last > 0 && ids::comes_before(voter, *vector::borrow(&voters, last - 1))) {
                vector::swap(&mut voters, last, last - 1);
                vector::swap(&mut signatures, last, last - 1);
                last = last - 1;
            }
        };
        (voters, signatures)
    }

    #[test_only]
    fun execute_with(channel: address, bytes: vector<u8>) acquires Pending {
        let proposal = recorded(channel);
        let (voters, signatures) = votes(bytes, channel, proposal);
        execute(&channel::node_for_testing(1), channel, proposal, voters, signatures);
    }

    #[test]
    fun a_leaver_is_paid_and_the_rest_stays() acquires Pending {
        let channel = three_members();
        propose_balances(channel, vector[10, 60, 45], vector[false, true, false], 5);
        execute_with(channel, vector[1, 3]);
        assert!(coin::balance(@0xb, @0xfa) == 60, 1);
        assert!(coin::balance(@0xa, @0xfa) == 0, 2);
        let (money, _, booked) = channel::money_for_testing(channel);
        assert!(money == 60 && booked == 60, 3);
        let (number, height, closed, result) = channel::last_settlement(channel);
        assert!(number == 1 && height == 9 && !closed && result == b"score", 4);
        let (electors, _) = channel::electorate(channel);
        assert!(vector::length(&electors) == 2, 5);
    }

    #[test]
    fun a_close_pays_everybody_and_refunds_who_was_never_named() acquires Pending {
        let channel = three_members();
        channel::join_for_testing(channel, @0xd, 4, 80);
        let accounts = vector[@0xa, @0xb, @0xc];
        propose_all(channel, 1, 0, accounts, vector[0, 20, 100], vector[true, true, true], 0, true);
        execute_with(channel, vector[1, 2, 3]);
        assert!(coin::balance(@0xa, @0xfa) == 0, 1);
        assert!(coin::balance(@0xb, @0xfa) == 20, 2);
        assert!(coin::balance(@0xc, @0xfa) == 100, 3);
        assert!(coin::balance(@0xd, @0xfa) == 80, 4);
        let (money, pending, _) = channel::money_for_testing(channel);
        assert!(money == 0 && pending == 0, 5);
    }

    #[test]
    fun a_later_joiner_is_booked_when_it_is_first_named() acquires Pending {
        let channel = three_members();
        fourth_member(channel);
        propose_balances(channel, vector[40, 40, 40], vector[false, false, false], 0);
        execute_with(channel, vector[1, 2, 3]);
        let accounts = vector[@0xa, @0xb, @0xc, @0xd];
        let stay = vector[false, false, false, false];
        propose_all(channel, 2, 9, accounts, vector[50, 50, 50, 50], stay, 0, false);
        execute_with(channel, vector[1, 2, 4]);
        let (money, pending, booked) = channel::money_for_testing(channel);
        assert!(money == 200 && pending == 0 && booked == 200, 1);
    }

    #[test]
    fun a_leaver_may_take_what_a_later_row_brought() acquires Pending {
        let channel = three_members();
        fourth_member(channel);
        propose_four(channel, vector[200, 0, 0, 0], vector[true, false, false, false]);
        execute_with(channel, vector[1, 2, 3]);
        let (money, _, booked) = channel::money_for_testing(channel);
        assert!(coin::balance(@0xa, @0xfa) == 200 && money == 0 && booked == 0, 1);
    }

    #[test]
    #[expected_failure(abort_code = 3)]
    fun a_pending_members_deposit_is_its_own() acquires Pending {
        let channel = channel::create_for_testing();
        channel::join_for_testing(channel, @0xd, 2, 1000);
        channel::join_for_testing(channel, @0xa, 1, 10);
        context::set_time_ms_for_testing(NOW);
        apply(1, channel);
        propose_all(channel, 1, 0, vector[@0xa, @0xd], vector[1010, 0], vector[true, false], 0, false);
    }

    #[test]
    #[expected_failure(abort_code = 4)]
    fun a_pending_members_deposit_is_not_shared_out() acquires Pending {
        let channel = three_members();
        channel::join_for_testing(channel, @0xd, 4, 80);
        propose_balances(channel, vector[110, 40, 50], vector[true, false, false], 0);
    }

    #[test]
    fun a_pending_member_that_withdraws_leaves_the_books_as_they_were() acquires Pending {
        let channel = three_members();
        channel::join_for_testing(channel, @0xd, 4, 80);
        propose_balances(channel, vector[40, 40, 40], vector[false, false, false], 0);
        channel::leave_for_testing(channel, @0xd);
        execute_with(channel, vector[1, 2]);
        let (money, pending, booked) = channel::money_for_testing(channel);
        assert!(money == 120 && pending == 0 && booked == 120, 1);
        let (members, active, _) = channel::counts_for_testing(channel);
        assert!(members == 3 && active == 3, 2);
    }

    #[test]
    #[expected_failure(abort_code = 8)]
    fun a_pending_members_vote_weighs_nothing() acquires Pending {
        let channel = three_members();
        channel::join_for_testing(channel, @0xd, 4, 80);
        beat(4, channel);
        propose_balances(channel, vector[30, 40, 50], vector[false, false, false], 0);
        execute_with(channel, vector[1, 4]);
    }

    #[test]
    fun an_active_member_that_was_never_entered_is_paid_its_deposit() acquires Pending {
        let channel = three_members();
        fourth_member(channel);
        channel::leave_for_testing(channel, @0xd);
        propose_four(channel, vector[40, 40, 40, 80], vector[false, false, false, true]);
        execute_with(channel, vector[1, 2, 3]);
        let (money, _, booked) = channel::money_for_testing(channel);
        assert!(coin::balance(@0xd, @0xfa) == 80 && money == 120 && booked == 120, 1);
    }

    #[test]
    #[expected_failure(abort_code = 3)]
    fun no_settlement_passes_over_who_has_waited_a_minute() acquires Pending {
        let channel = three_members();
        fourth_member(channel);
        channel::leave_for_testing(channel, @0xd);
        context::set_time_ms_for_testing(NOW + 5000 + LEAVE_PATIENCE + 1);
        propose_balances(channel, vector[30, 40, 50], vector[false, false, false], 0);
    }

    #[test]
    #[expected_failure(abort_code = 3)]
    fun no_settlement_keeps_who_has_waited_a_minute() acquires Pending {
        let channel = three_members();
        channel::leave_for_testing(channel, @0xb);
        propose_balances(channel, vector[30, 40, 50], vector[false, false, false], 0);
        context::set_time_ms_for_testing(NOW + LEAVE_PATIENCE + 1);
        execute_with(channel, vector[1, 2, 3]);
    }

    #[test]
    fun grants_before_the_settlement_before_the_last_leave_the_record() acquires Pending {
        let channel = three_members();
        fourth_member(channel);
        let accounts = vector[@0xa, @0xb, @0xc];
        let stay = vector[false, false, false];
        propose_all(channel, 1, 0, copy accounts, vector[30, 40, 50], copy stay, 0, false);
        execute_with(channel, vector[1, 2, 3]);
        let (_, _, grants) = channel::counts_for_testing(channel);
        assert!(grants == 2, 1);
        propose_all(channel, 2, 9, accounts, vector[30, 40, 50], stay, 0, false);
        execute_with(channel, vector[1, 2, 3]);
        let (_, _, grants) = channel::counts_for_testing(channel);
        assert!(grants == 1, 2);
    }

    #[test]
    #[expected_failure(abort_code = 4)]
    fun money_from_nowhere_is_refused() acquires Pending {
        propose_balances(three_members(), vector[31, 40, 50], vector[false, false, false], 0);
    }

    #[test]
    #[expected_failure(abort_code = 4)]
    fun money_that_vanishes_is_refused() acquires Pending {
        propose_balances(three_members(), vector[29, 40, 50], vector[false, false, false], 0);
    }

    #[test]
    #[expected_failure(abort_code = 8)]
    fun one_vote_of_three_is_not_enough() acquires Pending {
        let channel = three_members();
        propose_balances(channel, vector[30, 40, 50], vector[false, false, false], 0);
        execute_with(channel, vector[1]);
    }

    #[test]
    #[expected_failure(abort_code = 9)]
    fun one_voter_counts_once() acquires Pending {
        let channel = three_members();
        propose_balances(channel, vector[30, 40, 50], vector[false, false, false], 0);
        execute_with(channel, vector[1, 1]);
    }

    #[test]
    #[expected_failure(abort_code = 8)]
    fun strangers_votes_weigh_nothing() acquires Pending {
        let channel = three_members();
        propose_balances(channel, vector[30, 40, 50], vector[false, false, false], 0);
        execute_with(channel, vector[1, 8, 9]);
    }

    #[test]
    #[expected_failure(abort_code = 7)]
    fun a_vote_for_something_else_is_refused() acquires Pending {
        let channel = three_members();
        propose_balances(channel, vector[30, 40, 50], vector[false, false, false], 0);
        let (voters, signatures) = votes(vector[1, 2], channel, @0x99);
        execute(&channel::node_for_testing(1), channel, recorded(channel), voters, signatures);
    }

    #[test]
    #[expected_failure(abort_code = 7)]
    fun a_vote_of_another_channel_is_refused() acquires Pending {
        let channel = three_members();
        propose_balances(channel, vector[30, 40, 50], vector[false, false, false], 0);
        let (voters, signatures) = votes(vector[1, 2], @0x77, recorded(channel));
        execute(&channel::node_for_testing(1), channel, recorded(channel), voters, signatures);
    }

    #[test]
    #[expected_failure(abort_code = 6)]
    fun an_executed_settlement_is_not_executed_again() acquires Pending {
        let channel = three_members();
        propose_balances(channel, vector[30, 40, 50], vector[false, false, false], 0);
        let (proposal, node) = (recorded(channel), channel::node_for_testing(1));
        let (voters, signatures) = votes(vector[1, 2], channel, proposal);
        execute(&node, channel, proposal, copy voters, copy signatures);
        execute(&node, channel, proposal, voters, signatures);
    }

    #[test]
    #[expected_failure(abort_code = 6)]
    fun only_what_the_node_recorded_last_is_executed() acquires Pending {
        let channel = three_members();
        propose_balances(channel, vector[30, 40, 50], vector[false, false, false], 0);
        let proposal = recorded(channel);
        let (voters, signatures) = votes(vector[1, 2], channel, proposal);
        propose_balances(channel, vector[40, 30, 50], vector[false, false, false], 0);
        execute(&channel::node_for_testing(1), channel, proposal, voters, signatures);
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun an_old_number_is_refused() acquires Pending {
        let accounts = vector[@0xa, @0xb, @0xc];
        let stay = vector[false, false, false];
        propose_all(three_members(), 0, 0, accounts, vector[30, 40, 50], stay, 0, false);
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun a_gap_is_refused() acquires Pending {
        let accounts = vector[@0xa, @0xb, @0xc];
        let stay = vector[false, false, false];
        propose_all(three_members(), 1, 5, accounts, vector[30, 40, 50], stay, 0, false);
    }

    #[test]
    #[expected_failure(abort_code = 3)]
    fun a_booked_member_cannot_be_left_out() acquires Pending {
        let accounts = vector[@0xa, @0xb];
        propose_all(three_members(), 1, 0, accounts, vector[60, 60], vector[false, false], 0, false);
    }

    #[test]
    #[expected_failure(abort_code = 3)]
    fun a_strangers_account_is_refused() acquires Pending {
        propose_four(three_members(), vector[30, 40, 50, 0], vector[false, false, false, false]);
    }

    #[test]
    #[expected_failure(abort_code = 3)]
    fun an_account_named_twice_is_refused() acquires Pending {
        let accounts = vector[@0xa, @0xa, @0xb, @0xc];
        let stay = vector[false, false, false, false];
        propose_all(three_members(), 1, 0, accounts, vector[30, 0, 40, 50], stay, 0, false);
    }

    #[test]
    #[expected_failure(abort_code = 3)]
    fun accounts_out_of_order_are_refused() acquires Pending {
        let accounts = vector[@0xb, @0xa, @0xc];
        let stay = vector[false, false, false];
        propose_all(three_members(), 1, 0, accounts, vector[40, 30, 50], stay, 0, false);
    }

    #[test]
    #[expected_failure(abort_code = 5)]
    fun a_close_holds_nothing_back() acquires Pending {
        let accounts = vector[@0xa, @0xb, @0xc];
        let leave = vector[true, true, true];
        propose_all(three_members(), 1, 0, accounts, vector[30, 40, 45], leave, 5, true);
    }

    #[test]
    #[expected_failure(abort_code = 5)]
    fun a_close_is_for_everybody() acquires Pending {
        let accounts = vector[@0xa, @0xb, @0xc];
        let leave = vector[true, true, false];
        propose_all(three_members(), 1, 0, accounts, vector[30, 40, 50], leave, 0, true);
    }
}
