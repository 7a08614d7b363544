#[test_only]
/// Leaving alone, and what others may try meanwhile.
module settlement::exit_tests {
    use settlement::bench;
    use settlement::channel;
    use settlement::coin;
    use settlement::windows;

    const TWO_THIRDS: u8 = 0;
    const UNANIMOUS: u8 = 1;

    /// Two members that hold 30 and 170 in the block that both certified.
    fun two(rule: u8): (address, bench::Book, vector<u8>) {
        let channel = bench::of(rule, 2);
        let book = bench::book_of(vector[30, 170]);
        (channel, book, bench::block(channel, @0x1, 5, 1, &book))
    }

    fun window_over() {
        bench::later(3 * bench::window());
    }

    #[test]
    fun a_member_leaves_alone_with_its_last_certified_balance() {
        let (channel, book, block) = two(TWO_THIRDS);
        bench::demand(channel, 2);
        bench::show(channel, block, vector[1, 2]);
        window_over();
        bench::finish_exit(channel, &book);
        bench::claim(channel, 2, &book);
        assert!(bench::balance(2) == 170 && bench::balance(1) == 0, 1);
        bench::claim(channel, 1, &book);
        let (money, pending, _) = channel::money_for_testing(channel);
        assert!(bench::balance(1) == 30 && money == 0 && pending == 0, 2);
    }

    #[test]
    fun an_old_state_is_answered_by_a_newer_certificate() {
        let (channel, _, old) = two(TWO_THIRDS);
        let book = bench::book_of(vector[120, 80]);
        let new = bench::block(channel, bench::hash(&old), 6, 1, &book);
        bench::show(channel, old, vector[1, 2]);
        bench::demand(channel, 2);
        bench::later(bench::window() - 1);
        bench::show(channel, new, vector[1, 2]);
        window_over();
        bench::finish_exit(channel, &book);
        bench::claim(channel, 1, &book);
        bench::claim(channel, 2, &book);
        assert!(bench::balance(1) == 120 && bench::balance(2) == 80, 1);
    }

    #[test]
    fun with_nothing_shown_everybody_gets_its_deposit() {
        let (channel, book, _) = two(TWO_THIRDS);
        bench::join(channel, 3, 0, false);
        bench::demand(channel, 1);
        window_over();
        bench::finish_exit(channel, &book);
        assert!(bench::balance(1) == 100 && bench::balance(2) == 100 && bench::balance(3) == 100, 1);
        let (open, locked) = channel::standing_for_testing(channel);
        assert!(!open && locked == 0, 2);
    }

    #[test]
    fun with_nothing_shown_since_the_last_settlement_is_the_last_state() {
        let (channel, book, block) = two(UNANIMOUS);
        bench::settle(channel, 1, 0, &block, vector[30, 170]);
        bench::join(channel, 3, 0, false);
        bench::epoch_of_few(channel, vector[1, 2, 3], 20000);
        bench::demand(channel, 1);
        window_over();
        bench::finish_exit(channel, &book);
        assert!(bench::balance(3) == 100, 1);
        bench::claim(channel, 1, &book);
        bench::claim(channel, 2, &book);
        assert!(bench::balance(1) == 30 && bench::balance(2) == 170, 2);
    }

    // Two that settled a state which names a third one before it came.
    #[test]
    fun a_settled_state_says_nothing_of_who_came_later() {
        let channel = bench::of(TWO_THIRDS, 2);
        let trap = bench::book_of(vector[200, 0, 0]);
        let block = bench::block(channel, @0x1, 5, 1, &trap);
        bench::settle(channel, 1, 0, &block, vector[200, 0]);
        bench::join(channel, 3, 0, false);
        bench::epoch_of_few(channel, vector[1, 2, 3], 20000);
        bench::demand(channel, 1);
        window_over();
        bench::finish_exit(channel, &trap);
        assert!(bench::balance(3) == 100, 1);
        bench::claim(channel, 1, &trap);
        assert!(bench::balance(1) == 200, 2);
    }

    // The founder was alone in epoch 1, and makes a block of that time in which it owns everything.
    #[test]
    fun a_block_says_nothing_of_who_became_active_after_it() {
        let channel = bench::empty(TWO_THIRDS, 0, 0, 0, 0);
        bench::fill(channel, 1, 1, 0);
        bench::epoch(channel, vector[1]);
        bench::fill(channel, 2, 2, 0);
        bench::epoch_of_few(channel, vector[1, 2], 20000);
        let trap = bench::book_of(vector[200, 0]);
        bench::show(channel, bench::block(channel, @0x9, 900, 1, &trap), vector[1]);
        bench::demand(channel, 1);
        window_over();
        bench::finish_exit(channel, &trap);
        assert!(bench::balance(2) == 100, 1);
        bench::claim(channel, 1, &trap);
        assert!(bench::balance(1) == 100, 2);
    }

