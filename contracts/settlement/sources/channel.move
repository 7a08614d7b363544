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
    use std::string::{Self, String};
    use std::vector;
    use runtime::context;
    use runtime::ed25519;
    use runtime::event;
    use settlement::account;
    use settlement::coin::{Self, Coin};
    use settlement::ids;

    friend settlement::membership;
    friend settlement::settlement;

    /// There is no such channel.
    const E_NO_CHANNEL: u64 = 1;
    /// The channel is closed.
    const E_CLOSED: u64 = 2;
    /// The account is a member already.
    const E_ALREADY_MEMBER: u64 = 3;
    /// The channel's creator did not invite the account.
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
    /// A rule of the configuration makes no sense, or an open channel asks for no deposit.
    const E_BAD_CONFIG: u64 = 10;
    /// At most eight endpoints of 256 bytes.
    const E_BAD_ENDPOINTS: u64 = 11;
    /// The node's key is no member's.
    const E_NOT_A_NODE: u64 = 12;
    /// The node has not agreed to act for the account: its signature does not verify.
    const E_BAD_PROOF: u64 = 13;

    /// `join_policy`: only invited accounts.
    const INVITED: u8 = 0;
    /// `join_policy`: anyone with the deposit.
    const OPEN: u8 = 1;
    /// Members a channel can have: what settles within the gas of a call, with room.
    const MOST_MEMBERS: u64 = 128;
    /// Grants in the record. Older ones stay readable by `grants`.
    const KEPT_GRANTS: u64 = 256;
    /// What lies under an address made of the channel, one of these, and a number.
    const JOINED: u8 = 0;
    const GRANTED: u8 = 1;

    struct AssetAmount has copy, drop, store { asset: address, amount: u64 }

    struct ChannelConfig has copy, drop, store {
        tick_interval: u64,
        settlement_interval: u64,
        durability: u8,
        join_policy: u8,
        invited: vector<address>,
        asset: address,
        min_deposit: u64,
        max_members: u64,
        gas_table: u8,
    }

    struct MemberRecord has copy, drop, store {
        account: address,
        node: address,
        join_sequence: u64,
        weight: u64,
        deposit: vector<AssetAmount>,
        endpoints: vector<String>,
    }

    struct ChainMember has copy, drop, store {
        record: MemberRecord,
        active: bool,
        leaving: bool,
        last_heartbeat: u64,
    }

    struct EpochGrant has copy, drop, store { epoch: u64, leader: address, valid: vector<u64> }

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
        members: vector<ChainMember>,
        settlement: SettlementRecord,
        locked: vector<AssetAmount>,
    }

    /// What never changes, under the channel's id.
    struct Rules has key { creator: address, package: address, config: ChannelConfig }

    /// The app's result in the last settlement, under the channel's id.
    struct AppResult has key { bytes: vector<u8> }

    /// A member as it joined, kept for good unless it withdrew while pending.
    struct Joined has key { record: MemberRecord }

    /// A grant, kept for good.
    struct Granted has key { grant: EpochGrant }

    /// Where a `Joined` or `Granted` is stored.
    struct Place has drop { channel: address, kind: u8, number: u64 }

    /// What heartbeats, grants and settlements need of a member: kept small, since each of them
    /// reads all seats.
    struct Seat has copy, drop, store {
        account: address,
        node: address,
        /// The chain account of the node.
        node_account: address,
        join_sequence: u64,
        weight: u64,
        deposit: u64,
        /// A grant has named the member.
        active: bool,
        /// A settlement or the first grant has taken the deposit into the books.
        booked: bool,
        /// When the member asked to leave; zero if it did not.
        leaving_since: u64,
        last_heartbeat: u64,
    }

    /// A channel, stored under its id.
    struct Channel has key {
        open: bool,
        closing: bool,
        /// Sorted by account, as the rows of a proposal are.
        seats: vector<Seat>,
        /// Nodes of the active members, sorted, and what each weighs: who settles.
        electors: vector<address>,
        weights: vector<u64>,
        /// Join sequences of the members of the first grant.
        founders: vector<u64>,
        /// The grant in force; epoch 0 before the first.
        grant: EpochGrant,
        granted_at: u64,
        /// First epoch in the record, and the one in force at the last settlement.
        first_kept: u64,
        settled_epoch: u64,
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

    struct ChannelCreated has copy, drop, store { channel: address, creator: address }
    struct MemberJoined has copy, drop, store { channel: address, account: address, join_sequence: u64 }
    struct MemberLeft has copy, drop, store { channel: address, account: address, paid: u64 }
    struct LeaveRequested has copy, drop, store { channel: address, account: address }
    struct CloseRequested has copy, drop, store { channel: address }
    struct ChannelClosed has copy, drop, store { channel: address }

    // Accounts and dApp contracts.

    /// Creates a channel for the package whose sources hash to `package`. `gas_table` names what
    /// execution costs in the channel, from 1 on. Which tables exist is not the chain's to know: they
    /// come with the nodes, and a node refuses a channel whose table it lacks before anybody joins.
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
    ) acquires Created {
        assert!(durability <= 1 && join_policy <= OPEN, E_BAD_CONFIG);
        assert!(max_members > 0 && max_members <= MOST_MEMBERS, E_BAD_CONFIG);
        assert!(vector::length(&invited) <= 1024, E_BAD_CONFIG);
        assert!(join_policy != OPEN || min_deposit > 0, E_BAD_CONFIG);
        assert!(gas_table > 0, E_BAD_CONFIG);
        let config = ChannelConfig {
            tick_interval, settlement_interval, durability, join_policy, invited, asset,
            min_deposit, max_members, gas_table,
        };
        let owner = signer::address_of(creator);
        let channel = next_id(creator);
        let storage = account::create_signer(channel);
        move_to(&storage, Rules { creator: owner, package, config });
        move_to(&storage, AppResult { bytes: vector::empty() });
        move_to(&storage, new_channel(asset));
        event::emit(ChannelCreated { channel, creator: owner });
    }

    /// Joins with a deposit and the public key of the node that acts for the account. `proof` is that
    /// node's signature, so that nobody joins with a key that is another's or nobody's. Until an epoch
    /// grant names the member, it can take its deposit back.
    public entry fun join(
        member: &signer,
        channel: address,
        node: address,
        amount: u64,
        endpoints: vector<vector<u8>>,
        proof: vector<u8>,
    ) acquires Channel, Rules {
        let account = signer::address_of(member);
        check_open(channel);
        let message = proof_message(channel, account);
        assert!(ed25519::verify(&bcs::to_bytes(&node), &message, &proof), E_BAD_PROOF);
        let entry = borrow_global_mut<Channel>(channel);
        assert!(!entry.closing, E_CLOSED);
        let asset = check_rules(channel, account, amount, vector::length(&entry.seats));
        let (known, place) = find_account(&entry.seats, account);
        assert!(!known, E_ALREADY_MEMBER);
        assert!(!has_node(&entry.seats, node), E_NODE_TAKEN);
        coin::join(&mut entry.pending, coin::withdraw(member, asset, amount));
        let join_sequence = entry.next_join;
        entry.next_join = join_sequence + 1;
        insert_seat(&mut entry.seats, place, Seat {
            account, node, node_account: ids::account_of(node), join_sequence, weight: 1,
            deposit: amount, active: false, booked: false, leaving_since: 0, last_heartbeat: 0,
        });
        let record = MemberRecord {
            account, node, join_sequence, weight: 1, deposit: amounts(asset, amount),
            endpoints: texts(endpoints),
        };
        let storage = account::create_signer(place_of(channel, JOINED, join_sequence));
        move_to(&storage, Joined { record });
        event::emit(MemberJoined { channel, account, join_sequence });
    }

    /// Leaves: a pending member gets its deposit back at once; an active one is taken out by the
    /// channel and paid by the next settlement.
    public entry fun leave(member: &signer, channel: address) acquires Channel, Joined {
        let account = signer::address_of(member);
        check_open(channel);
        let entry = borrow_global_mut<Channel>(channel);
        let (known, index) = find_account(&entry.seats, account);
        assert!(known, E_NOT_A_MEMBER);
        let seat = vector::borrow_mut(&mut entry.seats, index);
        if (!seat.active) {
            let seat = vector::remove(&mut entry.seats, index);
            withdraw(entry, channel, &seat);
        } else {
            if (seat.leaving_since == 0) {
                seat.leaving_since = context::time_ms();
            };
            event::emit(LeaveRequested { channel, account });
        }
    }

    /// Closes: at once if there never was an epoch, else through the channel and its last settlement.
    public entry fun close(creator: &signer, channel: address) acquires Channel, Rules, Joined {
        check_open(channel);
        assert!(borrow_global<Rules>(channel).creator == signer::address_of(creator), E_NOT_CREATOR);
        let entry = borrow_global_mut<Channel>(channel);
        entry.closing = true;
        event::emit(CloseRequested { channel });
        if (entry.grant.epoch == 0) {
            end(entry, channel);
        }
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
    public fun record(channel: address): ChannelRecord acquires Channel, Rules, Joined, Granted {
        assert!(exists<Channel>(channel), E_NO_CHANNEL);
        let entry = borrow_global<Channel>(channel);
        let rules = borrow_global<Rules>(channel);
        let last = entry.grant.epoch;
        ChannelRecord {
            chain: coin::chain_id(),
            channel,
            creator: rules.creator,
            package: rules.package,
            config: *&rules.config,
            open: entry.open,
            closing: entry.closing,
            first_grant: if (last > 0) option::some(granted(channel, 1)) else option::none(),
            founders: records_of(channel, &entry.founders),
            grants: grants(channel, first_grant_kept(entry), last),
            members: members_of(channel, &entry.seats),
            settlement: *&entry.settlement,
            locked: amounts(
                rules.config.asset, coin::value(&entry.pending) + coin::value(&entry.money)
            ),
        }
    }

    /// The grants of these epochs, ascending; only those that exist.
    public fun grants(channel: address, first: u64, last: u64): vector<EpochGrant> acquires Granted {
        let (list, epoch) = (vector::empty(), first);
        while (epoch <= last && exists<Granted>(place_of(channel, GRANTED, epoch))) {
            vector::push_back(&mut list, granted(channel, epoch));
            epoch = epoch + 1;
        };
        list
    }

    /// The member that joined with this sequence, also after it left; none for a sequence that was
    /// never given or whose member withdrew while pending.
    public fun joined(channel: address, join_sequence: u64): vector<MemberRecord> acquires Joined {
        let place = place_of(channel, JOINED, join_sequence);
        if (!exists<Joined>(place)) return vector::empty();
        vector::singleton(*&borrow_global<Joined>(place).record)
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
        let (index, count) = (0, vector::length(seats));
        while (index < count) {
            let seat = vector::borrow_mut(seats, index);
            if (seat.node_account == node_account) {
                seat.last_heartbeat = context::time_ms();
                return seat.account
            };
            index = index + 1;
        };
        abort E_NOT_A_NODE
    }

    /// Join sequences of members whose heartbeat is at most `validity` old, ascending.
    public(friend) fun valid_now(channel: address, validity: u64): vector<u64> acquires Channel {
        let seats = &borrow_global<Channel>(channel).seats;
        let now = context::time_ms();
        let (valid, index, count) = (vector::empty(), 0, vector::length(seats));
        while (index < count) {
            let seat = vector::borrow(seats, index);
            if (is_valid(seat, now, validity)) {
                insert_number(&mut valid, seat.join_sequence);
            };
            index = index + 1;
        };
        valid
    }

    /// Epoch, leader's account, valid set and time of the grant in force; epoch 0 before the first.
    public(friend) fun grant_in_force(channel: address): (u64, address, vector<u64>, u64)
    acquires Channel {
        let entry = borrow_global<Channel>(channel);
        let grant = &entry.grant;
        (grant.epoch, grant.leader, *&grant.valid, entry.granted_at)
    }

    /// Join sequence of the member with this account, zero if there is none, and whether it leaves.
    public(friend) fun standing(channel: address, account: address): (u64, bool) acquires Channel {
        let seats = &borrow_global<Channel>(channel).seats;
        let (known, index) = find_account(seats, account);
        if (!known) return (0, false);
        let seat = vector::borrow(seats, index);
        (seat.join_sequence, seat.leaving_since > 0)
    }

    /// Grants the next epoch to `leader`: the members that are `valid_now` become active. The first
    /// grant founds the channel's books.
    public(friend) fun grant(channel: address, leader: address, valid: vector<u64>, validity: u64): u64
    acquires Channel {
        check_open(channel);
        let entry = borrow_global_mut<Channel>(channel);
        let (founding, now) = (entry.grant.epoch == 0, context::time_ms());
        let (index, count) = (0, vector::length(&entry.seats));
        while (index < count) {
            if (is_valid(vector::borrow(&entry.seats, index), now, validity)) {
                activate(entry, index, founding);
            };
            index = index + 1;
        };
        let epoch = entry.grant.epoch + 1;
        entry.grant = EpochGrant { epoch, leader, valid };
        entry.granted_at = now;
        let storage = account::create_signer(place_of(channel, GRANTED, epoch));
        move_to(&storage, Granted { grant: *&entry.grant });
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

    /// Who settles: nodes of the active members, sorted, and what each weighs.
    public(friend) fun electorate(channel: address): (vector<address>, vector<u64>)
    acquires Channel {
        let entry = borrow_global<Channel>(channel);
        (*&entry.electors, *&entry.weights)
    }

    /// What the books must hold if `accounts`, sorted, are named: what is booked, and the deposits of
    /// active members named for the first time. Every booked member must be named, and nobody else
    /// but active members. Unless the channel `closes`, who asked to leave before `overdue` must be
    /// named as leaving: no settlement goes past a member that waits for its money.
    public(friend) fun expected_total(
        channel: address,
        accounts: &vector<address>,
        leaves: &vector<bool>,
        closes: bool,
        overdue: u64,
    ): (bool, u64) acquires Channel {
        let entry = borrow_global<Channel>(channel);
        let (expected, named_so_far, rows) = (entry.booked_total, 0, vector::length(accounts));
        let (index, count) = (0, vector::length(&entry.seats));
        while (index < count) {
            let seat = vector::borrow(&entry.seats, index);
            let (account, booked) = (seat.account, seat.booked);
            let named = named_so_far < rows && *vector::borrow(accounts, named_so_far) == account;
            let goes = named && *vector::borrow(leaves, named_so_far);
            if (named) named_so_far = named_so_far + 1;
            if (named && !seat.active || booked && !named) return (false, 0);
            if (named && !booked) expected = expected + seat.deposit;
            let waits = seat.leaving_since > 0 && seat.leaving_since < overdue;
            if (waits && !goes && !closes) return (false, 0);
            index = index + 1;
        };
        (named_so_far == rows, expected)
    }

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
    ) acquires Channel, AppResult, Joined {
        check_open(channel);
        let entry = borrow_global_mut<Channel>(channel);
        let paid = settle_seats(entry, channel, accounts, due, leaves);
        let number = entry.settlement.number + 1;
        entry.settlement = SettlementRecord { number, height, root, block, paid, closed: closes };
        // What a late node replays after the last settlement begins no earlier than the epoch in
        // force at the one before: a settlement is proposed once that one has left the books.
        entry.first_kept = entry.settled_epoch;
        entry.settled_epoch = entry.grant.epoch;
        if (closes) {
            end(entry, channel);
        };
        borrow_global_mut<AppResult>(channel).bytes = result;
    }

    // Inside.

    fun new_channel(asset: address): Channel {
        Channel {
            open: true,
            closing: false,
            seats: vector::empty(),
            electors: vector::empty(),
            weights: vector::empty(),
            founders: vector::empty(),
            grant: EpochGrant { epoch: 0, leader: @0x0, valid: vector::empty() },
            granted_at: 0,
            first_kept: 1,
            settled_epoch: 1,
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

    fun place_of(channel: address, kind: u8, number: u64): address {
        ids::hash(b"channel-part", bcs::to_bytes(&Place { channel, kind, number }))
    }

    fun check_open(channel: address) acquires Channel {
        assert!(exists<Channel>(channel), E_NO_CHANNEL);
        assert!(borrow_global<Channel>(channel).open, E_CLOSED);
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

    /// Whether the rules let this account in with this deposit; the channel's asset.
    fun check_rules(channel: address, account: address, amount: u64, members: u64): address
    acquires Rules {
        let config = &borrow_global<Rules>(channel).config;
        let (policy, least, most) = (config.join_policy, config.min_deposit, config.max_members);
        assert!(policy == OPEN || has_address(&config.invited, account), E_NOT_INVITED);
        assert!(amount >= least, E_DEPOSIT_TOO_SMALL);
        assert!(members < most, E_FULL);
        config.asset
    }

    /// Closes the channel: whoever was never named in a settlement takes its deposit back.
    fun end(entry: &mut Channel, channel: address) acquires Joined {
        while (!vector::is_empty(&entry.seats)) {
            let seat = vector::pop_back(&mut entry.seats);
            if (seat.active) pay(entry, channel, seat.account, seat.deposit)
            else withdraw(entry, channel, &seat);
        };
        entry.electors = vector::empty();
        entry.weights = vector::empty();
        entry.open = false;
        event::emit(ChannelClosed { channel });
    }

    /// Gives a pending member that has lost its seat its deposit back: it never was in the channel.
    fun withdraw(entry: &mut Channel, channel: address, seat: &Seat) acquires Joined {
        let (account, deposit) = (seat.account, seat.deposit);
        let Joined { record: _ } = move_from<Joined>(place_of(channel, JOINED, seat.join_sequence));
        coin::deposit(account, coin::split(&mut entry.pending, deposit));
        event::emit(MemberLeft { channel, account, paid: deposit });
    }

    /// Pays a member that has lost its seat.
    fun pay(entry: &mut Channel, channel: address, account: address, amount: u64) {
        coin::deposit(account, coin::split(&mut entry.money, amount));
        event::emit(MemberLeft { channel, account, paid: amount });
    }

    /// The member gets its vote, and its deposit is no longer its own to take.
    fun activate(entry: &mut Channel, index: u64, founding: bool) {
        let seat = vector::borrow_mut(&mut entry.seats, index);
        if (seat.active) return;
        seat.active = true;
        let (node, weight, deposit) = (seat.node, seat.weight, seat.deposit);
        if (founding) {
            seat.booked = true;
            entry.booked_total = entry.booked_total + deposit;
            insert_number(&mut entry.founders, seat.join_sequence);
        };
        coin::join(&mut entry.money, coin::split(&mut entry.pending, deposit));
        insert_elector(entry, node, weight);
    }

    /// One pass over seats and rows, both sorted by account.
    fun settle_seats(
        entry: &mut Channel,
        channel: address,
        accounts: &vector<address>,
        due: &vector<u64>,
        leaves: &vector<bool>,
    ): vector<address> {
        let (stay, paid, payments) = (vector::empty(), vector::empty(), 0);
        let (row, rows) = (0, vector::length(accounts));
        let (index, count) = (0, vector::length(&entry.seats));
        while (index < count) {
            let seat = *vector::borrow(&entry.seats, index);
            let named = row < rows && *vector::borrow(accounts, row) == seat.account;
            if (named && !seat.booked) {
                entry.booked_total = entry.booked_total + seat.deposit;
                seat.booked = true;
            };
            if (named && *vector::borrow(leaves, row)) {
                let amount = *vector::borrow(due, row);
                payments = payments + amount;
                remove_elector(entry, seat.node);
                pay(entry, channel, seat.account, amount);
                vector::push_back(&mut paid, seat.account);
            } else {
                vector::push_back(&mut stay, seat);
            };
            if (named) row = row + 1;
            index = index + 1;
        };
        entry.seats = stay;
        entry.booked_total = entry.booked_total - payments;
        paid
    }

    fun is_valid(seat: &Seat, now: u64, validity: u64): bool {
        let beat = seat.last_heartbeat;
        beat > 0 && beat + validity >= now
    }

    /// The account's seat, or where it belongs.
    fun find_account(seats: &vector<Seat>, account: address): (bool, u64) {
        let (low, high) = (0, vector::length(seats));
        while (low < high) {
            let middle = (low + high) / 2;
            let known = vector::borrow(seats, middle).account;
            if (known == account) return (true, middle);
            if (ids::comes_before(known, account)) low = middle + 1 else high = middle;
        };
        (false, low)
    }

    fun has_node(seats: &vector<Seat>, node: address): bool {
        let (index, count) = (0, vector::length(seats));
        while (index < count) {
            if (vector::borrow(seats, index).node == node) return true;
            index = index + 1;
        };
        false
    }

    fun has_address(list: &vector<address>, one: address): bool {
        let (index, count) = (0, vector::length(list));
        while (index < count) {
            if (*vector::borrow(list, index) == one) return true;
            index = index + 1;
        };
        false
    }

    fun insert_seat(seats: &mut vector<Seat>, place: u64, seat: Seat) {
        vector::push_back(seats, seat);
        sink(seats, place);
    }

    /// Moves the last element to `place`.
    fun sink<T>(list: &mut vector<T>, place: u64) {
        let last = vector::length(list) - 1;
        while (last > place) {
            vector::swap(list, last, last - 1);
            last = last - 1;
        }
    }

    /// Inserts into an ascending list.
    fun insert_number(list: &mut vector<u64>, number: u64) {
        let place = vector::length(list);
        while (place > 0 && *vector::borrow(list, place - 1) > number) {
            place = place - 1;
        };
        vector::push_back(list, number);
        sink(list, place);
    }

    fun insert_elector(entry: &mut Channel, node: address, weight: u64) {
        let (place, high) = (0, vector::length(&entry.electors));
        while (place < high) {
            let middle = (place + high) / 2;
            let known = *vector::borrow(&entry.electors, middle);
            if (ids::comes_before(known, node)) place = middle + 1 else high = middle;
        };
        vector::push_back(&mut entry.electors, node);
        sink(&mut entry.electors, place);
        vector::push_back(&mut entry.weights, weight);
        sink(&mut entry.weights, place);
    }

    fun remove_elector(entry: &mut Channel, node: address) {
        let place = 0;
        while (*vector::borrow(&entry.electors, place) != node) {
            place = place + 1;
        };
        vector::remove(&mut entry.electors, place);
        vector::remove(&mut entry.weights, place);
    }

    fun granted(channel: address, epoch: u64): EpochGrant acquires Granted {
        *&borrow_global<Granted>(place_of(channel, GRANTED, epoch)).grant
    }

    /// The first epoch whose grant is in the record.
    fun first_grant_kept(entry: &Channel): u64 {
        let (first, last) = (entry.first_kept, entry.grant.epoch);
        if (last >= first + KEPT_GRANTS) last - KEPT_GRANTS + 1 else first
    }

    fun member_record(channel: address, join_sequence: u64): MemberRecord acquires Joined {
        *&borrow_global<Joined>(place_of(channel, JOINED, join_sequence)).record
    }

    fun records_of(channel: address, sequences: &vector<u64>): vector<MemberRecord> acquires Joined {
        let (records, index) = (vector::empty(), 0);
        while (index < vector::length(sequences)) {
            vector::push_back(&mut records, member_record(channel, *vector::borrow(sequences, index)));
            index = index + 1;
        };
        records
    }

    /// The members by join sequence.
    fun members_of(channel: address, seats: &vector<Seat>): vector<ChainMember> acquires Joined {
        let (order, index) = (vector::empty(), 0);
        while (index < vector::length(seats)) {
            insert_number(&mut order, vector::borrow(seats, index).join_sequence);
            index = index + 1;
        };
        let members = vector::empty();
        index = 0;
        while (index < vector::length(&order)) {
            let record = member_record(channel, *vector::borrow(&order, index));
            let (_, place) = find_account(seats, record.account);
            let seat = vector::borrow(seats, place);
            let (active, leaving, last_heartbeat) =
                (seat.active, seat.leaving_since > 0, seat.last_heartbeat);
            vector::push_back(&mut members, ChainMember { record, active, leaving, last_heartbeat });
            index = index + 1;
        };
        members
    }

    fun amounts(asset: address, amount: u64): vector<AssetAmount> {
        if (amount == 0) vector::empty() else vector::singleton(AssetAmount { asset, amount })
    }

    fun texts(endpoints: vector<vector<u8>>): vector<String> {
        assert!(vector::length(&endpoints) <= 8, E_BAD_ENDPOINTS);
        let texts = vector::empty();
        vector::reverse(&mut endpoints);
        while (!vector::is_empty(&endpoints)) {
            let endpoint = vector::pop_back(&mut endpoints);
            assert!(vector::length(&endpoint) <= 256, E_BAD_ENDPOINTS);
            vector::push_back(&mut texts, string::utf8(endpoint));
        };
        texts
    }

    #[test_only]
    /// An open channel of the native asset for up to four, created by @0xc0.
    public fun create_for_testing(): address acquires Created {
        create_sized_for_testing(4)
    }

    #[test_only]
    public fun create_sized_for_testing(max_members: u64): address acquires Created {
        coin::initialize_for_testing();
        let creator = account::create_signer(@0xc0);
        create(&creator, @0xbeef, 0, 0, 0, OPEN, vector::empty(), @0xfa, 10, max_members, 1);
        id_of(@0xc0, 0)
    }

    #[test_only]
    /// A secret seed of 32 equal bytes.
    public fun seed_for_testing(byte: u8): vector<u8> {
        let seed = vector::empty();
        while (vector::length(&seed) < 32) vector::push_back(&mut seed, byte);
        seed
    }

    #[test_only]
    public fun key_for_testing(byte: u8): address {
        ids::to_address(ed25519::public_key_for_testing(&seed_for_testing(byte)))
    }

    #[test_only]
    /// The chain account of the node with the key of seed `byte`.
    public fun node_for_testing(byte: u8): signer {
        account::create_signer(ids::account_of(key_for_testing(byte)))
    }

    #[test_only]
    /// `account` joins with the node whose key has the seed `byte`.
    public fun join_for_testing(channel: address, account: address, byte: u8, amount: u64)
    acquires Channel, Rules {
        let proof = ed25519::sign_for_testing(&seed_for_testing(byte), &proof_message(channel, account));
        join_with_for_testing(channel, account, key_for_testing(byte), amount, proof);
    }

    #[test_only]
    fun join_with_for_testing(
        channel: address,
        account: address,
        node: address,
        amount: u64,
        proof: vector<u8>,
    ) acquires Channel, Rules {
        coin::mint_for_testing(account, amount);
        let member = account::create_signer(account);
        join(&member, channel, node, amount, vector::empty(), proof);
    }

    #[test_only]
    public fun leave_for_testing(channel: address, account: address) acquires Channel, Joined {
        leave(&account::create_signer(account), channel);
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
    acquires Channel, Rules, Joined, Granted {
        let record = record(channel);
        let (active, index) = (0, 0);
        while (index < vector::length(&record.members)) {
            if (vector::borrow(&record.members, index).active) active = active + 1;
            index = index + 1;
        };
        (vector::length(&record.members), active, vector::length(&record.grants))
    }

    #[test_only]
    fun locked(record: &ChannelRecord): u64 {
        if (vector::is_empty(&record.locked)) 0 else vector::borrow(&record.locked, 0).amount
    }

    #[test_only]
    fun next_epoch(channel: address): u64 acquires Channel {
        let valid = valid_now(channel, 15000);
        grant(channel, @0xa, valid, 15000)
    }

    #[test_only]
    /// @0xa with node 1 and 30, granted the first epoch; the chain's time is 1,000,000.
    fun one_active(): address acquires Channel, Created, Rules {
        let channel = create_for_testing();
        join_for_testing(channel, @0xa, 1, 30);
        context::set_time_ms_for_testing(1000000);
        beat(channel, ids::account_of(key_for_testing(1)));
        next_epoch(channel);
        channel
    }

    #[test]
    fun a_member_joins_with_its_deposit() acquires Channel, Created, Rules, Joined, Granted {
        let channel = create_for_testing();
        join_for_testing(channel, @0xa, 1, 30);
        let record = record(channel);
        assert!(vector::length(&record.members) == 1, 1);
        assert!(locked(&record) == 30 && coin::balance(@0xa, @0xfa) == 0, 2);
        assert!(!vector::borrow(&record.members, 0).active, 3);
    }

    #[test]
    fun members_are_recorded_in_the_order_they_joined()
    acquires Channel, Created, Rules, Joined, Granted {
        let channel = create_for_testing();
        join_for_testing(channel, @0xc, 1, 30);
        join_for_testing(channel, @0xa, 2, 40);
        join_for_testing(channel, @0xb, 3, 50);
        let record = record(channel);
        let index = 0;
        while (index < 3) {
            let member = &vector::borrow(&record.members, index).record;
            assert!(member.join_sequence == index + 1, 1);
            assert!(member.account == *vector::borrow(&vector[@0xc, @0xa, @0xb], index), 2);
            index = index + 1;
        }
    }

    #[test]
    fun a_pending_member_takes_its_deposit_back()
    acquires Channel, Created, Rules, Joined, Granted {
        let channel = one_active();
        join_for_testing(channel, @0xd, 4, 80);
        assert!(vector::length(&joined(channel, 2)) == 1, 1);
        leave_for_testing(channel, @0xd);
        assert!(coin::balance(@0xd, @0xfa) == 80, 2);
        let record = record(channel);
        assert!(vector::length(&record.members) == 1 && locked(&record) == 30, 3);
        assert!(vector::is_empty(&joined(channel, 2)) && next_join(channel) == 3, 4);
    }

    #[test]
    fun an_active_member_is_marked_as_leaving_and_keeps_its_place()
    acquires Channel, Created, Rules, Joined, Granted {
        let channel = one_active();
        leave_for_testing(channel, @0xa);
        leave_for_testing(channel, @0xa);
        assert!(vector::borrow(&record(channel).members, 0).leaving, 1);
        assert!(coin::balance(@0xa, @0xfa) == 0, 2);
    }

    #[test]
    fun a_deposit_lies_apart_until_a_grant_makes_the_member_active()
    acquires Channel, Created, Rules {
        let channel = one_active();
        join_for_testing(channel, @0xd, 4, 80);
        let (money, pending, booked) = money_for_testing(channel);
        assert!(money == 30 && pending == 80 && booked == 30, 1);
        let (electors, _) = electorate(channel);
        assert!(electors == vector[key_for_testing(1)], 2);
        beat(channel, ids::account_of(key_for_testing(4)));
        next_epoch(channel);
        let (money, pending, booked) = money_for_testing(channel);
        assert!(money == 110 && pending == 0 && booked == 30, 3);
        let (electors, _) = electorate(channel);
        assert!(vector::length(&electors) == 2, 4);
    }

    #[test(creator = @0xc0)]
    fun closing_before_the_first_epoch_refunds_everybody(creator: signer)
    acquires Channel, Created, Rules, Joined, Granted {
        let channel = create_sized_for_testing(MOST_MEMBERS);
        let member = 0;
        while (member < MOST_MEMBERS) {
            let byte = (member + 1 as u8);
            join_for_testing(channel, key_for_testing(byte), byte, 30);
            member = member + 1;
        };
        close(&creator, channel);
        assert!(coin::balance(key_for_testing(1), @0xfa) == 30, 1);
        assert!(coin::balance(key_for_testing(128), @0xfa) == 30, 2);
        let record = record(channel);
        assert!(!record.open && locked(&record) == 0, 3);
        assert!(vector::is_empty(&record.members), 4);
    }

    #[test]
    fun grants_stay_readable_and_the_record_keeps_those_that_matter()
    acquires Channel, Created, Rules, Joined, Granted {
        let channel = one_active();
        let epoch = 1;
        while (epoch < 300) epoch = next_epoch(channel);
        let kept = record(channel).grants;
        assert!(vector::length(&kept) == KEPT_GRANTS, 1);
        assert!(vector::borrow(&kept, KEPT_GRANTS - 1).epoch == 300, 2);
        let old = grants(channel, 1, 40);
        assert!(vector::length(&old) == 40 && vector::borrow(&old, 0).epoch == 1, 3);
        assert!(option::borrow(&record(channel).first_grant).epoch == 1, 4);
    }

    #[test]
    fun sixty_five_epochs_are_all_in_the_record()
    acquires Channel, Created, Rules, Joined, Granted {
        let channel = one_active();
        let epoch = 1;
        while (epoch < 65) epoch = next_epoch(channel);
        assert!(vector::borrow(&record(channel).grants, 0).epoch == 1, 1);
    }

    #[test(a = @0xa)]
    #[expected_failure(abort_code = 8)]
    fun only_the_creator_closes(a: signer) acquires Channel, Created, Rules, Joined {
        close(&a, create_for_testing());
    }

    #[test(creator = @0xc0)]
    #[expected_failure(abort_code = 10)]
    fun an_open_channel_asks_for_a_deposit(creator: signer) acquires Created {
        coin::initialize_for_testing();
        create(&creator, @0xbeef, 0, 0, 0, OPEN, vector::empty(), @0xfa, 0, 4, 1);
    }

    #[test(creator = @0xc0)]
    #[expected_failure(abort_code = 10)]
    fun a_channel_names_a_gas_table(creator: signer) acquires Created {
        coin::initialize_for_testing();
        create(&creator, @0xbeef, 0, 0, 0, OPEN, vector::empty(), @0xfa, 1, 4, 0);
    }

    #[test(creator = @0xc0)]
    #[expected_failure(abort_code = 10)]
    fun a_channel_that_could_not_settle_is_refused(creator: signer) acquires Created {
        coin::initialize_for_testing();
        create(&creator, @0xbeef, 0, 0, 0, OPEN, vector::empty(), @0xfa, 1, MOST_MEMBERS + 1, 1);
    }

    #[test]
    #[expected_failure(abort_code = 3)]
    fun nobody_joins_twice() acquires Channel, Created, Rules {
        let channel = create_for_testing();
        join_for_testing(channel, @0xa, 1, 30);
        join_for_testing(channel, @0xa, 2, 30);
    }

    #[test]
    #[expected_failure(abort_code = 9)]
    fun a_node_key_is_one_members() acquires Channel, Created, Rules {
        let channel = create_for_testing();
        join_for_testing(channel, @0xa, 1, 30);
        join_for_testing(channel, @0xb, 1, 30);
    }

    #[test]
    #[expected_failure(abort_code = 13)]
    fun nobody_joins_with_anothers_node_key() acquires Channel, Created, Rules {
        let channel = create_for_testing();
        let proof = ed25519::sign_for_testing(&seed_for_testing(1), &proof_message(channel, @0xa));
        join_with_for_testing(channel, @0xb, key_for_testing(1), 30, proof);
    }

    #[test]
    #[expected_failure(abort_code = 13)]
    fun a_nodes_word_holds_for_one_channel() acquires Channel, Created, Rules {
        let channel = create_for_testing();
        let proof = ed25519::sign_for_testing(&seed_for_testing(1), &proof_message(@0x77, @0xa));
        join_with_for_testing(channel, @0xa, key_for_testing(1), 30, proof);
    }

    #[test]
    #[expected_failure(abort_code = 13)]
    fun a_dead_key_joins_nothing() acquires Channel, Created, Rules {
        join_with_for_testing(create_for_testing(), @0xa, @0x1a, 30, vector::empty());
    }

    #[test]
    #[expected_failure(abort_code = 5)]
    fun a_small_deposit_is_refused() acquires Channel, Created, Rules {
        join_for_testing(create_for_testing(), @0xa, 1, 9);
    }

    #[test]
    #[expected_failure(abort_code = 6)]
    fun a_full_channel_takes_nobody() acquires Channel, Created, Rules {
        let channel = create_for_testing();
        join_for_testing(channel, @0xa1, 1, 10);
        join_for_testing(channel, @0xa2, 2, 10);
        join_for_testing(channel, @0xa3, 3, 10);
        join_for_testing(channel, @0xa4, 4, 10);
        join_for_testing(channel, @0xa5, 5, 10);
    }

    #[test(creator = @0xc0)]
    #[expected_failure(abort_code = 4)]
    fun who_was_not_invited_stays_out(creator: signer) acquires Channel, Created, Rules {
        coin::initialize_for_testing();
        create(&creator, @0xbeef, 0, 0, 0, INVITED, vector::singleton(@0xb), @0xfa, 0, 4, 1);
        join_for_testing(id_of(@0xc0, 0), @0xa, 1, 30);
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun an_unknown_channel_is_named() acquires Channel, Rules {
        coin::initialize_for_testing();
        join_for_testing(@0xdead, @0xa, 1, 30);
    }
}
