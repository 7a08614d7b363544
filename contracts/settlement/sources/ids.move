/// Hashes and ids: 32 bytes that Move keeps as addresses, so that they encode like Rust's.
module settlement::ids {
    use std::bcs;
    use std::hash;
    use std::vector;

    /// 32 bytes as an address; aborts with 1 for any other number of bytes.
    native public fun to_address(bytes: vector<u8>): address;

    /// SHA-256 over `fairway/1/<domain>`, a zero byte and `bytes`.
    public fun hash(domain: vector<u8>, bytes: vector<u8>): address {
        let input = b"fairway/1/";
        vector::append(&mut input, domain);
        vector::push_back(&mut input, 0);
        vector::append(&mut input, bytes);
        to_address(hash::sha2_256(input))
    }

    /// The chain account of a key.
    public fun account_of(key: address): address {
        hash(b"account", bcs::to_bytes(&key))
    }

    #[test]
    fun bytes_and_address_are_the_same() {
        let bytes = bcs::to_bytes(&@0xfa);
        assert!(to_address(bytes) == @0xfa, 1);
    }
}