    // Member 2 was away for a while, and member 1 certified alone that it owns everything.
    #[test]
    fun who_comes_back_in_time_undoes_what_the_other_certified_alone() {
        let (channel, book, block) = two(TWO_THIRDS);
        bench::epoch_of_few(channel, vector[1], 20000);
        let forged = bench::block(channel, bench::hash(&block), 6, 2, &bench::book_of(vector[200, 0]));
        bench::show_above(channel, vector[copy block, copy forged], vector[1, 2], vector[1]);
        bench::demand(channel, 1);
        bench::dispute(channel, bench::hash(&forged), vector[2]);
        let (_, height, shown, _) = windows::best(channel);
        assert!(height == 5 && shown == bench::hash(&block), 1);
        bench::later(20000 + 4 * bench::window());
        bench::finish_exit(channel, &book);
        bench::claim(channel, 2, &book);
        bench::claim(channel, 1, &book);
        assert!(bench::balance(1) == 30 && bench::balance(2) == 170, 2);
    }

    #[test]
    #[expected_failure(abort_code = 6)]
    fun in_a_disputed_exit_anchors_alone_count() {
        let (channel, _, block) = two(TWO_THIRDS);
        bench::epoch_of_few(channel, vector[1], 20000);
        let forged = bench::block(channel, bench::hash(&block), 6, 2, &bench::book_of(vector[200, 0]));
        let blocks = vector[block, copy forged];
        bench::show_above(channel, copy blocks, vector[1, 2], vector[1]);
        bench::demand(channel, 1);
        bench::dispute(channel, bench::hash(&forged), vector[2]);
        bench::show_above(channel, blocks, vector[1, 2], vector[1]);
    }

    #[test]
    fun what_nobody_anchored_is_gone_after_a_dispute_and_anchors_can_be_shown() {
        let (channel, book, block) = two(TWO_THIRDS);
        bench::epoch_of_few(channel, vector[1], 20000);
        let forged = bench::block(channel, @0x9, 900, 2, &bench::book_of(vector[200, 0]));
        bench::show_tail(channel, vector[copy forged], vector[1]);
        bench::demand(channel, 1);
        bench::later(20000 + bench::window());
        bench::dispute(channel, bench::hash(&forged), vector[2]);
        let (shown, _, _, _) = windows::best(channel);
        assert!(!shown, 1);
        bench::show(channel, block, vector[1, 2]);
        bench::later(20000 + 2 * bench::window());
        bench::finish_exit(channel, &book);
        bench::claim(channel, 2, &book);
        assert!(bench::balance(2) == 170, 2);
    }

    // In the last third nobody could answer any more.
    #[test]
    #[expected_failure(abort_code = 6)]
    fun nothing_that_few_certified_is_shown_at_the_last_moment() {
        let channel = bench::of(TWO_THIRDS, 2);
        bench::epoch_of_few(channel, vector[1], 20000);
        bench::demand(channel, 1);
        let (height, time) = (6, 20000);
        while (time < 20000 + 2 * bench::window() - 40000) {
            time = time + 40000;
            bench::later(time);
            let block = bench::block(channel, @0x9, height, 2, &bench::book());
            bench::show_tail(channel, vector[block], vector[1]);
            height = height + 1;
        };
        bench::later(20000 + 2 * bench::window());
        let block = bench::block(channel, @0x9, 900, 2, &bench::book());
        bench::show_tail(channel, vector[block], vector[1]);
    }

    #[test]
    #[expected_failure(abort_code = 14)]
    fun a_third_is_too_few_to_dispute() {
        let channel = bench::of(TWO_THIRDS, 3);
        let block = bench::block(channel, @0x1, 5, 1, &bench::book());
        bench::show(channel, copy block, vector[1, 2]);
        bench::demand(channel, 1);
        bench::dispute(channel, bench::hash(&block), vector[3]);
    }

    #[test]
    #[expected_failure(abort_code = 2)]
    fun without_an_exit_there_is_nothing_to_dispute() {
        let (channel, _, block) = two(TWO_THIRDS);
        bench::show(channel, copy block, vector[1, 2]);
        bench::dispute(channel, bench::hash(&block), vector[1, 2]);
    }

