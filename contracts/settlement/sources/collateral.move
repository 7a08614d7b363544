/// Stakes that back an account's seats in many channels at once. An account stakes an asset once; each
/// channel it joins with it counts on a part of the stake, the same part as others do. So a fine in one
/// channel is seen in all of them, and what a channel counts on can't be taken away: a withdrawal
/// waits, and a fine still reaches it.
module settlement::collateral {
    use std::bcs;
    use std::signer;
    use std::vector;
    use runtime::context;
    use runtime::event;
    use settlement::account;
    use settlement::coin::{Self, Coin};
    use settlement::ids;

    friend settlement::backing;

    /// The account has staked nothing of the asset.
    const E_NO_STAKE: u64 = 1;
    /// The stake, less what is being withdrawn, is below what is asked of it.
    const E_TOO_LITTLE: u64 = 2;
    /// As many channels count on the stake as may.
    const E_TOO_MANY: u64 = 3;
    /// A channel counts on what would be withdrawn.
    const E_COUNTED_ON: u64 = 4;
    /// The withdrawal's delay has not passed.
    const E_TOO_SOON: u64 = 5;
    /// Nothing is being withdrawn.
    const E_NO_WITHDRAWAL: u64 = 6;
    /// The channel counts on the stake already.
    const E_BACKS_IT: u64 = 7;

    /// Milliseconds from asking to taking: longer than any channel's window with its extensions, so
    /// that a fine finds the money.
    const DELAY: u64 = 604800000;
    /// Channels that count on one stake.
    const MOST_BACKED: u64 = 16;

    /// What an account staked of one asset, under an address made of both.
    struct Stake has key {
        /// All of it, also what is being withdrawn.
        money: Coin,
        leaving: u64,
        leaves_at: u64,
        channels: vector<address>,
        /// What each of the channels counts on.
        counted: vector<u64>,
    }

    /// Where a stake is stored.
    struct Place has drop { account: address, asset: address }

    struct Staked has copy, drop, store { account: address, asset: address, amount: u64 }
    struct WithdrawalAsked has copy, drop, store { account: address, asset: address, amount: u64, at: u64 }
    struct Withdrawn has copy, drop, store { account: address, asset: address, amount: u64 }

    /// Adds to the stake.
    public entry fun stake(staker: &signer, asset: address, amount: u64) acquires Stake {
        let account = signer::address_of(staker);
        let money = coin::withdraw(staker, asset, amount);
        let place = place_of(account, asset);
        if (exists<Stake>(place)) {
            coin::join(&mut borrow_global_mut<Stake>(place).money, money);
        } else {
            let stake = Stake {
                money, leaving: 0, leaves_at: 0, channels: vector::empty(), counted: vector::empty(),
            };
            move_to(&account::create_signer(place), stake);
        };
        event::emit(Staked { account, asset, amount });
    }

    /// Asks to withdraw `amount` in all, in the place of what was asked before: from now on it backs
    /// nothing new, and after the delay it can be taken. Zero takes the wish back.
    public entry fun ask_withdrawal(staker: &signer, asset: address, amount: u64) acquires Stake {
        let account = signer::address_of(staker);
        let place = place_of(account, asset);
        assert!(exists<Stake>(place), E_NO_STAKE);
        let stake = borrow_global_mut<Stake>(place);
        let whole = coin::value(&stake.money);
        assert!(amount <= whole, E_TOO_LITTLE);
        assert!(whole - amount >= most(&stake.counted), E_COUNTED_ON);
        let at = context::time_ms() + DELAY;
        stake.leaving = amount;
        stake.leaves_at = at;
        event::emit(WithdrawalAsked { account, asset, amount, at });
    }

