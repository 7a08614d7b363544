#[test_only]
/// Proofs of blocks: what is believed, what beats what, and what nobody can make alone.
module settlement::shown_tests {
    use std::vector;
    use settlement::bench;
    use settlement::shown;
    use settlement::windows;

    const TWO_THIRDS: u8 = 0;
    const UNANIMOUS: u8 = 1;

    fun three(): (address, vector<u8>) {
        let channel = bench::of(TWO_THIRDS, 3);
        (channel, bench::block(channel, @0x1, 5, 1, &bench::book_of(vector[100, 100, 100])))
    }

    fun best(channel: address): (u64, address) {
        let (_, height, block, _) = windows::best(channel);
        (height, block)
    }

    #[test]
    fun a_block_that_two_thirds_acked_is_shown() {
        let (channel, block) = three();
        bench::show(channel, copy block, vector[1, 3]);
        let (height, shown) = best(channel);
        assert!(height == 5 && shown == bench::hash(&block), 1);
    }

    #[test]
    #[expected_failure(abort_code = 4)]
    fun one_of_three_shows_nothing() {
        let (channel, block) = three();
        bench::show(channel, block, vector[1]);
    }

    #[test]
    #[expected_failure(abort_code = 4)]
    fun strangers_acks_weigh_nothing() {
        let (channel, block) = three();
        bench::show(channel, block, vector[1, 7, 8]);
    }

    #[test]
    #[expected_failure(abort_code = 4)]
    fun a_pending_members_ack_weighs_nothing() {
        let (channel, block) = three();
        bench::join(channel, 4, 0, false);
        bench::show(channel, block, vector[1, 4]);
    }

    #[test]
    #[expected_failure(abort_code = 4)]
    fun where_everybody_settles_everybody_certifies() {
        let channel = bench::of(UNANIMOUS, 3);
        let block = bench::block(channel, @0x1, 5, 1, &bench::book());
        bench::show(channel, block, vector[1, 2]);
    }

    #[test]
    #[expected_failure(abort_code = 4)]
    fun where_everybody_settles_the_word_of_those_left_counts_for_nothing() {
        let channel = bench::of(UNANIMOUS, 3);
        bench::epoch_of_few(channel, vector[1, 2], 20000);
        let block = bench::block(channel, @0x1, 5, 2, &bench::book());
        bench::show_tail(channel, vector[block], vector[1, 2]);
    }

    #[test]
    #[expected_failure(abort_code = 3)]
    fun who_acked_is_named_once() {
        let (channel, block) = three();
        bench::show(channel, block, vector[1, 1]);
    }

    #[test]
    #[expected_failure(abort_code = 4)]
    fun an_ack_of_another_block_is_none() {
        let (channel, block) = three();
        let other = bench::block(channel, @0x2, 5, 1, &bench::book());
        let (signers, signatures) = bench::acks(&other, vector[1, 2]);
        let (none, nothing) = (vector::empty(), vector::empty());
        shown::show(
            &bench::signer_of(1), channel, vector[block], signers, signatures, none, nothing,
        );
    }

