#[test_only]
/// Proposals that wait for a window: who may open one, and what withdraws it.
module settlement::window_tests {
    use std::vector;
    use settlement::bench;
    use settlement::settlement;
    use settlement::window_bench::{
        stay, two_of_three, alone, judged, unshown, window_over, waits, number,
    };
    use settlement::windows;

    const TWO_THIRDS: u8 = 0;
    const UNANIMOUS: u8 = 1;

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
}