    /// Takes what was asked for, or what fines have left of it.
    public entry fun withdraw(staker: &signer, asset: address) acquires Stake {
        let account = signer::address_of(staker);
        let place = place_of(account, asset);
        assert!(exists<Stake>(place), E_NO_STAKE);
        let stake = borrow_global_mut<Stake>(place);
        assert!(stake.leaving > 0, E_NO_WITHDRAWAL);
        assert!(context::time_ms() >= stake.leaves_at, E_TOO_SOON);
        let amount = stake.leaving;
        stake.leaving = 0;
        coin::deposit(account, coin::split(&mut stake.money, amount));
        event::emit(Withdrawn { account, asset, amount });
    }

    /// What the account staked, what of it is being withdrawn, and how many channels count on it.
    public fun staked(account: address, asset: address): (u64, u64, u64) acquires Stake {
        let place = place_of(account, asset);
        if (!exists<Stake>(place)) return (0, 0, 0);
        let stake = borrow_global<Stake>(place);
        (coin::value(&stake.money), stake.leaving, vector::length(&stake.channels))
    }

    /// What a channel can count on: the stake less what is being withdrawn.
    public fun available(account: address, asset: address): u64 acquires Stake {
        let (whole, leaving, _) = staked(account, asset);
        whole - leaving
    }

    /// From now on the channel counts on `amount` of the stake.
    public(friend) fun back(account: address, asset: address, channel: address, amount: u64)
    acquires Stake {
        assert!(available(account, asset) >= amount, E_TOO_LITTLE);
        let place = place_of(account, asset);
        assert!(exists<Stake>(place), E_NO_STAKE);
        let stake = borrow_global_mut<Stake>(place);
        assert!(!vector::contains(&stake.channels, &channel), E_BACKS_IT);
        assert!(vector::length(&stake.channels) < MOST_BACKED, E_TOO_MANY);
        vector::push_back(&mut stake.channels, channel);
        vector::push_back(&mut stake.counted, amount);
    }

    /// The channel counts on the stake no more.
    public(friend) fun release(account: address, asset: address, channel: address) acquires Stake {
        let place = place_of(account, asset);
        if (!exists<Stake>(place)) return;
        let stake = borrow_global_mut<Stake>(place);
        let (found, index) = vector::index_of(&stake.channels, &channel);
        if (found) {
            vector::remove(&mut stake.channels, index);
            vector::remove(&mut stake.counted, index);
        }
    }

    /// Takes at most `amount`, first of what is not being withdrawn.
    public(friend) fun take(account: address, asset: address, amount: u64): Coin acquires Stake {
        let place = place_of(account, asset);
        if (!exists<Stake>(place)) return coin::zero(asset);
        let stake = borrow_global_mut<Stake>(place);
        let whole = coin::value(&stake.money);
        if (amount > whole) amount = whole;
        let taken = coin::split(&mut stake.money, amount);
        if (stake.leaving > whole - amount) stake.leaving = whole - amount;
        taken
    }

    fun most(counted: &vector<u64>): u64 {
        let (most, index, count) = (0, 0, vector::length(counted));
        while (index < count) {
            let one = *vector::borrow(counted, index);
            if (one > most) most = one;
            index = index + 1;
        };
        most
    }

    fun place_of(account: address, asset: address): address {
        ids::hash(b"stake", bcs::to_bytes(&Place { account, asset }))
    }

    #[test_only]
    const NOW: u64 = 1000000;

    #[test_only]
    /// @0xa with 100 staked and 0 left.
    fun staked_hundred(): signer {
        coin::initialize_for_testing();
        context::set_time_ms_for_testing(NOW);
        coin::mint_for_testing(@0xa, 100);
        let staker = coin::signer_for_testing(@0xa);
        staker
    }

    #[test]
    fun a_stake_backs_many_channels_with_the_same_units() acquires Stake {
        let a = staked_hundred();
        stake(&a, @0xfa, 100);
        back(@0xa, @0xfa, @0x1, 60);
        back(@0xa, @0xfa, @0x2, 100);
        let (whole, leaving, channels) = staked(@0xa, @0xfa);
        assert!(whole == 100 && leaving == 0 && channels == 2, 1);
        release(@0xa, @0xfa, @0x2);
        let (_, _, channels) = staked(@0xa, @0xfa);
        assert!(channels == 1, 2);
    }