    #[test]
    #[expected_failure(abort_code = 5)]
    fun without_a_block_there_is_nothing_to_dispute() {
        let (channel, _, block) = two(TWO_THIRDS);
        bench::demand(channel, 1);
        bench::dispute(channel, bench::hash(&block), vector[1, 2]);
    }

    #[test]
    #[expected_failure(abort_code = 7)]
    fun a_no_to_another_block_disputes_nothing() {
        let (channel, _, block) = two(TWO_THIRDS);
        bench::show(channel, block, vector[1, 2]);
        bench::demand(channel, 1);
        let (voters, signatures) = bench::votes(vector[1, 2], channel, @0x9, false);
        settlement::exits::dispute(&bench::signer_of(1), channel, voters, signatures);
    }

    #[test]
    fun a_settlement_that_pays_who_demanded_ends_the_exit() {
        let channel = bench::of(TWO_THIRDS, 3);
        let block = bench::block(channel, @0x1, 5, 1, &bench::book());
        bench::demand(channel, 2);
        let leaves = vector[false, true, false];
        let proposal = bench::propose(channel, 1, 0, &block, vector[100, 90, 110], leaves, false);
        bench::execute(channel, proposal, vector[1, 3]);
        let (demanded, _, _) = windows::exit(channel);
        assert!(!demanded && bench::balance(2) == 90, 1);
    }

