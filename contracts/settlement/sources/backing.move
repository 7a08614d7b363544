/// The collateral behind members' words: locked for one channel, or a part of an account's stake
/// (`collateral`). Who has left gets it back a while later, so that a fine can still reach it.
module settlement::backing {
    use std::bcs;
    use std::signer;
    use runtime::context;
    use runtime::event;
    use settlement::account;
    use settlement::coin::{Self, Coin};
    use settlement::collateral;
    use settlement::ids;

    friend settlement::backed;
    friend settlement::channel;

    /// The channel holds nothing for this account.
    const E_NOTHING_HELD: u64 = 1;
    /// The collateral is held for longer.
    const E_TOO_SOON: u64 = 2;
    /// The channel still holds the account's collateral of an earlier stay: `release` it first.
    const E_STILL_HELD: u64 = 3;

    /// What is locked for one channel, under an address made of it.
    struct Pot has key { money: Coin }

    /// The collateral of an account that has left, under an address made of channel and account.
    struct Held has key, drop { asset: address, amount: u64, pooled: bool, until: u64, latest: u64 }

    /// Where a `Held` is stored.
    struct Place has drop { channel: address, account: address }

    struct Released has copy, drop, store { channel: address, account: address, amount: u64 }

    /// Gives an account that has left its collateral back, once its time has come. Anybody may ask.
    public entry fun release(_caller: &signer, channel: address, account: address)
    acquires Pot, Held {
        let place = held_place(channel, account);
        assert!(exists<Held>(place), E_NOTHING_HELD);
        let Held { asset, amount, pooled, until, latest: _ } = move_from<Held>(place);
        assert!(context::time_ms() >= until, E_TOO_SOON);
        give_back(channel, account, asset, amount, pooled);
        event::emit(Released { channel, account, amount });
    }

    /// What is held for an account that has left, and until when.
    public fun held(channel: address, account: address): (u64, u64) acquires Held {
        let place = held_place(channel, account);
        if (!exists<Held>(place)) return (0, 0);
        let held = borrow_global<Held>(place);
        (held.amount, held.until)
    }

    /// Locks an account's collateral, or counts on its stake. Not while the channel holds some of an
    /// earlier stay: that keeps its time.
    public(friend) fun lock(
        member: &signer,
        channel: address,
        asset: address,
        amount: u64,
        pooled: bool,
    ) acquires Pot {
        let account = signer::address_of(member);
        assert!(!exists<Held>(held_place(channel, account)), E_STILL_HELD);
        if (pooled) return collateral::back(account, asset, channel, amount);
        if (amount == 0) return;
        put(channel, coin::withdraw(member, asset, amount));
    }

    /// Gives an account its collateral back at once.
    public(friend) fun give_back(
        channel: address,
        account: address,
        asset: address,
        amount: u64,
        pooled: bool,
    ) acquires Pot {
        if (pooled) return collateral::release(account, asset, channel);
        if (amount == 0) return;
        let pot = borrow_global_mut<Pot>(pot_place(channel));
        coin::deposit(account, coin::split(&mut pot.money, amount));
    }

    /// Keeps the collateral of an account that has left until a time, and whatever is reported of it
    /// no longer than until `latest`.
    public(friend) fun hold(
        channel: address,
        account: address,
        asset: address,
        amount: u64,
        pooled: bool,
        until: u64,
        latest: u64,
    ) {
        if (amount == 0 && !pooled) return;
        let place = held_place(channel, account);
        move_to(&account::create_signer(place), Held { asset, amount, pooled, until, latest });
    }

    /// Keeps what is held of an account that has left at least until a time, as far as that is not too
    /// long after it left; how much that is.
    public(friend) fun prolong(channel: address, account: address, until: u64): u64 acquires Held {
        let place = held_place(channel, account);
        if (!exists<Held>(place)) return 0;
        let held = borrow_global_mut<Held>(place);
        let until = if (until > held.latest) held.latest else until;
        if (held.until < until) held.until = until;
        held.amount
    }

    /// Takes `amount` from the collateral of a member; from a stake as far as there is some.
    public(friend) fun fine(
        channel: address,
        account: address,
        asset: address,
        amount: u64,
        pooled: bool,
    ): Coin acquires Pot {
        if (pooled) return collateral::take(account, asset, amount);
        if (amount == 0) return coin::zero(asset);
        coin::split(&mut borrow_global_mut<Pot>(pot_place(channel)).money, amount)
    }

    /// Takes at most `amount` from what is held of an account that has left.
    public(friend) fun fine_held(channel: address, account: address, asset: address, amount: u64): Coin
    acquires Pot, Held {
        let place = held_place(channel, account);
        if (!exists<Held>(place)) return coin::zero(asset);
        let held = borrow_global_mut<Held>(place);
        if (amount > held.amount) amount = held.amount;
        held.amount = held.amount - amount;
        let pooled = held.pooled;
        fine(channel, account, asset, amount, pooled)
    }

    fun put(channel: address, money: Coin) acquires Pot {
        let place = pot_place(channel);
        if (exists<Pot>(place)) {
            coin::join(&mut borrow_global_mut<Pot>(place).money, money);
        } else {
            move_to(&account::create_signer(place), Pot { money });
        }
    }

    fun pot_place(channel: address): address {
        ids::hash(b"pot", bcs::to_bytes(&channel))
    }

    fun held_place(channel: address, account: address): address {
        ids::hash(b"held", bcs::to_bytes(&Place { channel, account }))
    }

    #[test_only]
    /// What is locked for a channel.
    public fun pot_for_testing(channel: address): u64 acquires Pot {
        let place = pot_place(channel);
        if (exists<Pot>(place)) coin::value(&borrow_global<Pot>(place).money) else 0
    }
}
