/// Proofs of what a channel's state holds, under the state root of one of its blocks. The tree is the
/// nodes': a leaf commits to the hash of a key and of its value, a subtree with one leaf is that leaf.
module settlement::state_proof {
    use std::bcs;
    use std::vector;
    use settlement::bytes;
    use settlement::ids;

    /// The proof does not lead from the value to the root.
    const E_BAD_PROOF: u64 = 1;
    /// These bytes are not what such an entry holds.
    const E_MALFORMED: u64 = 2;

    /// Kinds of keys, as the nodes' `StateKey` numbers them.
    const RESOURCE: u8 = 0;
    const SEQUENCE: u8 = 1;
    const DEPARTED: u8 = 3;
    const ENTERED: u8 = 9;
    const RESULT: u8 = 13;

    struct Leaf has drop { key: address, value: address }
    struct Pair has drop { left: address, right: address }

    /// What `runtime::vault` keeps for an account.
    public fun vault_key(account: address): address {
        let bytes = kind(RESOURCE);
        vector::append(&mut bytes, bcs::to_bytes(&account));
        vector::append(&mut bytes, bcs::to_bytes(&b"0x2::vault::Vault"));
        ids::hash(b"state-key", bytes)
    }

    /// What a member that left is owed.
    public fun departed_key(account: address): address {
        let bytes = kind(DEPARTED);
        vector::append(&mut bytes, bcs::to_bytes(&account));
        ids::hash(b"state-key", bytes)
    }

    /// The number of an account's next call.
    public fun sequence_key(account: address): address {
        let bytes = kind(SEQUENCE);
        vector::append(&mut bytes, bcs::to_bytes(&account));
        ids::hash(b"state-key", bytes)
    }

    /// The join sequences that were entered.
    public fun entered_key(): address {
        ids::hash(b"state-key", kind(ENTERED))
    }

    /// The app's result.
    public fun result_key(): address {
        ids::hash(b"state-key", kind(RESULT))
    }

    /// Aborts unless `root` commits to `value` under `key`; to nothing, for an empty value, which no
    /// entry read here has. `siblings` lie beside the path to the key, from the root down; `end` is
    /// where the path ends: key and value hash of a leaf, or nothing.
    public fun check(
        root: address,
        key: address,
        value: &vector<u8>,
        siblings: &vector<address>,
        end: &vector<address>,
    ) {
        let depth = vector::length(siblings);
        assert!(depth < 256 && ends_right(key, value, depth, end), E_BAD_PROOF);
        let below = if (vector::is_empty(end)) @0x0 else leaf_hash(end);
        let bits = bcs::to_bytes(&key);
        while (depth > 0) {
            depth = depth - 1;
            let beside = *vector::borrow(siblings, depth);
            let (left, right) = if (bit(&bits, depth)) (beside, below) else (below, beside);
            below = ids::hash(b"state-node", bcs::to_bytes(&Pair { left, right }));
        };
        assert!(below == root, E_BAD_PROOF);
    }

    /// Units of the only asset in a vault, or in what a leaver is owed; zero for an absent entry.
    public fun amount(value: vector<u8>, asset: address): u64 {
        if (vector::is_empty(&value)) return 0;
        let reader = bytes::over(value);
        let count = bytes::read_length(&mut reader);
        assert!(count <= 1, E_MALFORMED);
        let amount = 0;
        if (count == 1) {
            assert!(bytes::read_address(&mut reader) == asset, E_MALFORMED);
            amount = bytes::read_u64(&mut reader);
        };
        bytes::end(reader);
        amount
    }

    /// The first and the last of each run of join sequences, one after the other.
    public fun runs(value: vector<u8>): vector<u64> {
        let runs = vector::empty();
        if (vector::is_empty(&value)) return runs;
        let reader = bytes::over(value);
        let left = bytes::read_length(&mut reader) * 2;
        while (left > 0) {
            vector::push_back(&mut runs, bytes::read_u64(&mut reader));
            left = left - 1;
        };
        bytes::end(reader);
        runs
    }

    /// Whether one of the runs holds the number.
    public fun is_in_runs(runs: &vector<u64>, number: u64): bool {
        let (index, count) = (0, vector::length(runs));
        while (index < count) {
            let (first, last) = (*vector::borrow(runs, index), *vector::borrow(runs, index + 1));
            if (first <= number && number <= last) return true;
            index = index + 2;
        };
        false
    }

