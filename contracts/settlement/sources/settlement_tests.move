#[test_only]
/// Settlements, and attacks on them: each starts from a valid one and changes one thing.
module settlement::settlement_tests {
    use std::vector;
    use runtime::context;
    use settlement::channel;
    use settlement::channel_tests;
    use settlement::coin;
    use settlement::ids;
    use settlement::membership;
    use settlement::settlement;

    const NOW: u64 = 1000000;
    /// As in `settlement`.
    const LEAVE_PATIENCE: u64 = 60000;

    fun beat(byte: u8, channel: address) {
        membership::heartbeat(&channel_tests::node(byte), channel);
    }

    fun apply(byte: u8, channel: address) {
        membership::apply_for_leadership(&channel_tests::node(byte), channel);
    }

    /// Three active members with 30, 40 and 50 and the nodes 1, 2 and 3; node 1 leads.
    fun three_members(): address {
        let channel = channel_tests::small();
        channel_tests::join(channel, @0xa, 1, 30);
        channel_tests::join(channel, @0xb, 2, 40);
        channel_tests::join(channel, @0xc, 3, 50);
        context::set_time_ms_for_testing(NOW);
        beat(2, channel);
        beat(3, channel);
        apply(1, channel);
        channel
    }

    /// @0xd with node 4 and 80, active from the next epoch on.
    fun fourth_member(channel: address) {
        channel_tests::join(channel, @0xd, 4, 80);
        context::set_time_ms_for_testing(NOW + 5000);
        beat(4, channel);
        apply(1, channel);
    }

    fun propose_balances(channel: address, balances: vector<u64>, leaves: vector<bool>, held: u64) {
        propose_all(channel, 1, 0, vector[@0xa, @0xb, @0xc], balances, leaves, held, false);
    }

    fun propose_four(channel: address, balances: vector<u64>, leaves: vector<bool>) {
        let accounts = vector[@0xa, @0xb, @0xc, @0xd];
        propose_all(channel, 1, 0, accounts, balances, leaves, 0, false);
    }

    fun propose_all(
        channel: address,
        number: u64,
        from_height: u64,
        accounts: vector<address>,
        balances: vector<u64>,
        leaves: vector<bool>,
        held: u64,
        closes: bool,
    ) {
        let root = if (number == 1) @0x0 else @0x11;
        settlement::propose(
            &channel_tests::node(1), channel, number, from_height, root, from_height + 9,
            @0x11, @0x12, accounts, balances, leaves, held, closes, b"score",
        );
    }

    fun recorded(channel: address): address {
        let node = ids::account_of(channel_tests::key(1));
        settlement::recorded_for_testing(node, channel)
    }

    /// Votes of these nodes on what they are asked to vote on, sorted by key.
    fun votes(bytes: vector<u8>, channel: address, proposal: address)
    : (vector<address>, vector<vector<u8>>) {
        let (voters, signatures) = (vector::empty(), vector::empty());
        while (!vector::is_empty(&bytes)) {
            let byte = vector::pop_back(&mut bytes);
            let voter = channel_tests::key(byte);
            vector::push_back(&mut voters, voter);
            vector::push_back(&mut signatures, settlement::vote_for_testing(&channel_tests::seed(byte), channel, proposal));
            let last = vector::length(&voters) - 1;
            while (last > 0 && ids::comes_before(voter, *vector::borrow(&voters, last - 1))) {
                vector::swap(&mut voters, last, last - 1);
                vector::swap(&mut signatures, last, last - 1);
                last = last - 1;
            }
        };
        (voters, signatures)
    }

    fun execute_with(channel: address, bytes: vector<u8>) {
        let proposal = recorded(channel);
        let (voters, signatures) = votes(bytes, channel, proposal);
        settlement::execute(&channel_tests::node(1), channel, proposal, voters, signatures);
    }

    #[test]
    fun a_leaver_is_paid_and_the_rest_stays() {
        let channel = three_members();
        propose_balances(channel, vector[10, 60, 45], vector[false, true, false], 5);
        execute_with(channel, vector[1, 3]);
        assert!(coin::balance(@0xb, @0xfa) == 60, 1);
        assert!(coin::balance(@0xa, @0xfa) == 0, 2);
        let (money, _, booked) = channel::money_for_testing(channel);
        assert!(money == 60 && booked == 60, 3);
        let (number, height, closed, result) = channel::last_settlement(channel);
        assert!(number == 1 && height == 9 && !closed && result == b"score", 4);
        let (electors, _) = channel::electorate(channel);
        assert!(vector::length(&electors) == 2, 5);
    }

