/// What of a channel is open to be answered: the best proof that was shown, a proposal or an exit
/// whose window runs, reports that wait for votes, bans, and collateral that is held for a while. Kept
/// apart from the channel's seats, since heartbeats need none of it. Decides nothing.
module settlement::windows {
    use std::bcs;
    use std::option::{Self, Option};
    use std::vector;
    use runtime::context;
    use settlement::account;
    use settlement::ids;

    friend settlement::channel;
    friend settlement::exits;
    friend settlement::penalty;
    friend settlement::settlement;
    friend settlement::shown;

    /// Reports that wait at a time.
    const MOST_REPORTS: u64 = 16;
    /// Bans that are kept; the oldest gives way.
    const MOST_BANS: u64 = 256;

    /// A block above the last settlement, by the proof that was shown of it: a certificate of those
    /// valid in its epoch, above the `anchor`, a block of its chain that two thirds of the active
    /// members (or all, by the channel's rule) certified; often the block itself.
    struct Shown has copy, drop, store {
        /// Zero without an anchor.
        anchor_height: u64,
        anchor_epoch: u64,
        anchor_view: u64,
        height: u64,
        epoch: u64,
        view: u64,
        block: address,
        root: address,
    }

    /// A demand to leave at the best proof that is shown.
    struct Exit has copy, drop, store { by: vector<address>, opened_at: u64, deadline: u64 }

    /// A proposal that executes after its window.
    struct Waiting has copy, drop, store {
        proposal: address,
        number: u64,
        to_height: u64,
        to_block: address,
        opened_at: u64,
        deadline: u64,
        /// The best block that was shown to go on from the proposal's, or the other way round.
        supported_by: address,
        /// Whether two thirds of the active members agreed, in a channel whose rule asks for a window.
        by_active: bool,
    }

    /// An accusation that members vote on.
    struct Report has copy, drop, store {
        evidence: address,
        /// Join sequences.
        reporter: u64,
        accused: u64,
        deadline: u64,
    }

    struct Ban has copy, drop, store { account: address, node: address, until: u64 }

    /// A call that an account says its leader leaves undone.
    struct Complaint has copy, drop, store {
        account: address,
        sequence: u64,
        call: vector<u8>,
        /// Join sequence of the leader.
        leader: u64,
        deadline: u64,
    }

    /// Where a channel that closed by an exit stands.
    struct Outcome has copy, drop, store {
        height: u64,
        root: address,
        block: address,
        /// Who was a member then, of whom the last one that is paid ends the channel.
        members: vector<address>,
    }

    /// What nodes read: its encoding is the nodes' `WindowRecord`.
    struct WindowRecord has copy, drop, store {
        shown: Option<Shown>,
        exit: Option<Exit>,
        waiting: Option<Waiting>,
        reports: vector<Report>,
        complaint: Option<Complaint>,
        bans: vector<Ban>,
        outcome: Option<Outcome>,
    }

    /// Under an address made of the channel.
    struct Windows has key { now: WindowRecord }

    public(friend) fun none(): WindowRecord {
        WindowRecord {
            shown: option::none(), exit: option::none(), waiting: option::none(),
            reports: vector::empty(), complaint: option::none(), bans: vector::empty(),
            outcome: option::none(),
        }
    }

    public(friend) fun of(channel: address): WindowRecord acquires Windows {
        let place = place_of(channel);
        if (!exists<Windows>(place)) return none();
        *&borrow_global<Windows>(place).now
    }

    fun put(channel: address, now: WindowRecord) acquires Windows {
        let place = place_of(channel);
        if (exists<Windows>(place)) {
            borrow_global_mut<Windows>(place).now = now;
        } else {
            move_to(&account::create_signer(place), Windows { now });
        }
    }

    fun place_of(channel: address): address {
        ids::hash(b"windows", bcs::to_bytes(&channel))
    }

    // Proofs.