    /// A `u64`; zero for an absent entry.
    public fun number(value: vector<u8>): u64 {
        if (vector::is_empty(&value)) return 0;
        let reader = bytes::over(value);
        let number = bytes::read_u64(&mut reader);
        bytes::end(reader);
        number
    }

    /// Whether a path that goes this deep and ends there says what the value says.
    fun ends_right(key: address, value: &vector<u8>, depth: u64, end: &vector<address>): bool {
        if (vector::is_empty(end)) return vector::is_empty(value);
        if (vector::length(end) != 2) return false;
        let (leaf_key, leaf_value) = (*vector::borrow(end, 0), *vector::borrow(end, 1));
        if (!vector::is_empty(value)) {
            return leaf_key == key && leaf_value == ids::hash(b"state-value", *value)
        };
        leaf_key != key && agree(&bcs::to_bytes(&key), &bcs::to_bytes(&leaf_key), depth)
    }

    fun agree(left: &vector<u8>, right: &vector<u8>, depth: u64): bool {
        let index = 0;
        while (index < depth) {
            if (bit(left, index) != bit(right, index)) return false;
            index = index + 1;
        };
        true
    }

    fun leaf_hash(end: &vector<address>): address {
        let leaf = Leaf { key: *vector::borrow(end, 0), value: *vector::borrow(end, 1) };
        ids::hash(b"state-leaf", bcs::to_bytes(&leaf))
    }

    fun bit(bits: &vector<u8>, depth: u64): bool {
        let byte = *vector::borrow(bits, depth / 8);
        (byte >> ((7 - depth % 8) as u8)) & 1 == 1
    }

    fun kind(number: u8): vector<u8> {
        vector::singleton(number)
    }

    #[test_only]
    /// The root of a state with this one entry, or of two whose keys differ in the first bit, with
    /// the siblings of the first.
    public fun root_for_testing(keys: &vector<address>, values: &vector<vector<u8>>)
    : (address, vector<vector<address>>, vector<vector<address>>) {
        build(keys, values, 0)
    }

    #[test_only]
    /// A tree of these entries from this depth on: its root, and each entry's siblings and end.
    fun build(keys: &vector<address>, values: &vector<vector<u8>>, depth: u64)
    : (address, vector<vector<address>>, vector<vector<address>>) {
        let count = vector::length(keys);
        if (count == 0) return (@0x0, vector::empty(), vector::empty());
        if (count == 1) {
            let value = ids::hash(b"state-value", *vector::borrow(values, 0));
            let end = vector[*vector::borrow(keys, 0), value];
            return (leaf_hash(&end), vector[vector::empty()], vector[end])
        };
        let (lk, lv, rk, rv) = (vector::empty(), vector::empty(), vector::empty(), vector::empty());
        let index = 0;
        while (index < count) {
            let key = *vector::borrow(keys, index);
            let value = *vector::borrow(values, index);
            if (bit(&bcs::to_bytes(&key), depth)) {
                vector::push_back(&mut rk, key);
                vector::push_back(&mut rv, value);
            } else {
                vector::push_back(&mut lk, key);
                vector::push_back(&mut lv, value);
            };
            index = index + 1;
        };
        let (left, left_siblings, left_ends) = build(&lk, &lv, depth + 1);
        let (right, right_siblings, right_ends) = build(&rk, &rv, depth + 1);
        let (siblings, ends) = (vector::empty(), vector::empty());
        let (in_left, in_right) = (0, 0);
        index = 0;
        while (index < count) {
            let key = *vector::borrow(keys, index);
            let (beside, path) = if (bit(&bcs::to_bytes(&key), depth)) {
                in_right = in_right + 1;
                vector::push_back(&mut ends, *vector::borrow(&right_ends, in_right - 1));
                (left, *vector::borrow(&right_siblings, in_right - 1))
            } else {
                in_left = in_left + 1;
                vector::push_back(&mut ends, *vector::borrow(&left_ends, in_left - 1));
                (right, *vector::borrow(&left_siblings, in_left - 1))
            };
            vector::reverse(&mut path);
            vector::push_back(&mut path, beside);
            vector::reverse(&mut path);
            vector::push_back(&mut siblings, path);
            index = index + 1;
        };
        (ids::hash(b"state-node", bcs::to_bytes(&Pair { left, right })), siblings, ends)
    }

