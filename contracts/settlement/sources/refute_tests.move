#[test_only]
/// Channels that judge: what is refuted of a proposal that waits, and what is not.
module settlement::refute_tests {
    use std::vector;
    use settlement::bench;
    use settlement::settlement;
    use settlement::state_proof;
    use settlement::window_bench::{
        stay, two_of_three, alone, judged, unshown, window_over, waits, number,
    };

    const JUDGED: u8 = 2;

    #[test]
    #[expected_failure(abort_code = 16)]
    fun where_it_is_judged_nothing_settles_at_once() {
        let channel = bench::of(JUDGED, 3);
        let block = bench::block(channel, @0x1, 5, 1, &bench::book());
        bench::settle(channel, 1, 0, &block, vector[100, 100, 100]);
    }

    #[test]
    fun what_nobody_beats_settles_where_it_is_judged() {
        let (channel, _, _) = judged(vector[90, 110, 100]);
        window_over();
        bench::finish(channel);
        assert!(number(channel) == 1, 1);
    }

    #[test]
    fun a_wrong_row_is_refuted() {
        let (channel, _, _) = judged(vector[190, 110, 0]);
        bench::refute(channel, 2, @0xc, &bench::book_of(vector[90, 110, 100]));
        assert!(!waits(channel), 1);
    }

    #[test]
    #[expected_failure(abort_code = 18)]
    fun a_right_row_is_not_refuted() {
        let (channel, _, _) = judged(vector[90, 110, 100]);
        bench::refute(channel, 2, @0xc, &bench::book_of(vector[90, 110, 100]));
    }

