/// Channels: their rules, members and money. This module is the face for accounts and dApp
/// contracts; `membership` and `settlement` are the face for nodes.
///
/// Who is trusted with what. A member is *pending* from its join until an epoch grant names it
/// valid: until then it has no vote, its deposit lies apart, and it can take it back. From the grant
/// on it is *active*: it counts in every settlement, and its money moves by settlements alone. A
/// settlement executes with the yes votes of two thirds of the active members, and those two thirds
/// may share out everybody's deposits as they like: nothing on the chain can tell that they lie.
/// Each member weighs one, whatever its deposit. So in an open channel somebody with many cheap
/// accounts, more than twice as many as all others, can take everything, and with half as many as
/// all others can refuse every settlement: there a member's deposit is as safe as strangers are
/// honest. Invite members by name where that is not meant.
module settlement::channel {
    use std::bcs;
    use std::option::{Self, Option};
    use std::signer;
    use std::vector;
    use runtime::context;
    use runtime::event;
    use settlement::account;
    use settlement::admission;
    use settlement::backed;
    use settlement::backing;
    use settlement::coin::{Self, Coin};
    use settlement::history::{Self, AssetAmount, EpochGrant, MemberRecord};
    use settlement::ids;
    use settlement::quorum;
    use settlement::roll;
    use settlement::rules::{Self, ChannelConfig};
    use settlement::seats::{Self, Seat, Seats};
    use settlement::spoken;
    use settlement::state_proof;
    use settlement::terms::{Self, Term, TermRecord};
    use settlement::voices::{Self, Voices};
    use settlement::windows::{Self, WindowRecord};

    friend settlement::complaint;
    friend settlement::delegation;
    friend settlement::exits;
    friend settlement::membership;
    friend settlement::penalty;
    friend settlement::settlement;
    friend settlement::shown;
    #[test_only]
    friend settlement::channel_tests;
    #[test_only]
    friend settlement::backing_tests;
    #[test_only]
    friend settlement::bench;
    #[test_only]
    friend settlement::settlement_tests;

    /// There is no such channel.
    const E_NO_CHANNEL: u64 = 1;
    /// The channel is closed.
    const E_CLOSED: u64 = 2;
    /// The account is a member already.
    const E_ALREADY_MEMBER: u64 = 3;
    /// The channel's creator did not invite the account, or lets members in through its contract.
    const E_NOT_INVITED: u64 = 4;
    /// The deposit is below the channel's least.
    const E_DEPOSIT_TOO_SMALL: u64 = 5;
    /// The channel has all the members it takes.
    const E_FULL: u64 = 6;
    /// The account is no member.
    const E_NOT_A_MEMBER: u64 = 7;
    /// Only the creator may do this.
    const E_NOT_CREATOR: u64 = 8;
    /// Another member has this node key.
    const E_NODE_TAKEN: u64 = 9;
    /// A rule of the configuration makes no sense, an open channel asks for no deposit, or an account
    /// creates a channel that only a contract can let members into.
    const E_BAD_CONFIG: u64 = 10;
    /// At most eight endpoints of 256 bytes.
    const E_BAD_ENDPOINTS: u64 = 11;
    /// The node's key is no member's.
    const E_NOT_A_NODE: u64 = 12;
    /// The node has not agreed to act for the account: its signature does not verify.
    const E_BAD_PROOF: u64 = 13;
    /// The collateral is below the channel's least.
    const E_COLLATERAL_TOO_SMALL: u64 = 14;
    /// The account, or its node, was convicted here and may not come back yet.
    const E_BANNED: u64 = 15;
    /// No such epoch was granted.
    const E_NO_EPOCH: u64 = 16;

    struct ChainMember has copy, drop, store {
        record: MemberRecord,
        active: bool,
        /// The epoch of the grant that named it; zero while pending.
        active_since: u64,
        /// A settlement has named it, or the first grant: it counts in every epoch.
        booked: bool,
        leaving: bool,
        last_heartbeat: u64,
        /// What backs it now, and whether that is a part of a stake that others count on too.
        collateral: u64,
        pooled: bool,
        /// May be valid: not convicted, and backed by the channel's least, less what its reports that
        /// nobody decided have cost.
        eligible: bool,
    }

    struct SettlementRecord has copy, drop, store {
        number: u64,
        height: u64,
        root: address,
        block: address,
        paid: vector<address>,
        closed: bool,
    }

    /// What nodes read: its encoding is the nodes' `ChannelRecord`.
    struct ChannelRecord has copy, drop, store {
        chain: u64,
        channel: address,
        creator: address,
        package: address,
        config: ChannelConfig,
        open: bool,
        closing: bool,
        first_grant: Option<EpochGrant>,
        founders: vector<MemberRecord>,
        grants: vector<EpochGrant>,
        in_force: Option<TermRecord>,
        members: vector<ChainMember>,
        settlement: SettlementRecord,
        locked: vector<AssetAmount>,
        windows: WindowRecord,
    }

    /// The app's result in the last settlement, under the channel's id.
    struct AppResult has key { bytes: vector<u8> }

    /// A channel, stored under its id.
    struct Channel has key {
        open: bool,
        closing: bool,
        seats: Seats,
        /// Join sequences of the members of the first grant.
        founders: vector<u64>,
        term: Term,
        next_join: u64,
        settlement: SettlementRecord,
        /// Deposits of pending members: nobody else's, whatever is settled.
        pending: Coin,
        /// Deposits of active members.
        money: Coin,
        /// What the last settlement left in the books, with deposits booked since.
        booked_total: u64,
    }

