/// Proofs of blocks: what members certified, shown to the contract so that neither a proposal of few
/// nor an exit goes past it. Anybody may show them, a watchtower for somebody who is offline too.
module settlement::shown {
    use std::bcs;
    use std::signer;
    use std::vector;
    use runtime::event;
    use settlement::account;
    use settlement::channel;
    use settlement::header::{Self, Header};
    use settlement::ids;
    use settlement::quorum;
    use settlement::rules;
    use settlement::windows;

    /// A header is of another channel.
    const E_OTHER_CHANNEL: u64 = 1;
    /// A header is not the parent of the next, or there is none.
    const E_NOT_LINKED: u64 = 2;
    /// The block lies not above the last settlement.
    const E_SETTLED: u64 = 3;
    /// Those who acked are no two thirds, of the active members for an anchor (all, where everybody
    /// settles), or of those valid in the block's epoch.
    const E_NOT_CERTIFIED: u64 = 4;
    /// A proof at least as good was shown.
    const E_NOT_BETTER: u64 = 5;
    /// A window has ended: what was shown until then counts. Or it is in its last third, or disputed,
    /// and takes anchors alone.
    const E_TOO_LATE: u64 = 6;
    /// No anchor, and of an epoch before the last settlement: who was alone then could still make it.
    const E_OLD_EPOCH: u64 = 7;
    /// The caller led no headers up.
    const E_NOT_LED: u64 = 8;

    friend settlement::complaint;
    friend settlement::settlement;

    /// Headers that somebody led up so far, for a proof of more than fit one transaction: the first
    /// and the last of them. Under an address made of who it is and the channel.
    struct Trail has key, drop { first: Header, last: Header }

    /// Where a `Trail` is stored.
    struct Place has drop { caller: address, channel: address }

    struct BlockShown has copy, drop, store { channel: address, height: u64, block: address, anchored: bool }

    /// Shows the block of the last of `headers`, each the parent of the next. Those who acked it are
    /// `signers`, sorted, with their signatures: two thirds of the members valid in its epoch. The
    /// first header's block is its anchor where `anchor_signers` acked that: two thirds of the active
    /// members, or all where everybody settles. One header may be both; then `signers` stay away.
    public entry fun show(
        _caller: &signer,
        channel: address,
        headers: vector<vector<u8>>,
        anchor_signers: vector<address>,
        anchor_signatures: vector<vector<u8>>,
        signers: vector<address>,
        signatures: vector<vector<u8>>,
    ) {
        let (first, last) = ends(channel, &headers);
        show_between(channel, first, last, anchor_signers, anchor_signatures, signers, signatures);
    }

    /// Leads headers up: where the caller's last ones in the channel end, or else from anew. They say
    /// nothing by themselves: `show_led` and `settlement::support_led` go on from them.
    public entry fun lead(caller: &signer, channel: address, headers: vector<vector<u8>>)
    acquires Trail {
        let caller = signer::address_of(caller);
        let (first, last) = ends(channel, &headers);
        let place = place_of(caller, channel);
        if (exists<Trail>(place)) {
            let before = move_from<Trail>(place);
            if (header::follows(&first, &before.last)) first = before.first;
        };
        move_to(&account::create_signer(place), Trail { first, last });
    }

    /// `show` of a block that lies further above its anchor than one transaction has room for: the
    /// anchor is the first of the headers that the caller led up, and these go on where they end.
    public entry fun show_led(
        caller: &signer,
        channel: address,
        headers: vector<vector<u8>>,
        anchor_signers: vector<address>,
        anchor_signatures: vector<vector<u8>>,
        signers: vector<address>,
        signatures: vector<vector<u8>>,
    ) acquires Trail {
        let (first, last) = led_ends(signer::address_of(caller), channel, &headers);
        show_between(channel, first, last, anchor_signers, anchor_signatures, signers, signatures);
    }

