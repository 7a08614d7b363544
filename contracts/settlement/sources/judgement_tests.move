#[test_only]
/// The chain as judge (P-111): what it convicts of, what it refuses, and who pays.
module settlement::judgement_tests {
    use std::vector;
    use settlement::backing;
    use settlement::bench;
    use settlement::channel;
    use settlement::coin;
    use settlement::penalty;
    use settlement::penalty_bench::{of, treasury, is_barred, collateral, pay};

    const EVIDENCE: address = @0xe1;

    const GUILTY: u8 = 0;
    const INNOCENT: u8 = 1;
    const UNCLEAR: u8 = 2;
    const NO_FIT: u8 = 3;

    #[test]
    fun of_two_the_chain_convicts_fines_and_rewards() {
        let channel = of(2);
        bench::judge(channel, 2, 1, EVIDENCE, GUILTY);
        assert!(is_barred(channel, 1) && collateral(channel, 1) == 50, 1);
        assert!(bench::balance(2) == 25 && treasury() == 25, 2);
    }

    // With two members a report asks for no evidence: the cheat could always be first.
    #[test]
    fun of_two_who_was_reported_by_the_cheat_has_it_judged_all_the_same() {
        let channel = of(2);
        bench::report(channel, 1, 2, @0xe9);
        assert!(is_barred(channel, 2), 1);
        bench::judge(channel, 2, 1, EVIDENCE, GUILTY);
        assert!(is_barred(channel, 1) && collateral(channel, 1) == 50, 2);
        assert!(bench::balance(2) == 25 && collateral(channel, 2) == 100, 3);
    }

    // P-113
    #[test]
    fun who_was_convicted_without_a_fine_is_fined_by_the_chain() {
        let channel = of(2);
        bench::report(channel, 2, 1, EVIDENCE);
        bench::judge(channel, 2, 1, EVIDENCE, GUILTY);
        assert!(collateral(channel, 1) == 50 && bench::balance(2) == 25, 1);
    }

    #[test]
    fun who_was_paid_after_a_conviction_without_a_fine_is_fined_by_the_chain() {
        let channel = of(2);
        bench::report(channel, 2, 1, EVIDENCE);
        pay(channel, 1, 2, 1);
        bench::judge(channel, 2, 1, EVIDENCE, GUILTY);
        let (held, _) = backing::held(channel, @0xa);
        assert!(held == 50 && bench::balance(2) == 25, 1);
    }

    // P-113: once.
    #[test]
    #[expected_failure(abort_code = 2)]
    fun nobody_is_fined_twice_in_a_stay_by_the_chain() {
        let channel = of(2);
        bench::report(channel, 2, 1, EVIDENCE);
        bench::judge(channel, 2, 1, EVIDENCE, GUILTY);
        penalty::judge_for_testing(@0xb, channel, 1, 1, @0xb2, @0xe2, GUILTY);
    }

    #[test]
    fun who_has_an_innocent_judged_loses_its_bond() {
        let channel = of(2);
        bench::judge(channel, 2, 1, EVIDENCE, INNOCENT);
        assert!(!is_barred(channel, 1) && collateral(channel, 1) == 100, 1);
        assert!(collateral(channel, 2) == 75 && treasury() == 25, 2);
    }

    #[test]
    #[expected_failure(abort_code = 12)]
    fun an_unclear_case_decides_nothing() {
        bench::judge(of(2), 2, 1, EVIDENCE, UNCLEAR);
    }

    #[test]
    #[expected_failure(abort_code = 13)]
    fun a_case_that_does_not_fit_decides_nothing() {
        bench::judge(of(2), 2, 1, EVIDENCE, NO_FIT);
    }

    #[test]
    #[expected_failure(abort_code = 5)]
    fun the_same_evidence_is_judged_once() {
        let channel = of(2);
        bench::judge(channel, 2, 1, EVIDENCE, INNOCENT);
        bench::judge(channel, 2, 1, EVIDENCE, INNOCENT);
    }