    /// How many channels an account has created.
    struct Created has key { count: u64 }

    /// Creates channels that a contract owns. Whoever holds it is trusted to create them in the name
    /// of the account that made it.
    struct Creator has store { id: address }

    /// Stands for the creator of one channel: lets members in and closes it. No key does.
    struct ChannelOwner has store { channel: address }

    struct ChannelCreated has copy, drop, store { channel: address, creator: address }
    struct MemberJoined has copy, drop, store { channel: address, account: address, join_sequence: u64 }
    struct MemberLeft has copy, drop, store { channel: address, account: address, paid: u64 }
    struct LeaveRequested has copy, drop, store { channel: address, account: address }
    struct CloseRequested has copy, drop, store { channel: address }
    struct ChannelClosed has copy, drop, store { channel: address }

    // Accounts and dApp contracts.

    /// Creates a channel for the package whose sources hash to `package`. The other arguments are its
    /// rules, as `rules::ChannelConfig` says.
    public entry fun create(
        creator: &signer,
        package: address,
        tick_interval: u64,
        settlement_interval: u64,
        durability: u8,
        join_policy: u8,
        invited: vector<address>,
        asset: address,
        min_deposit: u64,
        max_members: u64,
        gas_table: u8,
        trust_own_node: bool,
        settlement_rule: u8,
        weight_by: u8,
        challenge_window: u64,
        collateral: u64,
        fine: u64,
        bond: u64,
        penalty_votes: u8,
        drop_rule: u8,
    ) acquires Created {
        let config = rules::config(
            tick_interval, settlement_interval, durability, join_policy, invited, asset,
            min_deposit, max_members, gas_table, trust_own_node, settlement_rule, weight_by,
            challenge_window, collateral, fine, bond, penalty_votes, drop_rule,
        );
        assert!(!rules::is_for_contract(&config), E_BAD_CONFIG);
        establish(creator, package, config);
    }

    /// Joins with a deposit and the public key of the node that acts for the account. `proof` is that
    /// node's signature, so that nobody joins with a key that is another's or nobody's. Until an epoch
    /// grant names the member, it can take its deposit back. `collateral` is locked beside the deposit,
    /// or, if `pooled`, counted on in the account's stake.
    public entry fun join(
        member: &signer,
        channel: address,
        node: address,
        amount: u64,
        endpoints: vector<vector<u8>>,
        proof: vector<u8>,
        collateral: u64,
        pooled: bool,
    ) acquires Channel {
        enter(member, channel, node, amount, endpoints, proof, collateral, pooled, false);
    }

    /// [`join`] by an account that the channel's owner lets in, whatever its `join_policy`. The rest is
    /// checked as for everybody.
    public fun join_admitted(
        owner: &ChannelOwner,
        member: &signer,
        node: address,
        amount: u64,
        endpoints: vector<vector<u8>>,
        proof: vector<u8>,
        collateral: u64,
        pooled: bool,
    ) acquires Channel {
        enter(member, owner.channel, node, amount, endpoints, proof, collateral, pooled, true);
    }

    fun enter(
        member: &signer,
        channel: address,
        node: address,
        amount: u64,
        endpoints: vector<vector<u8>>,
        proof: vector<u8>,
        collateral: u64,
        pooled: bool,
        admitted: bool,
    ) acquires Channel {
        let account = signer::address_of(member);
        check_open(channel);
        check_collateral(channel, account, node, collateral);
        assert!(admission::agrees(channel, account, node, &proof), E_BAD_PROOF);
        let entry = borrow_global_mut<Channel>(channel);
        assert!(!entry.closing, E_CLOSED);
        let asset = check_rules(channel, account, amount, seats::count(&entry.seats), admitted);
        let (known, place) = seats::find(&entry.seats, account);
        assert!(!known, E_ALREADY_MEMBER);
        assert!(!seats::has_node(&entry.seats, node), E_NODE_TAKEN);
        coin::join(&mut entry.pending, coin::withdraw(member, asset, amount));
        backing::lock(member, channel, asset, collateral, pooled);
        let join_sequence = entry.next_join;
        entry.next_join = join_sequence + 1;
        let weight = rules::weight_of(channel, collateral);
        seats::add(
            &mut entry.seats, place, account, node, join_sequence, weight, amount, collateral, pooled,
        );
        let deposit = history::amounts(asset, amount);
        let (are_fit, endpoints) = admission::texts(endpoints);
        assert!(are_fit, E_BAD_ENDPOINTS);
        history::keep_member(channel, account, node, join_sequence, weight, deposit, endpoints);
        event::emit(MemberJoined { channel, account, join_sequence });
    }

    /// Leaves: a pending member gets its deposit back at once; an active one is taken out by the
    /// channel and paid by the next settlement.
    public entry fun leave(member: &signer, channel: address) acquires Channel {
        let account = signer::address_of(member);
        check_open(channel);
        let entry = borrow_global_mut<Channel>(channel);
        let (known, index) = seats::find(&entry.seats, account);
        assert!(known, E_NOT_A_MEMBER);
        if (seats::has_votes(&seats::at(&entry.seats, index))) {
            seats::ask_to_leave(&mut entry.seats, index, context::time_ms());
            event::emit(LeaveRequested { channel, account });
        } else {
            let seat = seats::take(&mut entry.seats, index);
            refund(entry, channel, &seat);
        }
    }

