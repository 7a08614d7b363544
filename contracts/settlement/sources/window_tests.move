#[test_only]
/// Proposals that wait for a window: who may open one, and what withdraws it or keeps it.
module settlement::window_tests {
    use std::vector;
    use settlement::bench;
    use settlement::channel;
    use settlement::settlement;
    use settlement::state_proof;
    use settlement::windows;

    const TWO_THIRDS: u8 = 0;
    const UNANIMOUS: u8 = 1;
    const JUDGED: u8 = 2;
    /// As in `settlement`, milliseconds.
    const LEAVE_PATIENCE: u64 = 60000;

    fun stay(): vector<bool> {
        vector[false, false, false]
    }

    /// Three members of which 1 and 2 are heard, and the block that they certified.
    fun two_of_three(): (address, vector<u8>) {
        let channel = bench::of(TWO_THIRDS, 3);
        let block = bench::block(channel, @0x1, 5, 1, &bench::book_of(vector[90, 110, 100]));
        bench::show(channel, copy block, vector[1, 2]);
        (channel, block)
    }

    /// Member 1 alone is heard of three, and its proposal waits at the block that two certified.
    fun alone(balances: vector<u64>, leaves: vector<bool>, closes: bool): (address, address, vector<u8>) {
        let (channel, block) = two_of_three();
        bench::epoch_of_few(channel, vector[1], 20000);
        let proposal = bench::propose(channel, 1, 0, &block, balances, leaves, closes);
        bench::open_window(channel, proposal, vector[1]);
        (channel, proposal, block)
    }

    /// A proposal of a channel that judges waits at a block that was shown; 1 and 2 agreed.
    fun judged(balances: vector<u64>): (address, address, vector<u8>) {
        let (channel, proposal, block) = unshown(balances);
        bench::show(channel, copy block, vector[1, 2]);
        (channel, proposal, block)
    }

    /// The same before anybody showed its block.
    fun unshown(balances: vector<u64>): (address, address, vector<u8>) {
        let channel = bench::of(JUDGED, 3);
        let block = bench::block(channel, @0x1, 5, 1, &bench::book_of(vector[90, 110, 100]));
        let proposal = bench::propose(channel, 1, 0, &block, balances, stay(), false);
        bench::open_window(channel, proposal, vector[1, 2]);
        (channel, proposal, block)
    }

    fun window_over() {
        bench::later(4 * bench::window());
    }

    fun waits(channel: address): bool {
        let (waits, _, _, _, _, _) = windows::waiting(channel);
        waits
    }

    fun number(channel: address): u64 {
        let (number, _, _, _) = channel::last_settlement(channel);
        number
    }

    #[test]
    fun those_who_are_heard_settle_after_a_window() {
        let (channel, _, _) = alone(vector[90, 110, 100], stay(), false);
        assert!(number(channel) == 0, 1);
        window_over();
        bench::finish(channel);
        assert!(number(channel) == 1 && !waits(channel), 2);
    }

    #[test]
    #[expected_failure(abort_code = 13)]
    fun nothing_executes_before_the_window_has_ended() {
        let (channel, _, _) = alone(vector[90, 110, 100], stay(), false);
        bench::later(20000 + bench::window() - 1);
        bench::finish(channel);
    }

    #[test]
    #[expected_failure(abort_code = 12)]
    fun what_does_not_wait_is_not_finished() {
        let (channel, _) = two_of_three();
        bench::finish(channel);
    }

    #[test]
    #[expected_failure(abort_code = 12)]
    fun a_settlement_by_others_ends_the_wait() {
        let (channel, _, block) = alone(vector[90, 110, 100], stay(), false);
        bench::settle(channel, 1, 0, &block, vector[100, 100, 100]);
        window_over();
        bench::finish(channel);
    }

    #[test]
    #[expected_failure(abort_code = 8)]
    fun a_third_of_those_who_are_heard_opens_nothing() {
        let (channel, block) = two_of_three();
        let proposal = bench::propose(channel, 1, 0, &block, vector[90, 110, 100], stay(), false);
        bench::open_window(channel, proposal, vector[1]);
    }

