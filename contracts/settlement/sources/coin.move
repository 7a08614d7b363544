/// Assets on the settlement chain. An asset is a 32-byte id. Each account's balance of each asset is a
/// resource of its own, which comes into being with the first receipt: receiving costs the same
/// whatever else the account holds, so nobody can make itself too dear to be paid.
module settlement::coin {
    use std::bcs;
    use std::signer;
    use std::vector;
    use runtime::event;
    use settlement::account;
    use settlement::ids;

    /// Only the account named at genesis may do this.
    const E_NOT_ROOT: u64 = 1;
    /// The account or coin holds less than asked for.
    const E_INSUFFICIENT: u64 = 2;
    /// There is no such asset.
    const E_NO_ASSET: u64 = 3;
    /// The two coins are of different assets.
    const E_OTHER_ASSET: u64 = 4;
    /// The coin still holds something.
    const E_NOT_ZERO: u64 = 5;
    /// The chain was set up already.
    const E_INITIALIZED: u64 = 6;
    /// A symbol has 1 to 12 bytes.
    const E_BAD_SYMBOL: u64 = 7;

    /// The native asset.
    const NATIVE: address = @0xfa;

    struct Chain has key {
        root: address,
        chain_id: u64,
    }

    /// What is known of an asset, stored under its id.
    struct Asset has key {
        symbol: vector<u8>,
        decimals: u8,
        supply: u64,
    }

    /// What one account holds of one asset, stored under an address made of both.
    struct Balance has key {
        amount: u64,
    }

    /// Where a balance is stored.
    struct Holding has drop {
        account: address,
        asset: address,
    }

    /// How many assets an account has created.
    struct Created has key {
        count: u64,
    }

    /// Value on its way: it can be stored, but neither copied nor dropped.
    struct Coin has store {
        asset: address,
        amount: u64,
    }

    struct Transferred has copy, drop, store { from: address, to: address, asset: address, amount: u64 }
    struct Minted has copy, drop, store { asset: address, to: address, amount: u64 }
    struct AssetCreated has copy, drop, store { asset: address, creator: address, supply: u64 }

    /// Sets the chain up at genesis: the host calls it once, as the contracts' own address.
    fun initialize(contracts: &signer, root: address, chain_id: u64) {
        assert!(!exists<Chain>(@settlement), E_INITIALIZED);
        move_to(contracts, Chain { root, chain_id });
        let storage = account::create_signer(NATIVE);
        move_to(&storage, Asset { symbol: b"FWY", decimals: 6, supply: 0 });
    }

    /// Id of the chain.
    public fun chain_id(): u64 acquires Chain {
        borrow_global<Chain>(@settlement).chain_id
    }

    /// Makes units of the native asset. Only for the account named at genesis.
    public entry fun mint(root: &signer, to: address, amount: u64) acquires Chain, Asset, Balance {
        assert!(signer::address_of(root) == borrow_global<Chain>(@settlement).root, E_NOT_ROOT);
        let asset = borrow_global_mut<Asset>(NATIVE);
        asset.supply = asset.supply + amount;
        deposit(to, Coin { asset: NATIVE, amount });
        event::emit(Minted { asset: NATIVE, to, amount });
    }

    /// Creates an asset with a fixed supply, all of it the creator's.
    public entry fun create_asset(creator: &signer, symbol: vector<u8>, decimals: u8, supply: u64)
    acquires Balance, Created {
        let length = vector::length(&symbol);
        assert!(length > 0 && length <= 12, E_BAD_SYMBOL);
        let owner = signer::address_of(creator);
        if (!exists<Created>(owner)) {
            move_to(creator, Created { count: 0 });
        };
        let created = borrow_global_mut<Created>(owner);
        let asset = asset_id(owner, created.count);
        created.count = created.count + 1;
        let storage = account::create_signer(asset);
        move_to(&storage, Asset { symbol, decimals, supply });
        deposit(owner, Coin { asset, amount: supply });
        event::emit(AssetCreated { asset, creator: owner, supply });
    }

    /// Moves `amount` of `asset` to another account.
    public entry fun transfer(from: &signer, asset: address, to: address, amount: u64)
    acquires Balance {
        let coin = withdraw(from, asset, amount);
        deposit(to, coin);
        event::emit(Transferred { from: signer::address_of(from), to, asset, amount });
    }