    /// Closes: at once if there never was an epoch, else through the channel and its last settlement.
    public entry fun close(creator: &signer, channel: address) acquires Channel {
        check_open(channel);
        assert!(rules::creator(channel) == signer::address_of(creator), E_NOT_CREATOR);
        ask_to_close(channel);
    }

    /// [`close`] by the channel's owner.
    public fun close_owned(owner: &ChannelOwner) acquires Channel {
        check_open(owner.channel);
        ask_to_close(owner.channel);
    }

    fun ask_to_close(channel: address) acquires Channel {
        let entry = borrow_global_mut<Channel>(channel);
        entry.closing = true;
        event::emit(CloseRequested { channel });
        if (terms::epoch(&entry.term) == 0) {
            end(entry, channel);
        }
    }

    /// What a contract creates channels with, made once by the account that publishes it. Two of one
    /// account create under the same id.
    public fun creator(account: &signer): Creator {
        Creator { id: creator_id(signer::address_of(account)) }
    }

    /// The creator that the records of channels name which contracts created for `account`. Nobody
    /// signs for it, neither here nor in the channel: their owner alone closes them.
    public fun creator_id(account: address): address {
        ids::hash(b"creator", bcs::to_bytes(&account))
    }

    /// Creates a channel that a contract owns; `rules::admitted` begins its rules.
    public fun create_for(creator: &Creator, package: address, config: ChannelConfig): ChannelOwner
    acquires Created {
        let storage = account::create_signer(creator.id);
        ChannelOwner { channel: establish(&storage, package, config) }
    }

    /// The channel that `owner` owns.
    public fun owned(owner: &ChannelOwner): address {
        owner.channel
    }

    public fun is_channel(channel: address): bool {
        exists<Channel>(channel)
    }

    /// How many channels `creator` has created.
    public fun created(creator: address): u64 acquires Created {
        if (exists<Created>(creator)) borrow_global<Created>(creator).count else 0
    }

    /// Id of `creator`'s channel with this number, from 0 on.
    public fun id_of(creator: address, number: u64): address {
        let bytes = bcs::to_bytes(&coin::chain_id());
        vector::append(&mut bytes, bcs::to_bytes(&creator));
        vector::append(&mut bytes, bcs::to_bytes(&number));
        ids::hash(b"channel", bytes)
    }

    /// Number, height and closing of the last settlement, and the app's result in it.
    public fun last_settlement(channel: address): (u64, u64, bool, vector<u8>)
    acquires Channel, AppResult {
        assert!(exists<Channel>(channel), E_NO_CHANNEL);
        let last = &borrow_global<Channel>(channel).settlement;
        (last.number, last.height, last.closed, *&borrow_global<AppResult>(channel).bytes)
    }

    /// Everything nodes and dApps need to know of a channel.
    public fun record(channel: address): ChannelRecord acquires Channel {
        assert!(exists<Channel>(channel), E_NO_CHANNEL);
        let entry = borrow_global<Channel>(channel);
        let (creator, package, config) = rules::of(channel);
        let asset = coin::asset(&entry.money);
        let last = terms::epoch(&entry.term);
        ChannelRecord {
            chain: coin::chain_id(),
            channel,
            creator,
            package,
            config,
            open: entry.open,
            closing: entry.closing,
            first_grant: if (last > 0) option::some(history::granted(channel, 1)) else option::none(),
            founders: history::members(channel, &entry.founders),
            grants: history::grants(channel, terms::first_kept(&entry.term), last),
            in_force: terms::record(&entry.term, leader_of(channel, &entry.term)),
            members: members_of(channel, &entry.seats, asset),
            windows: windows::of(channel),
            settlement: *&entry.settlement,
            locked: history::amounts(
                asset, coin::value(&entry.pending) + coin::value(&entry.money)
            ),
        }
    }

    /// The grants of these epochs, ascending; only those that exist.
    public fun grants(channel: address, first: u64, last: u64): vector<EpochGrant> {
        history::grants(channel, first, last)
    }

    /// Who speaks for whom in the epochs of `grants`, in the same order.
    public fun voices(channel: address, first: u64, last: u64): vector<Voices> acquires Channel {
        assert!(exists<Channel>(channel), E_NO_CHANNEL);
        let granted = terms::epoch(&borrow_global<Channel>(channel).term);
        let (list, epoch) = (vector::empty(), if (first > 0) first else 1);
        while (epoch <= last && epoch <= granted) {
            vector::push_back(&mut list, spoken::of(channel, epoch));
            epoch = epoch + 1;
        };
        list
    }

    /// The member that joined with this sequence, also after it left; none for a sequence that was
    /// never given or whose member withdrew while pending.
    public fun joined(channel: address, join_sequence: u64): vector<MemberRecord> {
        history::joined(channel, join_sequence)
    }

    /// What execution of the channel's blocks depends on: creator, package, gas table, tick interval.
    public fun facts(channel: address): (address, address, u8, u64) {
        assert!(exists<Channel>(channel), E_NO_CHANNEL);
        rules::facts(channel)
    }

