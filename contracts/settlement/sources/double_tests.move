#[test_only]
/// Signing twice: fined without a vote, once, and of the stay in which it happened.
module settlement::double_tests {
    use std::vector;
    use settlement::backing;
    use settlement::bench;
    use settlement::channel;
    use settlement::channel_tests;
    use settlement::coin;
    use settlement::header;
    use settlement::penalty;

    const TWO_THIRDS: u8 = 0;

    /// Collateral 100 each, of which a fine takes 50 and a false report 25.
    fun of(count: u8): address {
        bench::backed(TWO_THIRDS, count, 100, 0)
    }

    fun treasury(): u64 {
        coin::balance(@settlement, @0xfa)
    }

    fun is_barred(channel: address, join_sequence: u64): bool {
        let (_, barred, _) = bench::seat(channel, join_sequence);
        barred
    }

    fun collateral(channel: address, join_sequence: u64): u64 {
        let (_, _, collateral) = bench::seat(channel, join_sequence);
        collateral
    }

    /// The member goes with a settlement at this height, and is paid its deposit.
    fun pay(channel: address, member: u8, count: u8, number: u64) {
        let height = number * 5;
        let from = height - 5;
        let block = bench::block(channel, @0x1, height, 1, &bench::book());
        let (balances, leaves, index) = (vector::empty(), vector::empty(), 1);
        while (index <= count) {
            vector::push_back(&mut balances, 100);
            vector::push_back(&mut leaves, index == member);
            index = index + 1;
        };
        let proposal = bench::propose(channel, number, from, &block, balances, leaves, false);
        bench::execute(channel, proposal, bench::members(count));
    }

    fun blocks(channel: address): (vector<u8>, vector<u8>) {
        (
            bench::block(channel, @0x1, 5, 1, &bench::book()),
            bench::block(channel, @0x2, 5, 1, &bench::book()),
        )
    }

    fun double(channel: address, by: &signer, accused: u64, byte: u8) {
        let (first, second) = blocks(channel);
        bench::double_block(channel, by, accused, byte, first, second);
    }

    #[test]
    fun double_signing_is_fined_without_a_vote() {
        let channel = of(2);
        double(channel, &channel_tests::node(2), 1, 1);
        assert!(is_barred(channel, 1) && collateral(channel, 1) == 50, 1);
        assert!(bench::balance(2) == 25 && treasury() == 25, 2);
    }

    #[test]
    #[expected_failure(abort_code = 5)]
    fun double_signing_is_fined_once() {
        let channel = of(3);
        double(channel, &channel_tests::node(2), 1, 1);
        let (first, second) = blocks(channel);
        bench::double_block(channel, &channel_tests::node(3), 1, 1, second, first);
    }

    #[test]
    fun a_stranger_shows_it_and_has_no_share() {
        let channel = of(2);
        double(channel, &coin::signer_for_testing(@0x99), 1, 1);
        assert!(collateral(channel, 1) == 50 && treasury() == 50, 1);
    }

    #[test]
    #[expected_failure(abort_code = 2)]
    fun nobody_has_a_share_of_its_own_fine() {
        let channel = of(2);
        double(channel, &channel_tests::node(1), 1, 1);
    }

    #[test]
    #[expected_failure(abort_code = 11)]
    fun nobody_is_fined_for_what_another_signed() {
        let channel = of(3);
        double(channel, &channel_tests::node(2), 1, 3);
    }

    #[test]
    #[expected_failure(abort_code = 11)]
    fun one_block_twice_is_not_two() {
        let channel = of(2);
        let (first, _) = blocks(channel);
        bench::double_block(channel, &channel_tests::node(2), 1, 1, copy first, first);
    }

    #[test]
    #[expected_failure(abort_code = 11)]
    fun blocks_of_two_heights_are_no_double_signing() {
        let channel = of(2);
        let (first, _) = blocks(channel);
        let next = bench::block(channel, bench::hash(&first), 6, 1, &bench::book());
        bench::double_block(channel, &channel_tests::node(2), 1, 1, first, next);
    }

    #[test]
    #[expected_failure(abort_code = 11)]
    fun blocks_of_two_views_are_no_double_signing() {
        let channel = of(2);
        let (first, _) = blocks(channel);
        let other = header::encode_for_testing(channel, @0x1, 5, 1, 1, @0x2);
        bench::double_block(channel, &channel_tests::node(2), 1, 1, first, other);
    }

    #[test]
    #[expected_failure(abort_code = 11)]
    fun blocks_of_two_channels_are_no_double_signing() {
        let channel = of(2);
        let (first, _) = blocks(channel);
        let (other, _) = blocks(@0x77);
        bench::double_block(channel, &channel_tests::node(2), 1, 1, first, other);
    }

