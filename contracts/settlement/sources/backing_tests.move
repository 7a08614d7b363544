#[test_only]
/// Collateral: locked for one channel or a part of a stake, weighed, fined, held and given back.
module settlement::backing_tests {
    use std::vector;
    use settlement::backing;
    use settlement::bench;
    use settlement::channel;
    use settlement::channel_tests;
    use settlement::coin;
    use settlement::collateral;

    const TWO_THIRDS: u8 = 0;
    const BY_MEMBER: u8 = 0;
    const BY_COLLATERAL: u8 = 1;
    /// As in `channel`, milliseconds.
    const LEAST_HOLD: u64 = 120000;

    fun stake(member: u8, amount: u64) {
        coin::mint_for_testing(bench::account(member), amount);
        collateral::stake(&bench::signer_of(member), @0xfa, amount);
    }

    /// Member 1 of three goes with settlement 1 and is paid its deposit.
    fun first_of_three_goes(channel: address) {
        let block = bench::block(channel, @0x1, 5, 1, &bench::book());
        let leaves = vector[true, false, false];
        let proposal = bench::propose(channel, 1, 0, &block, vector[100, 100, 100], leaves, false);
        bench::execute(channel, proposal, vector[1, 2, 3]);
    }

    fun release(channel: address, account: address) {
        backing::release(&coin::signer_for_testing(@0x99), channel, account);
    }

    #[test]
    #[expected_failure(abort_code = 14)]
    fun too_little_collateral_is_refused() {
        let channel = bench::empty(TWO_THIRDS, BY_MEMBER, 40, 0, 0);
        bench::join(channel, 1, 39, false);
    }

    #[test]
    #[expected_failure(abort_code = 2)]
    fun collateral_that_is_not_there_is_refused() {
        let channel = bench::empty(TWO_THIRDS, BY_MEMBER, 40, 0, 0);
        stake(1, 39);
        bench::join(channel, 1, 40, true);
    }

    #[test]
    fun a_pending_member_takes_its_collateral_back_too() {
        let channel = bench::empty(TWO_THIRDS, BY_MEMBER, 40, 0, 0);
        bench::join(channel, 1, 40, false);
        assert!(backing::pot_for_testing(channel) == 40 && bench::balance(1) == 0, 1);
        bench::leave(channel, 1);
        assert!(backing::pot_for_testing(channel) == 0 && bench::balance(1) == 140, 2);
    }

    #[test]
    fun who_was_paid_gets_its_collateral_a_while_later() {
        let channel = bench::backed(TWO_THIRDS, 3, 100, 0);
        first_of_three_goes(channel);
        let (held, until) = backing::held(channel, @0xa);
        assert!(held == 100 && until == bench::now() + LEAST_HOLD && bench::balance(1) == 100, 1);
        bench::later(LEAST_HOLD);
        release(channel, @0xa);
        assert!(bench::balance(1) == 200 && backing::pot_for_testing(channel) == 200, 2);
    }

