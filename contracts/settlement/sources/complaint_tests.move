#[test_only]
/// Complaints about calls that are left undone: what is one, what answers it, and what follows.
module settlement::complaint_tests {
    use std::bcs;
    use std::vector;
    use runtime::ed25519;
    use settlement::bench;
    use settlement::channel;
    use settlement::channel_tests;
    use settlement::coin;
    use settlement::complaint;
    use settlement::header;
    use settlement::ids;
    use settlement::state_proof;
    use settlement::windows;

    const TWO_THIRDS: u8 = 0;
    const CLOSE: u8 = 0;
    const REPLACE: u8 = 1;
    /// As nodes bound calls.
    const CALL_GAS: u64 = 10000000;
    const CALL_LIFETIME: u64 = 600000;
    const MOST_CALL: u64 = 16384;
    /// As in `penalty`, milliseconds.
    const BAN: u64 = 300000;
    /// The number of the call complained about.
    const NUMBER: u64 = 5;

    /// The account whose key has the seed 20 + `member`; its node's has the seed `member`.
    public fun account(member: u8): address {
        ids::account_of(channel_tests::key(20 + member))
    }

    /// Three active members, each with collateral 100; the first one's node leads.
    public fun three(drop_rule: u8): address {
        let channel = bench::empty(TWO_THIRDS, 0, 100, 0, drop_rule);
        let member = 1;
        while (member <= 3) {
            bench::join_as(channel, account(member), member, 100, false);
            member = member + 1;
        };
        bench::epoch(channel, vector[1, 2, 3]);
        channel
    }

    /// `0x42::app::play` with a type argument and two arguments.
    public fun invoke(): vector<u8> {
        let bytes = x"00";
        vector::append(&mut bytes, bcs::to_bytes(&@0x42));
        vector::append(&mut bytes, bcs::to_bytes(&b"app"));
        vector::append(&mut bytes, bcs::to_bytes(&b"play"));
        vector::append(&mut bytes, bcs::to_bytes(&vector[b"u64"]));
        vector::append(&mut bytes, bcs::to_bytes(&vector[b"one", b"two"]));
        bytes
    }

    public fun call_with(
        member: u8,
        chain: u64,
        channel: address,
        sender: address,
        operation: vector<u8>,
        gas: u64,
        expires_at: u64,
    ): vector<u8> {
        let call = bcs::to_bytes(&chain);
        vector::append(&mut call, bcs::to_bytes(&channel));
        vector::append(&mut call, bcs::to_bytes(&sender));
        vector::append(&mut call, bcs::to_bytes(&NUMBER));
        vector::append(&mut call, operation);
        vector::append(&mut call, bcs::to_bytes(&gas));
        vector::append(&mut call, bcs::to_bytes(&expires_at));
        let message = b"fairway/1/sign/call";
        vector::push_back(&mut message, 0);
        vector::append(&mut message, copy call);
        let seed = channel_tests::seed(20 + member);
        vector::append(&mut call, ed25519::public_key_for_testing(&seed));
        vector::append(&mut call, ed25519::sign_for_testing(&seed, &message));
        call
    }

    public fun expiry(): u64 {
        bench::now() + bench::window()
    }

    fun call(member: u8, channel: address): vector<u8> {
        call_of(member, channel, invoke())
    }

    fun call_of(member: u8, channel: address, operation: vector<u8>): vector<u8> {
        call_with(member, 7, channel, account(member), operation, CALL_GAS, expiry())
    }

    public fun complain_with(channel: address, member: u8, call: vector<u8>) {
        complaint::complain(&coin::signer_for_testing(account(member)), channel, call);
    }

    public fun complain(channel: address, member: u8) {
        complain_with(channel, member, call(member, channel));
    }

    public fun waits(channel: address): bool {
        let (waits, _, _, _, _) = windows::complaint(channel);
        waits
    }

    /// A state in which the account's next call has this number.
    public fun numbered(member: u8, number: u64): bench::Book {
        let book = bench::book_of(vector[100, 100, 100]);
        bench::sequence(&mut book, account(member), number);
        book
    }

