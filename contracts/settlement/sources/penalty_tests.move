#[test_only]
/// Reports, verdicts, double signing: who pays, and who can not be made to.
module settlement::penalty_tests {
    use std::vector;
    use settlement::backing;
    use settlement::bench;
    use settlement::coin;
    use settlement::penalty;

    const TWO_THIRDS: u8 = 0;
    /// As in `penalty`, milliseconds.
    const BAN: u64 = 300000;
    const VOTING: u64 = 60000;
    const EVIDENCE: address = @0xe1;

    /// Collateral 100 each, of which a fine takes 50 and a false report 25.
    fun of(count: u8): address {
        bench::backed(TWO_THIRDS, count, 100, 0)
    }

    fun two_convict(count: u8): address {
        bench::backed(TWO_THIRDS, count, 100, 1)
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

    #[test]
    fun two_of_three_convict_and_the_reporter_has_its_share() {
        let channel = of(3);
        bench::report(channel, 2, 1, EVIDENCE);
        bench::decide(channel, 1, EVIDENCE, true, vector[2, 3]);
        assert!(is_barred(channel, 1) && collateral(channel, 1) == 50, 1);
        assert!(bench::balance(2) == 25 && treasury() == 25, 2);
        assert!(backing::pot_for_testing(channel) == 250, 3);
    }

    #[test]
    fun a_false_report_costs_the_bond() {
        let channel = of(4);
        bench::report(channel, 2, 1, EVIDENCE);
        bench::decide(channel, 1, EVIDENCE, false, vector[1, 3, 4]);
        assert!(!is_barred(channel, 1) && collateral(channel, 1) == 100, 1);
        assert!(collateral(channel, 2) == 75 && treasury() == 25, 2);
    }

    #[test]
    fun of_two_the_accused_goes_without_a_fine() {
        let channel = of(2);
        bench::report(channel, 2, 1, EVIDENCE);
        assert!(is_barred(channel, 1) && collateral(channel, 1) == 100 && treasury() == 0, 1);
    }

    #[test]
    #[expected_failure(abort_code = 10)]
    fun two_colluders_of_five_frame_nobody() {
        let channel = of(5);
        bench::report(channel, 2, 1, EVIDENCE);
        bench::decide(channel, 1, EVIDENCE, true, vector[2, 3]);
    }

    #[test]
    fun two_convict_among_many_where_the_rule_says_so() {
        let channel = two_convict(5);
        bench::report(channel, 2, 1, EVIDENCE);
        bench::decide(channel, 1, EVIDENCE, true, vector[2, 3]);
        assert!(is_barred(channel, 1), 1);
    }

    // A cheater's friends could be faster than the others.
    #[test]
    #[expected_failure(abort_code = 10)]
    fun two_never_acquit_among_many() {
        let channel = two_convict(5);
        bench::report(channel, 2, 1, EVIDENCE);
        bench::decide(channel, 1, EVIDENCE, false, vector[3, 4]);
    }

    #[test]
    #[expected_failure(abort_code = 10)]
    fun one_vote_never_convicts() {
        let channel = two_convict(3);
        bench::report(channel, 2, 1, EVIDENCE);
        bench::decide(channel, 1, EVIDENCE, true, vector[2]);
    }

    #[test]
    #[expected_failure(abort_code = 10)]
    fun the_accused_does_not_judge_itself() {
        let channel = of(3);
        bench::report(channel, 2, 1, EVIDENCE);
        bench::decide(channel, 1, EVIDENCE, false, vector[1, 3]);
    }

    #[test]
    #[expected_failure(abort_code = 10)]
    fun the_convicted_do_not_judge() {
        let channel = of(5);
        bench::report(channel, 2, 1, EVIDENCE);
        bench::decide(channel, 1, EVIDENCE, true, vector[2, 3, 4]);
        bench::report(channel, 2, 5, @0xe2);
        bench::decide(channel, 5, @0xe2, true, vector[1, 2]);
    }

    #[test]
    #[expected_failure(abort_code = 10)]
    fun who_is_silent_does_not_judge() {
        let channel = of(4);
        bench::report(channel, 2, 1, EVIDENCE);
        bench::later(20000);
        bench::beat_all(channel, vector[2, 4]);
        bench::decide(channel, 1, EVIDENCE, true, vector[2, 3]);
    }

    #[test]
    #[expected_failure(abort_code = 9)]
    fun verdicts_on_one_member_do_not_convict_another() {
        let channel = of(4);
        bench::report(channel, 2, 1, EVIDENCE);
        bench::decide(channel, 1, EVIDENCE, true, vector[2, 3, 4]);
        bench::report(channel, 4, 3, EVIDENCE);
        let (voters, signatures) = bench::verdicts(channel, 1, EVIDENCE, true, vector[2, 4]);
        penalty::decide(&bench::signer_of(1), channel, 3, true, voters, signatures);
    }

    #[test]
    #[expected_failure(abort_code = 9)]
    fun verdicts_of_another_channel_convict_nobody() {
        let channel = of(3);
        bench::report(channel, 2, 1, EVIDENCE);
        let (voters, signatures) = bench::verdicts(@0x77, 1, EVIDENCE, true, vector[2, 3]);
        penalty::decide(&bench::signer_of(1), channel, 1, true, voters, signatures);
    }

    #[test]
    #[expected_failure(abort_code = 9)]
    fun a_verdict_of_not_guilty_convicts_nobody() {
        let channel = of(3);
        bench::report(channel, 2, 1, EVIDENCE);
        let (voters, signatures) = bench::verdicts(channel, 1, EVIDENCE, false, vector[2, 3]);
        penalty::decide(&bench::signer_of(1), channel, 1, true, voters, signatures);
    }

    #[test]
    #[expected_failure(abort_code = 8)]
    fun a_verdict_counts_once() {
        let channel = of(3);
        bench::report(channel, 2, 1, EVIDENCE);
        bench::decide(channel, 1, EVIDENCE, true, vector[2, 2]);
    }

    #[test]
    #[expected_failure(abort_code = 7)]
    fun every_verdict_has_its_signature() {
        let channel = of(3);
        bench::report(channel, 2, 1, EVIDENCE);
        let (voters, _) = bench::verdicts(channel, 1, EVIDENCE, true, vector[2, 3]);
        penalty::decide(&bench::signer_of(1), channel, 1, true, voters, vector::empty());
    }

    #[test]
    #[expected_failure(abort_code = 6)]
    fun nothing_reported_nothing_decided() {
        bench::decide(of(3), 1, EVIDENCE, true, vector[2, 3]);
    }

    #[test]
    #[expected_failure(abort_code = 6)]
    fun after_its_time_a_report_is_decided_no_more() {
        let channel = of(3);
        bench::report(channel, 2, 1, EVIDENCE);
        bench::later(VOTING + 1);
        bench::beat_all(channel, vector[2, 3]);
        bench::decide(channel, 1, EVIDENCE, true, vector[2, 3]);
    }

    #[test]
    #[expected_failure(abort_code = 6)]
    fun a_report_is_decided_once() {
        let channel = of(4);
        bench::report(channel, 2, 1, EVIDENCE);
        bench::decide(channel, 1, EVIDENCE, false, vector[2, 3, 4]);
        bench::decide(channel, 1, EVIDENCE, false, vector[2, 3, 4]);
    }

    #[test]
    #[expected_failure(abort_code = 5)]
    fun what_was_decided_is_not_reported_again() {
        let channel = of(4);
        bench::report(channel, 2, 1, EVIDENCE);
        bench::decide(channel, 1, EVIDENCE, false, vector[2, 3, 4]);
        bench::report(channel, 3, 1, EVIDENCE);
    }

    #[test]
    #[expected_failure(abort_code = 4)]
    fun a_reporter_has_one_report_at_a_time() {
        let channel = of(4);
        bench::report(channel, 2, 1, EVIDENCE);
        bench::report(channel, 2, 3, EVIDENCE);
    }

    #[test]
    #[expected_failure(abort_code = 4)]
    fun an_accused_has_one_report_at_a_time() {
        let channel = of(4);
        bench::report(channel, 2, 1, EVIDENCE);
        bench::report(channel, 3, 1, @0xe2);
    }

    #[test]
    fun a_report_whose_time_is_over_makes_room() {
        let channel = of(4);
        bench::report(channel, 2, 1, EVIDENCE);
        bench::later(VOTING + 1);
        bench::report(channel, 3, 1, EVIDENCE);
        bench::beat_all(channel, vector[2, 3, 4]);
        bench::decide(channel, 1, EVIDENCE, true, vector[2, 3, 4]);
        assert!(is_barred(channel, 1) && bench::balance(3) == 25, 1);
    }

    #[test]
    #[expected_failure(abort_code = 3)]
    fun who_lost_its_bonds_reports_no_more() {
        let channel = of(4);
        let evidence = vector[@0xe1, @0xe2, @0xe3, @0xe4];
        while (!vector::is_empty(&evidence)) {
            let one = vector::pop_back(&mut evidence);
            bench::report(channel, 2, 1, one);
            bench::decide(channel, 1, one, false, vector[1, 3, 4]);
        };
        assert!(collateral(channel, 2) == 0, 100);
        bench::report(channel, 2, 1, @0xe5);
    }

    // Who is accused.

    #[test]
    #[expected_failure(abort_code = 2)]
    fun nobody_accuses_itself() {
        bench::report(of(3), 1, 1, EVIDENCE);
    }

    #[test]
    #[expected_failure(abort_code = 2)]
    fun nobody_accuses_a_stranger() {
        bench::report(of(3), 1, 4, EVIDENCE);
    }

    #[test]
    #[expected_failure(abort_code = 2)]
    fun nobody_accuses_a_pending_member() {
        let channel = of(3);
        bench::join(channel, 4, 100, false);
        bench::report(channel, 1, 4, EVIDENCE);
    }

    #[test]
    #[expected_failure(abort_code = 2)]
    fun nobody_is_convicted_twice_at_a_time() {
        let channel = of(3);
        bench::report(channel, 2, 1, EVIDENCE);
        bench::decide(channel, 1, EVIDENCE, true, vector[2, 3]);
        bench::report(channel, 2, 1, @0xe2);
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun a_pending_member_accuses_nobody() {
        let channel = of(3);
        bench::join(channel, 4, 100, false);
        bench::report(channel, 4, 1, EVIDENCE);
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun the_convicted_accuse_nobody() {
        let channel = of(3);
        bench::report(channel, 2, 1, EVIDENCE);
        bench::decide(channel, 1, EVIDENCE, true, vector[2, 3]);
        bench::report(channel, 1, 2, @0xe2);
    }

    #[test]
    #[expected_failure(abort_code = 12)]
    fun a_stranger_accuses_nobody() {
        bench::report(of(3), 5, 1, EVIDENCE);
    }

    #[test]
    fun who_leaves_while_it_is_reported_is_fined_all_the_same() {
        let channel = of(4);
        bench::report(channel, 2, 1, EVIDENCE);
        pay(channel, 1, 4, 1);
        bench::decide(channel, 1, EVIDENCE, true, vector[2, 3]);
        let (held, _) = backing::held(channel, @0xa);
        assert!(held == 50 && bench::balance(2) == 25 && treasury() == 25, 1);
    }

    #[test]
    fun who_has_left_is_reported_as_long_as_its_collateral_is_held() {
        let channel = of(4);
        pay(channel, 1, 4, 1);
        let (_, until) = backing::held(channel, @0xa);
        bench::later(until - bench::now() - 1);
        bench::report(channel, 2, 1, EVIDENCE);
        bench::later(until - bench::now() + VOTING - 1);
        bench::beat_all(channel, vector[2, 3, 4]);
        bench::decide(channel, 1, EVIDENCE, true, vector[3, 4]);
        let (held, _) = backing::held(channel, @0xa);
        assert!(held == 50, 1);
    }

    #[test]
    #[expected_failure(abort_code = 2)]
    fun a_report_keeps_the_collateral_for_the_votes() {
        let channel = of(4);
        pay(channel, 1, 4, 1);
        let (_, until) = backing::held(channel, @0xa);
        bench::later(until - bench::now() - 1);
        bench::report(channel, 2, 1, EVIDENCE);
        bench::later(until - bench::now());
        backing::release(&bench::signer_of(1), channel, @0xa);
    }

    #[test]
    #[expected_failure(abort_code = 2)]
    fun who_was_given_its_collateral_back_is_not_reported() {
        let channel = of(4);
        pay(channel, 1, 4, 1);
        let (_, until) = backing::held(channel, @0xa);
        bench::later(until - bench::now());
        backing::release(&bench::signer_of(1), channel, @0xa);
        bench::report(channel, 2, 1, EVIDENCE);
    }

    // Bans.

    /// Member 1 is convicted and paid.
    fun convicted_and_paid(): address {
        let channel = of(3);
        bench::report(channel, 2, 1, EVIDENCE);
        bench::decide(channel, 1, EVIDENCE, true, vector[2, 3]);
        pay(channel, 1, 3, 1);
        channel
    }

    #[test]
    #[expected_failure(abort_code = 15)]
    fun who_was_convicted_does_not_come_back_at_once() {
        let channel = convicted_and_paid();
        bench::later(BAN - 1);
        bench::join(channel, 1, 100, false);
    }

    #[test]
    #[expected_failure(abort_code = 15)]
    fun another_node_key_evades_no_ban() {
        let channel = convicted_and_paid();
        bench::join_as(channel, @0xa, 7, 100, false);
    }

    #[test]
    #[expected_failure(abort_code = 15)]
    fun another_account_with_the_same_node_evades_no_ban() {
        let channel = convicted_and_paid();
        bench::join_as(channel, @0xf7, 1, 100, false);
    }

    #[test]
    fun after_five_minutes_it_may_come_back() {
        let channel = convicted_and_paid();
        bench::later(BAN);
        backing::release(&bench::signer_of(2), channel, @0xa);
        bench::join(channel, 1, 100, false);
        assert!(collateral(channel, 4) == 100, 1);
    }

    #[test]
    #[expected_failure(abort_code = 3)]
    fun who_comes_back_first_takes_what_is_held() {
        let channel = convicted_and_paid();
        bench::later(BAN);
        bench::join(channel, 1, 100, false);
    }

    #[test]
    #[expected_failure(abort_code = 3)]
    fun the_convicted_are_named_as_leaving() {
        let channel = of(3);
        bench::report(channel, 2, 1, EVIDENCE);
        bench::decide(channel, 1, EVIDENCE, true, vector[2, 3]);
        bench::later(60001);
        let block = bench::block(channel, @0x1, 5, 1, &bench::book());
        bench::settle(channel, 1, 0, &block, vector[100, 100, 100]);
    }
}
