#[test_only]
/// Who can be accused, who accuses, also after leaving, and bans.
module settlement::penalty_tests {
    use std::vector;
    use settlement::backing;
    use settlement::bench;
    use settlement::penalty_bench::{of, treasury, collateral, pay, convicted_and_paid};

    /// As in `penalty`, milliseconds.
    const BAN: u64 = 300000;
    /// As in `penalty`, milliseconds.
    const VOTING: u64 = 60000;
    const EVIDENCE: address = @0xe1;

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
