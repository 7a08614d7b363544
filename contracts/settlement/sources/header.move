/// Headers of blocks, and what nodes sign about them.
module settlement::header {
    use std::bcs;
    use std::vector;
    use runtime::ed25519;
    use settlement::bytes;
    use settlement::ids;
    use settlement::quorum;

    /// These bytes are no header.
    const E_MALFORMED: u64 = 1;
    /// The lists differ in length.
    const E_LENGTHS: u64 = 2;
    /// Signers are not sorted, or one is named twice.
    const E_DOUBLE_SIGNER: u64 = 3;
    /// A signature does not verify.
    const E_BAD_SIGNATURE: u64 = 4;

    /// What a contract needs of a block's header; the bytes are the nodes' `Header`.
    struct Header has copy, drop, store {
        hash: address,
        channel: address,
        parent: address,
        height: u64,
        epoch: u64,
        view: u64,
        time: u64,
        state_root: address,
    }

    /// Its encoding is the nodes' `Ack`.
    struct Ack has copy, drop {
        channel: address,
        epoch: u64,
        view: u64,
        height: u64,
        block: address,
    }

    public fun decode(encoded: vector<u8>): Header {
        let hash = ids::hash(b"block", copy encoded);
        let reader = bytes::over(encoded);
        let channel = bytes::read_address(&mut reader);
        let parent = bytes::read_address(&mut reader);
        let height = bytes::read_u64(&mut reader);
        let epoch = bytes::read_u64(&mut reader);
        let view = bytes::read_u64(&mut reader);
        let time = bytes::read_u64(&mut reader);
        bytes::skip(&mut reader, 8);
        let opens = bytes::read_u8(&mut reader);
        assert!(opens <= 1, E_MALFORMED);
        // The opening, if there is one; the roots of transactions and effects.
        bytes::skip(&mut reader, if (opens == 1) 96 else 64);
        let state_root = bytes::read_address(&mut reader);
        // Room for what later versions commit to: empty.
        assert!(bytes::read_u8(&mut reader) == 0, E_MALFORMED);
        bytes::end(reader);
        Header { hash, channel, parent, height, epoch, view, time, state_root }
    }

    public fun hash(header: &Header): address {
        header.hash
    }

    public fun channel(header: &Header): address {
        header.channel
    }

    public fun parent(header: &Header): address {
        header.parent
    }

    /// Epoch, view and height.
    public fun place(header: &Header): (u64, u64, u64) {
        (header.epoch, header.view, header.height)
    }

    /// Whether a block can be the next after another: its parent, height and term say so.
    public fun follows(next: &Header, last: &Header): bool {
        let no_earlier = next.epoch > last.epoch || next.epoch == last.epoch && next.view >= last.view;
        next.parent == last.hash && next.height > 0 && next.height - 1 == last.height && no_earlier
    }

    public fun time(header: &Header): u64 {
        header.time
    }

    public fun state_root(header: &Header): address {
        header.state_root
    }

    /// Whether the leader's node signed these bytes as a block's header.
    public fun is_signed(encoded: &vector<u8>, node: address, signature: &vector<u8>): bool {
        let message = b"fairway/1/sign/block";
        vector::push_back(&mut message, 0);
        vector::append(&mut message, *encoded);
        ed25519::verify(&bcs::to_bytes(&node), &message, signature)
    }

    /// Whether the node acked this block at this place.
    public fun is_acked(
        channel: address,
        epoch: u64,
        view: u64,
        height: u64,
        block: address,
        node: address,
        signature: &vector<u8>,
    ): bool {
        let message = ack_message(channel, epoch, view, height, block);
        ed25519::verify(&bcs::to_bytes(&node), &message, signature)
    }

