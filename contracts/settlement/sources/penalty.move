/// Misbehaviour and what it costs. Who signed twice is fined on two signatures; whom others accuse of
/// anything else, on their votes. A convicted member is valid no more, is taken out and paid what it
/// holds, and may not come back for five minutes.
module settlement::penalty {
    use std::bcs;
    use std::signer;
    use std::vector;
    use runtime::context;
    use runtime::ed25519;
    use runtime::event;
    use settlement::account;
    use settlement::channel;
    use settlement::header;
    use settlement::ids;
    use settlement::quorum;
    use settlement::rules;
    use settlement::seats;
    use settlement::windows;

    /// The reporter is pending, or convicted itself.
    const E_NOT_ACTIVE: u64 = 1;
    /// There is no such member to accuse, or it is the reporter, or it was convicted already; it has
    /// left, and nothing of it is held; or it was not in the channel in that epoch.
    const E_BAD_ACCUSED: u64 = 2;
    /// The reporter's collateral does not cover the bond.
    const E_NO_BOND: u64 = 3;
    /// The reporter or the accused has a report that waits, or too many do.
    const E_NO_ROOM: u64 = 4;
    /// This was reported and decided before.
    const E_DECIDED: u64 = 5;
    /// There is no such report, or its time is over.
    const E_NO_REPORT: u64 = 6;
    /// The lists differ in length.
    const E_LENGTHS: u64 = 7;
    /// Voters are not sorted, or one is named twice.
    const E_DOUBLE_VOTE: u64 = 8;
    /// A vote's signature does not verify.
    const E_BAD_SIGNATURE: u64 = 9;
    /// The votes are too few.
    const E_NOT_ENOUGH_VOTES: u64 = 10;
    /// Not two different signed things of one place, by the accused's node.
    const E_NOT_DOUBLE: u64 = 11;

    /// Milliseconds until who was convicted may come back.
    const BAN: u64 = 300000;
    /// Milliseconds in which members vote on a report.
    const VOTING: u64 = 60000;
    /// Milliseconds a heartbeat counts, as in `membership`.
    const VALIDITY: u64 = 15000;

    /// What was decided before, under an address made of channel, node and what it did.
    struct Decided has key {}

    /// Where a `Decided` is stored.
    struct Place has drop { channel: address, node: address, what: address }

    struct Reported has copy, drop, store { channel: address, reporter: address, accused: address, evidence: address }
    struct Convicted has copy, drop, store { channel: address, accused: address, fine: u64, reporter: address, until: u64 }
    struct Acquitted has copy, drop, store { channel: address, accused: address, bond: u64, reporter: address }

    /// Accuses a member, by its join sequence, of what the evidence with this hash shows; also one that
    /// has left, as long as its collateral is held. With two members there is nobody to judge: the
    /// accused is taken out and banned, and not fined. With more the others vote (`decide`).
    public entry fun report(node: &signer, channel: address, accused: u64, evidence: address) {
        let reporter = channel::seat_of_node(channel, signer::address_of(node));
        assert!(seats::has_votes(&reporter) && !seats::is_barred(&reporter), E_NOT_ACTIVE);
        let (found, seat) = channel::seat_of(channel, accused);
        let by = seats::join_sequence(&reporter);
        let (accused_node, accused_account) = party(channel, accused);
        let until = context::time_ms() + VOTING;
        let fits = if (found) by != accused && seats::has_votes(&seat) && !seats::is_barred(&seat)
            else channel::hold_for(channel, accused_account, until + 1) > 0;
        assert!(fits, E_BAD_ACCUSED);
        let what = decided_place(channel, accused_node, evidence);
        assert!(!exists<Decided>(what), E_DECIDED);
        let by_account = seats::account(&reporter);
        event::emit(Reported { channel, reporter: by_account, accused: accused_account, evidence });
        let others = channel::parties(channel) - (if (found) 1 else 0);
        if (others == 1) {
            remember(what);
            convict(channel, accused, accused_account, 0, by_account);
            return
        };
        let (_, _, bond) = rules::stakes(channel);
        assert!(channel::backing_of(channel, &reporter) >= bond, E_NO_BOND);
        assert!(windows::report(channel, evidence, by, accused, VOTING), E_NO_ROOM);
    }

