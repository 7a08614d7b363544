/// Channels: their rules, members and money. This module is the face for accounts and dApp
/// contracts; `membership` and `settlement` are the face for nodes.
module settlement::channel {
    use std::bcs;
    use std::option::{Self, Option};
    use std::signer;
    use std::string::{Self, String};
    use std::vector;
    use runtime::context;
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
    /// A rule of the configuration makes no sense.
    const E_BAD_CONFIG: u64 = 10;
    /// At most eight endpoints of 256 bytes.
    const E_BAD_ENDPOINTS: u64 = 11;
    /// The node's key is no member's.
    const E_NOT_A_NODE: u64 = 12;

    /// `join_policy`: only invited accounts.
    const INVITED: u8 = 0;
    /// `join_policy`: anyone with the deposit.
    const OPEN: u8 = 1;
    /// Grants kept, so that nodes that catch up can check older epochs.
    const KEPT_GRANTS: u64 = 64;

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

    /// A channel, stored under its id.
    struct Channel has key {
        record: ChannelRecord,
        next_join: u64,
        money: Coin,
        /// Join sequences whose deposits are in the channel's books.
        booked: vector<u64>,
        /// What the last settlement left in the books, with deposits booked since.
        booked_total: u64,
        result: vector<u8>,
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

    /// Creates a channel for the package whose sources hash to `package`.
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
    ) acquires Created {
        assert!(durability <= 1 && join_policy <= OPEN, E_BAD_CONFIG);
        assert!(max_members > 0 && max_members <= 1024, E_BAD_CONFIG);
        assert!(vector::length(&invited) <= 1024, E_BAD_CONFIG);
        let config = ChannelConfig {
            tick_interval, settlement_interval, durability, join_policy, invited, asset,
            min_deposit, max_members,
        };
        let owner = signer::address_of(creator);
        let channel = next_id(creator);
        let storage = account::create_signer(channel);
        move_to(&storage, Channel {
            record: new_record(channel, owner, package, config),
            next_join: 1,
            money: coin::zero(asset),
            booked: vector::empty(),
            booked_total: 0,
            result: vector::empty(),
        });
        event::emit(ChannelCreated { channel, creator: owner });
    }

    /// Joins with a deposit and the public key of the node that acts for the account. Until an epoch
    /// or a settlement names the member, it can take its deposit back.
    public entry fun join(
        member: &signer,
        channel: address,
        node: address,
        amount: u64,
        endpoints: vector<vector<u8>>,
    ) acquires Channel {
        let account = signer::address_of(member);
        check_open(channel);
        let entry = borrow_global_mut<Channel>(channel);
        let record = &mut entry.record;
        let config = &record.config;
        assert!(!record.closing, E_CLOSED);
        assert!(
            config.join_policy == OPEN || vector::contains(&config.invited, &account),
            E_NOT_INVITED
        );
        assert!(amount >= config.min_deposit, E_DEPOSIT_TOO_SMALL);
        assert!(vector::length(&record.members) < config.max_members, E_FULL);
        let (known, _) = find_account(&record.members, account);
        assert!(!known, E_ALREADY_MEMBER);
        let (taken, _) = find_node(&record.members, node);
        assert!(!taken, E_NODE_TAKEN);
        coin::join(&mut entry.money, coin::withdraw(member, config.asset, amount));
        let joined = MemberRecord {
            account,
            node,
            join_sequence: entry.next_join,
            weight: 1,
            deposit: amounts(config.asset, amount),
            endpoints: texts(endpoints),
        };
        entry.next_join = entry.next_join + 1;
        vector::push_back(&mut record.members, ChainMember {
            record: joined, active: false, leaving: false, last_heartbeat: 0,
        });
        record.locked = amounts(config.asset, coin::value(&entry.money));
        event::emit(MemberJoined { channel, account, join_sequence: entry.next_join - 1 });
    }