    #[test_only]
    /// What a tree of these entries holds under the key, with siblings and end.
    public fun prove_for_testing(
        keys: &vector<address>,
        values: &vector<vector<u8>>,
        key: address,
    ): (vector<u8>, vector<address>, vector<address>) {
        let (siblings, bits) = (vector::empty(), bcs::to_bytes(&key));
        let (near, near_values) = (*keys, *values);
        while (vector::length(&near) > 1) {
            let depth = vector::length(&siblings);
            let (nk, nv, fk, fv) =
                (vector::empty(), vector::empty(), vector::empty(), vector::empty());
            while (!vector::is_empty(&near)) {
                let (one, value) = (vector::pop_back(&mut near), vector::pop_back(&mut near_values));
                if (bit(&bcs::to_bytes(&one), depth) == bit(&bits, depth)) {
                    vector::push_back(&mut nk, one);
                    vector::push_back(&mut nv, value);
                } else {
                    vector::push_back(&mut fk, one);
                    vector::push_back(&mut fv, value);
                };
            };
            let (beside, _, _) = build(&fk, &fv, depth + 1);
            vector::push_back(&mut siblings, beside);
            (near, near_values) = (nk, nv);
        };
        if (vector::is_empty(&near)) return (vector::empty(), siblings, vector::empty());
        let (found, value) = (*vector::borrow(&near, 0), *vector::borrow(&near_values, 0));
        let end = vector[found, ids::hash(b"state-value", copy value)];
        (if (found == key) value else vector::empty(), siblings, end)
    }

    #[test]
    fun entries_are_proven_and_nothing_else() {
        let keys = vector[vault_key(@0xa), vault_key(@0xb), departed_key(@0xc), entered_key()];
        let values = vector[b"a", b"b", b"c", b"d"];
        let (root, siblings, ends) = root_for_testing(&keys, &values);
        let index = 0;
        while (index < 4) {
            let (key, value) = (*vector::borrow(&keys, index), vector::borrow(&values, index));
            check(root, key, value, vector::borrow(&siblings, index), vector::borrow(&ends, index));
            index = index + 1;
        };
    }

    #[test]
    fun an_absent_entry_is_proven_by_the_leaf_in_its_place() {
        let keys = vector[vault_key(@0xa)];
        let (root, _, ends) = root_for_testing(&keys, &vector[b"a"]);
        let (nothing, none) = (vector::empty(), vector::empty());
        check(root, vault_key(@0xb), &nothing, &none, vector::borrow(&ends, 0));
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun a_present_entry_is_not_absent() {
        let keys = vector[vault_key(@0xa)];
        let (root, _, ends) = root_for_testing(&keys, &vector[b"a"]);
        check(root, vault_key(@0xa), &vector::empty(), &vector::empty(), vector::borrow(&ends, 0));
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun another_value_is_not_proven() {
        let keys = vector[vault_key(@0xa), vault_key(@0xb)];
        let (root, siblings, ends) = root_for_testing(&keys, &vector[b"a", b"b"]);
        check(root, vault_key(@0xa), &b"b", vector::borrow(&siblings, 0), vector::borrow(&ends, 0));
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun another_root_is_not_proven() {
        let keys = vector[vault_key(@0xa)];
        let (_, siblings, ends) = root_for_testing(&keys, &vector[b"a"]);
        check(@0x7, vault_key(@0xa), &b"a", vector::borrow(&siblings, 0), vector::borrow(&ends, 0));
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun an_inner_node_is_no_empty_place() {
        let keys = vector[vault_key(@0xa), vault_key(@0xb)];
        let (root, _, _) = root_for_testing(&keys, &vector[b"a", b"b"]);
        check(root, vault_key(@0xc), &vector::empty(), &vector::empty(), &vector::empty());
    }

    #[test]
    fun amounts_and_runs_are_read_as_nodes_write_them() {
        assert!(amount(x"00", @0xfa) == 0 && amount(x"", @0xfa) == 0, 1);
        let value = x"01";
        vector::append(&mut value, bcs::to_bytes(&@0xfa));
        vector::append(&mut value, bcs::to_bytes(&30u64));
        assert!(amount(value, @0xfa) == 30, 2);
        let value = x"02";
        vector::append(&mut value, bcs::to_bytes(&1u64));
        vector::append(&mut value, bcs::to_bytes(&4u64));
        vector::append(&mut value, bcs::to_bytes(&9u64));
        vector::append(&mut value, bcs::to_bytes(&9u64));
        let runs = runs(value);
        assert!(runs == vector[1, 4, 9, 9], 3);
        assert!(is_in_runs(&runs, 1) && is_in_runs(&runs, 4) && is_in_runs(&runs, 9), 4);
        assert!(!is_in_runs(&runs, 5) && !is_in_runs(&runs, 0), 5);
    }
}