    /// Nodes 1 and 3 certify a block of now with this state.
    fun answer(channel: address, member: u8, book: &bench::Book) {
        let block =
            header::encode_at_for_testing(channel, @0x1, 9, 1, 0, bench::now(), bench::root(book));
        let (signers, signatures) = bench::acks(&block, vector[1, 3]);
        let (number, siblings, end) = bench::prove(book, state_proof::sequence_key(account(member)));
        let (departed, departed_siblings, departed_end) =
            bench::prove(book, state_proof::departed_key(account(member)));
        complaint::answer(
            &coin::signer_for_testing(@0x99), channel, block, signers, signatures, number, siblings,
            end, departed, departed_siblings, departed_end,
        );
    }

    public fun resolve(channel: address) {
        complaint::resolve(&coin::signer_for_testing(@0x99), channel);
    }

    fun is_barred(channel: address, join_sequence: u64): bool {
        let (_, barred, _) = bench::seat(channel, join_sequence);
        barred
    }

    #[test]
    fun a_call_that_was_ordered_answers() {
        let channel = three(REPLACE);
        complain(channel, 2);
        assert!(waits(channel), 1);
        answer(channel, 2, &numbered(2, NUMBER + 1));
        assert!(!waits(channel) && !is_barred(channel, 1), 2);
        let (_, _, collateral) = bench::seat(channel, 2);
        assert!(collateral == 100, 3);
    }

    #[test]
    fun a_call_whose_number_is_not_next_is_answered_too() {
        let channel = three(REPLACE);
        complain(channel, 2);
        answer(channel, 2, &numbered(2, NUMBER - 1));
        assert!(!waits(channel), 1);
    }

    #[test]
    fun an_account_that_never_called_has_number_zero() {
        let channel = three(REPLACE);
        complain(channel, 2);
        answer(channel, 2, &bench::book_of(vector[100, 100, 100]));
        assert!(!waits(channel), 1);
    }

    #[test]
    fun who_has_left_is_owed_no_order() {
        let channel = three(REPLACE);
        complain(channel, 2);
        let book = numbered(2, NUMBER);
        bench::owe(&mut book, account(2), 100);
        answer(channel, 2, &book);
        assert!(!waits(channel), 1);
    }

    #[test]
    fun without_an_answer_the_leader_is_replaced() {
        let channel = three(REPLACE);
        complain(channel, 2);
        bench::later(bench::window());
        resolve(channel);
        let (_, barred, collateral) = bench::seat(channel, 1);
        assert!(barred && collateral == 100 && !waits(channel), 1);
        assert!(windows::is_banned(channel, account(1), @0x0), 2);
        bench::later(bench::window() + BAN);
        assert!(!windows::is_banned(channel, account(1), @0x0), 3);
    }

    #[test]
    fun without_an_answer_the_channel_ends_by_an_exit() {
        let channel = three(CLOSE);
        complain(channel, 2);
        bench::later(bench::window());
        resolve(channel);
        assert!(!is_barred(channel, 1) && !waits(channel), 1);
        let (demanded, by, deadline) = windows::exit(channel);
        assert!(demanded && by == vector[account(2)], 2);
        assert!(deadline == bench::now() + 2 * bench::window(), 3);
        let book = bench::book_of(vector[100, 100, 100]);
        bench::show(channel, bench::block(channel, @0x1, 5, 1, &book), vector[1, 3]);
        bench::later(3 * bench::window());
        bench::finish_exit(channel, &book);
        bench::claim_for(channel, account(2), &book);
    }

    #[test]
    fun who_complained_and_was_paid_closes_nothing() {
        let channel = three(CLOSE);
        complain(channel, 2);
        let accounts = sorted();
        let leaves = vector::empty();
        let index = 0;
        while (index < 3) {
            vector::push_back(&mut leaves, *vector::borrow(&accounts, index) == account(2));
            index = index + 1;
        };
        let block = bench::block(channel, @0x1, 5, 1, &bench::book());
        let proposal = bench::propose_rows(
            channel, 1, 0, &block, @0x11, accounts, vector[100, 100, 100], leaves, false,
        );
        bench::execute(channel, proposal, vector[1, 2, 3]);
        bench::later(bench::window());
        resolve(channel);
        let (demanded, _, _) = windows::exit(channel);
        assert!(!demanded && !waits(channel), 1);
    }

    fun sorted(): vector<address> {
        let sorted = vector::empty();
        let member = 1;
        while (member <= 3) {
            let (_, place) = settlement::quorum::find(&sorted, account(member));
            vector::push_back(&mut sorted, account(member));
            let last = vector::length(&sorted) - 1;
            while (last > place) {
                vector::swap(&mut sorted, last, last - 1);
                last = last - 1;
            };
            member = member + 1;
        };
        sorted
    }

