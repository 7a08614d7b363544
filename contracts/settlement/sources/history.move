/// What is kept of a channel for good: its members as they joined, and its grants. Each lies under an
/// address made of the channel, its kind and a number, so that nothing is read that is not asked for.
module settlement::history {
    use std::bcs;
    use std::string::String;
    use std::vector;
    use settlement::account;
    use settlement::ids;

    friend settlement::channel;

    /// Kinds.
    const JOINED: u8 = 0;
    const GRANTED: u8 = 1;

    struct AssetAmount has copy, drop, store { asset: address, amount: u64 }

    struct MemberRecord has copy, drop, store {
        account: address,
        node: address,
        join_sequence: u64,
        weight: u64,
        deposit: vector<AssetAmount>,
        endpoints: vector<String>,
    }

    struct EpochGrant has copy, drop, store {
        epoch: u64,
        leader: address,
        /// Join sequence of the leader.
        join_sequence: u64,
        valid: vector<u64>,
    }

    /// A member as it joined, kept for good unless it withdrew while pending.
    struct Joined has key { record: MemberRecord }

    /// A grant, kept for good.
    struct Granted has key { grant: EpochGrant }

    /// The last member for which a node joined, also after it left.
    struct Latest has key { join_sequence: u64 }

    /// Where a `Latest` is stored.
    struct NodePlace has drop { channel: address, node_account: address }

    /// Where a `Joined` or `Granted` is stored.
    struct Place has drop { channel: address, kind: u8, number: u64 }

    /// No zeros.
    public(friend) fun amounts(asset: address, amount: u64): vector<AssetAmount> {
        if (amount == 0) vector::empty() else vector::singleton(AssetAmount { asset, amount })
    }

    public(friend) fun keep_member(
        channel: address,
        account: address,
        node: address,
        join_sequence: u64,
        weight: u64,
        deposit: vector<AssetAmount>,
        endpoints: vector<String>,
    ) acquires Latest {
        let place = place_of_node(channel, ids::account_of(node));
        if (exists<Latest>(place)) {
            borrow_global_mut<Latest>(place).join_sequence = join_sequence;
        } else move_to(&account::create_signer(place), Latest { join_sequence });
        let record = MemberRecord { account, node, join_sequence, weight, deposit, endpoints };
        let storage = account::create_signer(place_of(channel, JOINED, join_sequence));
        move_to(&storage, Joined { record });
    }

    /// Join sequence of the last member for which the node with this chain account joined; zero for none.
    public(friend) fun latest(channel: address, node_account: address): u64 acquires Latest {
        let place = place_of_node(channel, node_account);
        if (exists<Latest>(place)) borrow_global<Latest>(place).join_sequence else 0
    }

    /// For a member that withdrew while pending: it never was in the channel.
    public(friend) fun forget_member(channel: address, join_sequence: u64) acquires Joined {
        let Joined { record: _ } = move_from<Joined>(place_of(channel, JOINED, join_sequence));
    }

    public(friend) fun keep_grant(
        channel: address,
        epoch: u64,
        leader: address,
        join_sequence: u64,
        valid: vector<u64>,
    ) {
        let storage = account::create_signer(place_of(channel, GRANTED, epoch));
        move_to(&storage, Granted { grant: EpochGrant { epoch, leader, join_sequence, valid } });
    }

    /// The member that joined with this sequence; aborts if there is none.
    public(friend) fun member(channel: address, join_sequence: u64): MemberRecord acquires Joined {
        *&borrow_global<Joined>(place_of(channel, JOINED, join_sequence)).record
    }

    /// The members that joined with these sequences; all must be known.
    public(friend) fun members(channel: address, sequences: &vector<u64>): vector<MemberRecord>
    acquires Joined {
        let (records, index, count) = (vector::empty(), 0, vector::length(sequences));
        while (index < count) {
            vector::push_back(&mut records, member(channel, *vector::borrow(sequences, index)));
            index = index + 1;
        };
        records
    }

    /// One or none.
    public(friend) fun joined(channel: address, join_sequence: u64): vector<MemberRecord>
    acquires Joined {
        if (!exists<Joined>(place_of(channel, JOINED, join_sequence))) return vector::empty();
        vector::singleton(member(channel, join_sequence))
    }