    #[test]
    #[expected_failure(abort_code = 8)]
    fun who_had_the_others_convicted_opens_nothing_alone() {
        let channel = bench::of(TWO_THIRDS, 2);
        let block = bench::block(channel, @0x1, 5, 1, &bench::book_of(vector[90, 110]));
        bench::show(channel, copy block, vector[1, 2]);
        bench::report(channel, 1, 2, @0xe1);
        let stay = vector[false, false];
        let proposal = bench::propose(channel, 1, 0, &block, vector[200, 0], stay, false);
        bench::open_window(channel, proposal, vector[1]);
    }

    #[test]
    #[expected_failure(abort_code = 11)]
    fun a_block_that_nobody_showed_opens_nothing() {
        let channel = bench::of(TWO_THIRDS, 3);
        let block = bench::block(channel, @0x1, 5, 1, &bench::book());
        let proposal = bench::propose(channel, 1, 0, &block, vector[90, 110, 100], stay(), false);
        bench::open_window(channel, proposal, vector[1, 2]);
    }

    #[test]
    #[expected_failure(abort_code = 11)]
    fun another_root_than_the_shown_one_opens_nothing() {
        let (channel, block) = two_of_three();
        let proposal = bench::propose_rows(
            channel, 1, 0, &block, @0x66, bench::accounts(3), vector[90, 110, 100], stay(), false,
        );
        bench::open_window(channel, proposal, vector[1, 2]);
    }

    #[test]
    #[expected_failure(abort_code = 11)]
    fun a_lower_block_than_the_best_opens_nothing() {
        let (channel, old) = two_of_three();
        let new = bench::block(channel, bench::hash(&old), 6, 1, &bench::book());
        bench::show(channel, new, vector[1, 2]);
        let proposal = bench::propose(channel, 1, 0, &old, vector[90, 110, 100], stay(), false);
        bench::open_window(channel, proposal, vector[1, 2]);
    }

    #[test]
    #[expected_failure(abort_code = 10)]
    fun where_everybody_settles_nothing_waits() {
        let channel = bench::of(UNANIMOUS, 3);
        let block = bench::block(channel, @0x1, 5, 1, &bench::book());
        let proposal = bench::propose(channel, 1, 0, &block, vector[90, 110, 100], stay(), false);
        bench::open_window(channel, proposal, vector[1, 2, 3]);
    }

    #[test]
    #[expected_failure(abort_code = 6)]
    fun what_was_not_recorded_opens_nothing() {
        let (channel, _) = two_of_three();
        bench::open_window(channel, @0x9, vector[1, 2]);
    }

    #[test]
    #[expected_failure(abort_code = 15)]
    fun one_proposal_waits_at_a_time() {
        let (channel, _, block) = alone(vector[90, 110, 100], stay(), false);
        let proposal = bench::propose(channel, 1, 0, &block, vector[100, 100, 100], stay(), false);
        bench::open_window(channel, proposal, vector[1]);
    }

    // Votes for a number stay good: those for an older proposal would begin the window anew again and
    // again.
    #[test]
    #[expected_failure(abort_code = 15)]
    fun a_lower_proposal_takes_no_place_of_one_that_is_not_shown_yet() {
        let (channel, _, _) = unshown(vector[90, 110, 100]);
        replace(channel, 4, 1);
    }

    #[test]
    #[expected_failure(abort_code = 15)]
    fun a_lower_proposal_takes_no_place_of_one_that_a_newer_block_may_link() {
        let (channel, _, block) = judged(vector[90, 110, 100]);
        bench::show(channel, bench::block(channel, bench::hash(&block), 6, 1, &bench::book()), vector[1, 2]);
        bench::later(4 * bench::window() - 1);
        replace(channel, 5, 1);
    }

    #[test]
    fun a_higher_proposal_takes_the_place_of_one_that_does_not_stand() {
        let (channel, first, _) = unshown(vector[90, 110, 100]);
        assert!(replace(channel, 6, 1) != first && waits(channel), 1);
    }

    #[test]
    fun what_another_block_of_its_height_beat_gives_way_to_a_lower_one() {
        let (channel, first, _) = unshown(vector[90, 110, 100]);
        bench::show(channel, bench::block(channel, @0x9, 5, 1, &bench::book()), vector[1, 2]);
        assert!(replace(channel, 4, 1) != first && waits(channel), 1);
    }