    #[test]
    fun a_settlement_that_does_not_pay_who_demanded_leaves_the_exit_open() {
        let channel = bench::of(TWO_THIRDS, 3);
        bench::demand(channel, 2);
        let block = bench::block(channel, @0x1, 5, 1, &bench::book());
        bench::settle(channel, 1, 0, &block, vector[100, 100, 100]);
        let (demanded, by, _) = windows::exit(channel);
        assert!(demanded && by == vector[@0xb], 1);
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun a_pending_member_withdraws_instead() {
        let channel = bench::of(TWO_THIRDS, 2);
        bench::join(channel, 3, 0, false);
        bench::demand(channel, 3);
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun nobody_demands_an_exit_before_the_first_epoch() {
        let channel = bench::empty(TWO_THIRDS, 0, 0, 0, 0);
        bench::join(channel, 1, 0, false);
        bench::demand(channel, 1);
    }

    #[test]
    #[expected_failure(abort_code = 7)]
    fun a_stranger_demands_nothing() {
        bench::demand(bench::of(TWO_THIRDS, 2), 3);
    }

    #[test]
    #[expected_failure(abort_code = 2)]
    fun nobody_closes_what_nobody_leaves() {
        let (channel, book, _) = two(TWO_THIRDS);
        bench::finish_exit(channel, &book);
    }

    #[test]
    #[expected_failure(abort_code = 3)]
    fun nobody_closes_before_the_window_has_ended() {
        let (channel, book, _) = two(TWO_THIRDS);
        bench::demand(channel, 1);
        bench::later(bench::window() - 1);
        bench::finish_exit(channel, &book);
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun another_list_of_who_entered_is_no_proof() {
        let (channel, _, block) = two(TWO_THIRDS);
        bench::demand(channel, 1);
        bench::show(channel, block, vector[1, 2]);
        window_over();
        bench::finish_exit(channel, &bench::book_of(vector[200]));
    }

    #[test]
    #[expected_failure(abort_code = 6)]
    fun after_the_window_nothing_is_shown() {
        let (channel, _, block) = two(TWO_THIRDS);
        bench::demand(channel, 1);
        window_over();
        bench::show(channel, block, vector[1, 2]);
    }

    #[test]
    #[expected_failure(abort_code = 2)]
    fun an_exit_ends_once() {
        let (channel, book, _) = two(TWO_THIRDS);
        bench::demand(channel, 1);
        window_over();
        bench::finish_exit(channel, &book);
        bench::finish_exit(channel, &book);
    }

    #[test]
    #[expected_failure(abort_code = 4)]
    fun nobody_claims_of_an_open_channel() {
        let (channel, book, _) = two(TWO_THIRDS);
        bench::claim(channel, 1, &book);
    }

    #[test]
    #[expected_failure(abort_code = 7)]
    fun nobody_claims_twice() {
        let (channel, book, block) = two(TWO_THIRDS);
        bench::show(channel, block, vector[1, 2]);
        bench::demand(channel, 1);
        window_over();
        bench::finish_exit(channel, &book);
        bench::claim(channel, 1, &book);
        bench::claim(channel, 1, &book);
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun a_claim_by_another_state_is_refused() {
        let (channel, book, block) = two(TWO_THIRDS);
        bench::show(channel, block, vector[1, 2]);
        bench::demand(channel, 1);
        window_over();
        bench::finish_exit(channel, &book);
        bench::claim(channel, 1, &bench::book_of(vector[170, 30]));
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun a_claim_by_another_vault_is_refused() {
        let (channel, book, block) = two(TWO_THIRDS);
        bench::show(channel, block, vector[1, 2]);
        bench::demand(channel, 1);
        window_over();
        bench::finish_exit(channel, &book);
        bench::claim_by(channel, @0xa, &bench::book_of(vector[170, 30]), &book);
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun a_claim_by_another_debt_is_refused() {
        let (channel, book, block) = two(TWO_THIRDS);
        bench::show(channel, block, vector[1, 2]);
        bench::demand(channel, 1);
        window_over();
        bench::finish_exit(channel, &book);
        let other = bench::book();
        bench::owe(&mut other, @0xa, 170);
        bench::claim_by(channel, @0xa, &book, &other);
    }

    #[test]
    fun a_leaver_is_paid_what_it_is_owed_and_not_its_vault() {
        let channel = bench::of(TWO_THIRDS, 2);
        let book = bench::book();
        bench::hold(&mut book, @0xa, 120);
        bench::owe(&mut book, @0xb, 80);
        bench::enter(&mut book, 1, 2);
        bench::show(channel, bench::block(channel, @0x1, 5, 1, &book), vector[1, 2]);
        bench::demand(channel, 1);
        window_over();
        bench::finish_exit(channel, &book);
        bench::claim(channel, 2, &book);
        bench::claim(channel, 1, &book);
        assert!(bench::balance(1) == 120 && bench::balance(2) == 80, 1);
    }

    #[test]
    fun what_the_app_held_is_divided_with_the_last_claim() {
        let channel = bench::of(TWO_THIRDS, 3);
        let book = bench::book_of(vector[99, 0, 100]);
        bench::show(channel, bench::block(channel, @0x1, 5, 1, &book), vector[1, 2]);
        bench::demand(channel, 1);
        window_over();
        bench::finish_exit(channel, &book);
        bench::claim(channel, 3, &book);
        bench::claim(channel, 1, &book);
        bench::claim(channel, 2, &book);
        assert!(bench::balance(1) == 133 && bench::balance(2) == 34 && bench::balance(3) == 133, 1);
    }

    // A state that gives out more than there is pays no more than there is, and does not get stuck.
    #[test]
    fun a_lying_state_pays_no_more_than_there_is() {
        let channel = bench::of(TWO_THIRDS, 3);
        let book = bench::book();
        bench::hold(&mut book, @0xa, 500);
        bench::hold(&mut book, @0xb, 500);
        bench::enter(&mut book, 1, 2);
        bench::show(channel, bench::block(channel, @0x1, 5, 1, &book), vector[1, 2]);
        bench::demand(channel, 1);
        window_over();
        bench::finish_exit(channel, &book);
        bench::claim(channel, 1, &book);
        bench::claim(channel, 2, &book);
        assert!(bench::balance(1) == 200 && bench::balance(2) == 0 && bench::balance(3) == 100, 1);
    }

    #[test]
    fun a_state_that_lacks_a_member_whose_money_is_gone_does_not_get_stuck() {
        let channel = bench::of(TWO_THIRDS, 3);
        let block = bench::block(channel, @0x1, 5, 1, &bench::book());
        let leaves = vector[false, true, false];
        let proposal = bench::propose(channel, 1, 0, &block, vector[10, 190, 100], leaves, false);
        bench::execute(channel, proposal, vector[1, 2]);
        let nobody = bench::book();
        bench::enter(&mut nobody, 9, 9);
        bench::show(channel, bench::block(channel, @0x1, 6, 1, &nobody), vector[1, 3]);
        bench::demand(channel, 1);
        window_over();
        bench::finish_exit(channel, &nobody);
        assert!(bench::balance(1) == 100 && bench::balance(3) == 10, 1);
    }

    #[test]
    #[expected_failure(abort_code = 2)]
    fun an_ended_channel_takes_no_demands() {
        let (channel, book, _) = two(TWO_THIRDS);
        bench::demand(channel, 1);
        window_over();
        bench::finish_exit(channel, &book);
        bench::demand(channel, 2);
    }

    #[test]
    fun an_exit_can_be_demanded_in_a_channel_that_closes() {
        let (channel, book, _) = two(TWO_THIRDS);
        channel::close(&coin::signer_for_testing(@0xc0), channel);
        bench::demand(channel, 1);
        window_over();
        bench::finish_exit(channel, &book);
        assert!(bench::balance(1) == 100, 1);
    }
}