    /// The join sequence that the next member gets.
    public fun next_join(channel: address): u64 acquires Channel {
        assert!(exists<Channel>(channel), E_NO_CHANNEL);
        borrow_global<Channel>(channel).next_join
    }

    // For `membership`.

    /// Notes a heartbeat of the member whose node's chain account is `node_account`.
    public(friend) fun beat(channel: address, node_account: address): address acquires Channel {
        check_open(channel);
        let seats = &mut borrow_global_mut<Channel>(channel).seats;
        let (known, account) = seats::beat(seats, node_account, context::time_ms());
        assert!(known, E_NOT_A_NODE);
        account
    }

    /// Join sequences of members whose heartbeat is at most `validity` old, ascending; without those
    /// whose collateral fines have brought below the channel's least; what reports that nobody decided
    /// cost does not count against them.
    public(friend) fun valid_now(channel: address, validity: u64): vector<u64> acquires Channel {
        let entry = borrow_global<Channel>(channel);
        let valid = seats::valid(&entry.seats, context::time_ms(), validity);
        let (least, _, _) = rules::stakes(channel);
        if (least == 0) valid
        else backed::only(&entry.seats, coin::asset(&entry.money), least, valid)
    }

    /// Whether others would speak for members if the next epoch were granted now, with the same valid
    /// members as the one in force: somebody chose another candidate, or a candidate leaves.
    public(friend) fun would_change_voices(channel: address): bool acquires Channel {
        let entry = borrow_global<Channel>(channel);
        let epoch = terms::epoch(&entry.term);
        let next = voices_after(channel, entry, epoch, terms::valid(&entry.term));
        next != spoken::of(channel, epoch)
    }

    /// Where everybody settles, or weighs by its collateral, everybody speaks for itself: who speaks
    /// for how many is counted by members.
    fun voices_after(channel: address, entry: &Channel, epoch: u64, valid: &vector<u64>): Voices {
        if (rules::asks_everybody(channel) || rules::weighs_collateral(channel)) voices::none()
        else spoken::next(channel, epoch, &entry.seats, valid)
    }

    /// An active member wants to be spoken for by another; by nobody in particular if that is zero.
    public(friend) fun choose(channel: address, join_sequence: u64, candidate: u64) {
        spoken::choose(channel, join_sequence, candidate);
    }

    /// The epoch in force, join sequence of the leader and whether it leaves, valid set and time of
    /// the grant; epoch 0 before the first.
    public(friend) fun grant_in_force(channel: address): (u64, u64, bool, vector<u64>, u64)
    acquires Channel {
        let entry = borrow_global<Channel>(channel);
        let term = &entry.term;
        let leader = if (terms::epoch(term) == 0) 0 else terms::leader(term);
        let leaves = seats::is_leaving(&entry.seats, leader);
        (terms::epoch(term), leader, leaves, *terms::valid(term), terms::granted_at(term))
    }

    /// Epoch and view in force; whose promises begin a view of the epoch, and what each weighs
    /// (`seats::openers`).
    public(friend) fun openers(channel: address): (u64, u64, vector<address>, vector<u64>)
    acquires Channel {
        let entry = borrow_global<Channel>(channel);
        let (nodes, weights) = seats::openers(&entry.seats, terms::valid(&entry.term));
        (terms::epoch(&entry.term), terms::view(&entry.term), nodes, weights)
    }

    /// A later view of the epoch in force has begun: the account that leads it.
    public(friend) fun show_view(channel: address, view: u64): address acquires Channel {
        let term = &mut borrow_global_mut<Channel>(channel).term;
        terms::show(term, view);
        leader_of(channel, term)
    }

    /// Join sequence of the member with this account, zero if there is none, whether it is active, and
    /// whether it leaves.
    public(friend) fun standing(channel: address, account: address): (u64, bool, bool) acquires Channel {
        seats::standing(&borrow_global<Channel>(channel).seats, account)
    }

    /// Grants the next epoch to `leader`, which is `valid_now`: the members that are become active.
    /// The first grant founds the channel's books.
    public(friend) fun grant(channel: address, leader: address, valid: vector<u64>): u64
    acquires Channel {
        check_open(channel);
        let entry = borrow_global_mut<Channel>(channel);
        let (last, now) = (terms::epoch(&entry.term), context::time_ms());
        let deposits = seats::activate(&mut entry.seats, &valid, last + 1);
        let voices = voices_after(channel, entry, last, &valid);
        spoken::keep(channel, last + 1, voices, &entry.seats);
        coin::join(&mut entry.money, coin::split(&mut entry.pending, deposits));
        if (last == 0) {
            entry.booked_total = deposits;
            entry.founders = copy valid;
        };
        let (granted, _, _) = seats::standing(&entry.seats, leader);
        let epoch = terms::grant(&mut entry.term, granted, copy valid, now);
        history::keep_grant(channel, epoch, leader, granted, valid);
        epoch
    }

    // For `settlement`.

    /// Number, height, root of the last settlement and the channel's asset.
    public(friend) fun settled(channel: address): (u64, u64, address, address) acquires Channel {
        check_open(channel);
        let entry = borrow_global<Channel>(channel);
        let last = &entry.settlement;
        (last.number, last.height, last.root, coin::asset(&entry.money))
    }

    /// Who settles: nodes of the active members, sorted, and what each weighs. Who weighs its
    /// collateral weighs what fines have left of it.
    public(friend) fun electorate(channel: address): (vector<address>, vector<u64>)
    acquires Channel {
        seats::electorate(&borrow_global<Channel>(channel).seats)
    }