    #[test]
    #[expected_failure(abort_code = 2)]
    fun no_channel_counts_on_more_than_there_is() acquires Stake {
        let a = staked_hundred();
        stake(&a, @0xfa, 100);
        back(@0xa, @0xfa, @0x1, 101);
    }

    #[test]
    #[expected_failure(abort_code = 2)]
    fun what_leaves_backs_nothing_new() acquires Stake {
        let a = staked_hundred();
        stake(&a, @0xfa, 100);
        ask_withdrawal(&a, @0xfa, 50);
        back(@0xa, @0xfa, @0x1, 51);
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun nothing_staked_backs_nothing() acquires Stake {
        staked_hundred();
        back(@0xa, @0xfa, @0x1, 0);
    }

    #[test]
    #[expected_failure(abort_code = 7)]
    fun one_seat_a_channel() acquires Stake {
        let a = staked_hundred();
        stake(&a, @0xfa, 100);
        back(@0xa, @0xfa, @0x1, 1);
        back(@0xa, @0xfa, @0x1, 1);
    }

    #[test]
    #[expected_failure(abort_code = 3)]
    fun a_stake_backs_only_so_many_channels() acquires Stake {
        let a = staked_hundred();
        stake(&a, @0xfa, 100);
        let number = 0;
        while (number <= MOST_BACKED) {
            back(@0xa, @0xfa, ids::hash(b"test", bcs::to_bytes(&number)), 1);
            number = number + 1;
        };
    }

    #[test]
    #[expected_failure(abort_code = 4)]
    fun what_a_channel_counts_on_stays() acquires Stake {
        let a = staked_hundred();
        stake(&a, @0xfa, 100);
        back(@0xa, @0xfa, @0x1, 30);
        back(@0xa, @0xfa, @0x2, 60);
        ask_withdrawal(&a, @0xfa, 41);
    }

    #[test]
    #[expected_failure(abort_code = 5)]
    fun a_withdrawal_waits() acquires Stake {
        let a = staked_hundred();
        stake(&a, @0xfa, 100);
        ask_withdrawal(&a, @0xfa, 40);
        context::set_time_ms_for_testing(NOW + DELAY - 1);
        withdraw(&a, @0xfa);
    }

    #[test]
    #[expected_failure(abort_code = 6)]
    fun a_withdrawal_is_taken_once() acquires Stake {
        let a = staked_hundred();
        stake(&a, @0xfa, 100);
        ask_withdrawal(&a, @0xfa, 40);
        context::set_time_ms_for_testing(NOW + DELAY);
        withdraw(&a, @0xfa);
        assert!(coin::balance(@0xa, @0xfa) == 40 && available(@0xa, @0xfa) == 60, 100);
        withdraw(&a, @0xfa);
    }

    #[test]
    fun a_fine_reaches_what_is_being_withdrawn() acquires Stake {
        let a = staked_hundred();
        stake(&a, @0xfa, 100);
        ask_withdrawal(&a, @0xfa, 100);
        let taken = take(@0xa, @0xfa, 70);
        assert!(coin::value(&taken) == 70, 1);
        coin::deposit(@0xb, taken);
        context::set_time_ms_for_testing(NOW + DELAY);
        withdraw(&a, @0xfa);
        assert!(coin::balance(@0xa, @0xfa) == 30, 2);
    }

    #[test]
    fun two_channels_can_not_take_more_than_there_is() acquires Stake {
        let a = staked_hundred();
        stake(&a, @0xfa, 100);
        back(@0xa, @0xfa, @0x1, 80);
        back(@0xa, @0xfa, @0x2, 80);
        let first = take(@0xa, @0xfa, 80);
        assert!(available(@0xa, @0xfa) == 20, 1);
        let second = take(@0xa, @0xfa, 80);
        assert!(coin::value(&first) == 80 && coin::value(&second) == 20, 2);
        coin::deposit(@0xb, first);
        coin::deposit(@0xb, second);
    }
}
