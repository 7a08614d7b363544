/// The nodes' face, first half: heartbeats and leadership. The caller is a node's chain account.
module settlement::membership {
    use std::signer;
    use std::vector;
    use runtime::event;
    use settlement::channel;

    /// The channel's leader is valid: look again.
    const E_LEADER_IS_VALID: u64 = 1;
    /// The valid members are those of the epoch in force.
    const E_NOTHING_CHANGED: u64 = 2;

    /// Milliseconds a heartbeat counts.
    const VALIDITY: u64 = 15000;

    struct Heartbeat has copy, drop, store { channel: address, account: address }
    struct EpochGranted has copy, drop, store { channel: address, epoch: u64, leader: address }

    /// Keeps the node's member valid for 15 seconds.
    public entry fun heartbeat(node: &signer, channel: address) {
        let account = channel::beat(channel, signer::address_of(node));
        event::emit(Heartbeat { channel, account });
    }

    /// Asks for the next epoch. Granted to the first valid applicant when the leader is not valid, and
    /// to the leader itself when the valid members have changed. Counts as a heartbeat.
    public entry fun apply_for_leadership(node: &signer, channel: address) {
        let applicant = channel::beat(channel, signer::address_of(node));
        let valid = channel::valid_now(channel, VALIDITY);
        let (epoch, leader, recorded) = channel::grant_in_force(channel);
        if (epoch > 0) {
            if (leader == applicant) {
                assert!(recorded != valid, E_NOTHING_CHANGED);
            } else {
                let sequence = channel::join_sequence_of(channel, leader);
                assert!(!vector::contains(&valid, &sequence), E_LEADER_IS_VALID);
            }
        };
        channel::grant(channel, epoch + 1, applicant, valid);
        event::emit(EpochGranted { channel, epoch: epoch + 1, leader: applicant });
    }

    #[test_only]
    use runtime::context;
    #[test_only]
    use settlement::ids;

    #[test_only]
    fun two_members(): address {
        let channel = channel::create_for_testing();
        channel::join_for_testing(channel, @0xa, @0x1a, 30);
        channel::join_for_testing(channel, @0xb, @0x1b, 40);
        context::set_time_ms_for_testing(1000000);
        channel
    }

    #[test_only]
    fun node(key: address): signer {
        settlement::coin::signer_for_testing(ids::account_of(key))
    }

    #[test]
    fun the_first_applicant_leads_alone() {
        let channel = two_members();
        apply_for_leadership(&node(@0x1a), channel);
        let (epoch, leader, valid) = channel::grant_in_force(channel);
        assert!(epoch == 1 && leader == @0xa && valid == vector::singleton(1), 1);
    }

    #[test]
    fun the_leader_takes_new_members_into_the_next_epoch() {
        let channel = two_members();
        apply_for_leadership(&node(@0x1a), channel);
        heartbeat(&node(@0x1b), channel);
        apply_for_leadership(&node(@0x1a), channel);
        let (epoch, leader, valid) = channel::grant_in_force(channel);
        assert!(epoch == 2 && leader == @0xa && valid == vector[1, 2], 1);
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun a_valid_leader_stays() {
        let channel = two_members();
        apply_for_leadership(&node(@0x1a), channel);
        apply_for_leadership(&node(@0x1b), channel);
    }

    #[test]
    #[expected_failure(abort_code = 2)]
    fun an_unchanged_set_needs_no_epoch() {
        let channel = two_members();
        apply_for_leadership(&node(@0x1a), channel);
        apply_for_leadership(&node(@0x1a), channel);
    }

    #[test]
    fun a_silent_leader_is_followed_by_the_first_applicant() {
        let channel = two_members();
        apply_for_leadership(&node(@0x1a), channel);
        context::set_time_ms_for_testing(1015001);
        apply_for_leadership(&node(@0x1b), channel);
        let (epoch, leader, valid) = channel::grant_in_force(channel);
        assert!(epoch == 2 && leader == @0xb && valid == vector::singleton(2), 1);
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun fifteen_seconds_are_not_silence() {
        let channel = two_members();
        apply_for_leadership(&node(@0x1a), channel);
        context::set_time_ms_for_testing(1015000);
        apply_for_leadership(&node(@0x1b), channel);
    }

    #[test]
    #[expected_failure(abort_code = 12)]
    fun a_members_account_is_no_node() {
        heartbeat(&settlement::coin::signer_for_testing(@0xa), two_members());
    }
}
