/// Hashes and ids: 32 bytes that Move keeps as addresses, so that they encode like Rust's.
module settlement::ids {
    use std::bcs;

    /// 32 bytes as an address; aborts with 1 for any other number of bytes.
    native public fun to_address(bytes: vector<u8>): address;

    /// SHA-256 over `fairway/1/<domain>`, a zero byte and `bytes`.
    native public fun hash(domain: vector<u8>, bytes: vector<u8>): address;

    /// The order of addresses by their bytes, in which nodes sort accounts and keys.
    native public fun comes_before(left: address, right: address): bool;

    /// The chain account of a key.
    public fun account_of(key: address): address {
        hash(b"account", bcs::to_bytes(&key))
    }

    #[test]
    fun bytes_and_address_are_the_same() {
        let bytes = bcs::to_bytes(&@0xfa);
        assert!(to_address(bytes) == @0xfa, 1);
    }

    #[test]
    fun a_hash_is_sha_256_with_its_domain() {
        let preimage = b"fairway/1/asset";
        std::vector::push_back(&mut preimage, 0);
        std::vector::append(&mut preimage, b"bytes");
        assert!(hash(b"asset", b"bytes") == to_address(std::hash::sha2_256(preimage)), 1);
    }

    #[test]
    fun addresses_are_ordered_by_their_bytes() {
        assert!(comes_before(@0x1ff, @0x200) && !comes_before(@0x200, @0x1ff), 1);
        assert!(!comes_before(@0x200, @0x200), 2);
    }
}
