#[test_only]
/// Reports and the verdicts on them: who pays, and who can not be made to.
module settlement::report_tests {
    use std::vector;
    use settlement::backing;
    use settlement::bench;
    use settlement::channel;
    use settlement::penalty;
    use settlement::penalty_bench::{of, two_convict, treasury, is_barred, collateral, pay};

    /// As in `penalty`, milliseconds.
    const VOTING: u64 = 60000;
    const EVIDENCE: address = @0xe1;

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
        penalty::decide(&bench::signer_of(1), channel, 3, EVIDENCE, true, voters, signatures);
    }

    #[test]
    #[expected_failure(abort_code = 9)]
    fun verdicts_of_another_channel_convict_nobody() {
        let channel = of(3);
        bench::report(channel, 2, 1, EVIDENCE);
        let (voters, signatures) = bench::verdicts(@0x77, 1, EVIDENCE, true, vector[2, 3]);
        penalty::decide(&bench::signer_of(1), channel, 1, EVIDENCE, true, voters, signatures);
    }

    #[test]
    #[expected_failure(abort_code = 9)]
    fun a_verdict_of_not_guilty_convicts_nobody() {
        let channel = of(3);
        bench::report(channel, 2, 1, EVIDENCE);
        let (voters, signatures) = bench::verdicts(channel, 1, EVIDENCE, false, vector[2, 3]);
        penalty::decide(&bench::signer_of(1), channel, 1, EVIDENCE, true, voters, signatures);
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
        penalty::decide(&bench::signer_of(1), channel, 1, EVIDENCE, true, voters, vector::empty());
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

    // P-112
    #[test]
    #[expected_failure(abort_code = 4)]
    fun a_reporter_has_two_reports_at_a_time() {
        let channel = of(4);
        bench::report(channel, 2, 1, EVIDENCE);
        bench::report(channel, 2, 3, EVIDENCE);
        bench::report(channel, 2, 1, @0xe2);
    }

    #[test]
    #[expected_failure(abort_code = 4)]
    fun the_same_evidence_waits_once() {
        let channel = of(4);
        bench::report(channel, 2, 1, EVIDENCE);
        bench::report(channel, 3, 1, EVIDENCE);
    }

    // P-112: a friend's report that nobody can judge shields nobody.
    #[test]
    fun whoever_is_reported_by_a_friend_is_convicted_on_anothers_report() {
        let channel = of(4);
        bench::report(channel, 4, 1, @0xe2);
        bench::report(channel, 2, 1, EVIDENCE);
        bench::decide(channel, 1, EVIDENCE, true, vector[2, 3]);
        assert!(is_barred(channel, 1) && bench::balance(2) == 25, 1);
        bench::later(VOTING + 1);
        penalty::expire(&bench::signer_of(3), channel);
        assert!(collateral(channel, 4) == 100, 2);
    }

    #[test]
    #[expected_failure(abort_code = 3)]
    fun a_reporters_collateral_covers_all_its_reports() {
        let channel = of(4);
        let evidence = vector[@0xe1, @0xe2, @0xe3];
        while (!vector::is_empty(&evidence)) {
            let one = vector::pop_back(&mut evidence);
            bench::report(channel, 2, 1, one);
            bench::decide(channel, 1, one, false, vector[1, 3, 4]);
        };
        assert!(collateral(channel, 2) == 25, 100);
        bench::report(channel, 2, 1, @0xe4);
        bench::report(channel, 2, 1, @0xe5);
    }

    // P-112: what nobody decides costs half the bond, and makes room.
    #[test]
    fun a_report_whose_time_is_over_costs_half_the_bond_and_makes_room() {
        let channel = of(4);
        bench::report(channel, 2, 1, EVIDENCE);
        bench::report(channel, 2, 1, @0xe2);
        bench::later(VOTING);
        penalty::expire(&bench::signer_of(3), channel);
        assert!(collateral(channel, 2) == 100, 1);
        bench::later(VOTING + 1);
        bench::report(channel, 3, 1, EVIDENCE);
        assert!(collateral(channel, 2) == 74 && treasury() == 26, 2);
        penalty::expire(&bench::signer_of(3), channel);
        assert!(collateral(channel, 2) == 74, 3);
        bench::beat_all(channel, vector[2, 3, 4]);
        bench::decide(channel, 1, EVIDENCE, true, vector[2, 3, 4]);
        assert!(is_barred(channel, 1) && bench::balance(3) == 25, 4);
    }

    // P-112: else who cheats out of sight could drive the honest out of the valid set.
    #[test]
    fun who_made_reports_that_nobody_decided_stays_valid() {
        let channel = of(4);
        bench::report(channel, 2, 1, EVIDENCE);
        bench::report(channel, 2, 3, EVIDENCE);
        bench::later(VOTING + 1);
        bench::report(channel, 2, 1, @0xe2);
        bench::later(2 * VOTING + 2);
        penalty::expire(&bench::signer_of(3), channel);
        assert!(collateral(channel, 2) == 61, 1);
        bench::beat_all(channel, vector[1, 2, 3, 4]);
        assert!(bench::valid(channel) == vector[1, 2, 3, 4], 2);
        assert!(channel::eligible_for_testing(channel, 1), 3);
    }

    // A false report is another matter.
    #[test]
    fun who_accused_falsely_is_valid_no_more() {
        let channel = of(4);
        bench::report(channel, 2, 1, EVIDENCE);
        bench::decide(channel, 1, EVIDENCE, false, vector[1, 3, 4]);
        assert!(bench::valid(channel) == vector[1, 3, 4], 1);
        assert!(!channel::eligible_for_testing(channel, 1), 2);
    }

    // P-112: not by who paid for it already, whether or not its node forgot.
    #[test]
    #[expected_failure(abort_code = 5)]
    fun what_nobody_decided_is_not_reported_by_the_same_again() {
        let channel = of(4);
        bench::report(channel, 2, 1, EVIDENCE);
        bench::later(VOTING + 1);
        bench::report(channel, 2, 1, EVIDENCE);
    }

    // P-112: leaving is no way out of it.
    #[test]
    fun who_leaves_pays_for_its_report_that_nobody_decided() {
        let channel = of(4);
        bench::report(channel, 2, 1, EVIDENCE);
        pay(channel, 2, 4, 1);
        bench::later(VOTING + 1);
        penalty::expire(&bench::signer_of(3), channel);
        let (held, _) = backing::held(channel, @0xb);
        assert!(held == 87 && treasury() == 13, 1);
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
}
