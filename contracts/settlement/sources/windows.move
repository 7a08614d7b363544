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
    friend settlement::complaint;
    friend settlement::exits;
    friend settlement::penalty;
    friend settlement::settlement;
    friend settlement::shown;
    #[test_only]
    friend settlement::attack_tests;
    #[test_only]
    friend settlement::complaint_tests;
    #[test_only]
    friend settlement::exit_tests;
    #[test_only]
    friend settlement::shown_tests;
    #[test_only]
    friend settlement::window_bench;
    #[test_only]
    friend settlement::window_tests;

    /// Reports of one member that wait at a time. Nobody's reports take the room of another's.
    const MOST_REPORTS: u64 = 2;
    /// Reports whose time is over that one transaction ends: each costs it gas.
    const MOST_ENDED: u64 = 32;
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
        /// Zeros without an anchor.
        anchor_block: address,
        anchor_root: address,
    }

    /// A demand to leave at the best proof that is shown.
    struct Exit has copy, drop, store {
        by: vector<address>,
        opened_at: u64,
        deadline: u64,
        /// More than a third of the active members said no to what the others certified without them:
        /// anchors alone count.
        disputed: bool,
    }

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
    struct Windows has key {
        now: WindowRecord,
        /// Whether the block of the proposal that waits was itself the best shown at some time since.
        own_shown: bool,
    }

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
            move_to(&account::create_signer(place), Windows { now, own_shown: false });
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
        anchor_block: address,
        anchor_root: address,
    ): Shown {
        Shown {
            anchor_height, anchor_epoch, anchor_view, height, epoch, view, block, root,
            anchor_block, anchor_root,
        }
    }

    /// The best proof shown: whether there is one, its height, block and root.
    public(friend) fun best(channel: address): (bool, u64, address, address) acquires Windows {
        let now = of(channel);
        if (option::is_none(&now.shown)) return (false, 0, @0x0, @0x0);
        let shown = option::borrow(&now.shown);
        (true, shown.height, shown.block, shown.root)
    }

    /// The epoch of the best block shown.
    public(friend) fun best_epoch(channel: address): u64 acquires Windows {
        option::borrow(&of(channel).shown).epoch
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
        let is_own = option::is_some(&now.waiting)
            && option::borrow(&now.waiting).to_block == new.block;
        put(channel, now);
        if (is_own) borrow_global_mut<Windows>(place_of(channel)).own_shown = true;
        true
    }

    /// Whether no proof is taken now: a window has ended whose outcome nobody has drawn yet. Of a
    /// proposal that was beaten there is none to draw.
    public(friend) fun is_over(channel: address): bool acquires Windows {
        let (now, time) = (of(channel), context::time_ms());
        if (option::is_some(&now.exit) && option::borrow(&now.exit).deadline <= time) return true;
        if (option::is_none(&now.waiting)) return false;
        let waiting = option::borrow(&now.waiting);
        waiting.deadline <= time && stands(&now.shown, waiting)
    }

    /// Whether blocks that fewer than two thirds of the active members certified count no more: an
    /// exit is disputed, or in the last third of the time that its window can last, which is left for
    /// answers to them; or a proposal that nothing has beaten is.
    public(friend) fun takes_anchors_alone(channel: address, window: u64): bool acquires Windows {
        let (now, time) = (of(channel), context::time_ms());
        let late = false;
        if (option::is_some(&now.exit)) {
            let exit = option::borrow(&now.exit);
            late = exit.disputed || time >= exit.opened_at + 2 * window;
        };
        if (option::is_some(&now.waiting)) {
            let waiting = option::borrow(&now.waiting);
            let ends = time >= waiting.opened_at + 2 * window && stands(&now.shown, waiting);
            late = late || ends;
        };
        late
    }

    /// Whether the proposal's block was shown, and nothing that was shown beats it. The rows of one
    /// whose block nobody showed may be of any root.
    fun stands(shown: &Option<Shown>, waiting: &Waiting): bool {
        if (option::is_none(shown)) return false;
        let block = option::borrow(shown).block;
        block == waiting.to_block || block == waiting.supported_by
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

    /// A settlement executed: proofs of what it settled are history, and so is the proposal that waits;
    /// of an `epoch` before it anchors alone count from now on, also what was shown before. An exit
    /// stays as long as one of those who demand it is `unpaid`.
    public(friend) fun settled(channel: address, height: u64, epoch: u64, unpaid: vector<address>)
    acquires Windows {
        let now = of(channel);
        if (option::is_some(&now.shown)) {
            let shown = option::borrow(&now.shown);
            let is_old = shown.anchor_height <= height && shown.epoch < epoch;
            if (shown.height <= height || is_old) now.shown = option::none();
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
            let (by, opened_at, disputed) = (vector::singleton(account), time, false);
            now.exit = option::some(Exit { by, opened_at, deadline: time + window, disputed });
        } else {
            let by = &mut option::borrow_mut(&mut now.exit).by;
            if (!vector::contains(by, &account)) vector::push_back(by, account);
        };
        put(channel, now);
        opens
    }

    /// From now on anchors alone count in the exit that is open, and of the best proof its anchor; who
    /// has a better one gets time to show it.
    public(friend) fun dispute(channel: address, window: u64) acquires Windows {
        let (now, time) = (of(channel), context::time_ms());
        let exit = option::borrow_mut(&mut now.exit);
        exit.disputed = true;
        exit.deadline = later(exit.deadline, time + window / 2, exit.opened_at + 3 * window);
        if (option::is_some(&now.shown)) {
            let shown = option::borrow_mut(&mut now.shown);
            if (shown.anchor_height == 0) {
                now.shown = option::none();
            } else {
                shown.height = shown.anchor_height;
                shown.epoch = shown.anchor_epoch;
                shown.view = shown.anchor_view;
                shown.block = shown.anchor_block;
                shown.root = shown.anchor_root;
            };
        };
        put(channel, now);
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
        let is_shown = option::is_some(&now.shown) && option::borrow(&now.shown).block == to_block;
        put(channel, now);
        borrow_global_mut<Windows>(place_of(channel)).own_shown = is_shown;
    }

    /// Whether the block of the proposal that waits was itself the best shown since it waits.
    public(friend) fun is_own_shown(channel: address): bool acquires Windows {
        borrow_global<Windows>(place_of(channel)).own_shown
    }

    /// The proposal that waits, if one does: its hash and block, since when and until when it waits,
    /// and whether nothing beats it.
    public(friend) fun waiting(channel: address): (bool, address, address, u64, u64, bool)
    acquires Windows {
        let now = of(channel);
        if (option::is_none(&now.waiting)) return (false, @0x0, @0x0, 0, 0, false);
        let waits = option::borrow(&now.waiting);
        (
            true, waits.proposal, waits.to_block, waits.opened_at, waits.deadline,
            stands(&now.shown, waits),
        )
    }

    /// Whether a proposal up to this height may take the place of the one that waits: of one that does
    /// not stand, if it goes higher; or whatever its height, if a block was shown at that one's height
    /// that is not its own, or a whole window has passed after the longest that it can wait. Else votes
    /// for older proposals of the same number would begin the window again and again.
    public(friend) fun gives_way(channel: address, to_height: u64, window: u64): bool acquires Windows {
        let now = of(channel);
        if (option::is_none(&now.waiting)) return true;
        let waits = option::borrow(&now.waiting);
        if (stands(&now.shown, waits)) return false;
        let is_beside = option::is_some(&now.shown)
            && option::borrow(&now.shown).height == waits.to_height;
        let is_old = context::time_ms() >= waits.opened_at + 4 * window;
        to_height > waits.to_height || is_beside || is_old
    }

    /// The block that the proposal which waits was last linked to.
    public(friend) fun supported_by(channel: address): address acquires Windows {
        option::borrow(&of(channel).waiting).supported_by
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

    /// Opens a report: whether there is room for it. Each evidence about an accused is reported once at
    /// a time, and a reporter has so many reports that wait.
    public(friend) fun report(
        channel: address,
        evidence: address,
        reporter: u64,
        accused: u64,
        lasts: u64,
    ): bool acquires Windows {
        let (now, time) = (of(channel), context::time_ms());
        let (known, _) = find_report(&now.reports, accused, evidence);
        if (known || reports_of(&now.reports, reporter) >= MOST_REPORTS) return false;
        let deadline = time + lasts;
        vector::push_back(&mut now.reports, Report { evidence, reporter, accused, deadline });
        put(channel, now);
        true
    }

    /// Whether somebody has reported this evidence about an accused in time, and who.
    public(friend) fun reporter(channel: address, accused: u64, evidence: address): (bool, u64)
    acquires Windows {
        let now = of(channel);
        let (known, place) = find_report(&now.reports, accused, evidence);
        if (!known) return (false, 0);
        let report = vector::borrow(&now.reports, place);
        (context::time_ms() <= report.deadline, report.reporter)
    }

    /// Reports of a member that wait, or that are over and were not taken out yet.
    public(friend) fun count_reports(channel: address, reporter: u64): u64 acquires Windows {
        reports_of(&of(channel).reports, reporter)
    }

    /// Takes out the report of this evidence about an accused, if there is one.
    public(friend) fun close_report(channel: address, accused: u64, evidence: address)
    acquires Windows {
        let now = of(channel);
        let (known, place) = find_report(&now.reports, accused, evidence);
        if (!known) return;
        vector::remove(&mut now.reports, place);
        put(channel, now);
    }

    /// Takes out every report about an accused: there is nothing left to decide. One pass, however many
    /// there are: else a conviction could be made too dear.
    public(friend) fun close_reports(channel: address, accused: u64) acquires Windows {
        let (now, kept) = (of(channel), vector::empty());
        if (vector::is_empty(&now.reports)) return;
        vector::reverse(&mut now.reports);
        while (!vector::is_empty(&now.reports)) {
            let report = vector::pop_back(&mut now.reports);
            if (report.accused != accused) vector::push_back(&mut kept, report);
        };
        now.reports = kept;
        put(channel, now);
    }

    /// Takes out reports whose time is over, a few at a time: who made them, and about whom. They are in
    /// the order of their deadlines, since all last as long.
    public(friend) fun take_overdue(channel: address): (vector<u64>, vector<u64>) acquires Windows {
        let (now, time) = (of(channel), context::time_ms());
        let (reporters, accused) = (vector::empty(), vector::empty());
        let (index, count) = (0, vector::length(&now.reports));
        while (index < count && index < MOST_ENDED) {
            let report = vector::borrow(&now.reports, index);
            if (report.deadline >= time) break;
            vector::push_back(&mut reporters, report.reporter);
            vector::push_back(&mut accused, report.accused);
            index = index + 1;
        };
        if (index == 0) return (reporters, accused);
        vector::reverse(&mut now.reports);
        while (index > 0) {
            vector::pop_back(&mut now.reports);
            index = index - 1;
        };
        vector::reverse(&mut now.reports);
        put(channel, now);
        (reporters, accused)
    }

    fun find_report(reports: &vector<Report>, accused: u64, evidence: address): (bool, u64) {
        let (index, count) = (0, vector::length(reports));
        while (index < count) {
            let report = vector::borrow(reports, index);
            if (report.accused == accused && report.evidence == evidence) return (true, index);
            index = index + 1;
        };
        (false, 0)
    }

    fun reports_of(reports: &vector<Report>, reporter: u64): u64 {
        let (found, index, count) = (0, 0, vector::length(reports));
        while (index < count) {
            if (vector::borrow(reports, index).reporter == reporter) found = found + 1;
            index = index + 1;
        };
        found
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
        shown_block(anchor, if (anchor > 0) 1 else 0, 0, height, epoch, 0, @0x1, @0x2, @0x3, @0x4)
    }

    // P-112
    #[test]
    fun a_reporter_has_so_many_reports_that_wait_and_others_have_theirs() acquires Windows {
        context::set_time_ms_for_testing(1000);
        assert!(report(@0x77, @0xe1, 1, 9, 50) && report(@0x77, @0xe2, 1, 9, 50), 1);
        assert!(!report(@0x77, @0xe3, 1, 9, 50) && !report(@0x77, @0xe3, 1, 8, 50), 2);
        assert!(report(@0x77, @0xe3, 2, 9, 50) && !report(@0x77, @0xe3, 3, 9, 50), 3);
        context::set_time_ms_for_testing(1050);
        let (reporters, _) = take_overdue(@0x77);
        assert!(vector::is_empty(&reporters), 4);
        context::set_time_ms_for_testing(1051);
        let (waits, _) = reporter(@0x77, 9, @0xe1);
        assert!(!waits, 5);
        let (reporters, accused) = take_overdue(@0x77);
        assert!(reporters == vector[1, 1, 2] && accused == vector[9, 9, 9], 6);
        assert!(report(@0x77, @0xe1, 1, 9, 50) && count_reports(@0x77, 1) == 1, 7);
    }

    // P-112
    #[test]
    fun so_many_reports_are_ended_at_a_time() acquires Windows {
        context::set_time_ms_for_testing(1000);
        let number = 0;
        while (number < MOST_ENDED + 1) {
            assert!(report(@0x77, @0xe1, number, 100 + number, 50), number);
            number = number + 1;
        };
        context::set_time_ms_for_testing(1051);
        let (reporters, _) = take_overdue(@0x77);
        assert!(vector::length(&reporters) == MOST_ENDED && *vector::borrow(&reporters, 0) == 0, 100);
        let (reporters, _) = take_overdue(@0x77);
        assert!(reporters == vector[MOST_ENDED], 101);
        let (reporters, _) = take_overdue(@0x77);
        assert!(vector::is_empty(&reporters), 102);
    }

    // P-112
    #[test]
    fun a_conviction_closes_the_reports_about_one_and_no_others() acquires Windows {
        context::set_time_ms_for_testing(1000);
        assert!(report(@0x77, @0xe1, 1, 9, 50) && report(@0x77, @0xe2, 2, 8, 50), 1);
        assert!(report(@0x77, @0xe3, 3, 9, 50) && report(@0x77, @0xe4, 4, 7, 50), 2);
        close_reports(@0x77, 9);
        let left = of(@0x77).reports;
        assert!(vector::length(&left) == 2, 3);
        assert!(vector::borrow(&left, 0).accused == 8 && vector::borrow(&left, 1).accused == 7, 4);
    }

    #[test]
    fun bans_end_and_of_too_many_the_oldest_does() acquires Windows {
        context::set_time_ms_for_testing(1000);
        let (number, banned) = (0, vector::empty());
        while (number <= MOST_BANS) {
            let account = ids::hash(b"test", bcs::to_bytes(&number));
            vector::push_back(&mut banned, account);
            ban(@0x77, account, @0x1, 2000 + number);
            number = number + 1;
        };
        assert!(!is_banned(@0x77, *vector::borrow(&banned, 0), @0x2), 1);
        assert!(is_banned(@0x77, *vector::borrow(&banned, 1), @0x2), 2);
        context::set_time_ms_for_testing(2001);
        assert!(!is_banned(@0x77, *vector::borrow(&banned, 1), @0x2), 3);
        ban(@0x77, @0xa, @0x1, 9000);
        assert!(is_banned(@0x77, *vector::borrow(&banned, 2), @0x2), 4);
        context::set_time_ms_for_testing(8000);
        ban(@0x77, @0xb, @0x1, 9000);
        assert!(vector::length(&of(@0x77).bans) == 2, 5);
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
