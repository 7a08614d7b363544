/// The nodes' face, first half: heartbeats and leadership. The caller is a node's chain account.
module settlement::membership {
    use std::signer;
    use std::vector;
    use runtime::context;
    use runtime::event;
    use settlement::channel;

    /// The channel's leader is valid: look again.
    const E_LEADER_IS_VALID: u64 = 1;
    /// The valid members are those of the epoch in force.
    const E_NOTHING_CHANGED: u64 = 2;
    /// The epoch in force began less than three seconds ago.
    const E_TOO_SOON: u64 = 3;
    /// The chain's time does not make the applicant valid.
    const E_NOT_VALID: u64 = 4;

    /// The applicant is pending: the grant that makes a member active does not make it leader.
    const E_NOT_ACTIVE: u64 = 5;

    /// Milliseconds a heartbeat counts.
    const VALIDITY: u64 = 15000;
    /// Milliseconds between epochs under one leader: members that come and go cannot force more.
    const LEAST_EPOCH: u64 = 3000;

    struct Heartbeat has copy, drop, store { channel: address, account: address }
    struct EpochGranted has copy, drop, store { channel: address, epoch: u64, leader: address }

    /// Keeps the node's member valid for 15 seconds.
    public entry fun heartbeat(node: &signer, channel: address) {
        let account = channel::beat(channel, signer::address_of(node));
        event::emit(Heartbeat { channel, account });
    }

    /// Asks for the next epoch. Granted to the first valid applicant when the leader is not valid; to
    /// the first one that stays when the leader is leaving; and to the leader itself when the valid
    /// members have changed, after a while. Only the first epoch goes to a member that is not active
    /// yet: later ones are not in the members' logs until a leader has entered them, so they could
    /// lead nobody. Counts as a heartbeat.
    public entry fun apply_for_leadership(node: &signer, channel: address) {
        let applicant = channel::beat(channel, signer::address_of(node));
        let valid = channel::valid_now(channel, VALIDITY);
        let (sequence, active, leaves) = channel::standing(channel, applicant);
        assert!(has(&valid, sequence), E_NOT_VALID);
        let (epoch, leader, recorded, since) = channel::grant_in_force(channel);
        assert!(epoch == 0 || active, E_NOT_ACTIVE);
        if (epoch > 0 && leader == applicant) {
            assert!(recorded != valid, E_NOTHING_CHANGED);
            assert!(context::time_ms() >= since + LEAST_EPOCH, E_TOO_SOON);
        } else if (epoch > 0) {
            let (sequence, _, leader_leaves) = channel::standing(channel, leader);
            let gives_way = leader_leaves && !leaves;
            assert!(gives_way || !has(&valid, sequence), E_LEADER_IS_VALID);
        };
        epoch = channel::grant(channel, applicant, valid, VALIDITY);
        event::emit(EpochGranted { channel, epoch, leader: applicant });
    }

    fun has(sequences: &vector<u64>, one: u64): bool {
        let (index, count) = (0, vector::length(sequences));
        while (index < count) {
            if (*vector::borrow(sequences, index) == one) return true;
            index = index + 1;
        };
        false
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
    fun assert_grant(channel: address, epoch: u64, leader: address, valid: vector<u64>) {
        let (found, found_leader, found_valid, _) = channel::grant_in_force(channel);
        assert!(found == epoch && found_leader == leader && found_valid == valid, 100);
    }

    #[test]
    fun the_first_applicant_leads_alone() {
        let channel = two_members();
        apply(1, channel);
        assert_grant(channel, 1, @0xa, vector[1]);
    }

    #[test]
    fun the_leader_takes_new_members_into_the_next_epoch() {
        assert_grant(two_active(), 2, @0xa, vector[1, 2]);
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
        assert_grant(channel, 3, @0xb, vector[2]);
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
        assert_grant(channel, 3, @0xb, vector[1, 2]);
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
}