    public(friend) fun shown_block(
        anchor_height: u64,
        anchor_epoch: u64,
        anchor_view: u64,
        height: u64,
        epoch: u64,
        view: u64,
        block: address,
        root: address,
    ): Shown {
        Shown { anchor_height, anchor_epoch, anchor_view, height, epoch, view, block, root }
    }

    /// The best proof shown: whether there is one, its height, block and root.
    public(friend) fun best(channel: address): (bool, u64, address, address) acquires Windows {
        let now = of(channel);
        if (option::is_none(&now.shown)) return (false, 0, @0x0, @0x0);
        let shown = option::borrow(&now.shown);
        (true, shown.height, shown.block, shown.root)
    }

    /// Keeps the proof if it is better than the best so far, and gives whoever is concerned time to
    /// answer: half a window from now, but in all no more than another two. Whether it is better.
    public(friend) fun show(channel: address, new: Shown, window: u64): bool acquires Windows {
        let now = of(channel);
        if (option::is_some(&now.shown) && !is_above(&new, option::borrow(&now.shown))) return false;
        now.shown = option::some(new);
        let time = context::time_ms();
        if (option::is_some(&now.exit)) {
            let exit = option::borrow_mut(&mut now.exit);
            exit.deadline = later(exit.deadline, time + window / 2, exit.opened_at + 3 * window);
        };
        if (option::is_some(&now.waiting)) {
            let waiting = option::borrow_mut(&mut now.waiting);
            let most = waiting.opened_at + 3 * window;
            waiting.deadline = later(waiting.deadline, time + window / 2, most);
        };
        put(channel, now);
        true
    }

    /// Whether no proof is taken now: a window has ended whose outcome nobody has drawn yet.
    public(friend) fun is_over(channel: address): bool acquires Windows {
        let (now, time) = (of(channel), context::time_ms());
        let exit_is = option::is_some(&now.exit) && option::borrow(&now.exit).deadline <= time;
        exit_is
            || option::is_some(&now.waiting) && option::borrow(&now.waiting).deadline <= time
    }

    /// Whether a proof beats another: by the anchor's term, then its height, then the block's.
    fun is_above(one: &Shown, other: &Shown): bool {
        if (one.anchor_epoch != other.anchor_epoch) return one.anchor_epoch > other.anchor_epoch;
        if (one.anchor_view != other.anchor_view) return one.anchor_view > other.anchor_view;
        if (one.anchor_height != other.anchor_height) return one.anchor_height > other.anchor_height;
        if (one.epoch != other.epoch) return one.epoch > other.epoch;
        if (one.view != other.view) return one.view > other.view;
        one.height > other.height
    }

    /// The later of two times, but not after `most`, and never before the first.
    fun later(first: u64, second: u64, most: u64): u64 {
        let last = if (second > most) most else second;
        if (last > first) last else first
    }

    /// A settlement executed: proofs of what it settled are history, and so is the proposal that waits.
    /// An exit stays as long as one of those who demand it is `unpaid`.
    public(friend) fun settled(channel: address, height: u64, unpaid: vector<address>)
    acquires Windows {
        let now = of(channel);
        if (option::is_some(&now.shown) && option::borrow(&now.shown).height <= height) {
            now.shown = option::none();
        };
        now.waiting = option::none();
        if (option::is_some(&now.exit)) {
            if (vector::is_empty(&unpaid)) now.exit = option::none()
            else option::borrow_mut(&mut now.exit).by = unpaid;
        };
        put(channel, now);
    }

    // Exits.

    /// The account demands its exit: whether the window opened with it.
    public(friend) fun demand(channel: address, account: address, window: u64): bool acquires Windows {
        let (now, time) = (of(channel), context::time_ms());
        let opens = option::is_none(&now.exit);
        if (opens) {
            let (by, opened_at) = (vector::singleton(account), time);
            now.exit = option::some(Exit { by, opened_at, deadline: time + window });
        } else {
            let by = &mut option::borrow_mut(&mut now.exit).by;
            if (!vector::contains(by, &account)) vector::push_back(by, account);
        };
        put(channel, now);
        opens
    }

