/// Members choose who speaks for them in a channel of more than five.
module settlement::delegation {
    use std::signer;
    use runtime::event;
    use settlement::channel;
    use settlement::seats;

    /// The account is pending: it has no vote yet.
    const E_NOT_ACTIVE: u64 = 1;
    /// Nobody speaks for itself by delegating, and nobody is spoken for by who is not in the channel.
    const E_NO_CANDIDATE: u64 = 2;

    struct Delegated has copy, drop, store { channel: address, account: address, candidate: u64 }

    /// From the next grant on the account wants to be spoken for by the member that joined with this
    /// sequence, as long as that is a candidate and has room; with zero it takes whom the channel
    /// assigns. It may be said at any time, also where all speak for themselves: it is kept until it can
    /// be followed, or the account is gone. A leader may ask for a grant because of it, fifteen seconds
    /// after the last one.
    public entry fun delegate(member: &signer, channel: address, candidate: u64) {
        let account = signer::address_of(member);
        let seat = channel::open_seat(channel, account);
        assert!(seats::has_votes(&seat), E_NOT_ACTIVE);
        let own = seats::join_sequence(&seat);
        let (is_there, _) = channel::seat_of(channel, candidate);
        assert!(candidate == 0 || (is_there && candidate != own), E_NO_CANDIDATE);
        channel::choose(channel, own, candidate);
        event::emit(Delegated { channel, account, candidate });
    }

    #[test_only]
    use std::vector;
    #[test_only]
    use runtime::context;
    #[test_only]
    use settlement::bench;
    #[test_only]
    use settlement::channel_tests;
    #[test_only]
    use settlement::coin;
    #[test_only]
    use settlement::membership;
    #[test_only]
    use settlement::spoken;
    #[test_only]
    use settlement::voices;

    #[test_only]
    const NOW: u64 = 1000000;
    #[test_only]
    /// As in `membership`, milliseconds.
    const VALIDITY: u64 = 15000;
    #[test_only]
    const LEAST_EPOCH: u64 = 3000;
    #[test_only]
    /// As in `rules`.
    const TWO_THIRDS: u8 = 0;
    #[test_only]
    const UNANIMOUS: u8 = 1;
    #[test_only]
    const BY_MEMBER: u8 = 0;
    #[test_only]
    const BY_COLLATERAL: u8 = 1;

    #[test_only]
    /// Members 1 to `count`, active and valid in epoch 1, which node 1 leads.
    fun of(count: u8): address {
        active(channel_tests::sized(16), count)
    }

    #[test_only]
    fun active(channel: address, count: u8): address {
        context::set_time_ms_for_testing(NOW);
        fill(channel, 1, count);
        membership::apply_for_leadership(&channel_tests::node(1), channel);
        channel
    }

    #[test_only]
    /// Members join and are heard.
    fun fill(channel: address, first: u8, last: u8) {
        while (first <= last) {
            channel_tests::join(channel, account(first), first, 30);
            beat(channel, first);
            first = first + 1;
        };
    }

    #[test_only]
    fun account(member: u8): address {
        channel_tests::key(100 + member)
    }

    #[test_only]
    fun beat(channel: address, member: u8) {
        membership::heartbeat(&channel_tests::node(member), channel);
    }

    #[test_only]
    fun choose(channel: address, member: u8, candidate: u64) {
        delegate(&coin::signer_for_testing(account(member)), channel, candidate);
    }

    #[test_only]
    /// The next epoch is granted after so long, to node 1; whoever of `heard` sends a heartbeat before.
    fun grant(channel: address, after: u64, heard: vector<u8>) {
        context::set_time_ms_for_testing(context::time_ms() + after);
        while (!vector::is_empty(&heard)) beat(channel, vector::pop_back(&mut heard));
        membership::apply_for_leadership(&channel_tests::node(1), channel);
    }

