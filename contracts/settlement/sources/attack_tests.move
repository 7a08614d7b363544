#[test_only]
/// Who can take what under which rule: the attacks that the rules are chosen for, each to its end.
module settlement::attack_tests {
    use std::vector;
    use settlement::bench;
    use settlement::channel;
    use settlement::membership;
    use settlement::channel_tests;
    use settlement::coin;
    use settlement::windows;

    const TWO_THIRDS: u8 = 0;
    const UNANIMOUS: u8 = 1;
    const JUDGED: u8 = 2;
    const BY_MEMBER: u8 = 0;
    const BY_COLLATERAL: u8 = 1;

    fun leave_all(): vector<bool> {
        vector[true, true, true]
    }

    /// Three members that hold 100 each in the block that all certified.
    fun three(rule: u8): (address, vector<u8>, bench::Book) {
        let channel = bench::of(rule, 3);
        let book = bench::book_of(vector[100, 100, 100]);
        (channel, bench::block(channel, @0x1, 5, 1, &book), book)
    }

    // Cheap accounts.

    /// Member 1 put in 400; five cheap accounts of one person put in the least.
    fun flooded(weight_by: u8): (address, address) {
        let channel = bench::empty(TWO_THIRDS, weight_by, 10, 0, 0);
        bench::join(channel, 1, 400, false);
        bench::fill(channel, 2, 6, 10);
        bench::epoch(channel, bench::members(6));
        let block = bench::block(channel, @0x9, 900, 1, &bench::book());
        let leave = vector[true, true, true, true, true, true];
        let all = vector[0, 600, 0, 0, 0, 0];
        (channel, bench::propose(channel, 1, 0, &block, all, leave, true))
    }

    // What an open channel by member weights is: DESIGN section 7 says so, and so do the docs.
    #[test]
    fun a_majority_of_cheap_accounts_takes_everything_where_members_weigh_one() {
        let (channel, proposal) = flooded(BY_MEMBER);
        bench::execute(channel, proposal, vector[2, 3, 4, 5, 6]);
        assert!(bench::balance(2) == 600 && bench::balance(1) == 0, 1);
    }

    #[test]
    #[expected_failure(abort_code = 8)]
    fun a_majority_of_cheap_accounts_takes_nothing_where_collateral_weighs() {
        let (channel, proposal) = flooded(BY_COLLATERAL);
        bench::execute(channel, proposal, vector[2, 3, 4, 5, 6]);
    }

    #[test]
    #[expected_failure(abort_code = 4)]
    fun cheap_accounts_certify_nothing_where_collateral_weighs() {
        let (channel, _) = flooded(BY_COLLATERAL);
        let block = bench::block(channel, @0x9, 900, 1, &bench::book());
        bench::show(channel, block, vector[2, 3, 4, 5, 6]);
    }

    // A flood of joiners.

    #[test]
    fun pending_joiners_stall_no_settlement_and_no_exit() {
        let (channel, block, book) = three(TWO_THIRDS);
        bench::fill(channel, 4, 6, 0);
        bench::settle(channel, 1, 0, &block, vector[100, 100, 100]);
        let next = bench::block(channel, bench::hash(&block), 6, 1, &book);
        bench::demand(channel, 1);
        bench::show(channel, next, vector[2, 3]);
        bench::later(2 * bench::window());
        bench::finish_exit(channel, &book);
        bench::claim(channel, 1, &book);
        assert!(bench::balance(1) == 100 && bench::balance(4) == 100, 1);
    }

    #[test]
    #[expected_failure(abort_code = 6)]
    fun no_more_join_than_the_channel_takes() {
        let channel = bench::of(TWO_THIRDS, 3);
        let byte = 10;
        while (byte < 16) {
            bench::join_as(channel, channel_tests::key(byte), byte, 0, false);
            byte = byte + 1;
        };
    }

    /// Joiners that became active and fell silent: more than a third of the weight.
    fun silent_majority(): (address, vector<u8>) {
        let (channel, _, _) = three(TWO_THIRDS);
        bench::fill(channel, 4, 6, 0);
        bench::epoch_of_few(channel, bench::members(6), 4000);
        let book = bench::book_of(vector[100, 100, 100, 100, 100, 100]);
        let block = bench::block(channel, @0x1, 5, 2, &book);
        (channel, block)
    }

