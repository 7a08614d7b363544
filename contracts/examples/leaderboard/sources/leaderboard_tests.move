#[test_only]
module leaderboard::leaderboard_tests {
    use std::bcs;
    use std::vector;
    use settlement::channel;
    use settlement::channel_tests;
    use settlement::coin;
    use settlement::rules;
    use leaderboard::leaderboard;

    const FEE: u64 = 5;
    const NATIVE: address = @0xfa;

    /// A board with one arena, and its id.
    fun one_arena(): address {
        coin::initialize_for_testing();
        let publisher = coin::signer_for_testing(@leaderboard);
        leaderboard::set_up(&publisher, @0xbeef, FEE);
        leaderboard::open(&coin::signer_for_testing(@0xa));
        *vector::borrow(&leaderboard::arenas(), 0)
    }

    fun enter(account: address, channel: address, byte: u8) {
        let player = coin::signer_for_testing(account);
        let proof = channel::proof_for_testing(channel_tests::seed(byte), channel, account);
        let node = channel_tests::key(byte);
        leaderboard::enter(&player, channel, node, 100, vector::empty(), proof, 0, false);
    }

    fun collect(channel: address) {
        leaderboard::collect(&coin::signer_for_testing(@0xe), channel);
    }

    /// A result with these scores.
    fun result(accounts: vector<address>, points: vector<u64>): vector<u8> {
        let (bytes, index) = (vector::empty(), 0);
        while (index < vector::length(&accounts)) {
            vector::append(&mut bytes, bcs::to_bytes(vector::borrow(&accounts, index)));
            vector::append(&mut bytes, bcs::to_bytes(vector::borrow(&points, index)));
            index = index + 1;
        };
        bytes
    }

    fun settle(channel: address, height: u64, accounts: vector<address>, points: vector<u64>) {
        channel::settle_for_testing(channel, height, result(accounts, points));
    }

    /// Whether the board has exactly these rows.
    fun board_is(accounts: vector<address>, points: vector<u64>, channel: address): bool {
        let rows = leaderboard::board();
        let (index, count) = (0, vector::length(&rows));
        if (count != vector::length(&accounts)) return false;
        while (index < count) {
            let expected = bcs::to_bytes(vector::borrow(&accounts, index));
            vector::append(&mut expected, bcs::to_bytes(vector::borrow(&points, index)));
            vector::append(&mut expected, bcs::to_bytes(&channel));
            if (bcs::to_bytes(vector::borrow(&rows, index)) != expected) return false;
            index = index + 1;
        };
        true
    }

    #[test]
    fun who_enters_pays_the_fee_and_is_a_member() {
        let channel = one_arena();
        coin::mint_for_testing(@0xa, 200);
        enter(@0xa, channel, 1);
        let (members, _, _) = channel::counts_for_testing(channel);
        let (_, locked) = channel::standing_for_testing(channel);
        assert!(members == 1 && locked == 100, 1);
        assert!(coin::balance(@leaderboard, NATIVE) == FEE && coin::balance(@0xa, NATIVE) == 95, 2);
    }

    #[test]
    #[expected_failure(abort_code = 2)]
    fun who_cannot_pay_the_fee_and_the_deposit_stays_out() {
        let channel = one_arena();
        coin::mint_for_testing(@0xa, 104);
        enter(@0xa, channel, 1);
    }

    #[test]
    #[expected_failure(abort_code = 4)]
    fun nobody_joins_past_the_fee() {
        channel_tests::join(one_arena(), @0xa, 1, 100);
    }

    #[test]
    #[expected_failure(abort_code = 8)]
    fun the_publishers_key_does_not_close_an_arena() {
        let channel = one_arena();
        channel::close(&coin::signer_for_testing(@leaderboard), channel);
    }

    #[test]
    fun the_board_closes_an_arena() {
        let channel = one_arena();
        leaderboard::close(&coin::signer_for_testing(@leaderboard), channel);
        let (open, _) = channel::standing_for_testing(channel);
        assert!(!open, 1);
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun only_the_publisher_closes_through_the_board() {
        let channel = one_arena();
        leaderboard::close(&coin::signer_for_testing(@0xa), channel);
    }

    #[test]
    fun the_best_come_first_and_each_once() {
        let channel = one_arena();
        settle(channel, 9, vector[@0xa, @0xb, @0xc], vector[2, 700, 3]);
        collect(channel);
        assert!(board_is(vector[@0xb, @0xc, @0xa], vector[700, 3, 2], channel), 1);
        settle(channel, 20, vector[@0xa, @0xb], vector[9, 1]);
        collect(channel);
        assert!(board_is(vector[@0xb, @0xa, @0xc], vector[700, 9, 3], channel), 2);
    }

    #[test]
    #[expected_failure(abort_code = 5)]
    fun an_arena_that_never_settled_has_no_scores() {
        collect(one_arena());
    }

    #[test]
    #[expected_failure(abort_code = 6)]
    fun a_settlement_is_collected_once() {
        let channel = one_arena();
        settle(channel, 9, vector[@0xa], vector[2]);
        collect(channel);
        collect(channel);
    }

    #[test]
    #[expected_failure(abort_code = 4)]
    /// A channel that an attacker opened, with a package of its own and any result.
    fun scores_of_a_foreign_channel_are_not_taken() {
        one_arena();
        let attacker = coin::signer_for_testing(@0xe);
        channel_tests::create(&attacker, 1, vector::empty(), 1, 4, 0, 0);
        let channel = channel::id_of(@0xe, 0);
        settle(channel, 9, vector[@0xe], vector[1000000]);
        collect(channel);
    }

    #[test]
    #[expected_failure(abort_code = 4)]
    /// A channel in the board's name, made by another contract for another account.
    fun nobody_enters_a_foreign_channel_through_the_board() {
        one_arena();
        let creator = channel::creator(&coin::signer_for_testing(@0xe));
        let owner = channel::create_for(&creator, @0xbad, rules::admitted(NATIVE, 0, 4));
        coin::mint_for_testing(@0xa, 200);
        enter(@0xa, channel::owned(&owner), 1);
        keep(owner, creator);
    }

    #[test]
    #[expected_failure(abort_code = 7)]
    fun a_result_that_is_no_list_of_scores_is_refused() {
        let channel = one_arena();
        channel::settle_for_testing(channel, 9, b"no scores");
        collect(channel);
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun only_the_publisher_sets_the_board_up() {
        leaderboard::set_up(&coin::signer_for_testing(@0xa), @0xbeef, FEE);
    }

    #[test]
    #[expected_failure(abort_code = 3)]
    fun the_board_is_set_up_once() {
        one_arena();
        leaderboard::set_up(&coin::signer_for_testing(@leaderboard), @0xbeef, 0);
    }

    struct Kept has key { owner: channel::ChannelOwner, creator: channel::Creator }

    fun keep(owner: channel::ChannelOwner, creator: channel::Creator) {
        move_to(&coin::signer_for_testing(@0xe), Kept { owner, creator });
    }
}
