/// Counts for everybody.
module NAME::NAME {
    use std::signer;
    use runtime::event;

    /// Nobody counts past a hundred.
    const E_TOO_FAR: u64 = 1;

    struct Counter has key {
        value: u64,
    }

    /// `account` has counted to `value`.
    struct Counted has copy, drop, store {
        account: address,
        value: u64,
    }

    /// Counts one further.
    public entry fun count(player: &signer) acquires Counter {
        let account = signer::address_of(player);
        if (!exists<Counter>(account)) {
            move_to(player, Counter { value: 0 });
        };
        let counter = borrow_global_mut<Counter>(account);
        counter.value = counter.value + 1;
        assert!(counter.value <= 100, E_TOO_FAR);
        event::emit(Counted { account, value: counter.value });
    }

    /// How far `account` has counted.
    public fun value(account: address): u64 acquires Counter {
        if (exists<Counter>(account)) borrow_global<Counter>(account).value else 0
    }

    #[test(player = @0xa)]
    fun a_count_goes_one_further(player: signer) acquires Counter {
        count(&player);
        count(&player);
        assert!(value(@0xa) == 2, 0);
    }
}