    // Else a word changed in the file would be worth another fine.
    #[test]
    #[expected_failure(abort_code = 5)]
    fun the_same_block_convicts_once() {
        let channel = of(3);
        bench::judge(channel, 2, 1, EVIDENCE, GUILTY);
        pay(channel, 1, 3, 1);
        bench::judge(channel, 2, 1, @0xe2, GUILTY);
    }

    #[test]
    #[expected_failure(abort_code = 2)]
    fun who_was_convicted_by_votes_is_not_by_the_chain() {
        let channel = of(3);
        bench::report(channel, 2, 1, EVIDENCE);
        bench::decide(channel, 1, EVIDENCE, true, vector[2, 3]);
        bench::judge(channel, 2, 1, @0xe2, GUILTY);
    }

    #[test]
    #[expected_failure(abort_code = 5)]
    fun what_was_voted_on_is_not_judged() {
        let channel = of(4);
        bench::report(channel, 2, 1, EVIDENCE);
        bench::decide(channel, 1, EVIDENCE, false, vector[2, 3, 4]);
        bench::judge(channel, 2, 1, EVIDENCE, GUILTY);
    }

    #[test]
    #[expected_failure(abort_code = 5)]
    fun what_was_judged_is_not_reported() {
        let channel = of(4);
        bench::judge(channel, 2, 1, EVIDENCE, INNOCENT);
        bench::report(channel, 2, 1, EVIDENCE);
    }

    #[test]
    #[expected_failure(abort_code = 6)]
    fun what_was_judged_is_not_voted_on() {
        let channel = of(4);
        bench::report(channel, 2, 1, EVIDENCE);
        bench::judge(channel, 3, 1, EVIDENCE, INNOCENT);
        bench::decide(channel, 1, EVIDENCE, true, vector[2, 3, 4]);
    }

    // Whoever reported it answers for it, and has its share.
    #[test]
    fun a_report_that_waits_is_closed_by_the_chains_word() {
        let channel = of(4);
        bench::report(channel, 2, 1, EVIDENCE);
        bench::judge(channel, 3, 1, EVIDENCE, INNOCENT);
        assert!(collateral(channel, 2) == 75 && collateral(channel, 3) == 100, 1);
        bench::report(channel, 4, 1, @0xe2);
        bench::judge(channel, 3, 1, @0xe2, GUILTY);
        assert!(bench::balance(4) == 25 && bench::balance(3) == 0, 2);
    }

    #[test]
    fun who_is_reported_has_the_chain_clear_it() {
        let channel = of(4);
        bench::report(channel, 2, 1, EVIDENCE);
        bench::judge(channel, 1, 1, EVIDENCE, INNOCENT);
        assert!(collateral(channel, 2) == 75 && collateral(channel, 1) == 100, 1);
    }

