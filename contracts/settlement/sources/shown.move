/// Proofs of blocks: what members certified, shown to the contract so that neither a proposal of few
/// nor an exit goes past it. Anybody may show them, a watchtower for somebody who is offline too.
module settlement::shown {
    use std::vector;
    use runtime::event;
    use settlement::channel;
    use settlement::header::{Self, Header};
    use settlement::quorum;
    use settlement::rules;
    use settlement::windows;

    /// A header is of another channel.
    const E_OTHER_CHANNEL: u64 = 1;
    /// A header is not the parent of the next.
    const E_NOT_LINKED: u64 = 2;
    /// The block lies not above the last settlement.
    const E_SETTLED: u64 = 3;
    /// Those who acked are no two thirds, of the active members for an anchor (all, where everybody
    /// settles), or of those valid in the block's epoch.
    const E_NOT_CERTIFIED: u64 = 4;
    /// A proof at least as good was shown.
    const E_NOT_BETTER: u64 = 5;
    /// A window has ended: what was shown until then counts.
    const E_TOO_LATE: u64 = 6;

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
        let (_, settled, _, _) = channel::settled(channel);
        assert!(!windows::is_over(channel), E_TOO_LATE);
        let (first, last) = ends(channel, &headers);
        let (last_epoch, last_view, height) = header::place(&last);
        assert!(height > settled, E_SETTLED);
        let (anchor_epoch, anchor_view, anchor_height) = (0, 0, 0);
        let anchored = !vector::is_empty(&anchor_signers);
        if (anchored) {
            let whole = is_certified(channel, &first, true, &anchor_signers, &anchor_signatures);
            assert!(whole, E_NOT_CERTIFIED);
            (anchor_epoch, anchor_view, anchor_height) = header::place(&first);
            assert!(anchor_height > settled, E_SETTLED);
        };
        if (!anchored || vector::length(&headers) > 1) {
            // Where everybody settles, the word of fewer counts for nothing.
            assert!(!rules::asks_everybody(channel), E_NOT_CERTIFIED);
            let valid = is_certified(channel, &last, false, &signers, &signatures);
            assert!(valid, E_NOT_CERTIFIED);
        };
        let (block, root) = (header::hash(&last), header::state_root(&last));
        let shown = windows::shown_block(
            anchor_height, anchor_epoch, anchor_view, height, last_epoch, last_view, block, root,
        );
        assert!(windows::show(channel, shown, rules::window(channel)), E_NOT_BETTER);
        event::emit(BlockShown { channel, height, block, anchored });
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
        let (electors, active, valid) = channel::certifiers(channel, epoch);
        let (of_active, of_valid) =
            header::acked_weight(block, &electors, &active, &valid, signers, signatures);
        if (!by_active) return quorum::is_enough(of_valid, quorum::total(&valid));
        let whole = quorum::total(&active);
        if (rules::asks_everybody(channel)) return whole > 0 && of_active == whole;
        quorum::is_enough(of_active, whole)
    }

    /// The first and the last of headers of this channel that follow each other.
    fun ends(channel: address, headers: &vector<vector<u8>>): (Header, Header) {
        let (index, count) = (1, vector::length(headers));
        assert!(count > 0, E_NOT_LINKED);
        let first = header::decode(*vector::borrow(headers, 0));
        assert!(header::channel(&first) == channel, E_OTHER_CHANNEL);
        let last = copy first;
        while (index < count) {
            let next = header::decode(*vector::borrow(headers, index));
            assert!(header::parent(&next) == header::hash(&last), E_NOT_LINKED);
            last = next;
            index = index + 1;
        };
        (first, last)
    }
}