    #[test]
    #[expected_failure(abort_code = 2)]
    fun held_collateral_waits() {
        let channel = bench::backed(TWO_THIRDS, 3, 100, 0);
        first_of_three_goes(channel);
        bench::later(LEAST_HOLD - 1);
        release(channel, @0xa);
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun held_collateral_is_given_back_once() {
        let channel = bench::backed(TWO_THIRDS, 3, 100, 0);
        first_of_three_goes(channel);
        bench::later(LEAST_HOLD);
        release(channel, @0xa);
        release(channel, @0xa);
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun a_members_collateral_is_not_given_back() {
        release(bench::backed(TWO_THIRDS, 3, 100, 0), @0xb);
    }

    #[test]
    #[expected_failure(abort_code = 3)]
    fun who_comes_back_takes_what_is_held_first() {
        let channel = bench::backed(TWO_THIRDS, 3, 100, 0);
        first_of_three_goes(channel);
        bench::join(channel, 1, 100, false);
    }

    #[test]
    fun a_seat_in_a_channel_counts_on_the_stake_until_it_is_released() {
        let channel = bench::empty(TWO_THIRDS, BY_MEMBER, 40, 0, 0);
        stake(1, 40);
        bench::join(channel, 1, 40, true);
        bench::fill(channel, 2, 3, 40);
        bench::epoch(channel, vector[1, 2, 3]);
        first_of_three_goes(channel);
        let (_, _, channels) = collateral::staked(@0xa, @0xfa);
        assert!(channels == 1, 1);
        bench::later(LEAST_HOLD);
        release(channel, @0xa);
        let (staked, _, channels) = collateral::staked(@0xa, @0xfa);
        assert!(staked == 40 && channels == 0 && bench::balance(1) == 100, 2);
    }

    #[test]
    #[expected_failure(abort_code = 4)]
    fun nobody_withdraws_what_held_collateral_counts_on() {
        let channel = bench::empty(TWO_THIRDS, BY_MEMBER, 40, 0, 0);
        stake(1, 40);
        bench::join(channel, 1, 40, true);
        bench::fill(channel, 2, 3, 40);
        bench::epoch(channel, vector[1, 2, 3]);
        first_of_three_goes(channel);
        collateral::ask_withdrawal(&bench::signer_of(1), @0xfa, 1);
    }

    // One stake, two channels.

    /// Member 1 backs both with the same 100.
    fun two_channels(weight_by: u8): (address, address) {
        let first = bench::empty(TWO_THIRDS, weight_by, 100, 0, 0);
        let second = bench::another(TWO_THIRDS, weight_by, 100, 0, 0);
        stake(1, 100);
        bench::join(first, 1, 100, true);
        bench::join(second, 1, 100, true);
        bench::fill(first, 2, 3, 100);
        bench::fill(second, 2, 3, 100);
        bench::epoch(first, vector[1, 2, 3]);
        bench::epoch(second, vector[1, 2, 3]);
        (first, second)
    }

    fun convict_first(channel: address, evidence: address) {
        bench::report(channel, 2, 1, evidence);
        bench::decide(channel, 1, evidence, true, vector[2, 3]);
    }

    #[test]
    fun one_stake_is_fined_in_two_channels_as_far_as_it_goes() {
        let (first, second) = two_channels(BY_MEMBER);
        convict_first(first, @0xe1);
        convict_first(second, @0xe1);
        let (staked, _, _) = collateral::staked(@0xa, @0xfa);
        assert!(staked == 0 && coin::balance(@settlement, @0xfa) == 50 && bench::balance(2) == 50, 1);
    }

    #[test]
    fun a_fine_in_one_channel_is_seen_in_the_other() {
        let (first, second) = two_channels(BY_MEMBER);
        convict_first(first, @0xe1);
        let valid = channel::valid_now(second, 15000);
        assert!(valid == vector[2, 3], 1);
        let (_, barred, counted) = bench::seat(second, 1);
        assert!(!barred && counted == 100 && collateral::available(@0xa, @0xfa) == 50, 2);
    }

    #[test]
    fun who_lost_its_bond_is_valid_no_more_either() {
        let channel = bench::backed(TWO_THIRDS, 4, 100, 0);
        bench::report(channel, 2, 1, @0xe1);
        bench::decide(channel, 1, @0xe1, false, vector[1, 3, 4]);
        let valid = channel::valid_now(channel, 15000);
        assert!(valid == vector[1, 3, 4], 1);
    }

    #[test]
    #[expected_failure(abort_code = 3)]
    fun a_stake_that_is_gone_covers_no_bond() {
        let (first, second) = two_channels(BY_MEMBER);
        convict_first(first, @0xe1);
        let other = bench::another(TWO_THIRDS, BY_MEMBER, 100, 0, 0);
        convict_first(second, @0xe1);
        bench::fill(other, 1, 1, 100);
        bench::fill(other, 2, 3, 100);
        bench::epoch(other, vector[1, 2, 3]);
        // Member 1 is a member of the second channel still, and convicted: nobody asks it there. In
        // a third one it backs with what is no longer there.
        let third = bench::another(TWO_THIRDS, BY_MEMBER, 100, 0, 0);
        stake(1, 100);
        bench::join(third, 1, 100, true);
        bench::fill(third, 2, 3, 100);
        bench::epoch(third, vector[1, 2, 3]);
        let fourth = bench::another(TWO_THIRDS, BY_MEMBER, 100, 0, 0);
        bench::join(fourth, 1, 100, true);
        bench::fill(fourth, 2, 3, 100);
        bench::epoch(fourth, vector[1, 2, 3]);
        convict_first(third, @0xe1);
        convict_first_from(fourth);
        bench::report(fourth, 1, 2, @0xe2);
    }

    /// What a second fine in another channel leaves is below the bond.
    fun convict_first_from(channel: address) {
        let fifth = bench::another(TWO_THIRDS, BY_MEMBER, 50, 0, 0);
        bench::join(fifth, 1, 50, true);
        bench::fill(fifth, 2, 3, 50);
        bench::epoch(fifth, vector[1, 2, 3]);
        convict_first(fifth, @0xe1);
        let sixth = bench::another(TWO_THIRDS, BY_MEMBER, 25, 0, 0);
        bench::join(sixth, 1, 25, true);
        bench::fill(sixth, 2, 3, 25);
        bench::epoch(sixth, vector[1, 2, 3]);
        convict_first(sixth, @0xe1);
        assert!(collateral::available(@0xa, @0xfa) < 25 && channel != fifth, 100);
    }

    // Weights.

    /// Members 1 to 3 weigh 30, 30 and 60.
    fun weighed(): address {
        let channel = bench::empty(TWO_THIRDS, BY_COLLATERAL, 30, 0, 0);
        bench::fill(channel, 1, 2, 30);
        bench::fill(channel, 3, 3, 60);
        bench::epoch(channel, vector[1, 2, 3]);
        channel
    }

    fun weight(channel: address, member: u8): u64 {
        let (electors, weights) = channel::electorate(channel);
        let (found, place) = vector::index_of(&electors, &channel_tests::key(member));
        assert!(found, 100);
        *vector::borrow(&weights, place)
    }

    #[test]
    #[expected_failure(abort_code = 8)]
    fun two_of_three_are_too_few_where_the_third_has_as_much_at_stake() {
        let channel = weighed();
        let block = bench::block(channel, @0x1, 5, 1, &bench::book());
        let stay = vector[false, false, false];
        let proposal = bench::propose(channel, 1, 0, &block, vector[150, 150, 0], stay, false);
        bench::execute(channel, proposal, vector[1, 2]);
    }

    #[test]
    fun who_has_two_thirds_of_the_collateral_settles() {
        let channel = weighed();
        let block = bench::block(channel, @0x1, 5, 1, &bench::book());
        let stay = vector[false, false, false];
        let proposal = bench::propose(channel, 1, 0, &block, vector[100, 100, 100], stay, false);
        bench::execute(channel, proposal, vector[1, 3]);
        let (number, _, _, _) = channel::last_settlement(channel);
        assert!(number == 1, 1);
    }

    #[test]
    /// Else those who convict make themselves a majority over everybody's money.
    fun a_fine_takes_no_say_about_money() {
        let channel = weighed();
        bench::report(channel, 1, 3, @0xe1);
        bench::decide(channel, 3, @0xe1, true, vector[1, 2]);
        assert!(weight(channel, 3) == 60 && weight(channel, 1) == 30, 1);
    }

    #[test]
    fun who_judges_weighs_what_fines_have_left() {
        let (first, second) = two_channels(BY_COLLATERAL);
        convict_first(first, @0xe1);
        let (_, heard) = channel::heard(second, 15000);
        let (_, judges) = channel::judges(second, 15000);
        assert!(settlement::quorum::total(&heard) == 300, 1);
        assert!(settlement::quorum::total(&judges) == 250, 2);
    }

    #[test]
    fun a_fine_elsewhere_takes_no_say_about_money_here() {
        let (first, second) = two_channels(BY_COLLATERAL);
        convict_first(first, @0xe1);
        assert!(weight(second, 1) == 100 && weight(second, 2) == 100, 1);
    }
}
