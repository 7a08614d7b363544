#[test_only]
/// What keeps a proposal that waits: blocks of its own chain.
module settlement::support_tests {
    use settlement::bench;
    use settlement::settlement;
    use settlement::window_bench::{stay, two_of_three, alone, window_over, number};

    const JUDGED: u8 = 2;
    /// As in `settlement`, milliseconds.
    const LEAVE_PATIENCE: u64 = 60000;

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
}