    #[test]
    #[expected_failure(abort_code = 19)]
    fun a_row_that_is_not_there_is_not_refuted() {
        let (channel, _, _) = judged(vector[90, 110, 100]);
        bench::refute(channel, 3, @0xd, &bench::book_of(vector[90, 110, 100]));
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun another_state_refutes_nothing() {
        let (channel, _, _) = judged(vector[90, 110, 100]);
        bench::refute(channel, 2, @0xc, &bench::book_of(vector[90, 110, 101]));
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun another_list_of_who_entered_refutes_nothing() {
        let (channel, _, _) = judged(vector[90, 110, 100]);
        let (book, nobody) = (bench::book_of(vector[90, 110, 100]), bench::book());
        bench::enter(&mut nobody, 9, 9);
        bench::refute_by(channel, 0, @0xa, &nobody, &book, &book);
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun another_vault_refutes_nothing() {
        let (channel, _, _) = judged(vector[90, 110, 100]);
        let (book, other) = (bench::book_of(vector[90, 110, 100]), bench::book_of(vector[90, 110, 101]));
        bench::refute_by(channel, 2, @0xc, &book, &other, &book);
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun another_debt_refutes_nothing() {
        let (channel, _, _) = judged(vector[90, 110, 100]);
        let (book, other) = (bench::book_of(vector[90, 110, 100]), bench::book());
        bench::owe(&mut other, @0xc, 101);
        bench::refute_by(channel, 2, @0xc, &book, &book, &other);
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun another_accounts_entry_refutes_nothing() {
        let (channel, _, _) = judged(vector[90, 110, 100]);
        bench::refute(channel, 1, @0xc, &bench::book_of(vector[90, 110, 100]));
    }

    #[test]
    #[expected_failure(abort_code = 12)]
    fun nothing_that_waits_nothing_to_refute() {
        let (channel, _) = two_of_three();
        bench::refute(channel, 0, @0xa, &bench::book());
    }

    #[test]
    fun a_leaver_that_has_not_left_is_refuted() {
        let (channel, _, _) = alone(vector[90, 110, 100], vector[true, false, false], false);
        bench::refute(channel, 0, @0xa, &bench::book_of(vector[90, 110, 100]));
        assert!(!waits(channel), 1);
    }

    /// Member 3 is active and has not entered; the proposal gives it this much.
    fun three_of_whom_two_entered(due: u64, leaves: bool): (address, bench::Book) {
        let channel = bench::of(JUDGED, 3);
        let book = bench::book_of(vector[90, 110]);
        let block = bench::block(channel, @0x1, 5, 1, &book);
        let (rest, leavers) = (300 - due - 110, vector[false, false, leaves]);
        let proposal = bench::propose(channel, 1, 0, &block, vector[rest, 110, due], leavers, false);
        bench::open_window(channel, proposal, vector[1, 2]);
        (channel, book)
    }

    #[test]
    #[expected_failure(abort_code = 18)]
    fun a_member_that_never_entered_is_rightly_given_its_deposit() {
        let (channel, book) = three_of_whom_two_entered(100, true);
        bench::refute(channel, 2, @0xc, &book);
    }

    #[test]
    fun a_member_that_never_entered_is_not_robbed_of_its_deposit() {
        let (channel, book) = three_of_whom_two_entered(0, true);
        bench::refute(channel, 2, @0xc, &book);
        assert!(!waits(channel), 1);
    }

    #[test]
    fun a_false_root_is_withdrawn_where_the_block_is_shown() {
        let channel = bench::of(JUDGED, 3);
        let block = bench::block(channel, @0x1, 5, 1, &bench::book());
        let proposal = bench::propose_rows(
            channel, 1, 0, &block, @0x66, bench::accounts(3), vector[90, 110, 100], stay(), false,
        );
        bench::open_window(channel, proposal, vector[1, 2]);
        bench::show(channel, block, vector[2, 3]);
        window_over();
        bench::finish(channel);
        assert!(number(channel) == 0 && !waits(channel), 1);
    }

    /// A proposal of a channel that judges waits, whose result is `score`; what its state holds.
    fun with_result(result: vector<u8>): (address, bench::Book) {
        let channel = bench::of(JUDGED, 3);
        let book = bench::book_of(vector[90, 110, 100]);
        if (!vector::is_empty(&result)) bench::set_result(&mut book, result);
        let block = bench::block(channel, @0x1, 5, 1, &book);
        let proposal = bench::propose(channel, 1, 0, &block, vector[90, 110, 100], stay(), false);
        bench::open_window(channel, proposal, vector[1, 2]);
        (channel, book)
    }

    fun refute_result(channel: address, book: &bench::Book) {
        let (value, siblings, end) = bench::prove(book, state_proof::result_key());
        settlement::refute_result(&bench::signer_of(3), channel, value, siblings, end);
    }

    #[test]
    fun another_result_than_the_states_is_refuted() {
        let (channel, book) = with_result(b"other");
        refute_result(channel, &book);
        assert!(!waits(channel), 1);
    }

    #[test]
    fun a_result_that_the_app_never_set_is_refuted() {
        let (channel, book) = with_result(vector::empty());
        refute_result(channel, &book);
        assert!(!waits(channel), 1);
    }

    #[test]
    #[expected_failure(abort_code = 18)]
    fun the_result_that_the_app_set_stands() {
        let (channel, book) = with_result(b"score");
        refute_result(channel, &book);
    }

    #[test]
    #[expected_failure(abort_code = 12)]
    fun what_nobody_showed_is_not_refuted_twice() {
        let (channel, book) = with_result(b"other");
        refute_result(channel, &book);
        refute_result(channel, &book);
    }

    // Its root may be any: nobody said what block it is of.
    #[test]
    #[expected_failure(abort_code = 11)]
    fun what_nobody_showed_is_not_finished() {
        let (channel, _, _) = unshown(vector[90, 110, 100]);
        window_over();
        bench::finish(channel);
    }

    // Whoever makes up a proof makes up the result that it proves.
    #[test]
    #[expected_failure(abort_code = 1)]
    fun a_result_of_another_state_refutes_nothing() {
        let (channel, _) = with_result(b"score");
        let other = bench::book_of(vector[90, 110, 100]);
        bench::set_result(&mut other, b"other");
        refute_result(channel, &other);
    }
}
