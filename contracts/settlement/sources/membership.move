/// The nodes' face, first half: heartbeats and leadership. The caller is a node's chain account.
module settlement::membership {
    use std::bcs;
    use std::signer;
    use std::vector;
    use runtime::context;
    use runtime::ed25519;
    use runtime::event;
    use settlement::channel;
    use settlement::ids;
    use settlement::quorum;

    /// The channel's leader is valid: look again.
    const E_LEADER_IS_VALID: u64 = 1;
    /// The valid members, and who speaks for whom, are those of the epoch in force.
    const E_NOTHING_CHANGED: u64 = 2;
    /// The epoch in force began less than three seconds ago; or fifteen, where the valid members are
    /// the same.
    const E_TOO_SOON: u64 = 3;
    /// The chain's time does not make the applicant valid.
    const E_NOT_VALID: u64 = 4;
    /// The applicant is pending: the grant that makes a member active does not make it leader.
    const E_NOT_ACTIVE: u64 = 5;
    /// The term is not of the epoch in force.
    const E_OTHER_EPOCH: u64 = 6;
    /// This view or a later one is in force already.
    const E_OLD_VIEW: u64 = 7;
    /// The lists differ in length.
    const E_LENGTHS: u64 = 8;
    /// Promises are not sorted by node, or one node's are two.
    const E_DOUBLE_PROMISE: u64 = 9;
    /// A promise is of a node that acts for no active member.
    const E_STRANGER: u64 = 10;
    /// A promise's signature does not verify.
    const E_BAD_SIGNATURE: u64 = 11;
    /// Promises of less than two thirds of the weight.
    const E_NOT_ENOUGH_PROMISES: u64 = 12;

    /// Milliseconds a heartbeat counts.
    const VALIDITY: u64 = 15000;
    /// Milliseconds between epochs under one leader: members that come and go cannot force more.
    const LEAST_EPOCH: u64 = 3000;

    struct Heartbeat has copy, drop, store { channel: address, account: address }
    struct EpochGranted has copy, drop, store { channel: address, epoch: u64, leader: address }
    struct TermShown has copy, drop, store { channel: address, epoch: u64, view: u64, leader: address }

    /// Keeps the node's member valid for 15 seconds.
    public entry fun heartbeat(node: &signer, channel: address) {
        let account = channel::beat(channel, signer::address_of(node));
        event::emit(Heartbeat { channel, account });
    }

    /// Asks for the next epoch. Granted to the first valid applicant when the leader is not valid; to
    /// the first one that stays when the leader is leaving; and to the leader itself when the valid
    /// members have changed, or who would speak for whom, after a while. Only the first epoch goes to
    /// a member that is not active yet: later ones are not in the members' logs until a leader has
    /// entered them, so they could lead nobody. The leader is the one of the term in force, which
    /// `show_term` may have changed. Counts as a heartbeat.
    public entry fun apply_for_leadership(node: &signer, channel: address) {
        let applicant = channel::beat(channel, signer::address_of(node));
        let valid = channel::valid_now(channel, VALIDITY);
        let (sequence, active, leaves) = channel::standing(channel, applicant);
        assert!(has(&valid, sequence), E_NOT_VALID);
        let (epoch, leader, leader_leaves, recorded, since) = channel::grant_in_force(channel);
        assert!(epoch == 0 || active, E_NOT_ACTIVE);
        if (epoch > 0 && leader == sequence) {
            let others = recorded != valid;
            assert!(others || channel::would_change_voices(channel), E_NOTHING_CHANGED);
            let least = if (others) LEAST_EPOCH else VALIDITY;
            assert!(context::time_ms() >= since + least, E_TOO_SOON);
        } else if (epoch > 0) {
            let gives_way = leader_leaves && !leaves;
            assert!(gives_way || !has(&valid, leader), E_LEADER_IS_VALID);
        };
        epoch = channel::grant(channel, applicant, valid);
        event::emit(EpochGranted { channel, epoch, leader: applicant });
    }