    /// Whether an exit is demanded, by whom, and when its window ends.
    public(friend) fun exit(channel: address): (bool, vector<address>, u64) acquires Windows {
        let now = of(channel);
        if (option::is_none(&now.exit)) return (false, vector::empty(), 0);
        let exit = option::borrow(&now.exit);
        (true, *&exit.by, exit.deadline)
    }

    /// The channel closes by an exit.
    public(friend) fun end(
        channel: address,
        height: u64,
        root: address,
        block: address,
        members: vector<address>,
    ) acquires Windows {
        let now = of(channel);
        now.exit = option::none();
        now.waiting = option::none();
        now.outcome = option::some(Outcome { height, root, block, members });
        put(channel, now);
    }

    /// How a channel ended by an exit: whether it did, the root, and its members then.
    public(friend) fun outcome(channel: address): (bool, address, vector<address>) acquires Windows {
        let now = of(channel);
        if (option::is_none(&now.outcome)) return (false, @0x0, vector::empty());
        let outcome = option::borrow(&now.outcome);
        (true, outcome.root, *&outcome.members)
    }

    // Proposals that wait.

    public(friend) fun wait(
        channel: address,
        proposal: address,
        number: u64,
        to_height: u64,
        to_block: address,
        by_active: bool,
        window: u64,
    ) acquires Windows {
        let (now, opened_at) = (of(channel), context::time_ms());
        let (deadline, supported_by) = (opened_at + window, to_block);
        now.waiting = option::some(Waiting {
            proposal, number, to_height, to_block, opened_at, deadline, supported_by, by_active,
        });
        put(channel, now);
    }

    /// The proposal that waits, if one does: its hash, block and height, the block that supports it,
    /// the end of its window, and whether two thirds of the active members agreed to it.
    public(friend) fun waiting(channel: address): (bool, address, address, u64, address, u64, bool)
    acquires Windows {
        let now = of(channel);
        if (option::is_none(&now.waiting)) return (false, @0x0, @0x0, 0, @0x0, 0, false);
        let waits = option::borrow(&now.waiting);
        (
            true, waits.proposal, waits.to_block, waits.to_height, waits.supported_by,
            waits.deadline, waits.by_active,
        )
    }

    public(friend) fun support(channel: address, block: address) acquires Windows {
        let now = of(channel);
        option::borrow_mut(&mut now.waiting).supported_by = block;
        put(channel, now);
    }

    public(friend) fun drop_waiting(channel: address) acquires Windows {
        let now = of(channel);
        now.waiting = option::none();
        put(channel, now);
    }

    // Reports and bans.

    /// Opens a report. Whether there is room for it: one by a reporter, one about an accused.
    public(friend) fun report(
        channel: address,
        evidence: address,
        reporter: u64,
        accused: u64,
        lasts: u64,
    ): bool acquires Windows {
        let (now, time) = (of(channel), context::time_ms());
        drop_old(&mut now.reports, time);
        let (index, count) = (0, vector::length(&now.reports));
        while (index < count) {
            let known = vector::borrow(&now.reports, index);
            if (known.reporter == reporter || known.accused == accused) return false;
            index = index + 1;
        };
        if (count >= MOST_REPORTS) return false;
        let deadline = time + lasts;
        vector::push_back(&mut now.reports, Report { evidence, reporter, accused, deadline });
        put(channel, now);
        true
    }

    /// Closes the report about an accused: whether there was one in time, its evidence and reporter.
    public(friend) fun close_report(channel: address, accused: u64): (bool, address, u64)
    acquires Windows {
        let (now, time) = (of(channel), context::time_ms());
        let (index, count) = (0, vector::length(&now.reports));
        while (index < count) {
            let report = *vector::borrow(&now.reports, index);
            if (report.accused == accused) {
                vector::remove(&mut now.reports, index);
                put(channel, now);
                return (time <= report.deadline, report.evidence, report.reporter)
            };
            index = index + 1;
        };
        (false, @0x0, 0)
    }