    #[test_only]
    fun assert_voices(
        channel: address,
        epoch: u64,
        candidates: vector<u64>,
        spoken_for: vector<u64>,
        by: vector<u64>,
    ) {
        let list = channel::voices(channel, epoch, epoch);
        assert!(vector::length(&list) == 1, 100);
        let (are, spoken, speak) = voices::parts_for_testing(vector::borrow(&list, 0));
        assert!(are == candidates && spoken == spoken_for && speak == by, 101);
    }

    #[test]
    fun the_grant_in_which_the_sixth_is_valid_names_candidates_and_the_fifth_goes_back() {
        let channel = of(5);
        assert_voices(channel, 1, vector::empty(), vector::empty(), vector::empty());
        assert!(!spoken::is_kept_for_testing(channel, 1), 2);
        fill(channel, 6, 7);
        grant(channel, LEAST_EPOCH, vector::empty());
        assert!(spoken::is_kept_for_testing(channel, 2), 3);
        assert_voices(channel, 2, vector[1, 2, 3, 4, 5], vector[6, 7], vector[1, 2]);
        channel_tests::leave(channel, account(3));
        channel_tests::leave(channel, account(6));
        pay(channel, 7, vector[3, 6]);
        grant(channel, LEAST_EPOCH, vector[1, 2, 4, 5, 7]);
        assert_voices(channel, 3, vector::empty(), vector::empty(), vector::empty());
        assert!(vector::length(&channel::voices(channel, 0, 9)) == 3, 1);
    }

    #[test_only]
    /// A settlement of the first `count` members pays those who leave.
    fun pay(channel: address, count: u8, leavers: vector<u8>) {
        let (dues, leaves, accounts) = (vector::empty(), vector::empty(), sorted(count));
        while (vector::length(&dues) < (count as u64)) {
            let one = vector::borrow(&accounts, vector::length(&dues));
            vector::push_back(&mut dues, 30);
            vector::push_back(&mut leaves, is_of(*one, &leavers));
        };
        channel::settle(
            channel, &accounts, &dues, &leaves, 1, @0x1, @0x2, false, vector::empty(),
        );
    }

    #[test_only]
    fun is_of(one: address, members: &vector<u8>): bool {
        let index = 0;
        while (index < vector::length(members)) {
            if (account(*vector::borrow(members, index)) == one) return true;
            index = index + 1;
        };
        false
    }

    #[test_only]
    /// The first accounts, sorted.
    fun sorted(count: u8): vector<address> {
        let (accounts, member) = (vector::empty(), 1);
        while (member <= count) {
            let (_, place) = settlement::quorum::find(&accounts, account(member));
            settlement::quorum::insert(&mut accounts, account(member), place);
            member = member + 1;
        };
        accounts
    }

    #[test]
    fun a_choice_is_followed_by_the_grant_for_which_the_leader_asks() {
        let channel = of(7);
        choose(channel, 6, 4);
        assert_voices(channel, 1, vector[1, 2, 3, 4, 5], vector[6, 7], vector[1, 2]);
        grant(channel, VALIDITY, vector::empty());
        assert_voices(channel, 2, vector[1, 2, 3, 4, 5], vector[6, 7], vector[4, 2]);
        // It stays where it was once it has no choice.
        choose(channel, 6, 0);
        choose(channel, 7, 5);
        grant(channel, VALIDITY, vector[1, 2, 3, 4, 5, 6, 7]);
        assert_voices(channel, 3, vector[1, 2, 3, 4, 5], vector[6, 7], vector[4, 5]);
    }

    #[test]
    #[expected_failure(abort_code = 2)]
    fun a_choice_that_can_not_be_followed_forces_no_epoch() {
        let channel = of(7);
        choose(channel, 6, 2);
        choose(channel, 2, 3);
        grant(channel, VALIDITY, vector::empty());
    }

    #[test]
    #[expected_failure(abort_code = 3)]
    fun choices_force_no_epoch_sooner_than_silence_does() {
        let channel = of(7);
        choose(channel, 6, 4);
        grant(channel, VALIDITY - 1, vector::empty());
    }