    // Nobody could link it or withdraw it for a whole window after the longest.
    #[test]
    fun what_has_not_stood_for_long_keeps_nobody_out() {
        let (channel, first, _) = unshown(vector[90, 110, 100]);
        bench::later(4 * bench::window());
        bench::beat_all(channel, vector[1, 2, 3]);
        assert!(replace(channel, 4, 1) != first && waits(channel), 1);
    }

    /// Opens a window for another proposal, at a height; its hash.
    fun replace(channel: address, height: u64, epoch: u64): address {
        let block = bench::block(channel, @0x5, height, epoch, &bench::book());
        let proposal = bench::propose(channel, 1, 0, &block, vector[100, 100, 100], stay(), false);
        bench::open_window(channel, proposal, vector[1, 2]);
        let (_, waiting, _, _, _, _) = windows::waiting(channel);
        assert!(waiting == proposal, 9);
        proposal
    }

    // What withdraws it.

    #[test]
    fun who_was_cut_off_comes_back_and_objects() {
        let (channel, proposal, _) = alone(vector[290, 5, 5], stay(), false);
        bench::object(channel, proposal, vector[2, 3]);
        assert!(!waits(channel), 1);
    }

    #[test]
    #[expected_failure(abort_code = 14)]
    fun a_third_is_too_few_to_object() {
        let (channel, proposal, _) = alone(vector[90, 110, 100], stay(), false);
        bench::object(channel, proposal, vector[3]);
    }

    #[test]
    #[expected_failure(abort_code = 7)]
    fun a_yes_is_no_objection() {
        let (channel, proposal, _) = alone(vector[90, 110, 100], stay(), false);
        let (voters, signatures) = bench::votes(vector[2, 3], channel, proposal, true);
        settlement::object(&bench::signer_of(1), channel, voters, signatures);
    }

    #[test]
    #[expected_failure(abort_code = 12)]
    fun nothing_that_waits_nothing_to_object_to() {
        let (channel, _) = two_of_three();
        bench::object(channel, @0x9, vector[1, 2, 3]);
    }

    #[test]
    #[expected_failure(abort_code = 9)]
    fun an_objection_counts_once() {
        let (channel, proposal, _) = alone(vector[90, 110, 100], stay(), false);
        bench::object(channel, proposal, vector[2, 2]);
    }

    #[test]
    #[expected_failure(abort_code = 11)]
    fun a_newer_anchor_of_another_chain_beats_what_waits() {
        let (channel, _, _) = alone(vector[290, 5, 5], stay(), false);
        bench::show(channel, bench::block(channel, @0x8, 6, 2, &bench::book()), vector[2, 3]);
        window_over();
        bench::finish(channel);
    }

    // A beaten proposal keeps neither proofs nor other proposals out.
    #[test]
    fun what_was_beaten_gives_way() {
        let (channel, _, _) = alone(vector[290, 5, 5], stay(), false);
        let better = bench::block(channel, @0x8, 6, 2, &bench::book());
        bench::show(channel, copy better, vector[2, 3]);
        window_over();
        let best = bench::block(channel, bench::hash(&better), 7, 2, &bench::book());
        bench::show(channel, copy best, vector[2, 3]);
        bench::beat_all(channel, vector[1, 2, 3]);
        let proposal = bench::propose(channel, 1, 0, &best, vector[100, 100, 100], stay(), false);
        bench::open_window(channel, proposal, vector[2, 3]);
        bench::later(6 * bench::window());
        bench::finish(channel);
        assert!(number(channel) == 1, 1);
    }

    // Those who are left are kept out by nothing that was beaten, however long ago.
    #[test]
    fun what_was_beaten_keeps_nobodys_certificates_out() {
        let (channel, _, block) = alone(vector[290, 5, 5], stay(), false);
        let better = bench::block(channel, @0x8, 6, 2, &bench::book());
        bench::show(channel, copy better, vector[2, 3]);
        assert!(bench::hash(&block) != bench::hash(&better), 1);
        window_over();
        let next = bench::block(channel, bench::hash(&better), 7, 2, &bench::book());
        bench::show_above(channel, vector[better, copy next], vector[2, 3], vector[1]);
        let (_, height, shown, _) = windows::best(channel);
        assert!(height == 7 && shown == bench::hash(&next), 2);
    }

