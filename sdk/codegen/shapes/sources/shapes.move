/// Every shape of function, struct and value that a client is generated for.
module shapes::shapes {
    use std::option::{Self, Option};
    use std::signer;
    use std::string::String;
    use runtime::event;

    /// Nothing is kept under this account.
    const E_NOTHING_KEPT: u64 = 1;
    /// `type` is a word of both languages.
    const E_TYPE: u64 = 2;

    /// What an account keeps, of a type that its caller chose.
    struct Kept<T: store> has key {
        what: T,
        type: u8,
    }

    /// A type that is nowhere in its fields.
    struct Marked<phantom T> has key {
        times: u64,
    }

    /// Two of a kind.
    struct Pair<T> has copy, drop, store {
        left: T,
        right: T,
    }

    /// One of each.
    struct All has copy, drop, store, key {
        small: u8,
        long: u64,
        longer: u128,
        yes: bool,
        who: address,
        text: String,
        bytes: vector<u8>,
        lists: vector<vector<u64>>,
        maybe: Option<u64>,
        pairs: vector<Pair<u64>>,
    }

    /// Something of a type that its caller chose was kept.
    struct Stored<T> has copy, drop, store {
        by: address,
        what: T,
    }

    /// Keeps nothing, in place of what was kept of this type, and counts.
    public entry fun mark<T: copy + drop + store>(by: &signer) acquires Kept, Marked {
        let account = signer::address_of(by);
        if (exists<Kept<vector<T>>>(account)) {
            let Kept { what: _, type: _ } = move_from<Kept<vector<T>>>(account);
        };
        if (!exists<Marked<T>>(account)) {
            move_to(by, Marked<T> { times: 0 });
        };
        let marked = borrow_global_mut<Marked<T>>(account);
        marked.times = marked.times + 1;
        event::emit(Stored { by: account, what: std::vector::empty<T>() });
        move_to(by, Kept { what: std::vector::empty<T>(), type: 7 });
    }

    /// Keeps one of each.
    public entry fun keep_all(
        by: &signer,
        small: u8,
        long: u64,
        longer: u128,
        yes: bool,
        who: address,
        text: String,
        bytes: vector<u8>,
        lists: vector<vector<u64>>,
        maybe: Option<u64>,
    ) acquires All {
        let account = signer::address_of(by);
        if (exists<All>(account)) {
            move_from<All>(account);
        };
        let right = option::destroy_with_default(maybe, 0);
        let pairs = std::vector::singleton(Pair { left: long, right });
        move_to(by, All { small, long, longer, yes, who, text, bytes, lists, maybe, pairs });
    }

    /// A word of both languages, that is refused.
    public entry fun new(_by: &signer, match: u64) {
        assert!(match == 0, E_TYPE);
    }

    /// How often the account has kept something of this type.
    public fun times<T>(account: address): u64 acquires Marked {
        if (exists<Marked<T>>(account)) borrow_global<Marked<T>>(account).times else 0
    }

    /// What the account keeps of this type, and its number.
    public fun kept<T: copy + drop + store>(account: address): (vector<T>, u8) acquires Kept {
        assert!(exists<Kept<vector<T>>>(account), E_NOTHING_KEPT);
        let kept = borrow_global<Kept<vector<T>>>(account);
        (*&kept.what, kept.type)
    }

    /// What the account keeps of everything.
    public fun all(account: address): All acquires All {
        *borrow_global<All>(account)
    }

    /// Twice the same.
    public fun twice<T: copy + drop + store>(what: T): Pair<T> {
        Pair { left: copy what, right: what }
    }
}