    /// Decides a report by members' votes on its evidence, all of them `guilty` or all of them not:
    /// at least two, and two thirds of the weight that is valid now without the accused; two convict,
    /// where the channel's rule says so, but never acquit. The guilty is fined, half of it for the
    /// reporter, also if it has left; for a false report the reporter loses its bond.
    public entry fun decide(
        _caller: &signer,
        channel: address,
        accused: u64,
        guilty: bool,
        voters: vector<address>,
        signatures: vector<vector<u8>>,
    ) {
        let (accused_node, accused_account) = party(channel, accused);
        let (waits, evidence, reporter) = windows::close_report(channel, accused);
        assert!(waits, E_NO_REPORT);
        check_votes(channel, accused, accused_node, evidence, guilty, &voters, &signatures);
        remember(decided_place(channel, accused_node, evidence));
        let (_, fine, bond) = rules::stakes(channel);
        let (_, account) = party(channel, reporter);
        if (guilty) return convict(channel, accused, accused_account, fine, account);
        let bond = channel::fine(channel, reporter, bond, @settlement);
        event::emit(Acquitted { channel, accused: accused_account, bond, reporter: account });
    }

    /// Convicts who signed two different blocks at one place: the accused's node signed both headers.
    /// Anybody may show it, also after the channel's end; a share of the fine is for active members.
    public entry fun double_block(
        node: &signer,
        channel: address,
        accused: u64,
        first: vector<u8>,
        first_signature: vector<u8>,
        second: vector<u8>,
        second_signature: vector<u8>,
    ) {
        let (signer_of_both, _) = party(channel, accused);
        let signed = header::is_signed(&first, signer_of_both, &first_signature)
            && header::is_signed(&second, signer_of_both, &second_signature);
        let (one, other) = (header::decode(first), header::decode(second));
        let (epoch, view, height) = header::place(&one);
        let (other_epoch, other_view, other_height) = header::place(&other);
        let one_place = epoch == other_epoch && view == other_view && height == other_height
            && header::channel(&one) == channel && header::channel(&other) == channel;
        let differ = header::hash(&one) != header::hash(&other);
        assert!(signed && one_place && differ, E_NOT_DOUBLE);
        punish_double(node, channel, accused, signer_of_both, b"block", epoch, view, height);
    }

    /// Convicts who acked two different blocks at one place, as `double_block` does.
    public entry fun double_ack(
        node: &signer,
        channel: address,
        accused: u64,
        epoch: u64,
        view: u64,
        height: u64,
        first: address,
        first_signature: vector<u8>,
        second: address,
        second_signature: vector<u8>,
    ) {
        let (by, _) = party(channel, accused);
        let first_holds = header::is_acked(channel, epoch, view, height, first, by, &first_signature);
        let second_holds =
            header::is_acked(channel, epoch, view, height, second, by, &second_signature);
        assert!(first != second && first_holds && second_holds, E_NOT_DOUBLE);
        punish_double(node, channel, accused, by, b"ack", epoch, view, height);
    }

    /// Node and account of a member as it joined, also after it left.
    fun party(channel: address, join_sequence: u64): (address, address) {
        let known = channel::joined(channel, join_sequence);
        assert!(!vector::is_empty(&known), E_BAD_ACCUSED);
        let record = vector::borrow(&known, 0);
        (channel::node_of(record), channel::holder_of(record))
    }

