/// The nodes' face, second half: proposals and their execution.
module settlement::settlement {
    use std::bcs;
    use std::signer;
    use std::vector;
    use runtime::context;
    use runtime::ed25519;
    use runtime::event;
    use settlement::account;
    use settlement::channel;
    use settlement::coin;
    use settlement::ids;
    use settlement::quorum;

    /// The settlement does not follow the last one.
    const E_NOT_CONTINUOUS: u64 = 1;
    /// The lists differ in length.
    const E_LENGTHS: u64 = 2;
    /// Accounts are not sorted, not exactly the active members in the books with others that are
    /// active, or pass over a member that asked to leave more than a minute ago.
    const E_BAD_ACCOUNTS: u64 = 3;
    /// The balances do not add up to what is in the channel's books.
    const E_NOT_CONSERVED: u64 = 4;
    /// A closing settlement holds nothing back, and everybody leaves.
    const E_BAD_CLOSE: u64 = 5;
    /// This node has recorded no such proposal.
    const E_NO_PROPOSAL: u64 = 6;
    /// A vote's signature does not verify.
    const E_BAD_SIGNATURE: u64 = 7;
    /// Yes votes of less than two thirds of the active weight.
    const E_NOT_ENOUGH_VOTES: u64 = 8;
    /// Voters are not sorted, or one is named twice.
    const E_DOUBLE_VOTE: u64 = 9;

    /// Milliseconds in which a channel takes out who asked to leave: from then on no settlement
    /// leaves it waiting.
    const LEAVE_PATIENCE: u64 = 60000;

    struct AssetAmount has copy, drop, store { asset: address, amount: u64 }

    struct Balance has copy, drop, store {
        account: address,
        amounts: vector<AssetAmount>,
        leaves: bool,
    }

    /// Its encoding is the nodes' `Proposal`: votes sign its hash.
    struct Proposal has copy, drop, store {
        chain: u64,
        channel: address,
        number: u64,
        from_height: u64,
        from_root: address,
        to_height: u64,
        to_root: address,
        to_block: address,
        balances: vector<Balance>,
        held: vector<AssetAmount>,
        closes: bool,
        result: vector<u8>,
    }

    /// A node's last proposal for a channel, under an address made of both.
    struct Pending has key, drop {
        id: address,
        number: u64,
        from_height: u64,
        from_root: address,
        to_height: u64,
        to_root: address,
        to_block: address,
        accounts: vector<address>,
        balances: vector<u64>,
        leaves: vector<bool>,
        held: u64,
        closes: bool,
        result: vector<u8>,
    }

    /// Where a `Pending` is stored.
    struct Place has drop { node: address, channel: address }

    struct Proposed has copy, drop, store { channel: address, number: u64, proposal: address }
    struct Settled has copy, drop, store { channel: address, number: u64, height: u64, closes: bool }

    /// Records a proposal, in the place of this node's last one for the channel. `balances` are in
    /// the channel's asset, one for each account.
    public entry fun propose(
        node: &signer,
        channel: address,
        number: u64,
        from_height: u64,
        from_root: address,
        to_height: u64,
        to_root: address,
        to_block: address,
        accounts: vector<address>,
        balances: vector<u64>,
        leaves: vector<bool>,
        held: u64,
        closes: bool,
        result: vector<u8>,
    ) acquires Pending {
        let (_, _, _, asset) = channel::settled(channel);
        let proposal = Proposal {
            chain: coin::chain_id(), channel, number, from_height, from_root, to_height, to_root,
            to_block, balances: rows(asset, &accounts, &balances, &leaves),
            held: amounts(asset, held), closes, result: copy result,
        };
        let id = ids::hash(b"proposal", bcs::to_bytes(&proposal));
        let pending = Pending {
            id, number, from_height, from_root, to_height, to_root, to_block, accounts, balances,
            leaves, held, closes, result,
        };
        check(channel, &pending);
        keep(signer::address_of(node), channel, pending);
        event::emit(Proposed { channel, number, proposal: id });
    }

    /// Executes this node's recorded proposal with the yes votes of at least two thirds of the active
    /// weight. `signatures` are of the nodes `voters`, which are sorted, in the same order.
    public entry fun execute(
        node: &signer,
        channel: address,
        proposal: address,
        voters: vector<address>,
        signatures: vector<vector<u8>>,
    ) acquires Pending {
        let place = place_of(signer::address_of(node), channel);
        assert!(exists<Pending>(place), E_NO_PROPOSAL);
        let pending = move_from<Pending>(place);
        assert!(pending.id == proposal, E_NO_PROPOSAL);
        check(channel, &pending);
        check_votes(channel, proposal, &voters, &signatures);
        let Pending {
            id: _, number, from_height: _, from_root: _, to_height, to_root, to_block, accounts,
            balances, leaves, held: _, closes, result,
        } = pending;
        channel::settle(
            channel, &accounts, &balances, &leaves, to_height, to_root, to_block, closes, result,
        );
        event::emit(Settled { channel, number, height: to_height, closes });
    }