    #[test]
    #[expected_failure(abort_code = 2)]
    fun nobody_asks_the_chain_about_itself() {
        bench::judge(of(2), 1, 1, EVIDENCE, INNOCENT);
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun a_stranger_asks_for_no_judgement() {
        bench::judge(of(2), 5, 1, EVIDENCE, GUILTY);
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun a_pending_member_asks_for_no_judgement() {
        let channel = of(2);
        bench::join(channel, 3, 100, false);
        bench::judge(channel, 3, 1, EVIDENCE, GUILTY);
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun a_pending_members_account_asks_for_no_judgement() {
        let channel = of(2);
        bench::join(channel, 3, 100, false);
        penalty::judge_for_testing(@0xc, channel, 1, 1, @0xb1, EVIDENCE, GUILTY);
    }

    // As long as they have a seat, and for a bond as everybody.
    #[test]
    fun the_convicted_ask_for_a_judgement_too() {
        let channel = of(3);
        bench::judge(channel, 2, 1, EVIDENCE, GUILTY);
        bench::judge(channel, 1, 2, @0xe2, INNOCENT);
        assert!(collateral(channel, 1) == 25 && collateral(channel, 2) == 100, 1);
    }

    #[test]
    fun an_account_asks_as_its_node_does() {
        let channel = of(2);
        penalty::judge_for_testing(@0xb, channel, 1, 1, @0xb1, EVIDENCE, GUILTY);
        assert!(bench::balance(2) == 25, 1);
    }

    #[test]
    #[expected_failure(abort_code = 3)]
    fun who_cannot_pay_for_a_false_accusation_asks_for_no_judgement() {
        let channel = of(2);
        let evidence = vector[@0xe1, @0xe2, @0xe3, @0xe4];
        while (!vector::is_empty(&evidence)) {
            bench::judge(channel, 2, 1, vector::pop_back(&mut evidence), INNOCENT);
        };
        assert!(collateral(channel, 2) == 0, 100);
        bench::judge(channel, 2, 1, @0xe5, GUILTY);
    }

    #[test]
    #[expected_failure(abort_code = 2)]
    fun nobody_is_judged_for_an_epoch_in_which_it_was_not_there() {
        let channel = of(2);
        penalty::judge_for_testing(@0xb, channel, 1, 2, @0xb1, EVIDENCE, GUILTY);
    }

    #[test]
    #[expected_failure(abort_code = 2)]
    fun nobody_is_judged_for_what_anothers_node_signed() {
        let channel = of(3);
        let node = settlement::channel_tests::key(3);
        penalty::judge_other_for_testing(@0xb, channel, 1, node, EVIDENCE);
    }

    // P-114: nobody has a seat any more.
    #[test]
    fun after_the_channels_end_who_left_has_a_cheat_judged_by_its_collateral_held() {
        let channel = closed();
        bench::judge(channel, 2, 1, EVIDENCE, GUILTY);
        let (held, _) = backing::held(channel, @0xa);
        assert!(held == 50 && bench::balance(2) == 125, 1);
    }

    #[test]
    fun who_left_pays_for_a_false_accusation_with_what_is_held() {
        let channel = closed();
        bench::judge(channel, 2, 1, EVIDENCE, INNOCENT);
        let (held, _) = backing::held(channel, @0xb);
        assert!(held == 75, 1);
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun who_was_given_its_collateral_back_asks_for_no_judgement() {
        let channel = closed();
        let (_, until) = backing::held(channel, @0xb);
        bench::later(until - bench::now());
        backing::release(&bench::signer_of(1), channel, @0xb);
        bench::judge(channel, 2, 1, EVIDENCE, GUILTY);
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun who_left_and_lost_all_that_was_held_asks_for_no_judgement() {
        let channel = closed();
        let evidence = vector[@0xe1, @0xe2, @0xe3, @0xe4];
        while (!vector::is_empty(&evidence)) {
            bench::judge(channel, 2, 1, vector::pop_back(&mut evidence), INNOCENT);
        };
        bench::judge(channel, 2, 1, @0xe5, GUILTY);
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun a_stranger_asks_for_no_judgement_after_the_end_either() {
        bench::judge(closed(), 5, 1, EVIDENCE, GUILTY);
    }

    /// Three members that were paid by the settlement that closed their channel.
    fun closed(): address {
        let channel = of(3);
        channel::close(&coin::signer_for_testing(@0xc0), channel);
        let block = bench::block(channel, @0x1, 5, 1, &bench::book());
        let leaves = vector[true, true, true];
        let balances = vector[100, 100, 100];
        let proposal = bench::propose(channel, 1, 0, &block, balances, leaves, true);
        bench::execute(channel, proposal, bench::members(3));
        channel
    }

    #[test]
    fun who_has_left_is_judged_as_long_as_its_collateral_is_held() {
        let channel = of(4);
        pay(channel, 1, 4, 1);
        bench::judge(channel, 2, 1, EVIDENCE, GUILTY);
        let (held, _) = backing::held(channel, @0xa);
        assert!(held == 50 && bench::balance(2) == 25, 1);
    }
}