    /// Once for each place, and of the stay in which it happened: else a friend could have an earlier
    /// one, of which nothing is left, take the blame.
    fun punish_double(
        node: &signer,
        channel: address,
        accused: u64,
        by: address,
        what: vector<u8>,
        epoch: u64,
        view: u64,
        height: u64,
    ) {
        assert!(channel::was_in(channel, accused, epoch), E_BAD_ACCUSED);
        let (member, reporter, reported_by) =
            channel::member_of_node(channel, signer::address_of(node));
        assert!(!member || reported_by != accused, E_BAD_ACCUSED);
        vector::append(&mut what, bcs::to_bytes(&epoch));
        vector::append(&mut what, bcs::to_bytes(&view));
        vector::append(&mut what, bcs::to_bytes(&height));
        let place = decided_place(channel, by, ids::hash(b"double", what));
        assert!(!exists<Decided>(place), E_DECIDED);
        remember(place);
        let (_, fine, _) = rules::stakes(channel);
        let (_, account) = party(channel, accused);
        convict(channel, accused, account, fine, if (member) reporter else @settlement);
    }

    fun convict(channel: address, accused: u64, account: address, fine: u64, reporter: address) {
        let until = context::time_ms() + BAN;
        channel::bar(channel, accused, until);
        let fine = channel::fine(channel, accused, fine, reporter);
        event::emit(Convicted { channel, accused: account, fine, reporter, until });
    }

    fun check_votes(
        channel: address,
        accused: u64,
        accused_node: address,
        evidence: address,
        guilty: bool,
        voters: &vector<address>,
        signatures: &vector<vector<u8>>,
    ) {
        assert!(vector::length(voters) == vector::length(signatures), E_LENGTHS);
        let (electors, weights) = channel::judges(channel, VALIDITY);
        let (there, of_accused) = quorum::find(&electors, accused_node);
        if (there) *vector::borrow_mut(&mut weights, of_accused) = 0;
        let message = verdict_message(channel, accused, evidence, guilty);
        let (part, convinced, place) = (0, 0, 0);
        let (index, count) = (0, vector::length(voters));
        while (index < count) {
            let voter = *vector::borrow(voters, index);
            let sorted = index == 0 || ids::comes_before(*vector::borrow(voters, index - 1), voter);
            assert!(sorted, E_DOUBLE_VOTE);
            let (known, found) = quorum::find_from(&electors, place, voter);
            if (known && *vector::borrow(&weights, found) > 0) {
                let signature = vector::borrow(signatures, index);
                let signed = ed25519::verify(&bcs::to_bytes(&voter), &message, signature);
                assert!(signed, E_BAD_SIGNATURE);
                part = part + *vector::borrow(&weights, found);
                convinced = convinced + 1;
            };
            place = found;
            index = index + 1;
        };
        let whole = quorum::total(&weights);
        let enough = guilty && rules::two_convict(channel) || quorum::is_enough(part, whole);
        assert!(convinced >= 2 && enough, E_NOT_ENOUGH_VOTES);
    }

    /// What a node signs to vote on evidence: the nodes' `Verdict`.
    fun verdict_message(channel: address, accused: u64, evidence: address, guilty: bool)
    : vector<u8> {
        let message = b"fairway/1/sign/verdict";
        vector::push_back(&mut message, 0);
        vector::append(&mut message, bcs::to_bytes(&channel));
        vector::append(&mut message, bcs::to_bytes(&accused));
        vector::append(&mut message, bcs::to_bytes(&evidence));
        vector::append(&mut message, bcs::to_bytes(&guilty));
        message
    }

    fun remember(place: address) {
        move_to(&account::create_signer(place), Decided {});
    }

    fun decided_place(channel: address, node: address, what: address): address {
        ids::hash(b"decided", bcs::to_bytes(&Place { channel, node, what }))
    }

    #[test_only]
    public fun verdict_for_testing(
        seed: &vector<u8>,
        channel: address,
        accused: u64,
        evidence: address,
        guilty: bool,
    ): vector<u8> {
        ed25519::sign_for_testing(seed, &verdict_message(channel, accused, evidence, guilty))
    }
}