    /// Join sequence and deposit of a member; zeros for none.
    public(friend) fun brought(channel: address, account: address): (u64, u64) acquires Channel {
        roll::brought(&borrow_global<Channel>(channel).seats, account)
    }

    /// Whether a settlement may name `accounts`, and what the books must then hold: what is booked,
    /// and the deposits named for the first time (`seats::first_named`).
    public(friend) fun expected_total(
        channel: address,
        accounts: &vector<address>,
        leaves: &vector<bool>,
        closes: bool,
        overdue: u64,
    ): (bool, u64) acquires Channel {
        let entry = borrow_global<Channel>(channel);
        let (admitted, deposits) =
            seats::first_named(&entry.seats, accounts, leaves, closes, overdue);
        (admitted, entry.booked_total + deposits)
    }

    // For `shown`, `exits` and `penalty`.

    /// Who may have certified a block of an epoch, as `seats::certifiers` says.
    public(friend) fun certifiers(channel: address, epoch: u64)
    : (vector<address>, vector<u64>, vector<u64>, u64) acquires Channel {
        check_open(channel);
        let entry = borrow_global<Channel>(channel);
        assert!(epoch > 0 && epoch <= terms::epoch(&entry.term), E_NO_EPOCH);
        let valid = history::valid_of(&history::granted(channel, epoch));
        seats::certifiers(&entry.seats, epoch, &valid)
    }

    /// Nodes of the active members, sorted, and what each weighs whose heartbeat is fresh.
    public(friend) fun heard(channel: address, validity: u64): (vector<address>, vector<u64>)
    acquires Channel {
        let seats = &borrow_global<Channel>(channel).seats;
        let (electors, weights) = seats::heard(seats, context::time_ms(), validity, false);
        (electors, weights)
    }

    /// The same, without the convicted: who judges others.
    public(friend) fun judges(channel: address, validity: u64): (vector<address>, vector<u64>)
    acquires Channel {
        let entry = borrow_global<Channel>(channel);
        let (electors, weights) = seats::heard(&entry.seats, context::time_ms(), validity, true);
        if (rules::weighs_collateral(channel)) {
            backed::lower(&entry.seats, coin::asset(&entry.money), &electors, &mut weights);
        };
        (electors, weights)
    }

    /// The epoch in force at the last settlement; zero before the first.
    public(friend) fun settled_epoch(channel: address): u64 acquires Channel {
        let entry = borrow_global<Channel>(channel);
        if (entry.settlement.number == 0) 0 else terms::settled(&entry.term)
    }

    /// Members that are active.
    public(friend) fun parties(channel: address): u64 acquires Channel {
        vector::length(seats::electors(&borrow_global<Channel>(channel).seats))
    }

    /// The seat of the member whose node has this chain account, noting its heartbeat.
    public(friend) fun seat_of_node(channel: address, node_account: address): Seat acquires Channel {
        let account = beat(channel, node_account);
        let seats = &borrow_global<Channel>(channel).seats;
        let (_, index) = seats::find(seats, account);
        seats::at(seats, index)
    }

    /// The account for which the node with this chain account acts as an active member, if it does, and
    /// its join sequence.
    public(friend) fun member_of_node(channel: address, node_account: address): (bool, address, u64)
    acquires Channel {
        roll::member_of_node(&borrow_global<Channel>(channel).seats, node_account)
    }

    /// Whether the member that joined with this sequence was in the channel in the epoch: valid in it,
    /// or active since then and still there.
    public(friend) fun was_in(channel: address, join_sequence: u64, epoch: u64): bool
    acquires Channel {
        let entry = borrow_global<Channel>(channel);
        if (epoch == 0 || epoch > terms::epoch(&entry.term)) return false;
        let (found, was_active) = roll::was_active(&entry.seats, join_sequence, epoch);
        if (found) return was_active;
        let valid = history::valid_of(&history::granted(channel, epoch));
        let (was_valid, _) = quorum::find_number(&valid, join_sequence);
        was_valid
    }

    /// What backs a member's word now.
    public(friend) fun backing_of(channel: address, seat: &Seat): u64 acquires Channel {
        backed::by(seat, coin::asset(&borrow_global<Channel>(channel).money))
    }

    /// What is held of a member that has left, at least until a time, if that is not too long after.
    public(friend) fun hold_for(channel: address, account: address, until: u64): u64 {
        backing::prolong(channel, account, until)
    }

    /// Join sequence of the last member for which the node with this chain account joined, also after
    /// it left; zero for none.
    public(friend) fun latest_of_node(channel: address, node_account: address): u64 {
        history::latest(channel, node_account)
    }

    /// The seat of a member of an open channel.
    public(friend) fun open_seat(channel: address, account: address): Seat acquires Channel {
        check_open(channel);
        let seats = &borrow_global<Channel>(channel).seats;
        let (known, index) = seats::find(seats, account);
        assert!(known, E_NOT_A_MEMBER);
        seats::at(seats, index)
    }

    /// Whether the account is an active member of an open channel.
    public(friend) fun is_active(channel: address, account: address): bool acquires Channel {
        let entry = borrow_global<Channel>(channel);
        let (_, active, _) = seats::standing(&entry.seats, account);
        entry.open && active
    }