    /// Continuity, the right accounts, and conservation to the unit.
    fun check(channel: address, pending: &Pending) {
        let (number, height, root, _) = channel::settled(channel);
        let continues = pending.number == number + 1
            && pending.from_height == height
            && (number == 0 || pending.from_root == root)
            && pending.to_height > height;
        assert!(continues, E_NOT_CONTINUOUS);
        let now = context::time_ms();
        let overdue = if (now > LEAVE_PATIENCE) now - LEAVE_PATIENCE else 0;
        let (held, closes) = (pending.held, pending.closes);
        let (known, expected) =
            channel::expected_total(channel, &pending.accounts, &pending.leaves, closes, overdue);
        assert!(known, E_BAD_ACCOUNTS);
        let (sum, all_leave) = (held, true);
        let (index, count) = (0, vector::length(&pending.accounts));
        while (index < count) {
            sum = sum + *vector::borrow(&pending.balances, index);
            all_leave = all_leave && *vector::borrow(&pending.leaves, index);
            index = index + 1;
        };
        assert!(sum == expected, E_NOT_CONSERVED);
        assert!(!closes || (all_leave && held == 0), E_BAD_CLOSE);
    }

    /// Votes count until there are enough of them; those of strangers and pending members do not.
    fun check_votes(
        channel: address,
        proposal: address,
        voters: &vector<address>,
        signatures: &vector<vector<u8>>,
    ) {
        assert!(vector::length(voters) == vector::length(signatures), E_LENGTHS);
        let (electors, weights) = channel::electorate(channel);
        let (whole, part, elector, before) = (quorum::total(&weights), 0, 0, @0x0);
        let message = vote_message(channel, proposal);
        let (index, count) = (0, vector::length(voters));
        while (index < count && !quorum::is_enough(part, whole)) {
            let voter = *vector::borrow(voters, index);
            assert!(index == 0 || ids::comes_before(before, voter), E_DOUBLE_VOTE);
            let (found, place) = quorum::find_from(&electors, elector, voter);
            if (found) {
                let signature = vector::borrow(signatures, index);
                let signed = ed25519::verify(&bcs::to_bytes(&voter), &message, signature);
                assert!(signed, E_BAD_SIGNATURE);
                part = part + *vector::borrow(&weights, place);
            };
            elector = place;
            before = voter;
            index = index + 1;
        };
        assert!(quorum::is_enough(part, whole), E_NOT_ENOUGH_VOTES);
    }

    /// What a node signs to vote yes: the nodes' `Vote`.
    fun vote_message(channel: address, proposal: address): vector<u8> {
        let message = b"fairway/1/sign/vote";
        vector::push_back(&mut message, 0);
        vector::append(&mut message, bcs::to_bytes(&channel));
        vector::append(&mut message, bcs::to_bytes(&proposal));
        vector::push_back(&mut message, 1);
        message
    }

    fun keep(node: address, channel: address, pending: Pending) acquires Pending {
        let place = place_of(node, channel);
        if (exists<Pending>(place)) {
            let _ = move_from<Pending>(place);
        };
        let storage = account::create_signer(place);
        move_to(&storage, pending);
    }

    fun place_of(node: address, channel: address): address {
        ids::hash(b"pending", bcs::to_bytes(&Place { node, channel }))
    }

    fun rows(
        asset: address,
        accounts: &vector<address>,
        balances: &vector<u64>,
        leaves: &vector<bool>,
    ): vector<Balance> {
        let count = vector::length(accounts);
        assert!(vector::length(balances) == count && vector::length(leaves) == count, E_LENGTHS);
        let rows = vector::empty();
        let index = 0;
        while (index < count) {
            let amounts = amounts(asset, *vector::borrow(balances, index));
            let leaves = *vector::borrow(leaves, index);
            let account = *vector::borrow(accounts, index);
            vector::push_back(&mut rows, Balance { account, amounts, leaves });
            index = index + 1;
        };
        rows
    }

    fun amounts(asset: address, amount: u64): vector<AssetAmount> {
        if (amount == 0) vector::empty() else vector::singleton(AssetAmount { asset, amount })
    }

    #[test_only]
    /// The hash of what `node` recorded last.
    public fun recorded_for_testing(node: address, channel: address): address acquires Pending {
        borrow_global<Pending>(place_of(node, channel)).id
    }

    #[test_only]
    public fun vote_for_testing(seed: &vector<u8>, channel: address, proposal: address): vector<u8> {
        ed25519::sign_for_testing(seed, &vote_message(channel, proposal))
    }
}