    /// What those of `electors`, sorted, weigh that acked the block: each of the two lists of weights
    /// summed over the signers. Strangers weigh nothing; every elector's signature must hold.
    public fun acked_weight(
        header: &Header,
        electors: &vector<address>,
        weights: &vector<u64>,
        other_weights: &vector<u64>,
        signers: &vector<address>,
        signatures: &vector<vector<u8>>,
    ): (u64, u64) {
        let count = vector::length(signers);
        assert!(vector::length(signatures) == count, E_LENGTHS);
        let Header { hash, channel, parent: _, height, epoch, view, time: _, state_root: _ } = *header;
        let message = ack_message(channel, epoch, view, height, hash);
        let (part, other, index, place) = (0, 0, 0, 0);
        while (index < count) {
            let signer = *vector::borrow(signers, index);
            let sorted = index == 0
                || ids::comes_before(*vector::borrow(signers, index - 1), signer);
            assert!(sorted, E_DOUBLE_SIGNER);
            let (known, found) = quorum::find_from(electors, place, signer);
            if (known) {
                let signature = vector::borrow(signatures, index);
                let holds = ed25519::verify(&bcs::to_bytes(&signer), &message, signature);
                assert!(holds, E_BAD_SIGNATURE);
                part = part + *vector::borrow(weights, found);
                other = other + *vector::borrow(other_weights, found);
            };
            place = found;
            index = index + 1;
        };
        (part, other)
    }

    fun ack_message(channel: address, epoch: u64, view: u64, height: u64, block: address): vector<u8> {
        let message = b"fairway/1/sign/ack";
        vector::push_back(&mut message, 0);
        vector::append(&mut message, bcs::to_bytes(&Ack { channel, epoch, view, height, block }));
        message
    }

    #[test_only]
    public fun ack_for_testing(seed: &vector<u8>, header: &Header): vector<u8> {
        let message =
            ack_message(header.channel, header.epoch, header.view, header.height, header.hash);
        ed25519::sign_for_testing(seed, &message)
    }

    #[test_only]
    public fun sign_for_testing(seed: &vector<u8>, encoded: &vector<u8>): vector<u8> {
        let message = b"fairway/1/sign/block";
        vector::push_back(&mut message, 0);
        vector::append(&mut message, *encoded);
        ed25519::sign_for_testing(seed, &message)
    }

    #[test_only]
    /// A header with these fields and zeros elsewhere.
    public fun encode_for_testing(
        channel: address,
        parent: address,
        height: u64,
        epoch: u64,
        view: u64,
        state_root: address,
    ): vector<u8> {
        encode_at_for_testing(channel, parent, height, epoch, view, 77, state_root)
    }

    #[test_only]
    /// The same, at a time.
    public fun encode_at_for_testing(
        channel: address,
        parent: address,
        height: u64,
        epoch: u64,
        view: u64,
        time: u64,
        state_root: address,
    ): vector<u8> {
        let encoded = bcs::to_bytes(&channel);
        vector::append(&mut encoded, bcs::to_bytes(&parent));
        vector::append(&mut encoded, bcs::to_bytes(&height));
        vector::append(&mut encoded, bcs::to_bytes(&epoch));
        vector::append(&mut encoded, bcs::to_bytes(&view));
        vector::append(&mut encoded, bcs::to_bytes(&time));
        vector::append(&mut encoded, bcs::to_bytes(&0u64));
        vector::push_back(&mut encoded, 0);
        vector::append(&mut encoded, bcs::to_bytes(&@0x0));
        vector::append(&mut encoded, bcs::to_bytes(&@0x0));
        vector::append(&mut encoded, bcs::to_bytes(&state_root));
        vector::push_back(&mut encoded, 0);
        encoded
    }

    #[test]
    fun a_header_is_read_as_nodes_write_it() {
        let encoded = encode_for_testing(@0x77, @0x1, 9, 3, 2, @0x11);
        let header = decode(copy encoded);
        let (epoch, view, height) = place(&header);
        assert!(epoch == 3 && view == 2 && height == 9 && time(&header) == 77, 1);
        assert!(channel(&header) == @0x77 && parent(&header) == @0x1, 2);
        assert!(state_root(&header) == @0x11, 3);
        assert!(hash(&header) == ids::hash(b"block", encoded), 4);
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun a_header_with_something_in_its_extension_is_none() {
        let encoded = encode_for_testing(@0x77, @0x1, 9, 3, 2, @0x11);
        vector::pop_back(&mut encoded);
        vector::push_back(&mut encoded, 1);
        vector::push_back(&mut encoded, 7);
        decode(encoded);
    }
}