    /// The seat of the member with this join sequence, if it is still there.
    public(friend) fun seat_of(channel: address, join_sequence: u64): (bool, Seat) acquires Channel {
        assert!(exists<Channel>(channel), E_NO_CHANNEL);
        let seats = &borrow_global<Channel>(channel).seats;
        let (found, index) = seats::find_sequence(seats, join_sequence);
        (found, if (found) seats::at(seats, index) else seats::no_seat())
    }

    /// The member is valid no more, may not come back for a while, also if it has left, and is to be
    /// taken out.
    public(friend) fun bar(channel: address, join_sequence: u64, until: u64) acquires Channel {
        let seats = &mut borrow_global_mut<Channel>(channel).seats;
        let (found, index) = seats::find_sequence(seats, join_sequence);
        if (found) seats::bar(seats, index, context::time_ms());
        let record = history::member(channel, join_sequence);
        windows::ban(channel, history::holder(&record), history::node(&record), until);
    }

    /// Takes at most `amount` of the collateral of the member that joined with this sequence, also
    /// after it left, and gives half of it to `reporter`. What it took.
    public(friend) fun fine(channel: address, join_sequence: u64, amount: u64, reporter: address): u64
    acquires Channel {
        let entry = borrow_global_mut<Channel>(channel);
        let asset = coin::asset(&entry.money);
        let (found, index) = seats::find_sequence(&entry.seats, join_sequence);
        let taken = if (found) backed::fine(&mut entry.seats, index, channel, asset, amount) else {
            let account = history::holder(&history::member(channel, join_sequence));
            backing::fine_held(channel, account, asset, amount)
        };
        let whole = coin::value(&taken);
        coin::deposit(reporter, coin::split(&mut taken, whole / 2));
        coin::deposit(@settlement, taken);
        whole
    }

    /// Whatever this cost the member that joined with this sequence, it may be valid all the same.
    public(friend) fun excuse(channel: address, join_sequence: u64, amount: u64) acquires Channel {
        let seats = &mut borrow_global_mut<Channel>(channel).seats;
        let (found, index) = seats::find_sequence(seats, join_sequence);
        if (found) seats::excuse(seats, index, amount);
    }

    /// The node and the account of a member as it joined.
    public(friend) fun node_of(record: &MemberRecord): address {
        history::node(record)
    }

    public(friend) fun holder_of(record: &MemberRecord): address {
        history::holder(record)
    }

    /// The channel's asset, also after it has ended.
    public(friend) fun asset(channel: address): address acquires Channel {
        assert!(exists<Channel>(channel), E_NO_CHANNEL);
        coin::asset(&borrow_global<Channel>(channel).money)
    }

    /// Height, root and block of the last settlement; zeros before the first.
    public(friend) fun settled_state(channel: address): (u64, address, address) acquires Channel {
        let last = &borrow_global<Channel>(channel).settlement;
        (last.height, last.root, last.block)
    }

    /// Marks the member as leaving, as it demands: whether it is active.
    public(friend) fun demand_leave(channel: address, account: address): bool acquires Channel {
        check_open(channel);
        let seats = &mut borrow_global_mut<Channel>(channel).seats;
        let (known, index) = seats::find(seats, account);
        assert!(known, E_NOT_A_MEMBER);
        let active = seats::has_votes(&seats::at(seats, index));
        if (active) seats::ask_to_leave(seats, index, context::time_ms());
        active
    }

    /// Ends the channel by an exit at a block of this epoch: who is not among the `entered`, or became
    /// active later, gets its deposit, the others take what the state says with `take_due`. Their
    /// accounts.
    public(friend) fun end_at(channel: address, entered: &vector<u64>, epoch: u64): vector<address>
    acquires Channel {
        end_with(channel, false, entered, epoch)
    }

    /// Ends the channel by an exit at its last settlement: whom that named takes what its state says,
    /// everybody else gets its deposit; all do if there never was one.
    public(friend) fun end_at_settlement(channel: address): vector<address> acquires Channel {
        end_with(channel, true, &vector::empty(), 0)
    }

    fun end_with(channel: address, settled: bool, entered: &vector<u64>, epoch: u64)
    : vector<address> acquires Channel {
        check_open(channel);
        let entry = borrow_global_mut<Channel>(channel);
        let ever = entry.settlement.number > 0;
        let (members, index) = (vector::empty(), 0);
        while (index < seats::count(&entry.seats)) {
            let seat = seats::at(&entry.seats, index);
            let is_in = if (settled) ever && seats::is_booked(&seat) else {
                state_proof::is_in_runs(entered, seats::join_sequence(&seat))
                    && seats::active_since(&seat) <= epoch
            };
            if (is_in && seats::has_votes(&seat)) {
                vector::push_back(&mut members, seats::account(&seat));
                index = index + 1;
            } else {
                let seat = seats::take(&mut entry.seats, index);
                if (seats::has_votes(&seat)) {
                    let (due, most) = (seats::deposit(&seat), coin::value(&entry.money));
                    pay(entry, channel, &seat, if (due > most) most else due);
                } else refund(entry, channel, &seat);
            };
        };
        entry.open = false;
        event::emit(ChannelClosed { channel });
        members
    }

