#[test_only]
/// Channels that a contract owns: who comes in, and who closes them.
module settlement::owner_tests {
    use std::vector;
    use settlement::channel::{Self, ChannelOwner, Creator};
    use settlement::channel_tests;
    use settlement::coin;
    use settlement::rules::{Self, ChannelConfig};

    /// As in `rules`.
    const CONTRACT: u8 = 2;

    /// What the contract of a test holds.
    struct Kept has key { creator: Creator, owner: ChannelOwner }

    fun config(join_policy: u8, most: u64): ChannelConfig {
        rules::with_policy(rules::admitted(@0xfa, 10, most), join_policy, vector::empty())
    }

    /// A channel owned in the name of @0xc0.
    fun owned(join_policy: u8, most: u64): address {
        coin::initialize_for_testing();
        let account = coin::signer_for_testing(@0xc0);
        let creator = channel::creator(&account);
        let owner = channel::create_for(&creator, @0xbeef, config(join_policy, most));
        let channel = channel::owned(&owner);
        move_to(&account, Kept { creator, owner });
        channel
    }

    fun admit(account: address, byte: u8, amount: u64) acquires Kept {
        let owner = &borrow_global<Kept>(@0xc0).owner;
        let channel = channel::owned(owner);
        let proof = channel::proof_for_testing(channel_tests::seed(byte), channel, account);
        admit_with(account, channel_tests::key(byte), amount, proof);
    }

    fun admit_with(account: address, node: address, amount: u64, proof: vector<u8>) acquires Kept {
        coin::mint_for_testing(account, amount);
        let member = coin::signer_for_testing(account);
        let owner = &borrow_global<Kept>(@0xc0).owner;
        channel::join_admitted(owner, &member, node, amount, vector::empty(), proof, 0, false);
    }

    #[test]
    fun whom_the_owner_admits_is_a_member_with_its_deposit() acquires Kept {
        let channel = owned(CONTRACT, 4);
        admit(@0xa, 1, 30);
        let (members, _, _) = channel::counts_for_testing(channel);
        let (_, locked) = channel::standing_for_testing(channel);
        assert!(members == 1 && locked == 30 && coin::balance(@0xa, @0xfa) == 0, 1);
    }

    #[test]
    fun channels_of_one_creator_follow_each_other() acquires Kept {
        let first = owned(CONTRACT, 4);
        let id = channel::creator_id(@0xc0);
        assert!(first == channel::id_of(id, 0) && channel::created(id) == 1, 1);
        let Kept { creator, owner } = move_from<Kept>(@0xc0);
        let second = channel::create_for(&creator, @0xbeef, config(CONTRACT, 4));
        assert!(channel::owned(&second) == channel::id_of(id, 1), 2);
        assert!(channel::created(@0xc0) == 0, 3);
        move_to(&coin::signer_for_testing(@0xc0), Kept { creator, owner });
        let again = channel::creator(&coin::signer_for_testing(@0xc0));
        move_to(&coin::signer_for_testing(@0xc1), Kept { creator: again, owner: second });
    }

    #[test]
    #[expected_failure(abort_code = 4)]
    fun nobody_joins_past_the_owner() {
        channel_tests::join(owned(CONTRACT, 4), @0xa, 1, 30);
    }

    #[test]
    #[expected_failure(abort_code = 10)]
    fun an_account_creates_no_channel_that_only_a_contract_admits_to() {
        coin::initialize_for_testing();
        let account = coin::signer_for_testing(@0xc0);
        channel_tests::create(&account, CONTRACT, vector::empty(), 10, 4, 0, 0);
    }

    #[test]
    #[expected_failure(abort_code = 10)]
    fun an_owned_channel_has_sound_rules() acquires Kept {
        owned(CONTRACT, 0);
        admit(@0xa, 1, 30);
    }

    #[test]
    fun the_owner_of_an_invited_channel_lets_others_in() acquires Kept {
        let channel = owned(0, 4);
        admit(@0xa, 1, 30);
        let (members, _, _) = channel::counts_for_testing(channel);
        assert!(members == 1, 1);
    }

    #[test]
    #[expected_failure(abort_code = 5)]
    fun an_admitted_member_brings_the_least_deposit() acquires Kept {
        owned(CONTRACT, 4);
        admit(@0xa, 1, 9);
    }

    #[test]
    #[expected_failure(abort_code = 6)]
    fun a_full_channel_admits_nobody() acquires Kept {
        owned(CONTRACT, 1);
        admit(@0xa, 1, 30);
        admit(@0xb, 2, 30);
    }

    #[test]
    #[expected_failure(abort_code = 3)]
    fun nobody_is_admitted_twice() acquires Kept {
        owned(CONTRACT, 4);
        admit(@0xa, 1, 30);
        admit(@0xa, 2, 30);
    }

    #[test]
    #[expected_failure(abort_code = 9)]
    fun an_admitted_members_node_is_its_own() acquires Kept {
        owned(CONTRACT, 4);
        admit(@0xa, 1, 30);
        admit(@0xb, 1, 30);
    }

    #[test]
    #[expected_failure(abort_code = 13)]
    fun an_admitted_members_node_has_agreed() acquires Kept {
        let channel = owned(CONTRACT, 4);
        let proof = channel::proof_for_testing(channel_tests::seed(1), channel, @0xb);
        admit_with(@0xa, channel_tests::key(1), 30, proof);
    }

    #[test]
    #[expected_failure(abort_code = 2)]
    fun a_closed_channel_admits_nobody() acquires Kept {
        owned(CONTRACT, 4);
        channel::close_owned(&borrow_global<Kept>(@0xc0).owner);
        admit(@0xa, 1, 30);
    }

    #[test]
    fun the_owner_closes_and_deposits_come_back() acquires Kept {
        let channel = owned(CONTRACT, 4);
        admit(@0xa, 1, 30);
        channel::close_owned(&borrow_global<Kept>(@0xc0).owner);
        let (open, locked) = channel::standing_for_testing(channel);
        assert!(!open && locked == 0 && coin::balance(@0xa, @0xfa) == 30, 1);
    }

    #[test]
    #[expected_failure(abort_code = 8)]
    fun the_account_behind_the_contract_does_not_close() {
        let channel = owned(CONTRACT, 4);
        channel::close(&coin::signer_for_testing(@0xc0), channel);
    }

    #[test]
    #[expected_failure(abort_code = 2)]
    fun an_owner_closes_once() acquires Kept {
        owned(CONTRACT, 4);
        channel::close_owned(&borrow_global<Kept>(@0xc0).owner);
        channel::close_owned(&borrow_global<Kept>(@0xc0).owner);
    }
}