    #[test]
    #[expected_failure(abort_code = 2)]
    fun every_ack_has_its_signature() {
        let (channel, block) = three();
        let (signers, _) = bench::acks(&block, vector[1, 2]);
        let (none, nothing) = (vector::empty(), vector::empty());
        shown::show(
            &bench::signer_of(1), channel, vector[block], signers, vector::empty(), none, nothing,
        );
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun another_channels_block_is_not_shown() {
        let (channel, _) = three();
        let block = bench::block(@0x77, @0x1, 5, 1, &bench::book());
        bench::show(channel, block, vector[1, 2, 3]);
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun another_channels_block_does_not_follow() {
        let (channel, block) = three();
        let next = bench::block(@0x77, bench::hash(&block), 6, 1, &bench::book());
        bench::show_above(channel, vector[block, next], vector[1, 2], vector[1, 2]);
    }

    #[test]
    #[expected_failure(abort_code = 2)]
    fun headers_follow_each_other() {
        let (channel, block) = three();
        let next = bench::block(channel, @0x9, 6, 1, &bench::book());
        bench::show_above(channel, vector[block, next], vector[1, 2], vector[1, 2]);
    }

    #[test]
    #[expected_failure(abort_code = 2)]
    fun heights_have_no_gap() {
        let (channel, block) = three();
        let next = bench::block(channel, bench::hash(&block), 7, 1, &bench::book());
        bench::show_above(channel, vector[block, next], vector[1, 2], vector[1, 2]);
    }

    #[test]
    #[expected_failure(abort_code = 2)]
    fun terms_do_not_go_back() {
        let (channel, _) = three();
        bench::epoch_of_few(channel, vector[1, 2], 20000);
        let block = bench::block(channel, @0x1, 5, 2, &bench::book());
        let next = bench::block(channel, bench::hash(&block), 6, 1, &bench::book());
        bench::show_above(channel, vector[block, next], vector[1, 2], vector[1, 2]);
    }

    #[test]
    #[expected_failure(abort_code = 2)]
    fun nothing_shows_nothing() {
        let (channel, _) = three();
        let (none, nothing) = (vector::empty(), vector::empty());
        shown::show(
            &bench::signer_of(1), channel, vector::empty(), copy none, copy nothing, none, nothing,
        );
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun what_is_no_header_is_refused() {
        let (channel, block) = three();
        vector::pop_back(&mut block);
        bench::show(channel, block, vector[]);
    }

    #[test]
    #[expected_failure(abort_code = 16)]
    fun nobody_certified_in_an_epoch_that_was_never_granted() {
        let (channel, _) = three();
        bench::show(channel, bench::block(channel, @0x1, 5, 2, &bench::book()), vector[1, 2, 3]);
    }

    #[test]
    #[expected_failure(abort_code = 5)]
    fun a_proof_is_shown_once() {
        let (channel, block) = three();
        bench::show(channel, copy block, vector[1, 2]);
        bench::show(channel, block, vector[1, 2, 3]);
    }

    #[test]
    #[expected_failure(abort_code = 5)]
    fun a_lower_block_beats_nothing() {
        let (channel, block) = three();
        bench::show(channel, block, vector[1, 2]);
        bench::show(channel, bench::block(channel, @0x1, 4, 1, &bench::book()), vector[1, 2, 3]);
    }

    #[test]
    #[expected_failure(abort_code = 3)]
    fun what_is_settled_is_history() {
        let (channel, block) = three();
        bench::settle(channel, 1, 0, &block, vector[100, 100, 100]);
        bench::show(channel, block, vector[1, 2]);
    }

    #[test]
    fun a_settlement_makes_earlier_proofs_history_and_keeps_later_ones() {
        let (channel, block) = three();
        bench::show(channel, copy block, vector[1, 2]);
        bench::settle(channel, 1, 0, &block, vector[100, 100, 100]);
        let (shown, _, _, _) = windows::best(channel);
        assert!(!shown, 1);
        let next = bench::block(channel, bench::hash(&block), 6, 1, &bench::book());
        bench::show(channel, copy next, vector[1, 2]);
        let later = bench::block(channel, bench::hash(&next), 7, 1, &bench::book());
        bench::show(channel, copy later, vector[1, 2]);
        bench::settle(channel, 2, 5, &next, vector[100, 100, 100]);
        let (height, shown) = best(channel);
        assert!(height == 7 && shown == bench::hash(&later), 2);
    }

    // Those who are left, and those who come back.

    #[test]
    fun those_who_are_left_show_what_they_certified_above_an_anchor() {
        let (channel, block) = three();
        bench::epoch_of_few(channel, vector[1], 20000);
        let next = bench::block(channel, bench::hash(&block), 6, 2, &bench::book());
        bench::show_above(channel, vector[block, copy next], vector[1, 2], vector[1]);
        let (height, shown) = best(channel);
        assert!(height == 6 && shown == bench::hash(&next), 1);
    }

    #[test]
    fun two_thirds_that_come_back_beat_whoever_was_alone() {
        let (channel, block) = three();
        bench::epoch_of_few(channel, vector[1], 20000);
        let alone = bench::block(channel, @0x9, 900, 2, &bench::book());
        bench::show_tail(channel, vector[alone], vector[1]);
        bench::show(channel, copy block, vector[2, 3]);
        let (height, shown) = best(channel);
        assert!(height == 5 && shown == bench::hash(&block), 1);
    }

    #[test]
    #[expected_failure(abort_code = 7)]
    fun who_was_alone_before_the_settlement_shows_nothing_of_that_time() {
        let (channel, block) = three();
        bench::epoch_of_few(channel, vector[1], 20000);
        bench::epoch_of_few(channel, vector[2, 3], 40000);
        bench::settle(channel, 1, 0, &block, vector[100, 100, 100]);
        let alone = bench::block(channel, @0x9, 900, 2, &bench::book());
        bench::show_tail(channel, vector[alone], vector[1]);
    }

    // The first member was alone in epoch 1: all of those active then.
    #[test]
    #[expected_failure(abort_code = 4)]
    fun who_founded_a_channel_alone_makes_no_anchor_of_that_time_later() {
        let channel = bench::empty(UNANIMOUS, 0, 0, 0, 0);
        bench::fill(channel, 1, 1, 0);
        bench::epoch(channel, vector[1]);
        bench::fill(channel, 2, 2, 0);
        bench::epoch_of_few(channel, vector[1, 2], 20000);
        let block = bench::block(channel, @0x1, 5, 2, &bench::book());
        bench::settle(channel, 1, 0, &block, vector[10, 190]);
        bench::show(channel, bench::block(channel, @0x9, 900, 1, &bench::book()), vector[1]);
    }

    // A conviction takes members out of the valid set without any silence.
    #[test]
    #[expected_failure(abort_code = 4)]
    fun who_had_the_others_convicted_certifies_nothing_alone() {
        let channel = bench::of(TWO_THIRDS, 2);
        bench::report(channel, 1, 2, @0xe1);
        bench::epoch_of_few(channel, vector[1], 4000);
        let forged = bench::block(channel, @0x9, 900, 2, &bench::book());
        bench::show_tail(channel, vector[forged], vector[1]);
    }

    #[test]
    #[expected_failure(abort_code = 4)]
    fun a_convicted_members_ack_makes_no_certificate() {
        let channel = bench::of(TWO_THIRDS, 3);
        bench::report(channel, 1, 3, @0xe1);
        bench::decide(channel, 3, @0xe1, true, vector[1, 2]);
        bench::epoch_of_few(channel, vector[1, 2], 4000);
        let forged = bench::block(channel, @0x9, 900, 2, &bench::book());
        bench::show_tail(channel, vector[forged], vector[1, 3]);
    }

    /// Member 1 of three is alone since epoch 2; what it certified lies five blocks above the anchor.
    fun far(): (address, vector<vector<u8>>) {
        let (channel, anchor) = three();
        bench::epoch_of_few(channel, vector[1], 20000);
        let blocks = vector[anchor];
        let height = 6;
        while (height < 11) {
            let parent = bench::hash(vector::borrow(&blocks, vector::length(&blocks) - 1));
            let block = bench::block(channel, parent, height, 2, &bench::book());
            vector::push_back(&mut blocks, block);
            height = height + 1;
        };
        (channel, blocks)
    }

    #[test]
    fun a_proof_may_be_led_up_in_parts() {
        let (channel, blocks) = far();
        bench::show_led_above(channel, copy blocks, 4, vector[1, 2], vector[1]);
        let (height, shown) = best(channel);
        assert!(height == 10 && shown == bench::hash(vector::borrow(&blocks, 5)), 1);
    }

    #[test]
    fun what_was_led_up_goes_on_and_begins_anew() {
        let (channel, blocks) = far();
        bench::lead(channel, copy blocks, 2);
        bench::lead(channel, copy blocks, 2);
        let rest = bench::lead(channel, copy blocks, 2);
        bench::lead(channel, rest, 2);
        let (signers, signatures) = bench::acks(vector::borrow(&blocks, 5), vector[1]);
        let (anchor_signers, anchors) = bench::acks(vector::borrow(&blocks, 0), vector[1, 2]);
        let rest = vector[*vector::borrow(&blocks, 4), *vector::borrow(&blocks, 5)];
        shown::show_led(
            &bench::signer_of(1), channel, rest, anchor_signers, anchors, signers, signatures,
        );
        let (height, _) = best(channel);
        assert!(height == 10, 1);
    }

    #[test]
    #[expected_failure(abort_code = 2)]
    fun what_does_not_go_on_where_the_led_headers_end_proves_nothing() {
        let (channel, blocks) = far();
        let gap = vector::remove(&mut blocks, 3);
        assert!(vector::length(&gap) > 0, 1);
        bench::show_led_above(channel, blocks, 3, vector[1, 2], vector[1]);
    }

    // What was led up before stays of no use: the anchor is the first of these.
    #[test]
    #[expected_failure(abort_code = 4)]
    fun headers_that_do_not_go_on_begin_anew() {
        let (channel, blocks) = far();
        let (signers, signatures) = bench::acks(vector::borrow(&blocks, 5), vector[1]);
        let (anchor_signers, anchors) = bench::acks(vector::borrow(&blocks, 0), vector[1, 2]);
        bench::lead(channel, vector[*vector::borrow(&blocks, 0)], 1);
        bench::lead(channel, vector[*vector::borrow(&blocks, 4)], 1);
        let last = vector[*vector::borrow(&blocks, 5)];
        shown::show_led(
            &bench::signer_of(1), channel, last, anchor_signers, anchors, signers, signatures,
        );
    }

    #[test]
    #[expected_failure(abort_code = 8)]
    fun what_another_led_up_is_nobodys_else() {
        let (channel, blocks) = far();
        let rest = bench::lead(channel, copy blocks, 4);
        let (signers, signatures) = bench::acks(vector::borrow(&blocks, 5), vector[1]);
        let (anchor_signers, anchors) = bench::acks(vector::borrow(&blocks, 0), vector[1, 2]);
        shown::show_led(
            &bench::signer_of(2), channel, rest, anchor_signers, anchors, signers, signatures,
        );
    }

    #[test]
    #[expected_failure(abort_code = 4)]
    fun headers_that_were_led_up_are_no_anchor() {
        let (channel, blocks) = far();
        bench::show_led_above(channel, blocks, 4, vector[1], vector[1]);
    }

    #[test]
    #[expected_failure(abort_code = 4)]
    fun one_header_led_up_is_no_certificate() {
        let (channel, blocks) = far();
        bench::show_led_above(channel, blocks, 5, vector[1, 2], vector[3]);
    }

    // Who was alone in an epoch before the last settlement could still make such blocks.
    #[test]
    fun what_few_showed_is_forgotten_when_a_later_epoch_settles() {
        let (channel, blocks) = far();
        bench::show_tail(channel, vector[*vector::borrow(&blocks, 5)], vector[1]);
        bench::later(24000);
        bench::epoch(channel, vector[1, 2, 3]);
        bench::settle(channel, 1, 0, vector::borrow(&blocks, 0), vector[100, 100, 100]);
        let (shown, _, _, _) = windows::best(channel);
        assert!(!shown, 1);
    }

    #[test]
    fun what_was_anchored_above_a_settlement_stays_shown() {
        let (channel, blocks) = far();
        bench::show_above(channel, copy blocks, vector[1, 2], vector[1]);
        let low = bench::block(channel, @0x1, 3, 1, &bench::book());
        bench::later(24000);
        bench::epoch(channel, vector[1, 2, 3]);
        bench::settle(channel, 1, 0, &low, vector[100, 100, 100]);
        let (height, _) = best(channel);
        assert!(height == 10, 1);
    }
}