    // Who complains.

    #[test]
    #[expected_failure(abort_code = 7)]
    fun a_stranger_complains_of_nothing() {
        let channel = three(REPLACE);
        complain(channel, 4);
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun a_pending_member_complains_of_nothing() {
        let channel = three(REPLACE);
        bench::join_as(channel, account(4), 4, 100, false);
        complain(channel, 4);
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun a_leader_does_not_complain_of_itself() {
        let channel = three(REPLACE);
        complain(channel, 1);
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun who_leaves_complains_of_nothing() {
        let channel = three(REPLACE);
        channel::leave(&coin::signer_for_testing(account(2)), channel);
        complain(channel, 2);
    }

    #[test]
    #[expected_failure(abort_code = 2)]
    fun who_has_no_bond_complains_of_nothing() {
        let channel = three(REPLACE);
        let evidence = vector[@0xe1, @0xe2, @0xe3, @0xe4];
        while (!vector::is_empty(&evidence)) {
            let one = vector::pop_back(&mut evidence);
            bench::report(channel, 2, 1, one);
            bench::decide(channel, 1, one, false, vector[2, 3]);
        };
        complain(channel, 2);
    }

    #[test]
    #[expected_failure(abort_code = 3)]
    fun one_complaint_waits_at_a_time() {
        let channel = three(REPLACE);
        complain(channel, 2);
        complain(channel, 3);
    }

    #[test]
    #[expected_failure(abort_code = 3)]
    fun who_was_answered_does_not_complain_again_at_once() {
        let channel = three(REPLACE);
        complain(channel, 2);
        answer(channel, 2, &numbered(2, NUMBER + 1));
        complain(channel, 2);
    }

    #[test]
    fun who_was_answered_leaves_room_for_others_and_may_come_back() {
        let channel = three(REPLACE);
        complain(channel, 2);
        answer(channel, 2, &numbered(2, NUMBER + 1));
        complain(channel, 3);
        answer(channel, 3, &numbered(3, NUMBER + 1));
        bench::later(2 * bench::window());
        let expires_at = bench::now() + 3 * bench::window();
        let again = call_with(2, 7, channel, account(2), invoke(), 1, expires_at);
        complain_with(channel, 2, again);
        assert!(waits(channel), 1);
    }

    // What is a call.

    #[test]
    fun leaving_is_a_call() {
        let channel = three(REPLACE);
        complain_with(channel, 2, call_of(2, channel, x"01"));
        assert!(waits(channel), 1);
    }

    #[test]
    #[expected_failure(abort_code = 6)]
    fun nobody_but_the_creator_closes_by_a_call() {
        let channel = three(REPLACE);
        complain_with(channel, 2, call_of(2, channel, x"02"));
    }

    #[test]
    #[expected_failure(abort_code = 4)]
    fun an_unknown_operation_is_no_call() {
        let channel = three(REPLACE);
        complain_with(channel, 2, call_of(2, channel, x"03"));
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun what_has_a_byte_too_many_is_no_call() {
        let channel = three(REPLACE);
        complain_with(channel, 2, call_of(2, channel, x"0100"));
    }

    #[test]
    #[expected_failure(abort_code = 4)]
    fun a_key_and_a_signature_alone_are_no_call() {
        let channel = three(REPLACE);
        let call = call(2, channel);
        complain_with(channel, 2, settlement::bytes::part(&call, 0, 96));
    }

    #[test]
    #[expected_failure(abort_code = 4)]
    fun a_huge_call_is_not_carried_along() {
        let channel = three(REPLACE);
        let operation = x"00";
        vector::append(&mut operation, bcs::to_bytes(&@0x42));
        vector::append(&mut operation, x"00000001");
        let long = vector::empty();
        while (vector::length(&long) < MOST_CALL) vector::push_back(&mut long, 0);
        vector::append(&mut operation, bcs::to_bytes(&long));
        complain_with(channel, 2, call_of(2, channel, operation));
    }

    fun named(name: vector<u8>, type_arg: vector<u8>): vector<u8> {
        let operation = x"00";
        vector::append(&mut operation, bcs::to_bytes(&@0x42));
        vector::append(&mut operation, bcs::to_bytes(&b"app"));
        vector::append(&mut operation, bcs::to_bytes(&name));
        vector::append(&mut operation, bcs::to_bytes(&vector[type_arg]));
        vector::append(&mut operation, x"00");
        operation
    }

    #[test]
    #[expected_failure(abort_code = 4)]
    fun a_name_that_is_no_text_is_no_call() {
        let channel = three(REPLACE);
        complain_with(channel, 2, call_of(2, channel, named(x"ff", b"u64")));
    }

    #[test]
    #[expected_failure(abort_code = 4)]
    fun a_type_that_is_no_text_is_no_call() {
        let channel = three(REPLACE);
        complain_with(channel, 2, call_of(2, channel, named(b"play", x"ff")));
    }

    fun many(types: bool): vector<u8> {
        let list = vector::empty();
        while (vector::length(&list) < 65) vector::push_back(&mut list, b"u8");
        let operation = x"00";
        vector::append(&mut operation, bcs::to_bytes(&@0x42));
        vector::append(&mut operation, bcs::to_bytes(&b"app"));
        vector::append(&mut operation, bcs::to_bytes(&b"play"));
        if (!types) vector::append(&mut operation, x"00");
        vector::append(&mut operation, bcs::to_bytes(&list));
        if (types) vector::append(&mut operation, x"00");
        operation
    }

    #[test]
    #[expected_failure(abort_code = 4)]
    fun more_arguments_than_nodes_read_are_no_call() {
        let channel = three(REPLACE);
        complain_with(channel, 2, call_of(2, channel, many(false)));
    }

    #[test]
    #[expected_failure(abort_code = 4)]
    fun more_type_arguments_than_nodes_read_are_no_call() {
        let channel = three(REPLACE);
        complain_with(channel, 2, call_of(2, channel, many(true)));
    }

    #[test]
    #[expected_failure(abort_code = 5)]
    fun a_call_of_another_chain_is_refused() {
        let channel = three(REPLACE);
        complain_with(channel, 2, call_with(2, 8, channel, account(2), invoke(), 1, expiry()));
    }

    #[test]
    #[expected_failure(abort_code = 5)]
    fun a_call_of_another_channel_is_refused() {
        let channel = three(REPLACE);
        complain_with(channel, 2, call_with(2, 7, @0x77, account(2), invoke(), 1, expiry()));
    }

    #[test]
    #[expected_failure(abort_code = 5)]
    fun anothers_call_is_refused() {
        let channel = three(REPLACE);
        complain_with(channel, 2, call(3, channel));
    }

    #[test]
    #[expected_failure(abort_code = 5)]
    fun a_call_in_anothers_name_is_refused() {
        let channel = three(REPLACE);
        complain_with(channel, 2, call_with(2, 7, channel, account(3), invoke(), 1, expiry()));
    }

    #[test]
    #[expected_failure(abort_code = 5)]
    fun a_call_that_another_signed_is_refused() {
        let channel = three(REPLACE);
        complain_with(channel, 2, call_with(3, 7, channel, account(2), invoke(), 1, expiry()));
    }

    #[test]
    #[expected_failure(abort_code = 5)]
    fun a_call_that_was_altered_is_refused() {
        let channel = three(REPLACE);
        let call = call(2, channel);
        // The last byte of its last argument.
        let at = vector::length(&call) - 96 - 16 - 1;
        *vector::borrow_mut(&mut call, at) = 0x7a;
        complain_with(channel, 2, call);
    }

    #[test]
    #[expected_failure(abort_code = 6)]
    fun a_call_that_asks_for_too_much_gas_is_refused() {
        let channel = three(REPLACE);
        complain_with(channel, 2, call_with(2, 7, channel, account(2), invoke(), CALL_GAS + 1, expiry()));
    }

    #[test]
    #[expected_failure(abort_code = 6)]
    fun a_call_that_expires_before_the_leader_had_its_time_is_refused() {
        let channel = three(REPLACE);
        let soon = bench::now() + bench::window() / 2 - 1;
        complain_with(channel, 2, call_with(2, 7, channel, account(2), invoke(), 1, soon));
    }

    #[test]
    #[expected_failure(abort_code = 6)]
    fun a_call_that_no_leader_may_order_yet_is_refused() {
        let channel = three(REPLACE);
        let late = bench::now() + CALL_LIFETIME + 1;
        complain_with(channel, 2, call_with(2, 7, channel, account(2), invoke(), 1, late));
    }
}