    #[test]
    fun a_choice_waits_until_there_are_candidates() {
        let channel = of(5);
        choose(channel, 5, 2);
        fill(channel, 6, 6);
        grant(channel, LEAST_EPOCH, vector::empty());
        // 5 sits itself, until it leaves.
        assert_voices(channel, 2, vector[1, 2, 3, 4, 5], vector[6], vector[1]);
        channel_tests::leave(channel, account(5));
        grant(channel, VALIDITY, vector[1, 2, 3, 4, 5, 6]);
        assert_voices(channel, 3, vector[1, 2, 3, 4, 6], vector[5], vector[2]);
    }

    #[test]
    fun what_a_member_chose_last_is_kept_until_it_is_gone() {
        let channel = of(7);
        choose(channel, 7, 4);
        choose(channel, 6, 4);
        choose(channel, 7, 5);
        choose(channel, 1, 3);
        let (members, wanted) = spoken::choices_for_testing(channel);
        assert!(members == vector[1, 6, 7] && wanted == vector[3, 4, 5], 1);
        pay(channel, 7, vector[6]);
        grant(channel, LEAST_EPOCH, vector::empty());
        let (members, wanted) = spoken::choices_for_testing(channel);
        assert!(members == vector[1, 7] && wanted == vector[3, 5], 2);
    }

    #[test]
    fun what_two_channels_keep_lies_apart() {
        let first = bench::of(TWO_THIRDS, 6);
        let second = bench::another(TWO_THIRDS, BY_MEMBER, 0, 0, 0);
        bench::fill(second, 1, 6, 0);
        bench::epoch(second, bench::members(6));
        assert_voices(first, 1, vector[1, 2, 3, 4, 5], vector[6], vector[1]);
        assert_voices(second, 1, vector[1, 2, 3, 4, 5], vector[6], vector[1]);
    }

    #[test]
    fun who_is_pending_makes_no_sixth() {
        let channel = of(5);
        channel_tests::join(channel, account(6), 6, 30);
        grant(channel, VALIDITY + 1, vector[1, 2, 3, 4]);
        assert_voices(channel, 2, vector::empty(), vector::empty(), vector::empty());
    }

    #[test]
    fun where_everybody_settles_everybody_speaks_for_itself() {
        let channel = active(channel_tests::settling(16, UNANIMOUS), 7);
        assert_voices(channel, 1, vector::empty(), vector::empty(), vector::empty());
    }

    #[test]
    fun where_collateral_weighs_everybody_speaks_for_itself() {
        let channel = bench::empty(TWO_THIRDS, BY_COLLATERAL, 30, 0, 0);
        bench::fill(channel, 1, 6, 30);
        bench::epoch(channel, bench::members(6));
        assert_voices(channel, 1, vector::empty(), vector::empty(), vector::empty());
    }

    #[test]
    fun a_candidate_that_asks_to_leave_gives_up_its_seat_at_the_next_grant() {
        let channel = of(7);
        channel_tests::leave(channel, account(5));
        grant(channel, VALIDITY, vector::empty());
        assert_voices(channel, 2, vector[1, 2, 3, 4, 6], vector[5, 7], vector[1, 2]);
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun who_is_pending_has_no_vote_to_delegate() {
        let channel = of(6);
        fill(channel, 7, 7);
        choose(channel, 7, 1);
    }

    #[test]
    #[expected_failure(abort_code = 2)]
    fun nobody_is_spoken_for_by_itself() {
        choose(of(6), 6, 6);
    }

    #[test]
    #[expected_failure(abort_code = 2)]
    fun nobody_is_spoken_for_by_who_is_not_there() {
        choose(of(6), 6, 7);
    }

    #[test]
    #[expected_failure(abort_code = 7)]
    fun a_stranger_delegates_nothing() {
        choose(of(6), 7, 1);
    }
}
