/// The nodes' face, second half: proposals and their execution.
module settlement::settlement {
    use std::bcs;
    use std::signer;
    use std::vector;
    use runtime::ed25519;
    use runtime::event;
    use settlement::channel;
    use settlement::coin;
    use settlement::ids;

    /// The settlement does not follow the last one.
    const E_NOT_CONTINUOUS: u64 = 1;
    /// The lists differ in length.
    const E_LENGTHS: u64 = 2;
    /// Accounts are not sorted, or not exactly the channel's members.
    const E_BAD_ACCOUNTS: u64 = 3;
    /// The balances do not add up to what is in the channel's books.
    const E_NOT_CONSERVED: u64 = 4;
    /// A closing settlement holds nothing back, and everybody leaves.
    const E_BAD_CLOSE: u64 = 5;
    /// This node has recorded no such proposal.
    const E_NO_PROPOSAL: u64 = 6;
    /// A vote's signature does not verify.
    const E_BAD_SIGNATURE: u64 = 7;
    /// Yes votes of less than two thirds of the registered weight.
    const E_NOT_ENOUGH_VOTES: u64 = 8;
    /// A voter is named twice.
    const E_DOUBLE_VOTE: u64 = 9;

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

    /// Proposals of one node, at most one a channel.
    struct Pending has key {
        proposals: vector<Proposal>,
    }

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
            chain: coin::chain_id(),
            channel,
            number,
            from_height,
            from_root,
            to_height,
            to_root,
            to_block,
            balances: rows(asset, &accounts, &balances, &leaves),
            held: amounts(asset, held),
            closes,
            result,
        };
        check(&proposal);
        let id = ids::hash(b"proposal", bcs::to_bytes(&proposal));
        keep(node, proposal);
        event::emit(Proposed { channel, number, proposal: id });
    }

    /// Executes this node's recorded proposal with the yes votes of at least two thirds of the
    /// registered weight. `signatures` are of the nodes `voters`, in the same order.
    public entry fun execute(
        node: &signer,
        channel: address,
        proposal: address,
        voters: vector<address>,
        signatures: vector<vector<u8>>,
    ) acquires Pending {
        let taken = take(node, channel);
        assert!(ids::hash(b"proposal", bcs::to_bytes(&taken)) == proposal, E_NO_PROPOSAL);
        check(&taken);
        check_votes(channel, proposal, &voters, &signatures);
        let (accounts, due, leaves) = columns(&taken.balances);
        channel::settle(
            channel, accounts, due, leaves, taken.to_height, taken.to_root, taken.to_block,
            taken.closes, *&taken.result,
        );
        event::emit(Settled {
            channel, number: taken.number, height: taken.to_height, closes: taken.closes,
        });
    }

    /// Continuity, the right accounts, and conservation to the unit.
    fun check(proposal: &Proposal) {
        let (number, height, root, _) = channel::settled(proposal.channel);
        let continues = proposal.number == number + 1
            && proposal.from_height == height
            && (number == 0 || proposal.from_root == root)
            && proposal.to_height > height;
        assert!(continues, E_NOT_CONTINUOUS);
        let (accounts, due, leaves) = columns(&proposal.balances);
        assert!(is_sorted(&accounts), E_BAD_ACCOUNTS);
        let (known, expected) = channel::expected_total(proposal.channel, &accounts);
        assert!(known, E_BAD_ACCOUNTS);
        let sum = total(&proposal.held);
        let all_leave = true;
        let index = 0;
        while (index < vector::length(&due)) {
            sum = sum + *vector::borrow(&due, index);
            all_leave = all_leave && *vector::borrow(&leaves, index);
            index = index + 1;
        };
        assert!(sum == expected, E_NOT_CONSERVED);
        assert!(!proposal.closes || (all_leave && total(&proposal.held) == 0), E_BAD_CLOSE);
    }

    fun check_votes(
        channel: address,
        proposal: address,
        voters: &vector<address>,
        signatures: &vector<vector<u8>>,
    ) {
        assert!(vector::length(voters) == vector::length(signatures), E_LENGTHS);
        let message = vote_message(channel, proposal);
        let index = 0;
        while (index < vector::length(voters)) {
            let voter = vector::borrow(voters, index);
            let (_, first) = vector::index_of(voters, voter);
            assert!(first == index, E_DOUBLE_VOTE);
            let signature = vector::borrow(signatures, index);
            assert!(ed25519::verify(&bcs::to_bytes(voter), &message, signature), E_BAD_SIGNATURE);
            index = index + 1;
        };
        let (whole, part) = channel::weights(channel, voters);
        assert!(whole > 0 && 3 * (part as u128) >= 2 * (whole as u128), E_NOT_ENOUGH_VOTES);
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

    fun keep(node: &signer, proposal: Proposal) acquires Pending {
        let owner = signer::address_of(node);
        if (!exists<Pending>(owner)) {
            move_to(node, Pending { proposals: vector::empty() });
        };
        let proposals = &mut borrow_global_mut<Pending>(owner).proposals;
        let (found, index) = find(proposals, proposal.channel);
        if (found) {
            vector::remove(proposals, index);
        };
        vector::push_back(proposals, proposal);
    }

    fun take(node: &signer, channel: address): Proposal acquires Pending {
        let owner = signer::address_of(node);
        assert!(exists<Pending>(owner), E_NO_PROPOSAL);
        let proposals = &mut borrow_global_mut<Pending>(owner).proposals;
        let (found, index) = find(proposals, channel);
        assert!(found, E_NO_PROPOSAL);
        vector::remove(proposals, index)
    }

    fun find(proposals: &vector<Proposal>, channel: address): (bool, u64) {
        let index = 0;
        while (index < vector::length(proposals)) {
            if (vector::borrow(proposals, index).channel == channel) return (true, index);
            index = index + 1;
        };
        (false, index)
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
            vector::push_back(&mut rows, Balance {
                account: *vector::borrow(accounts, index),
                amounts: amounts(asset, *vector::borrow(balances, index)),
                leaves: *vector::borrow(leaves, index),
            });
            index = index + 1;
        };
        rows
    }

    fun columns(rows: &vector<Balance>): (vector<address>, vector<u64>, vector<bool>) {
        let (accounts, due, leaves) = (vector::empty(), vector::empty(), vector::empty());
        let index = 0;
        while (index < vector::length(rows)) {
            let row = vector::borrow(rows, index);
            vector::push_back(&mut accounts, row.account);
            vector::push_back(&mut due, total(&row.amounts));
            vector::push_back(&mut leaves, row.leaves);
            index = index + 1;
        };
        (accounts, due, leaves)
    }

    fun amounts(asset: address, amount: u64): vector<AssetAmount> {
        if (amount == 0) vector::empty() else vector::singleton(AssetAmount { asset, amount })
    }

    fun total(amounts: &vector<AssetAmount>): u64 {
        let (sum, index) = (0, 0);
        while (index < vector::length(amounts)) {
            sum = sum + vector::borrow(amounts, index).amount;
            index = index + 1;
        };
        sum
    }

    /// Strictly ascending by bytes: so nobody is named twice.
    fun is_sorted(accounts: &vector<address>): bool {
        let index = 1;
        while (index < vector::length(accounts)) {
            let before = bcs::to_bytes(vector::borrow(accounts, index - 1));
            let after = bcs::to_bytes(vector::borrow(accounts, index));
            if (!comes_before(&before, &after)) return false;
            index = index + 1;
        };
        true
    }

    fun comes_before(left: &vector<u8>, right: &vector<u8>): bool {
        let index = 0;
        while (index < vector::length(left)) {
            let (a, b) = (*vector::borrow(left, index), *vector::borrow(right, index));
            if (a != b) return a < b;
            index = index + 1;
        };
        false
    }

    // The attacks: each starts from a valid settlement and changes one thing.

    #[test_only]
    use runtime::context;
    #[test_only]
    use settlement::membership;

    #[test_only]
    const SEED_A: vector<u8> = x"0101010101010101010101010101010101010101010101010101010101010101";
    #[test_only]
    const SEED_B: vector<u8> = x"0202020202020202020202020202020202020202020202020202020202020202";
    #[test_only]
    const SEED_C: vector<u8> = x"0303030303030303030303030303030303030303030303030303030303030303";

    #[test_only]
    fun key(seed: vector<u8>): address {
        ids::to_address(ed25519::public_key_for_testing(&seed))
    }

    #[test_only]
    fun node(seed: vector<u8>): signer {
        coin::signer_for_testing(ids::account_of(key(seed)))
    }

    #[test_only]
    /// Three active members with 30, 40 and 50; node A leads.
    fun three_members(): address {
        let channel = channel::create_for_testing();
        channel::join_for_testing(channel, @0xa, key(SEED_A), 30);
        channel::join_for_testing(channel, @0xb, key(SEED_B), 40);
        channel::join_for_testing(channel, @0xc, key(SEED_C), 50);
        context::set_time_ms_for_testing(1000000);
        membership::heartbeat(&node(SEED_B), channel);
        membership::heartbeat(&node(SEED_C), channel);
        membership::apply_for_leadership(&node(SEED_A), channel);
        channel
    }

    #[test_only]
    fun propose_balances(channel: address, balances: vector<u64>, leaves: vector<bool>, held: u64) acquires Pending {
        propose_all(channel, 1, 0, vector[@0xa, @0xb, @0xc], balances, leaves, held, false);
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
        propose(
            &node(SEED_A), channel, number, from_height, @0x0, from_height + 9, @0x11, @0x12,
            accounts, balances, leaves, held, closes, b"score",
        );
    }

    #[test_only]
    fun recorded(channel: address): address acquires Pending {
        let proposals = &borrow_global<Pending>(ids::account_of(key(SEED_A))).proposals;
        let (_, index) = find(proposals, channel);
        ids::hash(b"proposal", bcs::to_bytes(vector::borrow(proposals, index)))
    }

    #[test_only]
    fun vote(seed: vector<u8>, channel: address, proposal: address): vector<u8> {
        ed25519::sign_for_testing(&seed, &vote_message(channel, proposal))
    }

    #[test_only]
    fun execute_with(channel: address, seeds: vector<vector<u8>>) acquires Pending {
        let proposal = recorded(channel);
        let (voters, signatures) = (vector::empty(), vector::empty());
        while (!vector::is_empty(&seeds)) {
            let seed = vector::pop_back(&mut seeds);
            vector::push_back(&mut voters, key(copy seed));
            vector::push_back(&mut signatures, vote(seed, channel, proposal));
        };
        execute(&node(SEED_A), channel, proposal, voters, signatures);
    }

    #[test]
    fun a_leaver_is_paid_and_the_rest_stays() acquires Pending {
        let channel = three_members();
        propose_balances(channel, vector[10, 60, 45], vector[false, true, false], 5);
        execute_with(channel, vector[SEED_A, SEED_C]);
        assert!(coin::balance(@0xb, @0xfa) == 60, 1);
        assert!(coin::balance(@0xa, @0xfa) == 0, 2);
        let (money, booked) = channel::money_for_testing(channel);
        assert!(money == 60 && booked == 60, 3);
        let (number, height, closed, result) = channel::last_settlement(channel);
        assert!(number == 1 && height == 9 && !closed && result == b"score", 4);
    }

    #[test]
    fun a_close_pays_everybody() acquires Pending {
        let channel = three_members();
        let accounts = vector[@0xa, @0xb, @0xc];
        propose_all(channel, 1, 0, accounts, vector[0, 20, 100], vector[true, true, true], 0, true);
        execute_with(channel, vector[SEED_A, SEED_B, SEED_C]);
        assert!(coin::balance(@0xa, @0xfa) == 0, 1);
        assert!(coin::balance(@0xb, @0xfa) == 20, 2);
        assert!(coin::balance(@0xc, @0xfa) == 100, 3);
        let (money, _) = channel::money_for_testing(channel);
        assert!(money == 0, 4);
    }

    #[test]
    fun a_later_joiner_is_booked_when_it_is_first_named() acquires Pending {
        let channel = three_members();
        channel::join_for_testing(channel, @0xd, @0x1d, 80);
        propose_balances(channel, vector[40, 40, 40], vector[false, false, false], 0);
        execute_with(channel, vector[SEED_A, SEED_C]);
        let accounts = vector[@0xa, @0xb, @0xc, @0xd];
        let stay = vector[false, false, false, false];
        propose(
            &node(SEED_A), channel, 2, 9, @0x11, 20, @0x21, @0x22, accounts,
            vector[50, 50, 50, 50], stay, 0, false, b"",
        );
        execute_with(channel, vector[SEED_A, SEED_B]);
        let (money, booked) = channel::money_for_testing(channel);
        assert!(money == 200 && booked == 200, 1);
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
        execute_with(channel, vector[SEED_A]);
    }

    #[test]
    #[expected_failure(abort_code = 9)]
    fun one_voter_counts_once() acquires Pending {
        let channel = three_members();
        propose_balances(channel, vector[30, 40, 50], vector[false, false, false], 0);
        execute_with(channel, vector[SEED_A, SEED_A]);
    }

    #[test]
    #[expected_failure(abort_code = 8)]
    fun strangers_votes_weigh_nothing() acquires Pending {
        let channel = three_members();
        propose_balances(channel, vector[30, 40, 50], vector[false, false, false], 0);
        let stranger = x"0909090909090909090909090909090909090909090909090909090909090909";
        execute_with(channel, vector[SEED_A, stranger]);
    }

    #[test]
    #[expected_failure(abort_code = 7)]
    fun a_vote_for_something_else_is_refused() acquires Pending {
        let channel = three_members();
        propose_balances(channel, vector[30, 40, 50], vector[false, false, false], 0);
        let proposal = recorded(channel);
        let voters = vector[key(SEED_A), key(SEED_B)];
        let signatures = vector[vote(SEED_A, channel, proposal), vote(SEED_B, channel, @0x99)];
        execute(&node(SEED_A), channel, proposal, voters, signatures);
    }

    #[test]
    #[expected_failure(abort_code = 7)]
    fun a_vote_of_another_channel_is_refused() acquires Pending {
        let channel = three_members();
        propose_balances(channel, vector[30, 40, 50], vector[false, false, false], 0);
        let proposal = recorded(channel);
        let voters = vector[key(SEED_A), key(SEED_B)];
        let signatures = vector[vote(SEED_A, channel, proposal), vote(SEED_B, @0x77, proposal)];
        execute(&node(SEED_A), channel, proposal, voters, signatures);
    }

    #[test]
    #[expected_failure(abort_code = 6)]
    fun an_executed_settlement_is_not_executed_again() acquires Pending {
        let channel = three_members();
        propose_balances(channel, vector[30, 40, 50], vector[false, false, false], 0);
        let proposal = recorded(channel);
        let voters = vector[key(SEED_A), key(SEED_B)];
        let signatures = vector[vote(SEED_A, channel, proposal), vote(SEED_B, channel, proposal)];
        execute(&node(SEED_A), channel, proposal, copy voters, copy signatures);
        execute(&node(SEED_A), channel, proposal, voters, signatures);
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
        let accounts = vector[@0xa, @0xb, @0xc, @0xd];
        let stay = vector[false, false, false, false];
        propose_all(three_members(), 1, 0, accounts, vector[30, 40, 50, 0], stay, 0, false);
    }

    #[test]
    #[expected_failure(abort_code = 3)]
    fun an_account_named_twice_is_refused() acquires Pending {
        let accounts = vector[@0xa, @0xa, @0xb, @0xc];
        let stay = vector[false, false, false, false];
        propose_all(three_members(), 1, 0, accounts, vector[30, 0, 40, 50], stay, 0, false);
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