    fun drop_old(reports: &mut vector<Report>, time: u64) {
        let index = 0;
        while (index < vector::length(reports)) {
            if (vector::borrow(reports, index).deadline < time) {
                vector::remove(reports, index);
            } else {
                index = index + 1;
            };
        };
    }

    public(friend) fun ban(channel: address, account: address, node: address, until: u64)
    acquires Windows {
        let (now, time) = (of(channel), context::time_ms());
        let index = 0;
        while (index < vector::length(&now.bans)) {
            let over = vector::borrow(&now.bans, index).until <= time;
            if (over) { vector::remove(&mut now.bans, index); } else index = index + 1;
        };
        if (vector::length(&now.bans) >= MOST_BANS) { vector::remove(&mut now.bans, 0); };
        vector::push_back(&mut now.bans, Ban { account, node, until });
        put(channel, now);
    }

    /// Whether the account or the node may not join now.
    public(friend) fun is_banned(channel: address, account: address, node: address): bool
    acquires Windows {
        let (now, time) = (of(channel), context::time_ms());
        let (index, count) = (0, vector::length(&now.bans));
        while (index < count) {
            let ban = vector::borrow(&now.bans, index);
            let is_meant = ban.account == account || ban.node == node;
            if (is_meant && time < ban.until) return true;
            index = index + 1;
        };
        false
    }

    // Complaints.

    public(friend) fun complain(
        channel: address,
        account: address,
        sequence: u64,
        call: vector<u8>,
        leader: u64,
        window: u64,
    ) acquires Windows {
        let (now, time) = (of(channel), context::time_ms());
        let deadline = time + window;
        now.complaint = option::some(Complaint { account, sequence, call, leader, deadline });
        put(channel, now);
    }

    /// The complaint, if there is one: account, number of its call, the leader, the deadline.
    public(friend) fun complaint(channel: address): (bool, address, u64, u64, u64) acquires Windows {
        let now = of(channel);
        if (option::is_none(&now.complaint)) return (false, @0x0, 0, 0, 0);
        let complaint = option::borrow(&now.complaint);
        (true, complaint.account, complaint.sequence, complaint.leader, complaint.deadline)
    }

    public(friend) fun drop_complaint(channel: address) acquires Windows {
        let now = of(channel);
        now.complaint = option::none();
        put(channel, now);
    }

    #[test_only]
    fun at(anchor: u64, epoch: u64, height: u64): Shown {
        shown_block(anchor, if (anchor > 0) 1 else 0, 0, height, epoch, 0, @0x1, @0x2)
    }

    #[test]
    fun an_anchor_beats_whatever_lies_above_a_lower_one() {
        assert!(is_above(&at(5, 1, 5), &at(4, 9, 900)), 1);
        assert!(is_above(&at(4, 2, 10), &at(4, 1, 900)), 2);
        assert!(is_above(&at(4, 1, 6), &at(4, 1, 5)), 3);
        assert!(!is_above(&at(4, 1, 5), &at(4, 1, 5)), 4);
        assert!(is_above(&at(1, 1, 1), &at(0, 9, 900)), 5);
    }

    #[test]
    fun a_better_proof_gives_time_to_answer_but_not_for_ever() acquires Windows {
        settlement::coin::initialize_for_testing();
        context::set_time_ms_for_testing(1000);
        assert!(demand(@0x77, @0xa, 100) && !demand(@0x77, @0xb, 100), 1);
        let (_, by, deadline) = exit(@0x77);
        assert!(by == vector[@0xa, @0xb] && deadline == 1100, 2);
        assert!(show(@0x77, at(1, 1, 1), 100), 3);
        let (_, _, deadline) = exit(@0x77);
        assert!(deadline == 1100, 4);
        let (time, height) = (1090, 2);
        while (time < 1400) {
            context::set_time_ms_for_testing(time);
            show(@0x77, at(height, 1, height), 100);
            let (_, _, deadline) = exit(@0x77);
            assert!(deadline <= 1300 && (time > 1250 || deadline == time + 50), 5);
            time = time + 40;
            height = height + 1;
        };
        assert!(!show(@0x77, at(1, 9, 900), 100), 6);
    }
}