    // In the last third of its time nobody could answer any more.
    #[test]
    #[expected_failure(abort_code = 6)]
    fun what_waits_is_not_beaten_at_the_last_moment_by_what_few_certified() {
        let (channel, _, block) = alone(vector[90, 110, 100], stay(), false);
        let (blocks, height, time) = (vector[block], 6, 20000);
        while (time + 40000 < 20000 + 2 * bench::window()) {
            time = time + 40000;
            bench::later(time);
            go_on(channel, &mut blocks, height);
            bench::show_above(channel, copy blocks, vector[1, 2], vector[1]);
            bench::support(channel, copy blocks);
            height = height + 1;
        };
        bench::later(20000 + 2 * bench::window());
        go_on(channel, &mut blocks, height);
        bench::show_above(channel, blocks, vector[1, 2], vector[1]);
    }

    /// One more block on top of these.
    fun go_on(channel: address, blocks: &mut vector<vector<u8>>, height: u64) {
        let place = vector::length(blocks) - 1;
        let last = vector::borrow(blocks, place);
        let next = bench::block(channel, bench::hash(last), height, 2, &bench::book());
        vector::push_back(blocks, next);
    }

    // What keeps it.

    #[test]
    fun a_later_block_of_the_same_chain_supports_it_also_after_the_window() {
        let (channel, _, block) = alone(vector[90, 110, 100], stay(), false);
        let next = bench::block(channel, bench::hash(&block), 6, 2, &bench::book());
        bench::show(channel, copy next, vector[2, 3]);
        window_over();
        bench::support(channel, vector[block, next]);
        bench::finish(channel);
        assert!(number(channel) == 1, 1);
    }

    // Few showed the proposal's block, then all showed an anchor below it.
    #[test]
    fun an_earlier_block_of_the_same_chain_supports_it() {
        let (channel, _, before, block) = above_what_is_shown();
        bench::show_tail(channel, vector[copy block], vector[1, 2]);
        bench::show(channel, copy before, vector[1, 2]);
        bench::support(channel, vector[before, block]);
        window_over();
        bench::finish(channel);
        assert!(number(channel) == 1, 2);
    }

    // Headers alone say nothing of who made a block: two thirds could name a child of what was shown
    // that nobody signed.
    #[test]
    #[expected_failure(abort_code = 17)]
    fun an_earlier_block_supports_none_that_was_not_shown_itself() {
        let (channel, _, before, block) = above_what_is_shown();
        bench::show(channel, copy before, vector[1, 2]);
        bench::support(channel, vector[before, block]);
    }

    // Nor was it shown because the one that waited before was.
    #[test]
    #[expected_failure(abort_code = 17)]
    fun what_was_shown_of_another_proposal_supports_none() {
        let (channel, first, before, block) = above_what_is_shown();
        bench::show_tail(channel, vector[copy block], vector[1, 2]);
        bench::show(channel, copy before, vector[1, 2]);
        bench::object(channel, first, vector[1, 2, 3]);
        let other = bench::block(channel, bench::hash(&before), 5, 1, &bench::book());
        let proposal = bench::propose(channel, 1, 0, &other, vector[100, 100, 100], stay(), false);
        bench::open_window(channel, proposal, vector[1, 2]);
        bench::support(channel, vector[before, other]);
    }

    // What forks off below the proposal's block goes on from a block that supports it, and leaves it out.
    #[test]
    #[expected_failure(abort_code = 17)]
    fun what_goes_on_from_an_earlier_block_by_another_way_supports_nothing() {
        let (channel, _, before, block) = above_what_is_shown();
        bench::show_tail(channel, vector[copy block], vector[1, 2]);
        bench::show(channel, copy before, vector[1, 2]);
        bench::support(channel, vector[copy before, block]);
        let beside = bench::block(channel, bench::hash(&before), 5, 1, &bench::book());
        bench::show(channel, copy beside, vector[1, 2]);
        bench::support(channel, vector[before, beside]);
    }