    public(friend) fun granted(channel: address, epoch: u64): EpochGrant acquires Granted {
        *&borrow_global<Granted>(place_of(channel, GRANTED, epoch)).grant
    }

    /// Join sequences of the members valid in the epoch.
    public(friend) fun valid_of(grant: &EpochGrant): vector<u64> {
        *&grant.valid
    }

    /// The grants of these epochs, ascending; only those that exist.
    public(friend) fun grants(channel: address, first: u64, last: u64): vector<EpochGrant>
    acquires Granted {
        let (list, epoch) = (vector::empty(), first);
        while (epoch <= last && exists<Granted>(place_of(channel, GRANTED, epoch))) {
            vector::push_back(&mut list, granted(channel, epoch));
            epoch = epoch + 1;
        };
        list
    }

    public(friend) fun holder(record: &MemberRecord): address {
        record.account
    }

    public(friend) fun node(record: &MemberRecord): address {
        record.node
    }

    fun place_of_node(channel: address, node_account: address): address {
        ids::hash(b"channel-node", bcs::to_bytes(&NodePlace { channel, node_account }))
    }

    fun place_of(channel: address, kind: u8, number: u64): address {
        ids::hash(b"channel-part", bcs::to_bytes(&Place { channel, kind, number }))
    }

    #[test_only]
    public fun epoch_for_testing(grant: &EpochGrant): u64 {
        grant.epoch
    }

    #[test_only]
    public fun epochs_for_testing(grants: &vector<EpochGrant>): vector<u64> {
        let (epochs, index) = (vector::empty(), 0);
        while (index < vector::length(grants)) {
            vector::push_back(&mut epochs, vector::borrow(grants, index).epoch);
            index = index + 1;
        };
        epochs
    }

    #[test_only]
    /// Its join sequence and account.
    public fun member_for_testing(record: &MemberRecord): (u64, address) {
        (record.join_sequence, record.account)
    }

    #[test_only]
    public fun amount_for_testing(amounts: &vector<AssetAmount>): u64 {
        if (vector::is_empty(amounts)) 0 else vector::borrow(amounts, 0).amount
    }

    #[test]
    fun members_and_grants_with_one_number_lie_apart() acquires Joined, Granted, Latest {
        keep_member(@0x77, @0xa, @0x1, 1, 1, amounts(@0xfa, 30), vector::empty());
        keep_grant(@0x77, 1, @0xa, 1, vector[1]);
        assert!(holder(&member(@0x77, 1)) == @0xa && granted(@0x77, 1).leader == @0xa, 1);
        assert!(vector::is_empty(&joined(@0x78, 1)), 2);
    }

    #[test]
    fun a_member_that_withdrew_is_forgotten() acquires Joined, Latest {
        keep_member(@0x77, @0xa, @0x1, 1, 1, amounts(@0xfa, 0), vector::empty());
        assert!(vector::is_empty(&member(@0x77, 1).deposit), 1);
        forget_member(@0x77, 1);
        assert!(vector::is_empty(&joined(@0x77, 1)), 2);
    }

    #[test]
    fun a_nodes_last_member_is_found() acquires Latest {
        keep_member(@0x77, @0xa, @0x1, 1, 1, vector::empty(), vector::empty());
        keep_member(@0x77, @0xb, @0x2, 2, 1, vector::empty(), vector::empty());
        keep_member(@0x77, @0xa, @0x1, 3, 1, vector::empty(), vector::empty());
        assert!(latest(@0x77, ids::account_of(@0x1)) == 3, 1);
        assert!(latest(@0x77, ids::account_of(@0x2)) == 2, 2);
        assert!(latest(@0x78, ids::account_of(@0x1)) == 0, 3);
    }

    #[test]
    fun grants_end_where_the_epochs_end() acquires Granted {
        keep_grant(@0x77, 1, @0xa, 1, vector[1]);
        keep_grant(@0x77, 2, @0xb, 2, vector[1, 2]);
        let list = grants(@0x77, 1, 9);
        assert!(vector::length(&list) == 2 && vector::borrow(&list, 1).epoch == 2, 1);
        assert!(vector::is_empty(&grants(@0x77, 3, 9)), 2);
    }
}
