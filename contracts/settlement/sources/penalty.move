/// Misbehaviour and what it costs. Who signed twice is fined on two signatures; whom others accuse of
/// anything else, on the word of the chain, which executes the disputed block again, or, where that does
/// not fit a transaction, on members' votes. A convicted member is valid no more, is taken out and paid
/// what it holds, and may not come back for five minutes.
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

    /// The reporter is pending, or convicted itself; who asks for a judgement has no seat, and nothing of it
    /// is held.
    const E_NOT_ACTIVE: u64 = 1;
    /// There is no such member to accuse, or it is the reporter, or it was convicted already; it has
    /// left, and nothing of it is held; or it was not in the channel in that epoch.
    const E_BAD_ACCUSED: u64 = 2;
    /// The reporter's collateral does not cover the bond.
    const E_NO_BOND: u64 = 3;
    /// This evidence about the accused waits already, or too many reports of the reporter do.
    const E_NO_ROOM: u64 = 4;
    /// This was decided before, or the same member has reported it before.
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
    /// The evidence shows neither that the accused broke a rule nor that it kept them.
    const E_UNCLEAR: u64 = 12;
    /// The chain can't judge it: the channel's package does not run here, or executing the block takes
    /// more gas than the transaction brings.
    const E_DOES_NOT_FIT: u64 = 13;

    /// Milliseconds until who was convicted may come back.
    const BAN: u64 = 300000;
    /// Milliseconds in which members vote on a report.
    const VOTING: u64 = 60000;
    /// Milliseconds a heartbeat counts, as in `membership`.
    const VALIDITY: u64 = 15000;

    /// What the chain found, as the ledger's `Finding` numbers it; anything else: it does not fit.
    const GUILTY: u8 = 0;
    const INNOCENT: u8 = 1;
    const UNCLEAR: u8 = 2;

    /// What was decided before, under an address made of channel, node and what it did: evidence, a
    /// disputed block, a place with two signatures, or the stay in which it was convicted, and
    /// fined. And what a member has reported of it.
    struct Decided has key {}

    /// Where a `Decided` is stored.
    struct Place has drop { channel: address, node: address, what: address }

    struct Reported has copy, drop, store { channel: address, reporter: address, accused: address, evidence: address }
    struct Convicted has copy, drop, store { channel: address, accused: address, fine: u64, reporter: address, until: u64 }
    struct Acquitted has copy, drop, store { channel: address, accused: address, bond: u64, reporter: address }
    struct Undecided has copy, drop, store { channel: address, accused: address, bond: u64, reporter: address }

    /// Accuses a member, by its join sequence, of what the evidence with this hash shows; also one that
    /// has left, as long as its collateral is held. With two members there is nobody to vote: the
    /// accused is taken out and banned, and not fined; the chain itself can fine it (`judged`), on this
    /// evidence too, and either member can ask for that, as nothing says yet which one lies. With
    /// more the others vote (`decide`). Several reports about one accused may wait: one that nobody can
    /// judge keeps no other one away. A member reports the same evidence once.
    public entry fun report(node: &signer, channel: address, accused: u64, evidence: address) {
        end_overdue(channel);
        let reporter = channel::seat_of_node(channel, signer::address_of(node));
        assert!(seats::has_votes(&reporter) && !seats::is_barred(&reporter), E_NOT_ACTIVE);
        let by = seats::join_sequence(&reporter);
        let (accused_node, accused_account) = party(channel, accused);
        let what = decided_place(channel, accused_node, evidence);
        assert!(!exists<Decided>(what), E_DECIDED);
        let until = context::time_ms() + VOTING;
        assert!(by != accused && answers(channel, accused, until + 1), E_BAD_ACCUSED);
        let by_account = seats::account(&reporter);
        event::emit(Reported { channel, reporter: by_account, accused: accused_account, evidence });
        let (found, _) = channel::seat_of(channel, accused);
        let others = channel::parties(channel) - (if (found) 1 else 0);
        if (others == 1) {
            convict(channel, accused, accused_account, 0, by_account);
            return
        };
        check_bond(channel, by, channel::backing_of(channel, &reporter));
        let once = reported_place(channel, accused_node, by, evidence);
        assert!(!exists<Decided>(once), E_DECIDED);
        assert!(windows::report(channel, evidence, by, accused, VOTING), E_NO_ROOM);
        remember(once);
    }

    /// Decides a report by members' votes on its evidence, all of them `guilty` or all of them not:
    /// at least two, and two thirds of the weight that is valid now without the accused; two convict,
    /// where the channel's rule says so, but never acquit. The guilty is fined, half of it for the
    /// reporter, also if it has left; for a false report the reporter loses its bond.
    public entry fun decide(
        _caller: &signer,
        channel: address,
        accused: u64,
        evidence: address,
        guilty: bool,
        voters: vector<address>,
        signatures: vector<vector<u8>>,
    ) {
        let (accused_node, _) = party(channel, accused);
        let (waits, reporter) = windows::reporter(channel, accused, evidence);
        assert!(waits, E_NO_REPORT);
        check_votes(channel, accused, accused_node, evidence, guilty, &voters, &signatures);
        conclude(channel, accused, evidence, guilty, reporter);
        end_overdue(channel);
    }

    /// Ends the reports that nobody decided in their time: each costs its reporter half its bond, and
    /// nothing else: it stays as valid as it was. Less than a false one, since silence proves nothing; not nothing, since else it cost nothing to keep
    /// others busy with what nobody can judge. Anybody may.
    public entry fun expire(_caller: &signer, channel: address) {
        end_overdue(channel);
    }

    // The chain as judge. Private, and no entry: the host alone calls these, and no key does.

    /// Whether the chain may be asked to judge this evidence: `sender` is an active member, or the node
    /// of one, or of one that has left, that can pay for a false accusation; the accused, whose `node` led the `block` in
    /// dispute, was in the channel in its `epoch` and was not fined for that stay yet; and nothing of it
    /// was decided. Who answers for the
    /// accusation: whoever reported this evidence, if it waits for votes, else the sender.
    fun may_judge(
        sender: address,
        channel: address,
        accused: u64,
        node: address,
        epoch: u64,
        block: address,
        evidence: address,
    ): u64 {
        let (by, backing) = asker(channel, sender);
        let (accused_node, _) = party(channel, accused);
        let new = !exists<Decided>(decided_place(channel, node, evidence))
            && !exists<Decided>(decided_place(channel, node, block));
        assert!(new, E_DECIDED);
        let is_meant = accused_node == node && channel::was_in(channel, accused, epoch);
        assert!(is_meant && can_be_fined(channel, accused), E_BAD_ACCUSED);
        let (waits, reporter) = windows::reporter(channel, accused, evidence);
        if (waits) return reporter;
        assert!(by != accused, E_BAD_ACCUSED);
        check_bond(channel, by, backing);
        by
    }

    /// What the chain found when it executed the block again. Decided for good: votes on the same
    /// evidence come too late, and the same block convicts nobody again. A case that is unclear, or does
    /// not fit, changes nothing.
    fun judged(
        sender: address,
        channel: address,
        accused: u64,
        node: address,
        epoch: u64,
        block: address,
        evidence: address,
        found: u8,
    ) {
        end_overdue(channel);
        let accuser = may_judge(sender, channel, accused, node, epoch, block, evidence);
        assert!(found != UNCLEAR, E_UNCLEAR);
        assert!(found == GUILTY || found == INNOCENT, E_DOES_NOT_FIT);
        if (found == GUILTY) remember(decided_place(channel, node, block));
        conclude(channel, accused, evidence, found == GUILTY, accuser);
    }

    /// Join sequence of who asks, and what it can pay with. It may be convicted, as long as it has its
    /// seat: its bond covers it, and a cheat could have been first where one report convicts. It may have
    /// left, as long as its collateral is held: else nobody were there to ask after the channel's end.
    fun asker(channel: address, sender: address): (u64, u64) {
        assert!(channel::is_channel(channel), E_NOT_ACTIVE);
        let (active, _, by) = channel::member_of_node(channel, sender);
        if (!active) {
            let (sequence, has_votes, _) = channel::standing(channel, sender);
            by = sequence;
            active = has_votes;
        };
        if (active) {
            let (_, seat) = channel::seat_of(channel, by);
            return (by, channel::backing_of(channel, &seat))
        };
        let by = channel::latest_of_node(channel, sender);
        let known = channel::joined(channel, by);
        assert!(!vector::is_empty(&known), E_NOT_ACTIVE);
        let account = channel::holder_of(vector::borrow(&known, 0));
        let held = channel::hold_for(channel, account, 0);
        assert!(held > 0, E_NOT_ACTIVE);
        (by, held)
    }

    /// The guilty is fined, and who accused it has its share; a false accusation costs the bond.
    fun conclude(channel: address, accused: u64, evidence: address, guilty: bool, accuser: u64) {
        let (node, account) = party(channel, accused);
        windows::close_report(channel, accused, evidence);
        remember(decided_place(channel, node, evidence));
        let (_, _, bond) = rules::stakes(channel);
        let (_, reporter) = party(channel, accuser);
        if (guilty) return convict_and_fine(channel, accused, account, reporter);
        let bond = channel::fine(channel, accuser, bond, @settlement);
        event::emit(Acquitted { channel, accused: account, bond, reporter });
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
        let (_, account) = party(channel, accused);
        let reporter = if (member) reporter else @settlement;
        convict_and_fine(channel, accused, account, reporter);
    }

    /// Whether a member can be made to answer for something: it is active and was not convicted, or it
    /// has left and some of its collateral is held, which is kept until a time then.
    fun answers(channel: address, accused: u64, until: u64): bool {
        let (found, seat) = channel::seat_of(channel, accused);
        if (found) return seats::has_votes(&seat) && !seats::is_barred(&seat);
        let (node, account) = party(channel, accused);
        let convicted = exists<Decided>(stay_place(channel, node, accused));
        !convicted && channel::hold_for(channel, account, until) > 0
    }

    /// Whether the chain's own word can cost a member something: it is active, or some of its collateral
    /// is held, and no conviction of that stay was worth a fine yet.
    fun can_be_fined(channel: address, accused: u64): bool {
        let (node, account) = party(channel, accused);
        if (exists<Decided>(fined_place(channel, node, accused))) return false;
        let (found, seat) = channel::seat_of(channel, accused);
        if (found) seats::has_votes(&seat) else channel::hold_for(channel, account, 0) > 0
    }

    /// The reporter's collateral covers this report and those of its that wait.
    fun check_bond(channel: address, reporter: u64, backing: u64) {
        let (_, _, bond) = rules::stakes(channel);
        let reports = windows::count_reports(channel, reporter) + 1;
        assert!(backing >= bond * reports, E_NO_BOND);
    }

    /// Ends reports that are over, a few at a time.
    fun end_overdue(channel: address) {
        let (reporters, accused) = windows::take_overdue(channel);
        let (index, count) = (0, vector::length(&reporters));
        while (index < count) {
            let (by, of) = (*vector::borrow(&reporters, index), *vector::borrow(&accused, index));
            let (_, _, bond) = rules::stakes(channel);
            let bond = channel::fine(channel, by, (bond + 1) / 2, @settlement);
            channel::excuse(channel, by, bond);
            let (_, reported) = party(channel, of);
            let (_, reporter) = party(channel, by);
            event::emit(Undecided { channel, accused: reported, bond, reporter });
            index = index + 1;
        };
    }

    fun convict_and_fine(channel: address, accused: u64, account: address, reporter: address) {
        let (_, fine, _) = rules::stakes(channel);
        let (node, _) = party(channel, accused);
        let fined = fined_place(channel, node, accused);
        if (!exists<Decided>(fined)) remember(fined);
        convict(channel, accused, account, fine, reporter);
    }

    /// Whatever else is reported of a member in that stay is beside the point.
    fun convict(channel: address, accused: u64, account: address, fine: u64, reporter: address) {
        windows::close_reports(channel, accused);
        let (node, _) = party(channel, accused);
        let stay = stay_place(channel, node, accused);
        if (!exists<Decided>(stay)) remember(stay);
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

    fun reported_place(channel: address, node: address, by: u64, evidence: address): address {
        let what = bcs::to_bytes(&by);
        vector::append(&mut what, bcs::to_bytes(&evidence));
        decided_place(channel, node, ids::hash(b"reported", what))
    }

    fun fined_place(channel: address, node: address, accused: u64): address {
        decided_place(channel, node, ids::hash(b"fined", bcs::to_bytes(&accused)))
    }

    fun stay_place(channel: address, node: address, accused: u64): address {
        decided_place(channel, node, ids::hash(b"stay", bcs::to_bytes(&accused)))
    }

    fun decided_place(channel: address, node: address, what: address): address {
        ids::hash(b"decided", bcs::to_bytes(&Place { channel, node, what }))
    }

    #[test_only]
    /// What the host does with what it found in evidence about a block of the epoch.
    public fun judge_for_testing(
        sender: address,
        channel: address,
        accused: u64,
        epoch: u64,
        block: address,
        evidence: address,
        found: u8,
    ) {
        let (node, _) = party(channel, accused);
        may_judge(sender, channel, accused, node, epoch, block, evidence);
        judged(sender, channel, accused, node, epoch, block, evidence, found);
    }

    #[test_only]
    /// The same, for evidence that names another node than the accused's.
    public fun judge_other_for_testing(
        sender: address,
        channel: address,
        accused: u64,
        node: address,
        evidence: address,
    ) {
        judged(sender, channel, accused, node, 1, @0xb1, evidence, GUILTY);
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