    /// Pays a member of a channel that an exit ended what the state says, as far as there is money.
    /// With the last one goes what is left, in equal parts among `members`, single units to the first.
    public(friend) fun take_due(
        channel: address,
        account: address,
        amount: u64,
        members: vector<address>,
    ) acquires Channel {
        let entry = borrow_global_mut<Channel>(channel);
        let (known, index) = seats::find(&entry.seats, account);
        assert!(known, E_NOT_A_MEMBER);
        let seat = seats::take(&mut entry.seats, index);
        let most = coin::value(&entry.money);
        pay(entry, channel, &seat, if (amount > most) most else amount);
        if (seats::count(&entry.seats) > 0) return;
        let (left, count, place) = (coin::value(&entry.money), vector::length(&members), 0);
        while (place < count) {
            let part = left / count + (if (place < left % count) 1 else 0);
            let member = *vector::borrow(&members, place);
            if (part > 0) coin::deposit(member, coin::split(&mut entry.money, part));
            place = place + 1;
        };
    }

    // For `settlement` again.

    /// Executes a settlement that was checked: pays and removes leavers, books the others.
    public(friend) fun settle(
        channel: address,
        accounts: &vector<address>,
        due: &vector<u64>,
        leaves: &vector<bool>,
        height: u64,
        root: address,
        block: address,
        closes: bool,
        result: vector<u8>,
    ) acquires Channel, AppResult {
        check_open(channel);
        let entry = borrow_global_mut<Channel>(channel);
        let paid = pay_leavers(entry, channel, accounts, due, leaves);
        let number = entry.settlement.number + 1;
        entry.settlement = SettlementRecord { number, height, root, block, paid, closed: closes };
        terms::settle(&mut entry.term);
        let (_, by, _) = windows::exit(channel);
        let (epoch, unpaid) = (terms::settled(&entry.term), roll::still_there(&entry.seats, by));
        windows::settled(channel, height, epoch, unpaid);
        if (closes) {
            end(entry, channel);
        };
        borrow_global_mut<AppResult>(channel).bytes = result;
    }

    // Inside.

    fun establish(creator: &signer, package: address, config: ChannelConfig): address
    acquires Created {
        assert!(rules::are_sound(&config), E_BAD_CONFIG);
        let owner = signer::address_of(creator);
        let channel = next_id(creator);
        let storage = account::create_signer(channel);
        let asset = rules::asset(&config);
        rules::keep(channel, owner, package, config);
        move_to(&storage, AppResult { bytes: vector::empty() });
        move_to(&storage, new_channel(asset));
        event::emit(ChannelCreated { channel, creator: owner });
        channel
    }

    fun new_channel(asset: address): Channel {
        Channel {
            open: true,
            closing: false,
            seats: seats::none(),
            founders: vector::empty(),
            term: terms::none(),
            next_join: 1,
            settlement: SettlementRecord {
                number: 0, height: 0, root: @0x0, block: @0x0, paid: vector::empty(), closed: false,
            },
            pending: coin::zero(asset),
            money: coin::zero(asset),
            booked_total: 0,
        }
    }

    fun next_id(creator: &signer): address acquires Created {
        let owner = signer::address_of(creator);
        if (!exists<Created>(owner)) {
            move_to(creator, Created { count: 0 });
        };
        let created = borrow_global_mut<Created>(owner);
        created.count = created.count + 1;
        id_of(owner, created.count - 1)
    }

    fun check_open(channel: address) acquires Channel {
        assert!(exists<Channel>(channel), E_NO_CHANNEL);
        assert!(borrow_global<Channel>(channel).open, E_CLOSED);
    }

    /// Whether the rules let this account in with this deposit; the channel's asset.
    fun check_rules(
        channel: address,
        account: address,
        amount: u64,
        members: u64,
        admitted: bool,
    ): address {
        let (may_join, least, most, asset) = rules::terms(channel, account);
        assert!(admitted || may_join, E_NOT_INVITED);
        assert!(amount >= least, E_DEPOSIT_TOO_SMALL);
        assert!(members < most, E_FULL);
        asset
    }

    /// Whether the account may come in now, and brings what is asked of it.
    fun check_collateral(channel: address, account: address, node: address, collateral: u64) {
        let (least, _, _) = rules::stakes(channel);
        assert!(collateral >= least, E_COLLATERAL_TOO_SMALL);
        assert!(!windows::is_banned(channel, account, node), E_BANNED);
    }

    /// Closes the channel: whoever was never named in a settlement takes its deposit back.
    fun end(entry: &mut Channel, channel: address) {
        while (seats::count(&entry.seats) > 0) {
            let seat = seats::dissolve(&mut entry.seats);
            if (seats::has_votes(&seat)) pay(entry, channel, &seat, seats::deposit(&seat))
            else refund(entry, channel, &seat);
        };
        entry.open = false;
        event::emit(ChannelClosed { channel });
    }

    /// Gives a pending member that has lost its seat its deposit back: it never was in the channel.
    fun refund(entry: &mut Channel, channel: address, seat: &Seat) {
        let (account, paid) = (seats::account(seat), seats::deposit(seat));
        history::forget_member(channel, seats::join_sequence(seat));
        backed::give_back(channel, seat, coin::asset(&entry.pending));
        coin::deposit(account, coin::split(&mut entry.pending, paid));
        event::emit(MemberLeft { channel, account, paid });
    }

