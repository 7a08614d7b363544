#[test_only]
/// Reports, verdicts, double signing: who pays, and who can not be made to.
module settlement::penalty_tests {
    use std::vector;
    use settlement::backing;
    use settlement::bench;
    use settlement::channel;
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

    // P-113: however often it is reported.
    #[test]
    fun reports_keep_the_collateral_of_who_left_for_so_long_and_no_longer() {
        let channel = of(4);
        pay(channel, 1, 4, 1);
        let (_, first) = backing::held(channel, @0xa);
        let time = first - bench::now() - 1;
        let evidence = vector[@0xe1, @0xe2, @0xe3, @0xe4];
        bench::later(time);
        while (!vector::is_empty(&evidence)) {
            bench::report(channel, 2, 1, vector::pop_back(&mut evidence));
            let (_, until) = backing::held(channel, @0xa);
            assert!(until > first && until <= first + 2 * VOTING, 1);
            time = time + VOTING + 1;
            bench::later(time);
        };
        backing::release(&bench::signer_of(1), channel, @0xa);
    }

    #[test]
    #[expected_failure(abort_code = 2)]
    fun who_left_after_its_conviction_is_not_convicted_again() {
        let channel = convicted_and_paid();
        bench::report(channel, 2, 1, @0xe2);
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

    // P-111: the chain as judge.

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
