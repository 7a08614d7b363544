#[test_only]
/// What accounts and nodes may do in a channel, and what it refuses.
module settlement::channel_tests {
    use std::vector;
    use runtime::context;
    use runtime::ed25519;
    use settlement::channel;
    use settlement::coin;
    use settlement::history;
    use settlement::ids;

    /// As in `rules` and `channel`.
    const INVITED: u8 = 0;
    const OPEN: u8 = 1;
    const MOST_MEMBERS: u64 = 128;
    const KEPT_GRANTS: u64 = 256;
    const TWO_THIRDS: u8 = 0;
    /// Milliseconds.
    const WINDOW: u64 = 10000;

    /// An open channel of the native asset for up to four, created by @0xc0.
    public fun small(): address {
        sized(4)
    }

    public fun sized(max_members: u64): address {
        settling(max_members, TWO_THIRDS)
    }

    /// The same by this settlement rule.
    public fun settling(max_members: u64, rule: u8): address {
        coin::initialize_for_testing();
        let creator = coin::signer_for_testing(@0xc0);
        create(&creator, OPEN, vector::empty(), 10, max_members, rule, 0);
        channel::id_of(@0xc0, 0)
    }

    /// A channel of the native asset with a window of ten seconds, and fines and bonds as large as
    /// the collateral.
    public fun create(
        creator: &signer,
        join_policy: u8,
        invited: vector<address>,
        min_deposit: u64,
        max_members: u64,
        settlement_rule: u8,
        collateral: u64,
    ) {
        channel::create(
            creator, @0xbeef, 0, 0, 0, join_policy, invited, @0xfa, min_deposit, max_members, 1,
            false, settlement_rule, 0, WINDOW, collateral, collateral, collateral, 0, 0,
        );
    }

    /// A secret seed of 32 equal bytes.
    public fun seed(byte: u8): vector<u8> {
        let seed = vector::empty();
        while (vector::length(&seed) < 32) vector::push_back(&mut seed, byte);
        seed
    }

    public fun key(byte: u8): address {
        ids::to_address(ed25519::public_key_for_testing(&seed(byte)))
    }

    /// The chain account of the node with the key of seed `byte`.
    public fun node(byte: u8): signer {
        coin::signer_for_testing(ids::account_of(key(byte)))
    }

    /// `account` joins with the node whose key has the seed `byte`.
    public fun join(channel: address, account: address, byte: u8, amount: u64) {
        let proof = channel::proof_for_testing(seed(byte), channel, account);
        join_with(channel, account, key(byte), amount, proof);
    }

    public fun leave(channel: address, account: address) {
        channel::leave(&coin::signer_for_testing(account), channel);
    }

    public fun join_with(
        channel: address,
        account: address,
        node: address,
        amount: u64,
        proof: vector<u8>,
    ) {
        coin::mint_for_testing(account, amount);
        let member = coin::signer_for_testing(account);
        channel::join(&member, channel, node, amount, vector::empty(), proof, 0, false);
    }

    fun next_epoch(channel: address): u64 {
        let valid = channel::valid_now(channel, 15000);
        channel::grant(channel, @0xa, valid)
    }

    /// @0xa with node 1 and 30, granted the first epoch; the chain's time is 1,000,000.
    fun one_active(): address {
        let channel = small();
        join(channel, @0xa, 1, 30);
        context::set_time_ms_for_testing(1000000);
        channel::beat(channel, ids::account_of(key(1)));
        next_epoch(channel);
        channel
    }

    #[test]
    fun a_member_joins_with_its_deposit() {
        let channel = small();
        join(channel, @0xa, 1, 30);
        let (members, active, _) = channel::counts_for_testing(channel);
        let (_, locked) = channel::standing_for_testing(channel);
        assert!(members == 1 && active == 0, 1);
        assert!(locked == 30 && coin::balance(@0xa, @0xfa) == 0, 2);
    }

    #[test]
    fun members_are_recorded_in_the_order_they_joined() {
        let channel = small();
        join(channel, @0xc, 1, 30);
        join(channel, @0xa, 2, 40);
        join(channel, @0xb, 3, 50);
        let index = 0;
        while (index < 3) {
            let (join_sequence, account, _, _) = channel::member_for_testing(channel, index);
            assert!(join_sequence == index + 1, 1);
            assert!(account == *vector::borrow(&vector[@0xc, @0xa, @0xb], index), 2);
            index = index + 1;
        }
    }

    #[test]
    fun a_pending_member_takes_its_deposit_back() {
        let channel = one_active();
        join(channel, @0xd, 4, 80);
        assert!(vector::length(&channel::joined(channel, 2)) == 1, 1);
        leave(channel, @0xd);
        assert!(coin::balance(@0xd, @0xfa) == 80, 2);
        let (members, _, _) = channel::counts_for_testing(channel);
        let (_, locked) = channel::standing_for_testing(channel);
        assert!(members == 1 && locked == 30, 3);
        assert!(vector::is_empty(&channel::joined(channel, 2)) && channel::next_join(channel) == 3, 4);
    }

    #[test]
    fun an_active_member_is_marked_as_leaving_and_keeps_its_place() {
        let channel = one_active();
        leave(channel, @0xa);
        leave(channel, @0xa);
        let (_, _, active, leaving) = channel::member_for_testing(channel, 0);
        assert!(active && leaving, 1);
        assert!(coin::balance(@0xa, @0xfa) == 0, 2);
    }