    #[test]
    fun silent_joiners_delay_a_settlement_by_its_window_and_no_longer() {
        let (channel, block) = silent_majority();
        bench::epoch_of_few(channel, vector[1, 2, 3], 30000);
        bench::show(channel, copy block, vector[1, 2, 3, 4]);
        let (balances, leaves) = (vector::empty(), vector::empty());
        while (vector::length(&balances) < 6) {
            vector::push_back(&mut balances, 100);
            vector::push_back(&mut leaves, false);
        };
        let proposal = bench::propose(channel, 1, 0, &block, balances, leaves, false);
        bench::open_window(channel, proposal, vector[1, 2, 3]);
        bench::later(30000 + bench::window());
        bench::finish(channel);
        let (number, _, _, _) = channel::last_settlement(channel);
        assert!(number == 1, 1);
    }

    #[test]
    #[expected_failure(abort_code = 3)]
    fun joiners_force_no_epoch_sooner_than_it_may_be() {
        let (channel, _, _) = three(TWO_THIRDS);
        bench::join(channel, 4, 0, false);
        bench::beat(channel, 4);
        membership::apply_for_leadership(&channel_tests::node(1), channel);
    }

    // Two thirds that collude.

    // The rule trusts two thirds with everybody's money, as the original design does: this is what
    // that means.
    #[test]
    fun under_two_thirds_a_colluding_two_thirds_takes_everything() {
        let (channel, block, _) = three(TWO_THIRDS);
        let proposal = bench::propose(channel, 1, 0, &block, vector[150, 150, 0], leave_all(), true);
        bench::execute(channel, proposal, vector[1, 2]);
        assert!(bench::balance(1) == 150 && bench::balance(2) == 150 && bench::balance(3) == 0, 1);
    }

    #[test]
    #[expected_failure(abort_code = 8)]
    fun where_everybody_settles_a_colluding_two_thirds_settles_nothing() {
        let (channel, block, _) = three(UNANIMOUS);
        let proposal = bench::propose(channel, 1, 0, &block, vector[150, 150, 0], leave_all(), true);
        bench::execute(channel, proposal, vector[1, 2]);
    }

    #[test]
    #[expected_failure(abort_code = 4)]
    fun where_everybody_settles_a_colluding_two_thirds_forges_no_exit() {
        let (channel, _, _) = three(UNANIMOUS);
        let forged = bench::block(channel, @0x9, 900, 1, &bench::book_of(vector[150, 150, 0]));
        bench::demand(channel, 1);
        bench::show(channel, forged, vector[1, 2]);
    }

    #[test]
    fun where_everybody_settles_the_third_leaves_with_what_is_its_own() {
        let (channel, block, book) = three(UNANIMOUS);
        bench::demand(channel, 3);
        bench::show(channel, block, vector[1, 2, 3]);
        bench::later(bench::window());
        bench::finish_exit(channel, &book);
        bench::claim(channel, 3, &book);
        assert!(bench::balance(3) == 100, 1);
    }

    #[test]
    fun where_it_is_judged_a_refuted_row_stops_a_colluding_two_thirds() {
        let (channel, block, book) = three(JUDGED);
        let proposal = bench::propose(channel, 1, 0, &block, vector[150, 150, 0], leave_all(), true);
        bench::open_window(channel, proposal, vector[1, 2]);
        bench::refute(channel, 2, @0xc, &book);
        let (waits, _, _, _, _, _) = windows::waiting(channel);
        assert!(!waits, 1);
    }

    #[test]
    #[expected_failure(abort_code = 12)]
    fun where_it_is_judged_what_was_refuted_is_never_finished() {
        let (channel, block, book) = three(JUDGED);
        let proposal = bench::propose(channel, 1, 0, &block, vector[150, 150, 0], leave_all(), true);
        bench::open_window(channel, proposal, vector[1, 2]);
        bench::refute(channel, 2, @0xc, &book);
        bench::later(2 * bench::window());
        bench::finish(channel);
    }

    // They name a root under which their rows are right; the block it is said to be of is shown.
    #[test]
    fun where_it_is_judged_a_false_root_stops_a_colluding_two_thirds() {
        let (channel, block, _) = three(JUDGED);
        let lie = bench::root(&bench::book_of(vector[150, 150, 0]));
        let proposal = bench::propose_rows(
            channel, 1, 0, &block, lie, bench::accounts(3), vector[150, 150, 0], leave_all(), true,
        );
        bench::open_window(channel, proposal, vector[1, 2]);
        bench::show(channel, block, vector[1, 2, 3]);
        bench::later(2 * bench::window());
        bench::finish(channel);
        let (number, _, _, _) = channel::last_settlement(channel);
        assert!(number == 0 && bench::balance(3) == 0, 1);
    }