    /// Shows that the members have begun a later view of the epoch in force: from now on its leader
    /// counts as the channel's. `signatures` are promises of the nodes `promisers`, which are sorted,
    /// and `rests` the hashes of what else each of them promised, in the same order. They weigh two
    /// thirds of the active members, or of the valid ones where these are less than that. Any
    /// member's node may show it. Counts as a heartbeat.
    public entry fun show_term(
        node: &signer,
        channel: address,
        epoch: u64,
        view: u64,
        promisers: vector<address>,
        rests: vector<address>,
        signatures: vector<vector<u8>>,
    ) {
        channel::beat(channel, signer::address_of(node));
        let (in_force, shown, openers, weights) = channel::openers(channel);
        assert!(epoch == in_force, E_OTHER_EPOCH);
        assert!(view > shown, E_OLD_VIEW);
        let count = vector::length(&promisers);
        let same = vector::length(&rests) == count && vector::length(&signatures) == count;
        assert!(same, E_LENGTHS);
        let said = promise_prefix(channel, epoch, view);
        let (index, place, part) = (0, 0, 0);
        while (index < count) {
            let promiser = *vector::borrow(&promisers, index);
            let sorted = index == 0
                || ids::comes_before(*vector::borrow(&promisers, index - 1), promiser);
            assert!(sorted, E_DOUBLE_PROMISE);
            let (known, found) = quorum::find_from(&openers, place, promiser);
            assert!(known, E_STRANGER);
            let message = copy said;
            vector::append(&mut message, bcs::to_bytes(vector::borrow(&rests, index)));
            let signature = vector::borrow(&signatures, index);
            let signed = ed25519::verify(&bcs::to_bytes(&promiser), &message, signature);
            assert!(signed, E_BAD_SIGNATURE);
            part = part + *vector::borrow(&weights, found);
            place = found;
            index = index + 1;
        };
        assert!(quorum::is_enough(part, quorum::total(&weights)), E_NOT_ENOUGH_PROMISES);
        let leader = channel::show_view(channel, view);
        event::emit(TermShown { channel, epoch, view, leader });
    }

    /// What a node signs to promise a term, but for the hash of the rest: the nodes'
    /// `ViewChangeSummary`.
    fun promise_prefix(channel: address, epoch: u64, view: u64): vector<u8> {
        let message = b"fairway/1/sign/view-change";
        vector::push_back(&mut message, 0);
        vector::append(&mut message, bcs::to_bytes(&channel));
        vector::append(&mut message, bcs::to_bytes(&epoch));
        vector::append(&mut message, bcs::to_bytes(&view));
        message
    }

    fun has(sequences: &vector<u64>, one: u64): bool {
        let (found, _) = quorum::find_number(sequences, one);
        found
    }

    #[test_only]
    use settlement::channel_tests;

    #[test_only]
    const NOW: u64 = 1000000;

    #[test_only]
    fun two_members(): address {
        let channel = channel_tests::small();
        channel_tests::join(channel, @0xa, 1, 30);
        channel_tests::join(channel, @0xb, 2, 40);
        context::set_time_ms_for_testing(NOW);
        channel
    }

    #[test_only]
    fun apply(byte: u8, channel: address) {
        apply_for_leadership(&channel_tests::node(byte), channel);
    }

    #[test_only]
    fun beat(byte: u8, channel: address) {
        heartbeat(&channel_tests::node(byte), channel);
    }

    #[test_only]
    /// Node 1 leads the second epoch, which began at `NOW + LEAST_EPOCH`; both are active.
    fun two_active(): address {
        let channel = two_members();
        apply(1, channel);
        beat(2, channel);
        context::set_time_ms_for_testing(NOW + LEAST_EPOCH);
        apply(1, channel);
        channel
    }

    #[test_only]
    /// The leader by its join sequence.
    fun assert_grant(channel: address, epoch: u64, leader: u64, valid: vector<u64>) {
        let (found, found_leader, _, found_valid, _) = channel::grant_in_force(channel);
        assert!(found == epoch && found_leader == leader && found_valid == valid, 100);
    }

    #[test]
    fun the_first_applicant_leads_alone() {
        let channel = two_members();
        apply(1, channel);
        assert_grant(channel, 1, 1, vector[1]);
    }

    #[test]
    fun the_leader_takes_new_members_into_the_next_epoch() {
        assert_grant(two_active(), 2, 1, vector[1, 2]);
    }

