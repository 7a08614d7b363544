/// What who comes into a channel brings besides money: a node that agrees, and where to find it.
module settlement::admission {
    use std::bcs;
    use std::string::{Self, String};
    use std::vector;
    use runtime::ed25519;
    use settlement::coin;

    friend settlement::channel;

    /// Endpoints of a member, and bytes of each.
    const MOST_ENDPOINTS: u64 = 8;
    const MOST_BYTES: u64 = 256;

    /// Whether the node has agreed to act for `account` in the channel.
    public(friend) fun agrees(
        channel: address,
        account: address,
        node: address,
        proof: &vector<u8>,
    ): bool {
        ed25519::verify(&bcs::to_bytes(&node), &proof_message(channel, account), proof)
    }

    /// The endpoints as text; whether they are few and short enough.
    public(friend) fun texts(endpoints: vector<vector<u8>>): (bool, vector<String>) {
        let texts = vector::empty();
        if (vector::length(&endpoints) > MOST_ENDPOINTS) return (false, texts);
        vector::reverse(&mut endpoints);
        while (!vector::is_empty(&endpoints)) {
            let endpoint = vector::pop_back(&mut endpoints);
            if (vector::length(&endpoint) > MOST_BYTES) return (false, texts);
            vector::push_back(&mut texts, string::utf8(endpoint));
        };
        (true, texts)
    }

    /// What a node signs to act for `account` in a channel: the nodes' `JoinProof`.
    fun proof_message(channel: address, account: address): vector<u8> {
        let message = b"fairway/1/sign/join";
        vector::push_back(&mut message, 0);
        vector::append(&mut message, bcs::to_bytes(&coin::chain_id()));
        vector::append(&mut message, bcs::to_bytes(&channel));
        vector::append(&mut message, bcs::to_bytes(&account));
        message
    }

    #[test_only]
    /// The node with the key of this seed agrees to act for `account` in `channel`.
    public fun proof_for_testing(seed: vector<u8>, channel: address, account: address): vector<u8> {
        ed25519::sign_for_testing(&seed, &proof_message(channel, account))
    }
}