    // The same, and nobody shows the block: then nothing says that the root is its own.
    #[test]
    #[expected_failure(abort_code = 11)]
    fun where_it_is_judged_a_root_that_nobody_showed_settles_nothing() {
        let (channel, block, _) = three(JUDGED);
        let lie = bench::root(&bench::book_of(vector[150, 150, 0]));
        let proposal = bench::propose_rows(
            channel, 1, 0, &block, lie, bench::accounts(3), vector[150, 150, 0], leave_all(), true,
        );
        bench::open_window(channel, proposal, vector[1, 2]);
        bench::later(2 * bench::window());
        bench::finish(channel);
    }

    // What only re-execution could tell: a block that two thirds forged and certified. It ends the
    // channel unless the third shows a better one, under this rule as under the first.
    #[test]
    fun where_it_is_judged_a_block_that_two_thirds_forged_is_believed() {
        let (channel, block, _) = three(JUDGED);
        let book = bench::book_of(vector[150, 150, 0]);
        let forged = bench::block(channel, bench::hash(&block), 6, 1, &book);
        bench::demand(channel, 1);
        bench::show(channel, forged, vector[1, 2]);
        bench::later(bench::window());
        bench::finish_exit(channel, &book);
        bench::claim(channel, 1, &book);
        assert!(bench::balance(1) == 150, 1);
    }

    // A minority that cut the others off.

    #[test]
    fun who_cut_the_others_off_settles_no_old_state_that_they_answer() {
        let (channel, old, _) = three(TWO_THIRDS);
        bench::show(channel, copy old, vector[1, 2]);
        bench::epoch_of_few(channel, vector[1], 20000);
        let proposal = bench::propose(channel, 1, 0, &old, vector[100, 100, 100], leave_all(), true);
        bench::open_window(channel, proposal, vector[1]);
        let new = bench::block(channel, bench::hash(&old), 6, 1, &bench::book_of(vector[0, 150, 150]));
        bench::show(channel, new, vector[2, 3]);
        let (_, _, _, _, _, unbeaten) = windows::waiting(channel);
        assert!(!unbeaten, 1);
    }

    // A member that has every other one convicted, one after the other, is alone and gains nothing.
    #[test]
    #[expected_failure(abort_code = 4)]
    fun who_has_all_others_convicted_ends_no_channel_at_its_own_blocks() {
        let channel = bench::backed(TWO_THIRDS, 4, 100, 1);
        bench::report(channel, 1, 3, @0xe1);
        bench::decide(channel, 3, @0xe1, true, vector[1, 2]);
        bench::report(channel, 1, 4, @0xe1);
        bench::decide(channel, 4, @0xe1, true, vector[1, 2]);
        bench::epoch_of_few(channel, vector[1, 2], 4000);
        let forged = bench::block(channel, @0x9, 900, 2, &bench::book_of(vector[200, 200, 0, 0]));
        bench::demand(channel, 1);
        bench::show_tail(channel, vector[forged], vector[1, 2]);
    }

    // A creator closes while an exit is open: the exit goes on.
    #[test]
    fun a_close_ends_no_exit() {
        let (channel, block, book) = three(TWO_THIRDS);
        bench::demand(channel, 2);
        channel::close(&coin::signer_for_testing(@0xc0), channel);
        bench::show(channel, block, vector[1, 2]);
        bench::later(bench::window());
        bench::finish_exit(channel, &book);
        bench::claim(channel, 2, &book);
        assert!(bench::balance(2) == 100, 1);
    }

    #[test]
    #[expected_failure(abort_code = 2)]
    fun nothing_settles_after_an_exit_ended_the_channel() {
        let (channel, block, book) = three(TWO_THIRDS);
        let proposal = bench::propose(channel, 1, 0, &block, vector[150, 150, 0], leave_all(), true);
        bench::demand(channel, 3);
        bench::later(bench::window());
        bench::finish_exit(channel, &book);
        bench::execute(channel, proposal, vector[1, 2]);
    }
}