    #[test]
    fun a_deposit_lies_apart_until_a_grant_makes_the_member_active() {
        let channel = one_active();
        join(channel, @0xd, 4, 80);
        let (money, pending, booked) = channel::money_for_testing(channel);
        assert!(money == 30 && pending == 80 && booked == 30, 1);
        let (electors, _) = channel::electorate(channel);
        assert!(electors == vector[key(1)], 2);
        channel::beat(channel, ids::account_of(key(4)));
        next_epoch(channel);
        let (money, pending, booked) = channel::money_for_testing(channel);
        assert!(money == 110 && pending == 0 && booked == 30, 3);
        let (electors, _) = channel::electorate(channel);
        assert!(vector::length(&electors) == 2, 4);
    }

    #[test(creator = @0xc0)]
    fun closing_before_the_first_epoch_refunds_everybody(creator: signer) {
        let channel = sized(MOST_MEMBERS);
        let member = 0;
        while (member < MOST_MEMBERS) {
            let byte = (member + 1 as u8);
            join(channel, key(byte), byte, 30);
            member = member + 1;
        };
        channel::close(&creator, channel);
        assert!(coin::balance(key(1), @0xfa) == 30, 1);
        assert!(coin::balance(key(128), @0xfa) == 30, 2);
        let (open, locked) = channel::standing_for_testing(channel);
        let (members, _, _) = channel::counts_for_testing(channel);
        assert!(!open && locked == 0 && members == 0, 3);
    }

    #[test]
    fun grants_stay_readable_and_the_record_keeps_those_that_matter() {
        let channel = one_active();
        let epoch = 1;
        while (epoch < 300) epoch = next_epoch(channel);
        let (first, kept) = channel::epochs_for_testing(channel);
        assert!(first == 1 && vector::length(&kept) == KEPT_GRANTS, 1);
        assert!(*vector::borrow(&kept, KEPT_GRANTS - 1) == 300, 2);
        let old = history::epochs_for_testing(&channel::grants(channel, 1, 40));
        assert!(vector::length(&old) == 40 && *vector::borrow(&old, 0) == 1, 3);
    }

    #[test]
    fun sixty_five_epochs_are_all_in_the_record() {
        let channel = one_active();
        let epoch = 1;
        while (epoch < 65) epoch = next_epoch(channel);
        let (_, kept) = channel::epochs_for_testing(channel);
        assert!(vector::length(&kept) == 65 && *vector::borrow(&kept, 0) == 1, 1);
    }

    #[test(a = @0xa)]
    #[expected_failure(abort_code = 8)]
    fun only_the_creator_closes(a: signer) {
        channel::close(&a, small());
    }

    #[test(creator = @0xc0)]
    #[expected_failure(abort_code = 10)]
    fun an_open_channel_asks_for_a_deposit(creator: signer) {
        coin::initialize_for_testing();
        create(&creator, OPEN, vector::empty(), 0, 4, TWO_THIRDS, 0);
    }

    #[test(creator = @0xc0)]
    #[expected_failure(abort_code = 10)]
    fun a_channel_names_a_gas_table(creator: signer) {
        coin::initialize_for_testing();
        channel::create(
            &creator, @0xbeef, 0, 0, 0, OPEN, vector::empty(), @0xfa, 1, 4, 0, false, TWO_THIRDS, 0,
            WINDOW, 0, 0, 0, 0, 0,
        );
    }

    #[test(creator = @0xc0)]
    #[expected_failure(abort_code = 10)]
    fun a_channel_that_could_not_settle_is_refused(creator: signer) {
        coin::initialize_for_testing();
        create(&creator, OPEN, vector::empty(), 1, MOST_MEMBERS + 1, TWO_THIRDS, 0);
    }

    #[test]
    #[expected_failure(abort_code = 3)]
    fun nobody_joins_twice() {
        let channel = small();
        join(channel, @0xa, 1, 30);
        join(channel, @0xa, 2, 30);
    }

    #[test]
    #[expected_failure(abort_code = 9)]
    fun a_node_key_is_one_members() {
        let channel = small();
        join(channel, @0xa, 1, 30);
        join(channel, @0xb, 1, 30);
    }

    #[test]
    #[expected_failure(abort_code = 13)]
    fun nobody_joins_with_anothers_node_key() {
        let channel = small();
        let proof = channel::proof_for_testing(seed(1), channel, @0xa);
        join_with(channel, @0xb, key(1), 30, proof);
    }

    #[test]
    #[expected_failure(abort_code = 13)]
    fun a_nodes_word_holds_for_one_channel() {
        let channel = small();
        let proof = channel::proof_for_testing(seed(1), @0x77, @0xa);
        join_with(channel, @0xa, key(1), 30, proof);
    }

    #[test]
    #[expected_failure(abort_code = 13)]
    fun a_dead_key_joins_nothing() {
        join_with(small(), @0xa, @0x1a, 30, vector::empty());
    }

    #[test]
    #[expected_failure(abort_code = 5)]
    fun a_small_deposit_is_refused() {
        join(small(), @0xa, 1, 9);
    }

    #[test]
    #[expected_failure(abort_code = 6)]
    fun a_full_channel_takes_nobody() {
        let channel = small();
        join(channel, @0xa1, 1, 10);
        join(channel, @0xa2, 2, 10);
        join(channel, @0xa3, 3, 10);
        join(channel, @0xa4, 4, 10);
        join(channel, @0xa5, 5, 10);
    }

    #[test(creator = @0xc0)]
    #[expected_failure(abort_code = 4)]
    fun who_was_not_invited_stays_out(creator: signer) {
        coin::initialize_for_testing();
        create(&creator, INVITED, vector::singleton(@0xb), 0, 4, TWO_THIRDS, 0);
        join(channel::id_of(@0xc0, 0), @0xa, 1, 30);
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun an_unknown_channel_is_named() {
        coin::initialize_for_testing();
        join(@0xdead, @0xa, 1, 30);
    }
}