    fun double_ack(channel: address, accused: u64, first: &vector<u8>, second: &vector<u8>, byte: u8) {
        let (_, firsts) = bench::acks(first, vector[byte]);
        let (_, seconds) = bench::acks(second, vector[byte]);
        let (epoch, view, height) = header::place(&header::decode(*first));
        penalty::double_ack(
            &channel_tests::node(2), channel, accused, epoch, view, height, bench::hash(first),
            vector::pop_back(&mut firsts), bench::hash(second), vector::pop_back(&mut seconds),
        );
    }

    #[test]
    fun double_acks_are_fined_too() {
        let channel = of(3);
        let (first, second) = blocks(channel);
        double_ack(channel, 3, &first, &second, 3);
        assert!(is_barred(channel, 3) && collateral(channel, 3) == 50, 1);
    }

    #[test]
    #[expected_failure(abort_code = 5)]
    fun double_acks_are_fined_once() {
        let channel = of(3);
        let (first, second) = blocks(channel);
        double_ack(channel, 3, &first, &second, 3);
        double_ack(channel, 3, &second, &first, 3);
    }

    #[test]
    #[expected_failure(abort_code = 11)]
    fun an_ack_of_another_height_is_no_double() {
        let channel = of(3);
        let (first, _) = blocks(channel);
        let next = bench::block(channel, bench::hash(&first), 6, 1, &bench::book());
        double_ack(channel, 3, &first, &next, 3);
    }

    #[test]
    #[expected_failure(abort_code = 11)]
    fun one_ack_twice_is_not_two() {
        let channel = of(3);
        let (first, _) = blocks(channel);
        double_ack(channel, 3, &first, &first, 3);
    }

    // Stays.

    /// Member 1 left, was given its collateral back, and is back as the fourth; epoch 2.
    fun back_again(): address {
        let channel = of(3);
        pay(channel, 1, 3, 1);
        bench::later(200000);
        backing::release(&bench::signer_of(1), channel, @0xa);
        bench::join(channel, 1, 100, false);
        bench::epoch(channel, vector[2, 1, 3]);
        channel
    }

    #[test]
    #[expected_failure(abort_code = 2)]
    fun an_earlier_stay_does_not_take_the_blame() {
        let channel = back_again();
        let first = bench::block(channel, @0x1, 9, 2, &bench::book());
        let second = bench::block(channel, @0x2, 9, 2, &bench::book());
        bench::double_block(channel, &channel_tests::node(2), 1, 1, first, second);
    }

    #[test]
    #[expected_failure(abort_code = 2)]
    fun a_later_stay_does_not_pay_for_an_earlier_one() {
        let channel = back_again();
        double(channel, &channel_tests::node(2), 4, 1);
    }

    #[test]
    #[expected_failure(abort_code = 2)]
    fun nobody_was_there_in_an_epoch_that_was_never_granted() {
        let channel = of(3);
        let first = bench::block(channel, @0x1, 9, 7, &bench::book());
        let second = bench::block(channel, @0x2, 9, 7, &bench::book());
        bench::double_block(channel, &channel_tests::node(2), 1, 1, first, second);
    }

    #[test]
    fun who_double_signed_and_left_is_fined_and_banned() {
        let channel = of(3);
        pay(channel, 1, 3, 1);
        double(channel, &channel_tests::node(2), 1, 1);
        let (held, _) = backing::held(channel, @0xa);
        assert!(held == 50, 1);
    }

    #[test]
    #[expected_failure(abort_code = 15)]
    fun who_double_signed_and_left_does_not_come_back_at_once() {
        let channel = of(3);
        pay(channel, 1, 3, 1);
        double(channel, &channel_tests::node(2), 1, 1);
        bench::join(channel, 1, 100, false);
    }

    #[test]
    fun a_closed_channel_does_not_shelter_who_double_signed() {
        let channel = of(3);
        let block = bench::block(channel, @0x1, 5, 1, &bench::book());
        let leave = vector[true, true, true];
        let proposal = bench::propose(channel, 1, 0, &block, vector[100, 100, 100], leave, true);
        bench::execute(channel, proposal, vector[1, 2, 3]);
        let (open, _) = channel::standing_for_testing(channel);
        assert!(!open, 1);
        double(channel, &channel_tests::node(2), 1, 1);
        let (held, _) = backing::held(channel, @0xa);
        assert!(held == 50 && treasury() == 50, 2);
    }
}
