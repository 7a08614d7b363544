/// Signatures.
module runtime::ed25519 {
    /// Whether `signature` is `public_key`'s over `message`, by the rule that every node and the ledger
    /// follow (P-131 of the protocol); false on malformed input.
    native public fun verify(
        public_key: &vector<u8>,
        message: &vector<u8>,
        signature: &vector<u8>,
    ): bool;

    #[test_only]
    /// The public key of a 32-byte secret seed.
    native public fun public_key_for_testing(seed: &vector<u8>): vector<u8>;

    #[test_only]
    /// A signature with a 32-byte secret seed.
    native public fun sign_for_testing(seed: &vector<u8>, message: &vector<u8>): vector<u8>;

    #[test]
    fun malformed_input_verifies_nothing() {
        assert!(!verify(&x"00", &b"message", &x"01"), 1);
    }

    #[test]
    /// RFC 8032, section 7.1, test 2.
    fun a_known_signature_verifies() {
        let key = x"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
        let signature = x"92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";
        assert!(verify(&key, &x"72", &signature), 1);
        assert!(!verify(&key, &x"73", &signature), 2);
    }
}
