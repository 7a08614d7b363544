/// The term in force: the grant of its epoch, and the last view of it that members have shown.
module settlement::terms {
    use std::option::{Self, Option};
    use std::vector;
    use settlement::quorum;

    friend settlement::channel;

    /// Grants in the record. Older ones stay readable by `channel::grants`.
    const KEPT_GRANTS: u64 = 256;

    struct Term has store {
        /// Zero before the first grant.
        epoch: u64,
        /// Join sequence of the member to which the epoch was granted.
        granted: u64,
        /// Join sequences of the members valid at the grant, ascending.
        valid: vector<u64>,
        granted_at: u64,
        view: u64,
        /// First epoch in the record, and the one in force at the last settlement.
        kept: u64,
        settled: u64,
    }

    /// What nodes read: its encoding is the nodes' `TermRecord`.
    struct TermRecord has copy, drop, store {
        epoch: u64,
        view: u64,
        leader: address,
        join_sequence: u64,
    }

    public(friend) fun none(): Term {
        let (epoch, granted, granted_at, view) = (0, 0, 0, 0);
        Term { epoch, granted, valid: vector::empty(), granted_at, view, kept: 1, settled: 1 }
    }

    /// The next epoch is granted.
    public(friend) fun grant(term: &mut Term, granted: u64, valid: vector<u64>, now: u64): u64 {
        term.epoch = term.epoch + 1;
        term.granted = granted;
        term.valid = valid;
        term.granted_at = now;
        term.view = 0;
        term.epoch
    }

    /// A settlement executed. What a late node replays after the last one begins no earlier than the
    /// epoch in force at the one before: a settlement is proposed once that one has left the books.
    public(friend) fun settle(term: &mut Term) {
        term.kept = term.settled;
        term.settled = term.epoch;
    }

    /// The epoch in force at the last settlement; the first one before any.
    public(friend) fun settled(term: &Term): u64 {
        term.settled
    }

    /// The first epoch whose grant is in the record.
    public(friend) fun first_kept(term: &Term): u64 {
        let (first, last) = (term.kept, term.epoch);
        if (last >= first + KEPT_GRANTS) last - KEPT_GRANTS + 1 else first
    }

    public(friend) fun show(term: &mut Term, view: u64) {
        term.view = view;
    }

    public(friend) fun epoch(term: &Term): u64 {
        term.epoch
    }

    public(friend) fun view(term: &Term): u64 {
        term.view
    }

    public(friend) fun valid(term: &Term): &vector<u64> {
        &term.valid
    }

    public(friend) fun granted_at(term: &Term): u64 {
        term.granted_at
    }

    /// Join sequence of the leader: the epoch's valid members lead its views in turn, in join order,
    /// from the one on to which it was granted. Only after the first grant.
    public(friend) fun leader(term: &Term): u64 {
        let (_, first) = quorum::find_number(&term.valid, term.granted);
        let count = vector::length(&term.valid);
        *vector::borrow(&term.valid, (first + term.view % count) % count)
    }

    public(friend) fun record(term: &Term, account: address): Option<TermRecord> {
        if (term.epoch == 0) return option::none();
        option::some(
            TermRecord { epoch: term.epoch, view: term.view, leader: account, join_sequence: leader(term) }
        )
    }

    #[test_only]
    fun drop(term: Term) {
        let Term {
            epoch: _, granted: _, valid: _, granted_at: _, view: _, kept: _, settled: _,
        } = term;
    }

    #[test]
    fun valid_members_lead_in_join_order_from_the_granted_one_on() {
        let term = none();
        assert!(grant(&mut term, 5, vector[2, 5, 9], 7) == 1, 1);
        assert!(leader(&term) == 5, 2);
        show(&mut term, 1);
        assert!(leader(&term) == 9, 3);
        show(&mut term, 2);
        assert!(leader(&term) == 2, 4);
        show(&mut term, 18446744073709551615);
        assert!(leader(&term) == 5, 5);
        assert!(grant(&mut term, 9, vector[5, 9], 8) == 2 && view(&term) == 0, 6);
        assert!(leader(&term) == 9, 7);
        drop(term);
    }
}
