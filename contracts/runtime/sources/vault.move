/// Assets inside a channel. Each member has a vault; the host credits it with the deposit that the
/// settlement chain locked, and the vaults' balances are what a settlement pays out.
module runtime::vault {
    use std::signer;
    use std::vector;

    /// The account has no vault: it is not a member of the channel.
    const E_NO_VAULT: u64 = 1;
    /// The vault or coin holds less than asked for.
    const E_INSUFFICIENT: u64 = 2;
    /// The two coins are of different assets.
    const E_OTHER_ASSET: u64 = 3;
    /// The coin still holds something.
    const E_NOT_ZERO: u64 = 4;
    /// The host's lists differ in length.
    const E_LENGTHS: u64 = 5;

    /// A member's balances, sorted by asset, without zeros. The host reads this layout.
    struct Vault has key {
        balances: vector<Balance>,
    }

    struct Balance has copy, drop, store {
        asset: address,
        amount: u64,
    }

    /// Value on its way: it can be stored, but neither copied nor dropped.
    struct Coin has store {
        asset: address,
        amount: u64,
    }

    /// Whether `account` is a member that can receive assets.
    public fun has_vault(account: address): bool {
        exists<Vault>(account)
    }

    /// What `account` holds of `asset`; zero without a vault.
    public fun balance(account: address, asset: address): u64 acquires Vault {
        if (!exists<Vault>(account)) return 0;
        let vault = borrow_global<Vault>(account);
        let (found, index) = find(&vault.balances, asset);
        if (found) vector::borrow(&vault.balances, index).amount else 0
    }

    /// Moves `amount` of `asset` from one member to another.
    public entry fun transfer(from: &signer, to: address, asset: address, amount: u64)
    acquires Vault {
        let coin = withdraw(from, asset, amount);
        deposit(to, coin);
    }

    /// Takes value out of the caller's vault.
    public fun withdraw(from: &signer, asset: address, amount: u64): Coin acquires Vault {
        let account = signer::address_of(from);
        assert!(exists<Vault>(account), E_NO_VAULT);
        let balances = &mut borrow_global_mut<Vault>(account).balances;
        let (found, index) = find(balances, asset);
        if (amount > 0) {
            assert!(found, E_INSUFFICIENT);
            let entry = vector::borrow_mut(balances, index);
            assert!(entry.amount >= amount, E_INSUFFICIENT);
            entry.amount = entry.amount - amount;
            if (entry.amount == 0) {
                vector::remove(balances, index);
            };
        };
        Coin { asset, amount }
    }

    /// Puts value into a member's vault.
    public fun deposit(account: address, coin: Coin) acquires Vault {
        assert!(exists<Vault>(account), E_NO_VAULT);
        let Coin { asset, amount } = coin;
        add(&mut borrow_global_mut<Vault>(account).balances, asset, amount);
    }

    /// Units in the coin.
    public fun value(coin: &Coin): u64 {
        coin.amount
    }

    /// The coin's asset.
    public fun asset(coin: &Coin): address {
        coin.asset
    }

    /// A coin of nothing.
    public fun zero(asset: address): Coin {
        Coin { asset, amount: 0 }
    }

    /// Takes `amount` out of a coin.
    public fun split(coin: &mut Coin, amount: u64): Coin {
        assert!(coin.amount >= amount, E_INSUFFICIENT);
        coin.amount = coin.amount - amount;
        Coin { asset: coin.asset, amount }
    }

    /// Adds one coin to another of the same asset.
    public fun join(coin: &mut Coin, other: Coin) {
        let Coin { asset, amount } = other;
        assert!(coin.asset == asset, E_OTHER_ASSET);
        coin.amount = coin.amount + amount;
    }

    /// Ends an empty coin.
    public fun destroy_zero(coin: Coin) {
        let Coin { asset: _, amount } = coin;
        assert!(amount == 0, E_NOT_ZERO);
    }

    /// The host books a member's deposit. Only the host can call this: the function is private.
    fun credit(member: &signer, assets: vector<address>, amounts: vector<u64>) acquires Vault {
        assert!(vector::length(&assets) == vector::length(&amounts), E_LENGTHS);
        let account = signer::address_of(member);
        if (!exists<Vault>(account)) {
            move_to(member, Vault { balances: vector::empty() });
        };
        let balances = &mut borrow_global_mut<Vault>(account).balances;
        while (!vector::is_empty(&assets)) {
            add(balances, vector::pop_back(&mut assets), vector::pop_back(&mut amounts));
        }
    }