    /// Pays a member that has lost its seat. Its collateral follows a window later: until then a fine
    /// can still reach it.
    fun pay(entry: &mut Channel, channel: address, seat: &Seat, amount: u64) {
        let account = seats::account(seat);
        backed::hold(channel, seat, coin::asset(&entry.money), rules::window(channel));
        coin::deposit(account, coin::split(&mut entry.money, amount));
        event::emit(MemberLeft { channel, account, paid: amount });
    }

    /// Books the rows of a settlement and pays those who leave: their accounts.
    fun pay_leavers(
        entry: &mut Channel,
        channel: address,
        accounts: &vector<address>,
        due: &vector<u64>,
        leaves: &vector<bool>,
    ): vector<address> {
        let (booked, left, gone) = seats::settle(&mut entry.seats, accounts, leaves);
        let (paid, payments) = (vector::empty(), 0);
        let (index, count) = (0, vector::length(&left));
        while (index < count) {
            let amount = *vector::borrow(due, *vector::borrow(&left, index));
            let seat = vector::borrow(&gone, index);
            payments = payments + amount;
            pay(entry, channel, seat, amount);
            vector::push_back(&mut paid, seats::account(seat));
            index = index + 1;
        };
        entry.booked_total = entry.booked_total + booked - payments;
        paid
    }

    /// The account that leads a term, also after it was paid.
    fun leader_of(channel: address, term: &Term): address {
        if (terms::epoch(term) == 0) return @0x0;
        history::holder(&history::member(channel, terms::leader(term)))
    }

    /// The members by join sequence.
    fun members_of(channel: address, seats: &Seats, asset: address): vector<ChainMember> {
        let (members, order) = (vector::empty(), seats::sequences(seats));
        let (least, _, _) = rules::stakes(channel);
        let (index, count) = (0, vector::length(&order));
        while (index < count) {
            let record = history::member(channel, *vector::borrow(&order, index));
            let account = history::holder(&record);
            let (place, active, leaving, last_heartbeat) = seats::state(seats, account);
            let seat = seats::at(seats, place);
            let (_, pooled) = seats::backing(&seat);
            let collateral = backed::by(&seat, asset);
            let eligible = !seats::is_barred(&seat) && backed::is_enough(&seat, asset, least);
            vector::push_back(&mut members, ChainMember {
                record, active, active_since: seats::active_since(&seat),
                booked: seats::is_booked(&seat), leaving, last_heartbeat,
                collateral, pooled, eligible,
            });
            index = index + 1;
        };
        members
    }

    #[test_only]
    /// A settlement that pays nobody, with no votes asked: for tests of what reads its result.
    public fun settle_for_testing(channel: address, height: u64, result: vector<u8>)
    acquires Channel, AppResult {
        let none = vector::empty();
        settle(
            channel, &none, &vector::empty(), &vector::empty(), height, @0x11, @0x12, false, result,
        );
    }

    #[test_only]
    /// Money of active members, of pending ones, and what the books hold.
    public fun money_for_testing(channel: address): (u64, u64, u64) acquires Channel {
        let entry = borrow_global<Channel>(channel);
        (coin::value(&entry.money), coin::value(&entry.pending), entry.booked_total)
    }

    #[test_only]
    /// Members in the record, active ones among them, and grants.
    public fun counts_for_testing(channel: address): (u64, u64, u64)
    acquires Channel {
        let record = record(channel);
        let (active, index) = (0, 0);
        while (index < vector::length(&record.members)) {
            if (vector::borrow(&record.members, index).active) active = active + 1;
            index = index + 1;
        };
        (vector::length(&record.members), active, vector::length(&record.grants))
    }

    #[test_only]
    /// Whether the channel is open, and what it holds on the chain.
    public fun standing_for_testing(channel: address): (bool, u64) acquires Channel {
        let record = record(channel);
        (record.open, history::amount_for_testing(&record.locked))
    }

    #[test_only]
    /// A member in the record: join sequence, account, and whether it is active and leaves.
    public fun member_for_testing(channel: address, place: u64): (u64, address, bool, bool)
    acquires Channel {
        let record = record(channel);
        let member = vector::borrow(&record.members, place);
        let (join_sequence, account) = history::member_for_testing(&member.record);
        (join_sequence, account, member.active, member.leaving)
    }

    #[test_only]
    /// Whether the member that joined with this sequence has a seat, whether it is barred, and its
    /// collateral there.
    public fun seat_for_testing(channel: address, join_sequence: u64): (bool, bool, u64)
    acquires Channel {
        let (found, seat) = seat_of(channel, join_sequence);
        let (collateral, _) = seats::backing(&seat);
        (found, found && seats::is_barred(&seat), collateral)
    }

    #[test_only]
    /// Whether the record says that the member at this place may be valid.
    public fun eligible_for_testing(channel: address, place: u64): bool acquires Channel {
        vector::borrow(&record(channel).members, place).eligible
    }

    #[test_only]
    /// Epochs of the first grant and of those in the record.
    public fun epochs_for_testing(channel: address): (u64, vector<u64>) acquires Channel {
        let record = record(channel);
        let first = history::epoch_for_testing(option::borrow(&record.first_grant));
        (first, history::epochs_for_testing(&record.grants))
    }

    #[test_only]
    /// The node with the key of this seed agrees to act for `account` in `channel`.
    public fun proof_for_testing(seed: vector<u8>, channel: address, account: address): vector<u8> {
        admission::proof_for_testing(seed, channel, account)
    }
}