    fun try_out(channel: address, balances: vector<u64>): address {
        settlement::dry_run(
            channel, 1, 0, @0x0, 9, @0x11, @0x12, vector[@0xa, @0xb, @0xc], balances,
            vector[false, false, false], 0, false, b"score",
        )
    }

    #[test]
    fun a_dry_run_names_what_would_be_recorded() {
        let channel = three_members();
        let total = vector[10, 60, 50];
        let tried = try_out(channel, copy total);
        propose_balances(channel, total, vector[false, false, false], 0);
        assert!(recorded(channel) == tried, 1);
    }

    #[test]
    #[expected_failure(abort_code = 4)]
    fun a_dry_run_says_why_the_contract_would_refuse() {
        try_out(three_members(), vector[10, 60, 51]);
    }

    fun try_out_from(channel: address, root: address) {
        settlement::dry_run(
            channel, 1, 0, root, 9, @0x11, @0x12, vector[@0xa, @0xb, @0xc], vector[10, 60, 50],
            vector[false, false, false], 0, false, b"score",
        );
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun a_first_settlement_goes_on_from_nothing() {
        try_out_from(three_members(), @0x9);
    }

    #[test]
    fun a_close_pays_everybody_and_refunds_who_was_never_named() {
        let channel = three_members();
        channel_tests::join(channel, @0xd, 4, 80);
        let accounts = vector[@0xa, @0xb, @0xc];
        propose_all(channel, 1, 0, accounts, vector[0, 20, 100], vector[true, true, true], 0, true);
        execute_with(channel, vector[1, 2, 3]);
        assert!(coin::balance(@0xa, @0xfa) == 0, 1);
        assert!(coin::balance(@0xb, @0xfa) == 20, 2);
        assert!(coin::balance(@0xc, @0xfa) == 100, 3);
        assert!(coin::balance(@0xd, @0xfa) == 80, 4);
        let (money, pending, _) = channel::money_for_testing(channel);
        assert!(money == 0 && pending == 0, 5);
    }

    #[test]
    fun a_later_joiner_is_booked_when_it_is_first_named() {
        let channel = three_members();
        fourth_member(channel);
        propose_balances(channel, vector[40, 40, 40], vector[false, false, false], 0);
        execute_with(channel, vector[1, 2, 3]);
        let accounts = vector[@0xa, @0xb, @0xc, @0xd];
        let stay = vector[false, false, false, false];
        propose_all(channel, 2, 9, accounts, vector[50, 50, 50, 50], stay, 0, false);
        execute_with(channel, vector[1, 2, 4]);
        let (money, pending, booked) = channel::money_for_testing(channel);
        assert!(money == 200 && pending == 0 && booked == 200, 1);
    }

    #[test]
    fun a_leaver_may_take_what_a_later_row_brought() {
        let channel = three_members();
        fourth_member(channel);
        propose_four(channel, vector[200, 0, 0, 0], vector[true, false, false, false]);
        execute_with(channel, vector[1, 2, 3]);
        let (money, _, booked) = channel::money_for_testing(channel);
        assert!(coin::balance(@0xa, @0xfa) == 200 && money == 0 && booked == 0, 1);
    }

    #[test]
    #[expected_failure(abort_code = 3)]
    fun a_pending_members_deposit_is_its_own() {
        let channel = channel_tests::small();
        channel_tests::join(channel, @0xd, 2, 1000);
        channel_tests::join(channel, @0xa, 1, 10);
        context::set_time_ms_for_testing(NOW);
        apply(1, channel);
        propose_all(channel, 1, 0, vector[@0xa, @0xd], vector[1010, 0], vector[true, false], 0, false);
    }

    #[test]
    #[expected_failure(abort_code = 4)]
    fun a_pending_members_deposit_is_not_shared_out() {
        let channel = three_members();
        channel_tests::join(channel, @0xd, 4, 80);
        propose_balances(channel, vector[110, 40, 50], vector[true, false, false], 0);
    }

    #[test]
    fun a_pending_member_that_withdraws_leaves_the_books_as_they_were() {
        let channel = three_members();
        channel_tests::join(channel, @0xd, 4, 80);
        propose_balances(channel, vector[40, 40, 40], vector[false, false, false], 0);
        channel_tests::leave(channel, @0xd);
        execute_with(channel, vector[1, 2]);
        let (money, pending, booked) = channel::money_for_testing(channel);
        assert!(money == 120 && pending == 0 && booked == 120, 1);
        let (members, active, _) = channel::counts_for_testing(channel);
        assert!(members == 3 && active == 3, 2);
    }

    #[test]
    #[expected_failure(abort_code = 8)]
    fun a_pending_members_vote_weighs_nothing() {
        let channel = three_members();
        channel_tests::join(channel, @0xd, 4, 80);
        beat(4, channel);
        propose_balances(channel, vector[30, 40, 50], vector[false, false, false], 0);
        execute_with(channel, vector[1, 4]);
    }

    #[test]
    fun an_active_member_that_was_never_entered_is_paid_its_deposit() {
        let channel = three_members();
        fourth_member(channel);
        channel_tests::leave(channel, @0xd);
        propose_four(channel, vector[40, 40, 40, 80], vector[false, false, false, true]);
        execute_with(channel, vector[1, 2, 3]);
        let (money, _, booked) = channel::money_for_testing(channel);
        assert!(coin::balance(@0xd, @0xfa) == 80 && money == 120 && booked == 120, 1);
    }

    #[test]
    #[expected_failure(abort_code = 3)]
    fun no_settlement_passes_over_who_has_waited_a_minute() {
        let channel = three_members();
        fourth_member(channel);
        channel_tests::leave(channel, @0xd);
        context::set_time_ms_for_testing(NOW + 5000 + LEAVE_PATIENCE + 1);
        propose_balances(channel, vector[30, 40, 50], vector[false, false, false], 0);
    }

    #[test]
    #[expected_failure(abort_code = 3)]
    fun no_settlement_keeps_who_has_waited_a_minute() {
        let channel = three_members();
        channel_tests::leave(channel, @0xb);
        propose_balances(channel, vector[30, 40, 50], vector[false, false, false], 0);
        context::set_time_ms_for_testing(NOW + LEAVE_PATIENCE + 1);
        execute_with(channel, vector[1, 2, 3]);
    }

    #[test]
    fun grants_before_the_settlement_before_the_last_leave_the_record() {
        let channel = three_members();
        fourth_member(channel);
        let accounts = vector[@0xa, @0xb, @0xc];
        let stay = vector[false, false, false];
        propose_all(channel, 1, 0, copy accounts, vector[30, 40, 50], copy stay, 0, false);
        execute_with(channel, vector[1, 2, 3]);
        let (_, _, grants) = channel::counts_for_testing(channel);
        assert!(grants == 2, 1);
        propose_all(channel, 2, 9, accounts, vector[30, 40, 50], stay, 0, false);
        execute_with(channel, vector[1, 2, 3]);
        let (_, _, grants) = channel::counts_for_testing(channel);
        assert!(grants == 1, 2);
    }

    #[test]
    #[expected_failure(abort_code = 4)]
    fun money_from_nowhere_is_refused() {
        propose_balances(three_members(), vector[31, 40, 50], vector[false, false, false], 0);
    }

    #[test]
    #[expected_failure(abort_code = 4)]
    fun money_that_vanishes_is_refused() {
        propose_balances(three_members(), vector[29, 40, 50], vector[false, false, false], 0);
    }

    #[test]
    #[expected_failure(abort_code = 8)]
    fun one_vote_of_three_is_not_enough() {
        let channel = three_members();
        propose_balances(channel, vector[30, 40, 50], vector[false, false, false], 0);
        execute_with(channel, vector[1]);
    }

    #[test]
    #[expected_failure(abort_code = 9)]
    fun one_voter_counts_once() {
        let channel = three_members();
        propose_balances(channel, vector[30, 40, 50], vector[false, false, false], 0);
        execute_with(channel, vector[1, 1]);
    }

    #[test]
    #[expected_failure(abort_code = 8)]
    fun strangers_votes_weigh_nothing() {
        let channel = three_members();
        propose_balances(channel, vector[30, 40, 50], vector[false, false, false], 0);
        execute_with(channel, vector[1, 8, 9]);
    }

    #[test]
    #[expected_failure(abort_code = 7)]
    fun a_vote_for_something_else_is_refused() {
        let channel = three_members();
        propose_balances(channel, vector[30, 40, 50], vector[false, false, false], 0);
        let (voters, signatures) = votes(vector[1, 2], channel, @0x99);
        settlement::execute(&channel_tests::node(1), channel, recorded(channel), voters, signatures);
    }

    #[test]
    #[expected_failure(abort_code = 7)]
    fun a_vote_of_another_channel_is_refused() {
        let channel = three_members();
        propose_balances(channel, vector[30, 40, 50], vector[false, false, false], 0);
        let (voters, signatures) = votes(vector[1, 2], @0x77, recorded(channel));
        settlement::execute(&channel_tests::node(1), channel, recorded(channel), voters, signatures);
    }

    #[test]
    #[expected_failure(abort_code = 6)]
    fun an_executed_settlement_is_not_executed_again() {
        let channel = three_members();
        propose_balances(channel, vector[30, 40, 50], vector[false, false, false], 0);
        let (proposal, node) = (recorded(channel), channel_tests::node(1));
        let (voters, signatures) = votes(vector[1, 2], channel, proposal);
        settlement::execute(&node, channel, proposal, copy voters, copy signatures);
        settlement::execute(&node, channel, proposal, voters, signatures);
    }

    #[test]
    #[expected_failure(abort_code = 6)]
    fun only_what_the_node_recorded_last_is_executed() {
        let channel = three_members();
        propose_balances(channel, vector[30, 40, 50], vector[false, false, false], 0);
        let proposal = recorded(channel);
        let (voters, signatures) = votes(vector[1, 2], channel, proposal);
        propose_balances(channel, vector[40, 30, 50], vector[false, false, false], 0);
        settlement::execute(&channel_tests::node(1), channel, proposal, voters, signatures);
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun an_old_number_is_refused() {
        let accounts = vector[@0xa, @0xb, @0xc];
        let stay = vector[false, false, false];
        propose_all(three_members(), 0, 0, accounts, vector[30, 40, 50], stay, 0, false);
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun a_gap_is_refused() {
        let accounts = vector[@0xa, @0xb, @0xc];
        let stay = vector[false, false, false];
        propose_all(three_members(), 1, 5, accounts, vector[30, 40, 50], stay, 0, false);
    }

    #[test]
    #[expected_failure(abort_code = 3)]
    fun a_booked_member_cannot_be_left_out() {
        let accounts = vector[@0xa, @0xb];
        propose_all(three_members(), 1, 0, accounts, vector[60, 60], vector[false, false], 0, false);
    }

    #[test]
    #[expected_failure(abort_code = 3)]
    fun a_strangers_account_is_refused() {
        propose_four(three_members(), vector[30, 40, 50, 0], vector[false, false, false, false]);
    }

    #[test]
    #[expected_failure(abort_code = 3)]
    fun an_account_named_twice_is_refused() {
        let accounts = vector[@0xa, @0xa, @0xb, @0xc];
        let stay = vector[false, false, false, false];
        propose_all(three_members(), 1, 0, accounts, vector[30, 0, 40, 50], stay, 0, false);
    }

    #[test]
    #[expected_failure(abort_code = 3)]
    fun accounts_out_of_order_are_refused() {
        let accounts = vector[@0xb, @0xa, @0xc];
        let stay = vector[false, false, false];
        propose_all(three_members(), 1, 0, accounts, vector[40, 30, 50], stay, 0, false);
    }

    #[test]
    #[expected_failure(abort_code = 5)]
    fun a_close_holds_nothing_back() {
        let accounts = vector[@0xa, @0xb, @0xc];
        let leave = vector[true, true, true];
        propose_all(three_members(), 1, 0, accounts, vector[30, 40, 45], leave, 5, true);
    }

    #[test]
    #[expected_failure(abort_code = 5)]
    fun a_close_is_for_everybody() {
        let accounts = vector[@0xa, @0xb, @0xc];
        let leave = vector[true, true, false];
        propose_all(three_members(), 1, 0, accounts, vector[30, 40, 50], leave, 0, true);
    }
}