    #[test]
    #[expected_failure(abort_code = 3)]
    fun members_that_come_and_go_do_not_force_epochs() {
        let channel = two_members();
        apply(1, channel);
        beat(2, channel);
        context::set_time_ms_for_testing(NOW + LEAST_EPOCH - 1);
        apply(1, channel);
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun a_valid_leader_stays() {
        apply(2, two_active());
    }

    #[test]
    #[expected_failure(abort_code = 2)]
    fun an_unchanged_set_needs_no_epoch() {
        let channel = two_members();
        apply(1, channel);
        context::set_time_ms_for_testing(NOW + LEAST_EPOCH);
        apply(1, channel);
    }

    #[test]
    fun a_silent_leader_is_followed_by_the_first_applicant_at_once() {
        let channel = two_active();
        context::set_time_ms_for_testing(NOW + LEAST_EPOCH + VALIDITY + 1);
        apply(2, channel);
        assert_grant(channel, 3, 2, vector[2]);
    }

    #[test]
    #[expected_failure(abort_code = 5)]
    fun a_pending_member_leads_nobody() {
        let channel = two_members();
        apply(1, channel);
        context::set_time_ms_for_testing(NOW + VALIDITY + 1);
        apply(2, channel);
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun fifteen_seconds_are_not_silence() {
        let channel = two_active();
        context::set_time_ms_for_testing(NOW + LEAST_EPOCH + VALIDITY);
        apply(2, channel);
    }

    #[test]
    fun a_leaving_leader_gives_up_its_place() {
        let channel = two_active();
        channel_tests::leave(channel, @0xa);
        apply(2, channel);
        assert_grant(channel, 3, 2, vector[1, 2]);
    }

    #[test]
    fun a_leader_that_was_paid_and_joins_again_holds_no_place() {
        let channel = two_active();
        let accounts = vector[@0xa, @0xb];
        channel::settle(
            channel, &accounts, &vector[30, 40], &vector[true, false], 1, @0x1, @0x2, false,
            vector::empty(),
        );
        channel_tests::join(channel, @0xa, 1, 30);
        beat(1, channel);
        apply(2, channel);
        assert_grant(channel, 3, 2, vector[2, 3]);
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun two_leavers_do_not_take_turns() {
        let channel = two_active();
        channel_tests::leave(channel, @0xa);
        apply(2, channel);
        channel_tests::leave(channel, @0xb);
        apply(1, channel);
    }

    #[test]
    #[expected_failure(abort_code = 4)]
    fun a_clock_that_has_not_started_grants_nothing() {
        let channel = two_members();
        context::set_time_ms_for_testing(0);
        apply(1, channel);
    }

    #[test]
    #[expected_failure(abort_code = 12)]
    fun a_members_account_is_no_node() {
        heartbeat(&settlement::coin::signer_for_testing(@0xa), two_members());
    }

    #[test_only]
    /// The nodes 1 to 4 act for @0xa to @0xd, active and valid in epoch 1, which node 1 leads.
    fun four_active(): address {
        let channel = two_members();
        channel_tests::join(channel, @0xc, 3, 30);
        channel_tests::join(channel, @0xd, 4, 30);
        beat(2, channel);
        beat(3, channel);
        beat(4, channel);
        apply(1, channel);
        channel
    }

    #[test_only]
    /// Shows the term by `poster` with these nodes' promises of `signed`, a view of `of`.
    fun show_signed(
        poster: u8,
        channel: address,
        epoch: u64,
        view: u64,
        bytes: vector<u8>,
        of: address,
        signed: u64,
    ) {
        let (nodes, signatures, rests) = (vector::empty(), vector::empty(), vector::empty());
        while (!vector::is_empty(&bytes)) {
            let byte = vector::remove(&mut bytes, 0);
            let (node, rest) = (channel_tests::key(byte), @0x5e57);
            // Sorted by node, as nodes send them.
            let (_, place) = quorum::find(&nodes, node);
            let message = promise_prefix(of, epoch, signed);
            vector::append(&mut message, bcs::to_bytes(&rest));
            vector::push_back(&mut nodes, node);
            vector::push_back(&mut signatures, ed25519::sign_for_testing(&channel_tests::seed(byte), &message));
            vector::push_back(&mut rests, rest);
            let last = vector::length(&nodes) - 1;
            while (last > place) {
                vector::swap(&mut nodes, last, last - 1);
                vector::swap(&mut signatures, last, last - 1);
                last = last - 1;
            };
        };
        show_term(&channel_tests::node(poster), channel, epoch, view, nodes, rests, signatures);
    }

    #[test_only]
    fun show(poster: u8, channel: address, epoch: u64, view: u64, bytes: vector<u8>) {
        show_signed(poster, channel, epoch, view, bytes, channel, view);
    }

    #[test]
    fun two_thirds_of_the_active_members_show_a_later_views_leader() {
        let channel = four_active();
        show(3, channel, 1, 1, vector[2, 3, 4]);
        assert_grant(channel, 1, 2, vector[1, 2, 3, 4]);
        // It skips what it was not shown.
        show(3, channel, 1, 4, vector[1, 3, 4]);
        assert_grant(channel, 1, 1, vector[1, 2, 3, 4]);
    }

    #[test]
    fun the_leader_of_the_term_in_force_takes_the_place_of_the_granted_one() {
        let channel = four_active();
        show(3, channel, 1, 1, vector[2, 3, 4]);
        // The valid set changes: node 1 is silent.
        context::set_time_ms_for_testing(NOW + VALIDITY + 1);
        beat(3, channel);
        beat(4, channel);
        apply(2, channel);
        assert_grant(channel, 2, 2, vector[2, 3, 4]);
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun an_old_leader_that_returns_is_granted_nothing() {
        let channel = four_active();
        show(3, channel, 1, 1, vector[2, 3, 4]);
        context::set_time_ms_for_testing(NOW + VALIDITY + 1);
        beat(2, channel);
        beat(3, channel);
        apply(1, channel);
    }

    #[test]
    #[expected_failure(abort_code = 7)]
    fun a_view_is_shown_once() {
        let channel = four_active();
        show(3, channel, 1, 1, vector[2, 3, 4]);
        show(2, channel, 1, 1, vector[2, 3, 4]);
    }

    #[test]
    #[expected_failure(abort_code = 7)]
    fun no_earlier_view_comes_back() {
        let channel = four_active();
        show(3, channel, 1, 2, vector[2, 3, 4]);
        show(2, channel, 1, 1, vector[2, 3, 4]);
    }

    #[test]
    #[expected_failure(abort_code = 6)]
    fun promises_of_an_earlier_epoch_show_nothing() {
        let channel = four_active();
        context::set_time_ms_for_testing(NOW + VALIDITY + 1);
        apply(1, channel);
        show(2, channel, 1, 1, vector[2, 3, 4]);
    }

    #[test]
    #[expected_failure(abort_code = 6)]
    fun no_term_is_shown_before_the_first_grant() {
        let channel = two_members();
        show(1, channel, 1, 1, vector[1, 2]);
    }

    #[test]
    #[expected_failure(abort_code = 11)]
    fun promises_of_another_channel_show_nothing() {
        let channel = four_active();
        show_signed(2, channel, 1, 1, vector[2, 3, 4], @0x77, 1);
    }

    #[test]
    #[expected_failure(abort_code = 11)]
    fun promises_of_another_view_show_nothing() {
        let channel = four_active();
        show_signed(2, channel, 1, 2, vector[2, 3, 4], channel, 1);
    }

    #[test]
    #[expected_failure(abort_code = 12)]
    fun half_of_the_members_begin_no_term() {
        show(2, four_active(), 1, 1, vector[2, 3]);
    }

    #[test]
    #[expected_failure(abort_code = 9)]
    fun a_promise_counts_once() {
        show(2, four_active(), 1, 1, vector[2, 3, 3]);
    }

    #[test]
    #[expected_failure(abort_code = 10)]
    fun a_strangers_promise_is_none() {
        show(2, four_active(), 1, 1, vector[2, 3, 5]);
    }

    #[test]
    #[expected_failure(abort_code = 10)]
    fun a_pending_members_promise_is_none() {
        let channel = two_active();
        channel_tests::join(channel, @0xc, 3, 30);
        show(2, channel, 2, 1, vector[1, 2, 3]);
    }

    #[test]
    #[expected_failure(abort_code = 8)]
    fun every_promise_has_its_signature() {
        let channel = four_active();
        let node = channel_tests::node(2);
        show_term(&node, channel, 1, 1, vector[channel_tests::key(2)], vector[@0x1], vector::empty());
    }

    #[test]
    #[expected_failure(abort_code = 12)]
    fun no_promises_begin_no_term() {
        let (channel, node) = (four_active(), channel_tests::node(2));
        show_term(&node, channel, 1, 1, vector::empty(), vector::empty(), vector::empty());
    }

    #[test]
    #[expected_failure(abort_code = 12)]
    fun a_stranger_posts_nothing() {
        let channel = four_active();
        show(5, channel, 1, 1, vector[2, 3, 4]);
    }

    #[test_only]
    /// Epoch 2 of the four, in which the nodes 3 and 4 alone are valid; node 3 leads it.
    fun two_valid_of_four(): address {
        let channel = four_active();
        context::set_time_ms_for_testing(NOW + VALIDITY + 1);
        beat(4, channel);
        apply(3, channel);
        channel
    }

    #[test]
    fun where_too_few_are_valid_two_thirds_of_them_show_a_term() {
        let channel = two_valid_of_four();
        show(4, channel, 2, 1, vector[3, 4]);
        assert_grant(channel, 2, 4, vector[3, 4]);
    }

    #[test]
    #[expected_failure(abort_code = 12)]
    fun where_too_few_are_valid_the_others_promises_weigh_nothing() {
        show(4, two_valid_of_four(), 2, 1, vector[1, 2, 3]);
    }
}
