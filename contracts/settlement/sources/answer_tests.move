#[test_only]
/// What answers a complaint, and what does not.
module settlement::answer_tests {
    use settlement::bench;
    use settlement::coin;
    use settlement::complaint;
    use settlement::complaint_tests::{account, call_with, complain, complain_with, expiry, invoke};
    use settlement::complaint_tests::{numbered, resolve, three, waits};
    use settlement::header;
    use settlement::state_proof;

    const REPLACE: u8 = 1;
    /// The number of the call complained about, as in `complaint_tests`.
    const NUMBER: u64 = 5;

    public fun block_at(channel: address, time: u64, epoch: u64, book: &bench::Book): vector<u8> {
        header::encode_at_for_testing(channel, @0x1, 9, epoch, 0, time, bench::root(book))
    }

    public fun answer_with(
        channel: address,
        block: vector<u8>,
        member: u8,
        book: &bench::Book,
        by: vector<u8>,
    ) {
        answer_by(channel, block, member, book, book, by);
    }

    /// Number and debt each by a state of its own.
    fun answer_by(
        channel: address,
        block: vector<u8>,
        member: u8,
        of_number: &bench::Book,
        of_debt: &bench::Book,
        by: vector<u8>,
    ) {
        let (signers, signatures) = bench::acks(&block, by);
        let (number_key, debt_key) =
            (state_proof::sequence_key(account(member)), state_proof::departed_key(account(member)));
        let (number, siblings, end) = bench::prove(of_number, number_key);
        let (departed, departed_siblings, departed_end) = bench::prove(of_debt, debt_key);
        complaint::answer(
            &coin::signer_for_testing(@0x99), channel, block, signers, signatures, number, siblings,
            end, departed, departed_siblings, departed_end,
        );
    }

    /// Nodes 1 and 3 certify a block of now with this state.
    public fun answer(channel: address, member: u8, book: &bench::Book) {
        answer_with(channel, block_at(channel, bench::now(), 1, book), member, book, vector[1, 3]);
    }

    #[test]
    #[expected_failure(abort_code = 10)]
    fun a_block_after_which_the_call_can_still_come_answers_nothing() {
        let channel = three(REPLACE);
        complain(channel, 2);
        answer(channel, 2, &numbered(2, NUMBER));
    }

    #[test]
    #[expected_failure(abort_code = 8)]
    fun a_block_before_the_complaint_answers_nothing() {
        let channel = three(REPLACE);
        complain(channel, 2);
        let book = numbered(2, NUMBER + 1);
        answer_with(channel, block_at(channel, bench::now() - 1, 1, &book), 2, &book, vector[1, 3]);
    }

    #[test]
    #[expected_failure(abort_code = 8)]
    fun another_channels_block_answers_nothing() {
        let channel = three(REPLACE);
        complain(channel, 2);
        let book = numbered(2, NUMBER + 1);
        answer_with(channel, block_at(@0x77, bench::now(), 1, &book), 2, &book, vector[1, 3]);
    }

    // Who was alone in an earlier epoch could make one of its blocks at any time.
    #[test]
    #[expected_failure(abort_code = 8)]
    fun a_block_of_an_earlier_epoch_answers_nothing() {
        let channel = three(REPLACE);
        bench::epoch_of_few(channel, vector[1], 20000);
        bench::epoch_of_few(channel, vector[1, 2, 3], 40000);
        complain_with(
            channel, 2, call_with(2, 7, channel, account(2), invoke(), 1, expiry()),
        );
        let book = numbered(2, NUMBER + 1);
        answer_with(channel, block_at(channel, expiry(), 2, &book), 2, &book, vector[1]);
    }

    #[test]
    #[expected_failure(abort_code = 9)]
    fun a_block_that_the_leader_alone_acked_answers_nothing() {
        let channel = three(REPLACE);
        complain(channel, 2);
        let book = numbered(2, NUMBER + 1);
        answer_with(channel, block_at(channel, bench::now(), 1, &book), 2, &book, vector[1]);
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun another_accounts_number_answers_nothing() {
        let channel = three(REPLACE);
        complain(channel, 2);
        let book = numbered(2, NUMBER);
        bench::sequence(&mut book, account(3), NUMBER + 1);
        answer_with(channel, block_at(channel, bench::now(), 1, &book), 3, &book, vector[1, 3]);
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun another_states_number_answers_nothing() {
        let channel = three(REPLACE);
        complain(channel, 2);
        let (book, other) = (numbered(2, NUMBER), numbered(2, NUMBER + 1));
        answer_with(channel, block_at(channel, bench::now(), 1, &book), 2, &other, vector[1, 3]);
    }

    #[test]
    #[expected_failure(abort_code = 12)]
    fun after_the_window_nothing_answers() {
        let channel = three(REPLACE);
        complain(channel, 2);
        bench::later(bench::window());
        answer(channel, 2, &numbered(2, NUMBER + 1));
    }

    #[test]
    #[expected_failure(abort_code = 7)]
    fun nothing_asked_nothing_answered() {
        let channel = three(REPLACE);
        answer(channel, 2, &numbered(2, NUMBER + 1));
    }

    #[test]
    #[expected_failure(abort_code = 7)]
    fun nothing_asked_nothing_resolved() {
        resolve(three(REPLACE));
    }

    #[test]
    #[expected_failure(abort_code = 7)]
    fun what_was_answered_is_not_resolved() {
        let channel = three(REPLACE);
        complain(channel, 2);
        answer(channel, 2, &numbered(2, NUMBER + 1));
        bench::later(bench::window());
        resolve(channel);
    }

    #[test]
    #[expected_failure(abort_code = 11)]
    fun a_complaint_waits_for_its_window() {
        let channel = three(REPLACE);
        complain(channel, 2);
        bench::later(bench::window() - 1);
        resolve(channel);
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun another_states_debt_answers_nothing() {
        let channel = three(REPLACE);
        complain(channel, 2);
        let (book, other) = (numbered(2, NUMBER), bench::book());
        bench::owe(&mut other, account(2), 100);
        answer_by(channel, block_at(channel, bench::now(), 1, &book), 2, &book, &other, vector[1, 3]);
    }

    // The same, where the debt is proven of the right state and the number of another.
    #[test]
    #[expected_failure(abort_code = 1)]
    fun another_states_number_beside_the_right_debt_answers_nothing() {
        let channel = three(REPLACE);
        complain(channel, 2);
        let (book, other) = (numbered(2, NUMBER), numbered(2, NUMBER + 1));
        answer_by(channel, block_at(channel, bench::now(), 1, &book), 2, &other, &book, vector[1, 3]);
    }

    // Member 1 alone is valid in epoch 2, in which members 2 and 3 are back before the next one.
    fun complained_in_an_epoch_of_one(): address {
        let channel = three(REPLACE);
        bench::epoch_of_few(channel, vector[1], 20000);
        complain_with(channel, 2, call_with(2, 7, channel, account(2), invoke(), 1, expiry()));
        channel
    }

    #[test]
    fun those_who_are_valid_answer() {
        let channel = complained_in_an_epoch_of_one();
        let book = numbered(2, NUMBER + 1);
        answer_with(channel, block_at(channel, expiry(), 2, &book), 2, &book, vector[1]);
        assert!(!waits(channel), 1);
    }

    #[test]
    fun two_thirds_of_the_active_members_answer() {
        let channel = complained_in_an_epoch_of_one();
        let book = numbered(2, NUMBER + 1);
        answer_with(channel, block_at(channel, expiry(), 2, &book), 2, &book, vector[2, 3]);
        assert!(!waits(channel), 1);
    }
}