    /// Takes value out of the caller's account.
    public fun withdraw(from: &signer, asset: address, amount: u64): Coin acquires Balance {
        let place = place_of(signer::address_of(from), asset);
        assert!(exists<Balance>(place), E_INSUFFICIENT);
        let balance = borrow_global_mut<Balance>(place);
        assert!(balance.amount >= amount, E_INSUFFICIENT);
        balance.amount = balance.amount - amount;
        Coin { asset, amount }
    }

    /// Puts value into an account.
    public fun deposit(to: address, coin: Coin) acquires Balance {
        let Coin { asset, amount } = coin;
        let place = place_of(to, asset);
        if (!exists<Balance>(place)) {
            let storage = account::create_signer(place);
            move_to(&storage, Balance { amount });
        } else {
            let balance = borrow_global_mut<Balance>(place);
            balance.amount = balance.amount + amount;
        }
    }

    /// What `account` holds of `asset`.
    public fun balance(account: address, asset: address): u64 acquires Balance {
        let place = place_of(account, asset);
        if (exists<Balance>(place)) borrow_global<Balance>(place).amount else 0
    }

    /// Units in existence.
    public fun supply(asset: address): u64 acquires Asset {
        assert!(exists<Asset>(asset), E_NO_ASSET);
        borrow_global<Asset>(asset).supply
    }

    public fun value(coin: &Coin): u64 {
        coin.amount
    }

    public fun asset(coin: &Coin): address {
        coin.asset
    }

    public fun zero(asset: address): Coin {
        Coin { asset, amount: 0 }
    }

    public fun split(coin: &mut Coin, amount: u64): Coin {
        assert!(coin.amount >= amount, E_INSUFFICIENT);
        coin.amount = coin.amount - amount;
        Coin { asset: coin.asset, amount }
    }

    public fun join(coin: &mut Coin, other: Coin) {
        let Coin { asset, amount } = other;
        assert!(coin.asset == asset, E_OTHER_ASSET);
        coin.amount = coin.amount + amount;
    }

    public fun destroy_zero(coin: Coin) {
        let Coin { asset: _, amount } = coin;
        assert!(amount == 0, E_NOT_ZERO);
    }

    fun asset_id(creator: address, number: u64): address {
        let bytes = bcs::to_bytes(&creator);
        vector::append(&mut bytes, bcs::to_bytes(&number));
        ids::hash(b"asset", bytes)
    }

    fun place_of(account: address, asset: address): address {
        ids::hash(b"balance", bcs::to_bytes(&Holding { account, asset }))
    }

    #[test_only]
    /// A chain with id 7 whose root is @0x70.
    public fun initialize_for_testing() {
        initialize(&account::create_signer(@settlement), @0x70, 7);
    }

    #[test_only]
    public fun signer_for_testing(account: address): signer {
        account::create_signer(account)
    }

    #[test_only]
    public fun mint_for_testing(to: address, amount: u64) acquires Chain, Asset, Balance {
        mint(&account::create_signer(@0x70), to, amount);
    }

    #[test(a = @0xa)]
    fun a_transfer_moves_the_units(a: signer) acquires Chain, Asset, Balance {
        initialize_for_testing();
        mint_for_testing(@0xa, 10);
        transfer(&a, NATIVE, @0xb, 4);
        assert!(balance(@0xa, NATIVE) == 6 && balance(@0xb, NATIVE) == 4, 1);
        assert!(supply(NATIVE) == 10, 2);
    }

    #[test(a = @0xa)]
    #[expected_failure(abort_code = 2)]
    fun more_than_the_balance_is_refused(a: signer) acquires Chain, Asset, Balance {
        initialize_for_testing();
        mint_for_testing(@0xa, 10);
        transfer(&a, NATIVE, @0xb, 11);
    }

    #[test(a = @0xa)]
    #[expected_failure(abort_code = 1)]
    fun only_root_mints(a: signer) acquires Chain, Asset, Balance {
        initialize_for_testing();
        mint(&a, @0xa, 1);
    }

    #[test(a = @0xa)]
    fun a_created_asset_belongs_to_its_creator(a: signer) acquires Balance, Created {
        create_asset(&a, b"GOLD", 0, 100);
        let asset = asset_id(@0xa, 0);
        transfer(&a, asset, @0xb, 40);
        assert!(balance(@0xa, asset) == 60 && balance(@0xb, asset) == 40, 1);
    }
}