    fun show_between(
        channel: address,
        first: Header,
        last: Header,
        anchor_signers: vector<address>,
        anchor_signatures: vector<vector<u8>>,
        signers: vector<address>,
        signatures: vector<vector<u8>>,
    ) {
        let (_, settled, _, _) = channel::settled(channel);
        assert!(!windows::is_over(channel), E_TOO_LATE);
        let (last_epoch, last_view, height) = header::place(&last);
        assert!(height > settled, E_SETTLED);
        let (anchor_epoch, anchor_view, anchor_height) = (0, 0, 0);
        let (anchor_block, anchor_root) = (@0x0, @0x0);
        let anchored = !vector::is_empty(&anchor_signers);
        if (anchored) {
            let whole = is_certified(channel, &first, true, &anchor_signers, &anchor_signatures);
            assert!(whole, E_NOT_CERTIFIED);
            (anchor_epoch, anchor_view, anchor_height) = header::place(&first);
            assert!(anchor_height > settled, E_SETTLED);
            (anchor_block, anchor_root) = (header::hash(&first), header::state_root(&first));
        };
        if (!anchored || header::hash(&first) != header::hash(&last)) {
            // Where everybody settles, the word of fewer counts for nothing.
            assert!(!rules::asks_everybody(channel), E_NOT_CERTIFIED);
            assert!(!windows::takes_anchors_alone(channel, rules::window(channel)), E_TOO_LATE);
            assert!(anchored || last_epoch >= channel::settled_epoch(channel), E_OLD_EPOCH);
            let valid = is_certified(channel, &last, false, &signers, &signatures);
            assert!(valid, E_NOT_CERTIFIED);
        };
        let (block, root) = (header::hash(&last), header::state_root(&last));
        let shown = windows::shown_block(
            anchor_height, anchor_epoch, anchor_view, height, last_epoch, last_view, block, root,
            anchor_block, anchor_root,
        );
        assert!(windows::show(channel, shown, rules::window(channel)), E_NOT_BETTER);
        event::emit(BlockShown { channel, height, block, anchored });
    }

    /// Whether two thirds acked the block, of the active members or of those valid in its epoch: enough
    /// to know that it was made, not to pay by it.
    public(friend) fun is_known(
        channel: address,
        block: &Header,
        signers: &vector<address>,
        signatures: &vector<vector<u8>>,
    ): bool {
        let (epoch, _, _) = header::place(block);
        let (electors, active, valid, whole_valid) = channel::certifiers(channel, epoch);
        let (of_active, of_valid) =
            header::acked_weight(block, &electors, &active, &valid, signers, signatures);
        quorum::is_enough(of_valid, whole_valid)
            || quorum::is_enough(of_active, quorum::total(&active))
    }

    /// Whether enough acked the block: of the active members in its epoch, or of those valid in it.
    fun is_certified(
        channel: address,
        block: &Header,
        by_active: bool,
        signers: &vector<address>,
        signatures: &vector<vector<u8>>,
    ): bool {
        let (epoch, _, _) = header::place(block);
        let (electors, active, valid, whole_valid) = channel::certifiers(channel, epoch);
        let (of_active, of_valid) =
            header::acked_weight(block, &electors, &active, &valid, signers, signatures);
        if (!by_active) return quorum::is_enough(of_valid, whole_valid);
        let whole = quorum::total(&active);
        if (rules::asks_everybody(channel)) return whole > 0 && of_active == whole;
        quorum::is_enough(of_active, whole)
    }

    /// The first of the headers that the caller led up, and the last of these, which go on where those
    /// end. They are led anew for the next proof.
    public(friend) fun led_ends(caller: address, channel: address, headers: &vector<vector<u8>>)
    : (Header, Header) acquires Trail {
        let place = place_of(caller, channel);
        assert!(exists<Trail>(place), E_NOT_LED);
        let Trail { first, last: before } = move_from<Trail>(place);
        let (next, last) = ends(channel, headers);
        assert!(header::follows(&next, &before), E_NOT_LINKED);
        (first, last)
    }

    fun place_of(caller: address, channel: address): address {
        ids::hash(b"trail", bcs::to_bytes(&Place { caller, channel }))
    }

    /// The first and the last of headers of this channel that follow each other: heights without a gap,
    /// terms that never go back.
    public(friend) fun ends(channel: address, headers: &vector<vector<u8>>): (Header, Header) {
        let (index, count) = (1, vector::length(headers));
        assert!(count > 0, E_NOT_LINKED);
        let first = header::decode(*vector::borrow(headers, 0));
        assert!(header::channel(&first) == channel, E_OTHER_CHANNEL);
        let last = copy first;
        while (index < count) {
            let next = header::decode(*vector::borrow(headers, index));
            assert!(header::channel(&next) == channel, E_OTHER_CHANNEL);
            assert!(header::follows(&next, &last), E_NOT_LINKED);
            last = next;
            index = index + 1;
        };
        (first, last)
    }
}