    /// Where it is judged, a proposal that waits at height 5, a block at 4, and the proposal's, its child.
    fun above_what_is_shown(): (address, address, vector<u8>, vector<u8>) {
        let channel = bench::of(JUDGED, 3);
        let before = bench::block(channel, @0x7, 4, 1, &bench::book());
        let book = bench::book_of(vector[90, 110, 100]);
        let block = bench::block(channel, bench::hash(&before), 5, 1, &book);
        let proposal = bench::propose(channel, 1, 0, &block, vector[90, 110, 100], stay(), false);
        bench::open_window(channel, proposal, vector[1, 2]);
        (channel, proposal, before, block)
    }

    // A busy channel orders more within a window than one transaction links.
    #[test]
    fun what_was_shown_far_above_supports_a_proposal_in_parts() {
        let (channel, _, block) = alone(vector[90, 110, 100], stay(), false);
        let one = bench::block(channel, bench::hash(&block), 6, 2, &bench::book());
        let two = bench::block(channel, bench::hash(&one), 7, 2, &bench::book());
        let three = bench::block(channel, bench::hash(&two), 8, 2, &bench::book());
        bench::show(channel, copy three, vector[2, 3]);
        bench::lead(channel, vector[block, one], 2);
        settlement::support_led(&bench::signer_of(1), channel, vector[two, copy three]);
        let four = bench::block(channel, bench::hash(&three), 9, 2, &bench::book());
        bench::show(channel, copy four, vector[2, 3]);
        bench::support(channel, vector[three, four]);
        window_over();
        bench::finish(channel);
        assert!(number(channel) == 1, 1);
    }

    #[test]
    #[expected_failure(abort_code = 17)]
    fun what_is_linked_to_no_proposal_supports_none() {
        let (channel, _, block) = alone(vector[90, 110, 100], stay(), false);
        let one = bench::block(channel, bench::hash(&block), 6, 2, &bench::book());
        let two = bench::block(channel, bench::hash(&one), 7, 2, &bench::book());
        bench::show(channel, copy two, vector[2, 3]);
        bench::support(channel, vector[one, two]);
    }

    // Member 1 closes the channel at an old state, of which the newer one is a descendant.
    #[test]
    #[expected_failure(abort_code = 17)]
    fun what_closes_the_channel_is_not_supported_by_what_came_after() {
        let leave = vector[true, true, true];
        let (channel, _, block) = alone(vector[90, 110, 100], leave, true);
        let next = bench::block(channel, bench::hash(&block), 6, 2, &bench::book());
        bench::show(channel, copy next, vector[2, 3]);
        bench::support(channel, vector[block, next]);
    }

    #[test]
    #[expected_failure(abort_code = 17)]
    fun a_proposal_with_another_root_than_its_block_is_not_supported() {
        let channel = bench::of(JUDGED, 3);
        let block = bench::block(channel, @0x1, 5, 1, &bench::book());
        let proposal = bench::propose_rows(
            channel, 1, 0, &block, @0x66, bench::accounts(3), vector[90, 110, 100], stay(), false,
        );
        bench::open_window(channel, proposal, vector[1, 2]);
        let next = bench::block(channel, bench::hash(&block), 6, 1, &bench::book());
        bench::show(channel, copy next, vector[1, 3]);
        bench::support(channel, vector[block, next]);
    }

    #[test]
    #[expected_failure(abort_code = 17)]
    fun a_proposal_with_another_root_is_not_supported_by_what_came_before() {
        let channel = bench::of(JUDGED, 3);
        let before = bench::block(channel, @0x1, 4, 1, &bench::book());
        let block = bench::block(channel, bench::hash(&before), 5, 1, &bench::book());
        let proposal = bench::propose_rows(
            channel, 1, 0, &block, @0x66, bench::accounts(3), vector[90, 110, 100], stay(), false,
        );
        bench::open_window(channel, proposal, vector[1, 2]);
        bench::show(channel, copy before, vector[1, 3]);
        bench::support(channel, vector[before, block]);
    }

    #[test]
    #[expected_failure(abort_code = 17)]
    fun blocks_of_another_chain_support_nothing() {
        let (channel, _, block) = alone(vector[90, 110, 100], stay(), false);
        let next = bench::block(channel, bench::hash(&block), 6, 2, &bench::book());
        bench::show(channel, bench::block(channel, @0x8, 6, 2, &bench::book()), vector[2, 3]);
        bench::support(channel, vector[block, next]);
    }