    /// The host takes a leaver's vault off the books. Only the host can call this.
    fun destroy(account: address) acquires Vault {
        if (exists<Vault>(account)) {
            let Vault { balances: _ } = move_from<Vault>(account);
        }
    }

    /// The asset's place among the balances, or where it belongs.
    fun find(balances: &vector<Balance>, asset: address): (bool, u64) {
        let index = 0;
        let length = vector::length(balances);
        while (index < length) {
            let known = vector::borrow(balances, index).asset;
            if (known == asset) return (true, index);
            if (comes_before(asset, known)) return (false, index);
            index = index + 1;
        };
        (false, index)
    }

    fun add(balances: &mut vector<Balance>, asset: address, amount: u64) {
        if (amount == 0) return;
        let (found, index) = find(balances, asset);
        if (found) {
            let entry = vector::borrow_mut(balances, index);
            entry.amount = entry.amount + amount;
        } else {
            vector::push_back(balances, Balance { asset, amount });
            let last = vector::length(balances) - 1;
            while (last > index) {
                vector::swap(balances, last, last - 1);
                last = last - 1;
            }
        }
    }

    /// Byte order of addresses, as the host sorts them.
    fun comes_before(left: address, right: address): bool {
        let left = std::bcs::to_bytes(&left);
        let right = std::bcs::to_bytes(&right);
        let index = 0;
        while (index < vector::length(&left)) {
            let a = *vector::borrow(&left, index);
            let b = *vector::borrow(&right, index);
            if (a != b) return a < b;
            index = index + 1;
        };
        false
    }

    #[test_only]
    /// Gives `member` a vault with `amount` of `asset`, as the host does when it joins.
    public fun credit_for_testing(member: &signer, asset: address, amount: u64) acquires Vault {
        credit(member, vector::singleton(asset), vector::singleton(amount));
    }

    #[test(a = @0xa, b = @0xb)]
    fun transfer_moves_the_units(a: signer, b: signer) acquires Vault {
        credit_for_testing(&a, @0xfa, 10);
        credit_for_testing(&b, @0xfa, 0);
        transfer(&a, @0xb, @0xfa, 4);
        assert!(balance(@0xa, @0xfa) == 6, 1);
        assert!(balance(@0xb, @0xfa) == 4, 2);
    }

    #[test(a = @0xa, b = @0xb)]
    #[expected_failure(abort_code = 2)]
    fun more_than_the_balance_is_refused(a: signer, b: signer) acquires Vault {
        credit_for_testing(&a, @0xfa, 10);
        credit_for_testing(&b, @0xfa, 0);
        transfer(&a, @0xb, @0xfa, 11);
    }

    #[test(a = @0xa)]
    #[expected_failure(abort_code = 1)]
    fun a_stranger_cannot_receive(a: signer) acquires Vault {
        credit_for_testing(&a, @0xfa, 10);
        transfer(&a, @0xc, @0xfa, 1);
    }

    #[test(a = @0xa)]
    fun balances_are_sorted_without_zeros(a: signer) acquires Vault {
        credit_for_testing(&a, @0x3, 1);
        credit_for_testing(&a, @0x1, 1);
        credit_for_testing(&a, @0x2, 1);
        destroy_zero(withdraw(&a, @0x9, 0));
        let coin = withdraw(&a, @0x2, 1);
        let balances = &borrow_global<Vault>(@0xa).balances;
        assert!(vector::length(balances) == 2, 1);
        assert!(vector::borrow(balances, 0).asset == @0x1, 2);
        assert!(vector::borrow(balances, 1).asset == @0x3, 3);
        deposit(@0xa, coin);
    }

    #[test(a = @0xa)]
    fun coins_split_and_join(a: signer) acquires Vault {
        credit_for_testing(&a, @0x3, 5);
        let coin = withdraw(&a, @0x3, 5);
        let part = split(&mut coin, 2);
        assert!(value(&coin) == 3 && value(&part) == 2, 1);
        join(&mut coin, part);
        deposit(@0xa, coin);
        assert!(balance(@0xa, @0x3) == 5, 2);
    }

    #[test(a = @0xa)]
    fun a_leavers_vault_is_gone(a: signer) acquires Vault {
        credit_for_testing(&a, @0x3, 5);
        destroy(@0xa);
        assert!(!has_vault(@0xa), 1);
    }
}