    /// Leaves: a member that nothing has named yet gets its deposit back at once; any other is taken
    /// out by the channel and paid by the next settlement.
    public entry fun leave(member: &signer, channel: address) acquires Channel {
        let account = signer::address_of(member);
        check_open(channel);
        let entry = borrow_global_mut<Channel>(channel);
        let (known, index) = find_account(&entry.record.members, account);
        assert!(known, E_NOT_A_MEMBER);
        if (vector::borrow(&entry.record.members, index).active) {
            vector::borrow_mut(&mut entry.record.members, index).leaving = true;
            event::emit(LeaveRequested { channel, account });
        } else {
            refund(entry, index);
        }
    }

    /// Closes: at once if nobody is active, else through the channel and its last settlement.
    public entry fun close(creator: &signer, channel: address) acquires Channel {
        check_open(channel);
        let entry = borrow_global_mut<Channel>(channel);
        assert!(entry.record.creator == signer::address_of(creator), E_NOT_CREATOR);
        entry.record.closing = true;
        event::emit(CloseRequested { channel });
        if (option::is_none(&entry.record.first_grant)) {
            while (!vector::is_empty(&entry.record.members)) {
                refund(entry, 0);
            };
            end(entry);
        }
    }

    /// Everything nodes and dApps need to know of a channel.
    public fun record(channel: address): ChannelRecord acquires Channel {
        assert!(exists<Channel>(channel), E_NO_CHANNEL);
        *&borrow_global<Channel>(channel).record
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
    public fun last_settlement(channel: address): (u64, u64, bool, vector<u8>) acquires Channel {
        assert!(exists<Channel>(channel), E_NO_CHANNEL);
        let entry = borrow_global<Channel>(channel);
        let last = &entry.record.settlement;
        (last.number, last.height, last.closed, *&entry.result)
    }

    // For `membership`.

    /// Notes a heartbeat of the member whose node's chain account is `node_account`.
    public(friend) fun beat(channel: address, node_account: address): address acquires Channel {
        check_open(channel);
        let entry = borrow_global_mut<Channel>(channel);
        let index = index_of_node_account(&entry.record.members, node_account);
        let member = vector::borrow_mut(&mut entry.record.members, index);
        member.last_heartbeat = context::time_ms();
        member.record.account
    }

    /// Join sequences of members whose heartbeat is at most `validity` old, ascending.
    public(friend) fun valid_now(channel: address, validity: u64): vector<u64> acquires Channel {
        let members = &borrow_global<Channel>(channel).record.members;
        let now = context::time_ms();
        let valid = vector::empty();
        let index = 0;
        while (index < vector::length(members)) {
            let member = vector::borrow(members, index);
            if (member.last_heartbeat > 0 && member.last_heartbeat + validity >= now) {
                vector::push_back(&mut valid, member.record.join_sequence);
            };
            index = index + 1;
        };
        valid
    }

    /// Epoch, leader's account and valid set of the grant in force; epoch 0 before the first.
    public(friend) fun grant_in_force(channel: address): (u64, address, vector<u64>)
    acquires Channel {
        let grants = &borrow_global<Channel>(channel).record.grants;
        let count = vector::length(grants);
        if (count == 0) return (0, @0x0, vector::empty());
        let grant = vector::borrow(grants, count - 1);
        (grant.epoch, grant.leader, *&grant.valid)
    }

    /// Join sequence of the member with this account; zero if there is none.
    public(friend) fun join_sequence_of(channel: address, account: address): u64 acquires Channel {
        let members = &borrow_global<Channel>(channel).record.members;
        let (known, index) = find_account(members, account);
        if (known) vector::borrow(members, index).record.join_sequence else 0
    }

    /// Grants an epoch: its valid members become active; the first grant founds the channel's books.
    public(friend) fun grant(channel: address, epoch: u64, leader: address, valid: vector<u64>)
    acquires Channel {
        check_open(channel);
        let entry = borrow_global_mut<Channel>(channel);
        let grant = EpochGrant { epoch, leader, valid };
        let founding = option::is_none(&entry.record.first_grant);
        let index = 0;
        while (index < vector::length(&entry.record.members)) {
            let member = vector::borrow_mut(&mut entry.record.members, index);
            if (vector::contains(&grant.valid, &member.record.join_sequence)) {
                member.active = true;
                if (founding) {
                    vector::push_back(&mut entry.record.founders, *&member.record);
                    vector::push_back(&mut entry.booked, member.record.join_sequence);
                    entry.booked_total = entry.booked_total + total(&member.record.deposit);
                }
            };
            index = index + 1;
        };
        if (founding) {
            entry.record.first_grant = option::some(copy grant);
        };
        vector::push_back(&mut entry.record.grants, grant);
        if (vector::length(&entry.record.grants) > KEPT_GRANTS) {
            vector::remove(&mut entry.record.grants, 0);
        }
    }

    // For `settlement`.

    /// Number, height, root of the last settlement and the channel's asset.
    public(friend) fun settled(channel: address): (u64, u64, address, address) acquires Channel {
        check_open(channel);
        let record = &borrow_global<Channel>(channel).record;
        let last = &record.settlement;
        (last.number, last.height, last.root, record.config.asset)
    }

    /// Weight of the active members, and of those among them whose nodes are in `nodes`.
    public(friend) fun weights(channel: address, nodes: &vector<address>): (u64, u64)
    acquires Channel {
        let members = &borrow_global<Channel>(channel).record.members;
        let (whole, part, index) = (0, 0, 0);
        while (index < vector::length(members)) {
            let member = vector::borrow(members, index);
            if (member.active) {
                whole = whole + member.record.weight;
                if (vector::contains(nodes, &member.record.node)) {
                    part = part + member.record.weight;
                }
            };
            index = index + 1;
        };
        (whole, part)
    }

    /// What the books must hold if `accounts` are named: what is booked, and the deposits of members
    /// named for the first time. Every booked member must be named, and nobody else but members.
    public(friend) fun expected_total(channel: address, accounts: &vector<address>): (bool, u64)
    acquires Channel {
        let entry = borrow_global<Channel>(channel);
        let members = &entry.record.members;
        let (expected, found, index) = (entry.booked_total, 0, 0);
        while (index < vector::length(members)) {
            let member = &vector::borrow(members, index).record;
            let named = vector::contains(accounts, &member.account);
            let booked = vector::contains(&entry.booked, &member.join_sequence);
            if (booked && !named) return (false, 0);
            if (named) found = found + 1;
            if (named && !booked) expected = expected + total(&member.deposit);
            index = index + 1;
        };
        (found == vector::length(accounts), expected)
    }

    /// Executes a settlement that was checked: pays and removes leavers, books the others.
    public(friend) fun settle(
        channel: address,
        accounts: vector<address>,
        amounts_due: vector<u64>,
        leaves: vector<bool>,
        height: u64,
        root: address,
        block: address,
        closes: bool,
        result: vector<u8>,
    ) acquires Channel {
        check_open(channel);
        let entry = borrow_global_mut<Channel>(channel);
        let paid = vector::empty();
        let payments = 0;
        let index = 0;
        while (index < vector::length(&accounts)) {
            let account = *vector::borrow(&accounts, index);
            let (_, place) = find_account(&entry.record.members, account);
            book(entry, place);
            if (*vector::borrow(&leaves, index)) {
                let amount = *vector::borrow(&amounts_due, index);
                payments = payments + amount;
                pay_out(entry, place, amount);
                vector::push_back(&mut paid, account);
            };
            index = index + 1;
        };
        entry.booked_total = entry.booked_total - payments;
        let number = entry.record.settlement.number + 1;
        entry.record.settlement =
            SettlementRecord { number, height, root, block, paid, closed: closes };
        entry.result = result;
        if (closes) {
            // Whoever was never named takes its deposit back.
            while (!vector::is_empty(&entry.record.members)) {
                refund(entry, 0);
            };
            end(entry);
        }
    }

    // Inside.

    fun new_record(channel: address, creator: address, package: address, config: ChannelConfig)
    : ChannelRecord {
        ChannelRecord {
            chain: coin::chain_id(),
            channel,
            creator,
            package,
            config,
            open: true,
            closing: false,
            first_grant: option::none(),
            founders: vector::empty(),
            grants: vector::empty(),
            members: vector::empty(),
            settlement: SettlementRecord {
                number: 0, height: 0, root: @0x0, block: @0x0, paid: vector::empty(), closed: false,
            },
            locked: vector::empty(),
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
        assert!(borrow_global<Channel>(channel).record.open, E_CLOSED);
    }

    fun end(entry: &mut Channel) {
        entry.record.open = false;
        event::emit(ChannelClosed { channel: entry.record.channel });
    }

    /// Gives the member at `index` its deposit back and removes it.
    fun refund(entry: &mut Channel, index: u64) {
        let deposit = total(&vector::borrow(&entry.record.members, index).record.deposit);
        pay_out(entry, index, deposit);
    }

    /// Pays the member at `index` and removes it.
    fun pay_out(entry: &mut Channel, index: u64, amount: u64) {
        let member = vector::remove(&mut entry.record.members, index);
        let account = member.record.account;
        let (booked, place) = vector::index_of(&entry.booked, &member.record.join_sequence);
        if (booked) {
            vector::remove(&mut entry.booked, place);
        };
        coin::deposit(account, coin::split(&mut entry.money, amount));
        entry.record.locked = amounts(entry.record.config.asset, coin::value(&entry.money));
        event::emit(MemberLeft { channel: entry.record.channel, account, paid: amount });
    }

    /// Takes the deposit of the member at `index` into the books, once, and makes it active.
    fun book(entry: &mut Channel, index: u64) {
        let member = vector::borrow_mut(&mut entry.record.members, index);
        member.active = true;
        let sequence = member.record.join_sequence;
        if (!vector::contains(&entry.booked, &sequence)) {
            vector::push_back(&mut entry.booked, sequence);
            entry.booked_total = entry.booked_total + total(&member.record.deposit);
        }
    }

    fun find_account(members: &vector<ChainMember>, account: address): (bool, u64) {
        let index = 0;
        while (index < vector::length(members)) {
            if (vector::borrow(members, index).record.account == account) return (true, index);
            index = index + 1;
        };
        (false, index)
    }

    fun find_node(members: &vector<ChainMember>, node: address): (bool, u64) {
        let index = 0;
        while (index < vector::length(members)) {
            if (vector::borrow(members, index).record.node == node) return (true, index);
            index = index + 1;
        };
        (false, index)
    }

    fun index_of_node_account(members: &vector<ChainMember>, account: address): u64 {
        let index = 0;
        while (index < vector::length(members)) {
            let node = vector::borrow(members, index).record.node;
            if (ids::account_of(node) == account) return index;
            index = index + 1;
        };
        abort E_NOT_A_NODE
    }

    fun amounts(asset: address, amount: u64): vector<AssetAmount> {
        if (amount == 0) vector::empty() else vector::singleton(AssetAmount { asset, amount })
    }

    fun total(amounts: &vector<AssetAmount>): u64 {
        let (sum, index) = (0, 0);
        while (index < vector::length(amounts)) {
            sum = sum + vector::borrow(amounts, index).amount;
            index = index + 1;
        };
        sum
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
    /// An open channel of the native asset, created by @0xc0.
    public fun create_for_testing(): address acquires Created {
        coin::initialize_for_testing();
        let creator = account::create_signer(@0xc0);
        create(&creator, @0xbeef, 0, 0, 0, OPEN, vector::empty(), @0xfa, 10, 4);
        id_of(@0xc0, 0)
    }

    #[test_only]
    public fun join_for_testing(channel: address, account: address, node: address, amount: u64)
    acquires Channel {
        coin::mint_for_testing(account, amount);
        join(&account::create_signer(account), channel, node, amount, vector::empty());
    }

    #[test_only]
    /// Money in the channel, and what its books hold.
    public fun money_for_testing(channel: address): (u64, u64) acquires Channel {
        let entry = borrow_global<Channel>(channel);
        (coin::value(&entry.money), entry.booked_total)
    }

    #[test]
    fun a_member_joins_with_its_deposit() acquires Channel, Created {
        let channel = create_for_testing();
        join_for_testing(channel, @0xa, @0x1a, 30);
        let record = record(channel);
        assert!(vector::length(&record.members) == 1, 1);
        assert!(total(&record.locked) == 30 && coin::balance(@0xa, @0xfa) == 0, 2);
        assert!(!vector::borrow(&record.members, 0).active, 3);
    }

    #[test(a = @0xa)]
    fun a_pending_member_takes_its_deposit_back(a: signer) acquires Channel, Created {
        let channel = create_for_testing();
        join_for_testing(channel, @0xa, @0x1a, 30);
        leave(&a, channel);
        assert!(coin::balance(@0xa, @0xfa) == 30, 1);
        assert!(vector::is_empty(&record(channel).members), 2);
    }

    #[test(a = @0xa)]
    fun an_active_member_is_marked_as_leaving(a: signer) acquires Channel, Created {
        let channel = create_for_testing();
        join_for_testing(channel, @0xa, @0x1a, 30);
        grant(channel, 1, @0xa, vector::singleton(1));
        leave(&a, channel);
        assert!(vector::borrow(&record(channel).members, 0).leaving, 1);
        assert!(coin::balance(@0xa, @0xfa) == 0, 2);
    }

    #[test(creator = @0xc0)]
    fun closing_before_the_first_epoch_refunds_everybody(creator: signer)
    acquires Channel, Created {
        let channel = create_for_testing();
        join_for_testing(channel, @0xa, @0x1a, 30);
        join_for_testing(channel, @0xb, @0x1b, 40);
        close(&creator, channel);
        assert!(coin::balance(@0xa, @0xfa) == 30 && coin::balance(@0xb, @0xfa) == 40, 1);
        assert!(!record(channel).open, 2);
    }

    #[test(a = @0xa)]
    #[expected_failure(abort_code = 8)]
    fun only_the_creator_closes(a: signer) acquires Channel, Created {
        close(&a, create_for_testing());
    }

    #[test]
    #[expected_failure(abort_code = 3)]
    fun nobody_joins_twice() acquires Channel, Created {
        let channel = create_for_testing();
        join_for_testing(channel, @0xa, @0x1a, 30);
        join_for_testing(channel, @0xa, @0x1b, 30);
    }

    #[test]
    #[expected_failure(abort_code = 9)]
    fun a_node_key_is_one_members() acquires Channel, Created {
        let channel = create_for_testing();
        join_for_testing(channel, @0xa, @0x1a, 30);
        join_for_testing(channel, @0xb, @0x1a, 30);
    }

    #[test]
    #[expected_failure(abort_code = 5)]
    fun a_small_deposit_is_refused() acquires Channel, Created {
        join_for_testing(create_for_testing(), @0xa, @0x1a, 9);
    }

    #[test]
    #[expected_failure(abort_code = 6)]
    fun a_full_channel_takes_nobody() acquires Channel, Created {
        let channel = create_for_testing();
        join_for_testing(channel, @0xa1, @0x1a, 10);
        join_for_testing(channel, @0xa2, @0x2a, 10);
        join_for_testing(channel, @0xa3, @0x3a, 10);
        join_for_testing(channel, @0xa4, @0x4a, 10);
        join_for_testing(channel, @0xa5, @0x5a, 10);
    }

    #[test(creator = @0xc0)]
    #[expected_failure(abort_code = 4)]
    fun who_was_not_invited_stays_out(creator: signer) acquires Channel, Created {
        coin::initialize_for_testing();
        create(&creator, @0xbeef, 0, 0, 0, INVITED, vector::singleton(@0xb), @0xfa, 0, 4);
        join_for_testing(id_of(@0xc0, 0), @0xa, @0x1a, 30);
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun an_unknown_channel_is_named() acquires Channel {
        coin::initialize_for_testing();
        join_for_testing(@0xdead, @0xa, @0x1a, 30);
    }
}