    #[test]
    #[expected_failure(abort_code = 12)]
    fun nothing_that_waits_nothing_to_support() {
        let (channel, block) = two_of_three();
        bench::support(channel, vector[block]);
    }

    #[test]
    fun nobody_stalls_what_waits_by_leaving() {
        let (channel, _, _) = alone(vector[90, 110, 100], stay(), false);
        bench::leave(channel, 3);
        bench::later(20000 + bench::window() + LEAVE_PATIENCE);
        bench::finish(channel);
        assert!(number(channel) == 1, 1);
    }

    #[test]
    #[expected_failure(abort_code = 3)]
    fun what_begins_to_wait_passes_over_nobody_that_left_before() {
        let (channel, block) = two_of_three();
        bench::leave(channel, 3);
        bench::epoch_of_few(channel, vector[1], LEAVE_PATIENCE + 1);
        let proposal = bench::propose(channel, 1, 0, &block, vector[90, 110, 100], stay(), false);
        bench::open_window(channel, proposal, vector[1]);
    }

    // Channels that judge.

    #[test]
    #[expected_failure(abort_code = 16)]
    fun where_it_is_judged_nothing_settles_at_once() {
        let channel = bench::of(JUDGED, 3);
        let block = bench::block(channel, @0x1, 5, 1, &bench::book());
        bench::settle(channel, 1, 0, &block, vector[100, 100, 100]);
    }

    #[test]
    fun what_nobody_beats_settles_where_it_is_judged() {
        let (channel, _, _) = judged(vector[90, 110, 100]);
        window_over();
        bench::finish(channel);
        assert!(number(channel) == 1, 1);
    }

    #[test]
    fun a_wrong_row_is_refuted() {
        let (channel, _, _) = judged(vector[190, 110, 0]);
        bench::refute(channel, 2, @0xc, &bench::book_of(vector[90, 110, 100]));
        assert!(!waits(channel), 1);
    }

    #[test]
    #[expected_failure(abort_code = 18)]
    fun a_right_row_is_not_refuted() {
        let (channel, _, _) = judged(vector[90, 110, 100]);
        bench::refute(channel, 2, @0xc, &bench::book_of(vector[90, 110, 100]));
    }

    #[test]
    #[expected_failure(abort_code = 19)]
    fun a_row_that_is_not_there_is_not_refuted() {
        let (channel, _, _) = judged(vector[90, 110, 100]);
        bench::refute(channel, 3, @0xd, &bench::book_of(vector[90, 110, 100]));
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun another_state_refutes_nothing() {
        let (channel, _, _) = judged(vector[90, 110, 100]);
        bench::refute(channel, 2, @0xc, &bench::book_of(vector[90, 110, 101]));
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun another_list_of_who_entered_refutes_nothing() {
        let (channel, _, _) = judged(vector[90, 110, 100]);
        let (book, nobody) = (bench::book_of(vector[90, 110, 100]), bench::book());
        bench::enter(&mut nobody, 9, 9);
        bench::refute_by(channel, 0, @0xa, &nobody, &book, &book);
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun another_vault_refutes_nothing() {
        let (channel, _, _) = judged(vector[90, 110, 100]);
        let (book, other) = (bench::book_of(vector[90, 110, 100]), bench::book_of(vector[90, 110, 101]));
        bench::refute_by(channel, 2, @0xc, &book, &other, &book);
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun another_debt_refutes_nothing() {
        let (channel, _, _) = judged(vector[90, 110, 100]);
        let (book, other) = (bench::book_of(vector[90, 110, 100]), bench::book());
        bench::owe(&mut other, @0xc, 101);
        bench::refute_by(channel, 2, @0xc, &book, &book, &other);
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun another_accounts_entry_refutes_nothing() {
        let (channel, _, _) = judged(vector[90, 110, 100]);
        bench::refute(channel, 1, @0xc, &bench::book_of(vector[90, 110, 100]));
    }

    #[test]
    #[expected_failure(abort_code = 12)]
    fun nothing_that_waits_nothing_to_refute() {
        let (channel, _) = two_of_three();
        bench::refute(channel, 0, @0xa, &bench::book());
    }

    #[test]
    fun a_leaver_that_has_not_left_is_refuted() {
        let (channel, _, _) = alone(vector[90, 110, 100], vector[true, false, false], false);
        bench::refute(channel, 0, @0xa, &bench::book_of(vector[90, 110, 100]));
        assert!(!waits(channel), 1);
    }

    /// Member 3 is active and has not entered; the proposal gives it this much.
    fun three_of_whom_two_entered(due: u64, leaves: bool): (address, bench::Book) {
        let channel = bench::of(JUDGED, 3);
        let book = bench::book_of(vector[90, 110]);
        let block = bench::block(channel, @0x1, 5, 1, &book);
        let (rest, leavers) = (300 - due - 110, vector[false, false, leaves]);
        let proposal = bench::propose(channel, 1, 0, &block, vector[rest, 110, due], leavers, false);
        bench::open_window(channel, proposal, vector[1, 2]);
        (channel, book)
    }

    #[test]
    #[expected_failure(abort_code = 18)]
    fun a_member_that_never_entered_is_rightly_given_its_deposit() {
        let (channel, book) = three_of_whom_two_entered(100, true);
        bench::refute(channel, 2, @0xc, &book);
    }

    #[test]
    fun a_member_that_never_entered_is_not_robbed_of_its_deposit() {
        let (channel, book) = three_of_whom_two_entered(0, true);
        bench::refute(channel, 2, @0xc, &book);
        assert!(!waits(channel), 1);
    }

    #[test]
    fun a_false_root_is_withdrawn_where_the_block_is_shown() {
        let channel = bench::of(JUDGED, 3);
        let block = bench::block(channel, @0x1, 5, 1, &bench::book());
        let proposal = bench::propose_rows(
            channel, 1, 0, &block, @0x66, bench::accounts(3), vector[90, 110, 100], stay(), false,
        );
        bench::open_window(channel, proposal, vector[1, 2]);
        bench::show(channel, block, vector[2, 3]);
        window_over();
        bench::finish(channel);
        assert!(number(channel) == 0 && !waits(channel), 1);
    }

    /// A proposal of a channel that judges waits, whose result is `score`; what its state holds.
    fun with_result(result: vector<u8>): (address, bench::Book) {
        let channel = bench::of(JUDGED, 3);
        let book = bench::book_of(vector[90, 110, 100]);
        if (!vector::is_empty(&result)) bench::set_result(&mut book, result);
        let block = bench::block(channel, @0x1, 5, 1, &book);
        let proposal = bench::propose(channel, 1, 0, &block, vector[90, 110, 100], stay(), false);
        bench::open_window(channel, proposal, vector[1, 2]);
        (channel, book)
    }

    fun refute_result(channel: address, book: &bench::Book) {
        let (value, siblings, end) = bench::prove(book, state_proof::result_key());
        settlement::refute_result(&bench::signer_of(3), channel, value, siblings, end);
    }

    #[test]
    fun another_result_than_the_states_is_refuted() {
        let (channel, book) = with_result(b"other");
        refute_result(channel, &book);
        assert!(!waits(channel), 1);
    }

    #[test]
    fun a_result_that_the_app_never_set_is_refuted() {
        let (channel, book) = with_result(vector::empty());
        refute_result(channel, &book);
        assert!(!waits(channel), 1);
    }

    #[test]
    #[expected_failure(abort_code = 18)]
    fun the_result_that_the_app_set_stands() {
        let (channel, book) = with_result(b"score");
        refute_result(channel, &book);
    }

    #[test]
    #[expected_failure(abort_code = 12)]
    fun what_nobody_showed_is_not_refuted_twice() {
        let (channel, book) = with_result(b"other");
        refute_result(channel, &book);
        refute_result(channel, &book);
    }

    // Its root may be any: nobody said what block it is of.
    #[test]
    #[expected_failure(abort_code = 11)]
    fun what_nobody_showed_is_not_finished() {
        let (channel, _, _) = unshown(vector[90, 110, 100]);
        window_over();
        bench::finish(channel);
    }

    // Whoever makes up a proof makes up the result that it proves.
    #[test]
    #[expected_failure(abort_code = 1)]
    fun a_result_of_another_state_refutes_nothing() {
        let (channel, _) = with_result(b"score");
        let other = bench::book_of(vector[90, 110, 100]);
        bench::set_result(&mut other, b"other");
        refute_result(channel, &other);
    }
}
