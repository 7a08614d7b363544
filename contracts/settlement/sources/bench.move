#[test_only]
/// What tests of channels with money at stake share: members with their nodes, blocks and what nodes
/// sign about them, states with their proofs, proposals and votes.
module settlement::bench {
    use std::bcs;
    use std::vector;
    use runtime::context;
    use settlement::channel;
    use settlement::channel_tests;
    use settlement::coin;
    use settlement::exits;
    use settlement::header;
    use settlement::ids;
    use settlement::membership;
    use settlement::penalty;
    use settlement::quorum;
    use settlement::settlement;
    use settlement::shown;
    use settlement::state_proof;

    /// The chain's time when the first epoch is granted, milliseconds.
    const NOW: u64 = 1000000;
    const DEPOSIT: u64 = 100;
    /// As in `rules`.
    const OPEN: u8 = 1;
    const BY_MEMBER: u8 = 0;

    /// Entries of a channel's state.
    struct Book has copy, drop { keys: vector<address>, values: vector<vector<u8>> }

    public fun now(): u64 {
        NOW
    }

    /// A challenge window, milliseconds.
    public fun window(): u64 {
        100000
    }

    public fun asset(): address {
        @0xfa
    }

    /// The time is this long after `NOW`.
    public fun later(time: u64) {
        context::set_time_ms_for_testing(NOW + time);
    }

    /// The member's account, as it joined: 1 is @0xa, 2 is @0xb.
    public fun account(member: u8): address {
        *vector::borrow(
            &vector[@0xa, @0xb, @0xc, @0xd, @0xe, @0xf], ((member - 1) as u64)
        )
    }

    public fun signer_of(member: u8): signer {
        coin::signer_for_testing(account(member))
    }

    /// The first `count` accounts.
    public fun accounts(count: u8): vector<address> {
        let (accounts, member) = (vector::empty(), 1);
        while (member <= count) {
            vector::push_back(&mut accounts, account(member));
            member = member + 1;
        };
        accounts
    }

    public fun members(count: u8): vector<u8> {
        let (members, member) = (vector::empty(), 1);
        while (member <= count) {
            vector::push_back(&mut members, member);
            member = member + 1;
        };
        members
    }

    // Channels.

    /// An open channel of up to eight by these rules, with nobody in it.
    public fun empty(rule: u8, weight_by: u8, stakes: u64, two_convict: u8, drop_rule: u8): address {
        coin::initialize_for_testing();
        context::set_time_ms_for_testing(NOW);
        another(rule, weight_by, stakes, two_convict, drop_rule)
    }

    /// One more channel of the same creator.
    public fun another(rule: u8, weight_by: u8, stakes: u64, two_convict: u8, drop_rule: u8): address {
        let number = channel::created(@0xc0);
        channel::create(
            &coin::signer_for_testing(@0xc0), @0xbeef, 0, 0, 0, OPEN, vector::empty(), @0xfa, 10, 8, 1,
            false, rule, weight_by, window(), stakes, stakes / 2, stakes / 4, two_convict, drop_rule,
        );
        channel::id_of(@0xc0, number)
    }

    /// A channel by this rule with `count` members, active and valid in epoch 1; node 1 leads.
    public fun of(rule: u8, count: u8): address {
        backed(rule, count, 0, 0)
    }

    /// The same, each member with so much collateral.
    public fun backed(rule: u8, count: u8, collateral: u64, two_convict: u8): address {
        let channel = empty(rule, BY_MEMBER, collateral, two_convict, 0);
        fill(channel, 1, count, collateral);
        epoch(channel, members(count));
        channel
    }

    /// Members from `first` to `last` join.
    public fun fill(channel: address, first: u8, last: u8, collateral: u64) {
        let member = first;
        while (member <= last) {
            join(channel, member, collateral, false);
            member = member + 1;
        };
    }

    public fun join(channel: address, member: u8, collateral: u64, pooled: bool) {
        join_as(channel, account(member), member, collateral, pooled);
    }

    /// The account joins with the node of `byte`; whoever needs money gets it.
    public fun join_as(channel: address, account: address, byte: u8, collateral: u64, pooled: bool) {
        coin::mint_for_testing(account, DEPOSIT + (if (pooled) 0 else collateral));
        let proof = channel::proof_for_testing(channel_tests::seed(byte), channel, account);
        channel::join(
            &coin::signer_for_testing(account), channel, channel_tests::key(byte), DEPOSIT,
            vector::empty(), proof, collateral, pooled,
        );
    }

    public fun leave(channel: address, member: u8) {
        channel::leave(&signer_of(member), channel);
    }

    public fun beat(channel: address, member: u8) {
        membership::heartbeat(&channel_tests::node(member), channel);
    }

    public fun beat_all(channel: address, members: vector<u8>) {
        while (!vector::is_empty(&members)) beat(channel, vector::pop_back(&mut members));
    }

    /// The members' heartbeats, then the next epoch for the first of them.
    public fun epoch(channel: address, members: vector<u8>) {
        beat_all(channel, copy members);
        membership::apply_for_leadership(&channel_tests::node(*vector::borrow(&members, 0)), channel);
    }

    /// An epoch in which these alone are valid, granted after everybody was silent.
    public fun epoch_of_few(channel: address, members: vector<u8>, time: u64) {
        later(time);
        epoch(channel, members);
    }

    public fun balance(member: u8): u64 {
        coin::balance(account(member), @0xfa)
    }

    // Blocks.

    /// A block with this state's root, as a header.
    public fun block(channel: address, parent: address, height: u64, epoch: u64, book: &Book)
    : vector<u8> {
        header::encode_for_testing(channel, parent, height, epoch, 0, root(book))
    }

    public fun hash(block: &vector<u8>): address {
        header::hash(&header::decode(*block))
    }

    /// Who acked the block, sorted by node, and their signatures.
    public fun acks(block: &vector<u8>, members: vector<u8>): (vector<address>, vector<vector<u8>>) {
        let (nodes, signatures) = (vector::empty(), vector::empty());
        let header = header::decode(*block);
        while (!vector::is_empty(&members)) {
            let byte = vector::pop_back(&mut members);
            let signature = header::ack_for_testing(&channel_tests::seed(byte), &header);
            insert(&mut nodes, &mut signatures, channel_tests::key(byte), signature);
        };
        (nodes, signatures)
    }

    /// Shows the block by itself, as an anchor.
    public fun show(channel: address, block: vector<u8>, members: vector<u8>) {
        let (signers, signatures) = acks(&block, members);
        shown::show(
            &signer_of(1), channel, vector[block], signers, signatures, vector::empty(),
            vector::empty(),
        );
    }

    /// Shows the last of the blocks by its certificate alone.
    public fun show_tail(channel: address, blocks: vector<vector<u8>>, members: vector<u8>) {
        let last = vector::borrow(&blocks, vector::length(&blocks) - 1);
        let (signers, signatures) = acks(last, members);
        let (none, nothing) = (vector::empty(), vector::empty());
        shown::show(&signer_of(1), channel, blocks, none, nothing, signers, signatures);
    }

    /// Shows the last of the blocks above the first, which is its anchor.
    public fun show_above(
        channel: address,
        blocks: vector<vector<u8>>,
        anchored_by: vector<u8>,
        members: vector<u8>,
    ) {
        let last = vector::borrow(&blocks, vector::length(&blocks) - 1);
        let (signers, signatures) = acks(last, members);
        let (anchor_signers, anchors) = acks(vector::borrow(&blocks, 0), anchored_by);
        shown::show(
            &signer_of(1), channel, blocks, anchor_signers, anchors, signers, signatures,
        );
    }

    /// The same in two transactions: the first `count` headers are led up before.
    public fun show_led_above(
        channel: address,
        blocks: vector<vector<u8>>,
        count: u64,
        anchored_by: vector<u8>,
        members: vector<u8>,
    ) {
        let last = vector::borrow(&blocks, vector::length(&blocks) - 1);
        let (signers, signatures) = acks(last, members);
        let (anchor_signers, anchors) = acks(vector::borrow(&blocks, 0), anchored_by);
        let rest = lead(channel, blocks, count);
        shown::show_led(
            &signer_of(1), channel, rest, anchor_signers, anchors, signers, signatures,
        );
    }

    /// Leads the first `count` headers up; the others.
    public fun lead(channel: address, blocks: vector<vector<u8>>, count: u64): vector<vector<u8>> {
        let (led, rest) = (vector::empty(), vector::empty());
        vector::reverse(&mut blocks);
        while (!vector::is_empty(&blocks)) {
            let block = vector::pop_back(&mut blocks);
            if (vector::length(&led) < count) vector::push_back(&mut led, block)
            else vector::push_back(&mut rest, block);
        };
        shown::lead(&signer_of(1), channel, led);
        rest
    }

    // States.

    public fun book(): Book {
        Book { keys: vector::empty(), values: vector::empty() }
    }

    /// A state in which the first members have entered and hold these amounts.
    public fun book_of(amounts: vector<u64>): Book {
        let book = book();
        let (index, count) = (0, vector::length(&amounts));
        while (index < count) {
            let member = ((index + 1) as u8);
            hold(&mut book, account(member), *vector::borrow(&amounts, index));
            index = index + 1;
        };
        enter(&mut book, 1, count);
        book
    }

    /// The account's vault holds `amount`.
    public fun hold(book: &mut Book, account: address, amount: u64) {
        put(book, state_proof::vault_key(account), amounts(amount));
    }

    /// The account has left and is owed `amount`.
    public fun owe(book: &mut Book, account: address, amount: u64) {
        put(book, state_proof::departed_key(account), amounts(amount));
    }

    /// Join sequences from `first` to `last` have entered.
    public fun enter(book: &mut Book, first: u64, last: u64) {
        let value = x"01";
        vector::append(&mut value, bcs::to_bytes(&first));
        vector::append(&mut value, bcs::to_bytes(&last));
        put(book, state_proof::entered_key(), value);
    }

    /// The number of the account's next call.
    public fun sequence(book: &mut Book, account: address, number: u64) {
        put(book, state_proof::sequence_key(account), bcs::to_bytes(&number));
    }

    /// The app set this result.
    public fun set_result(book: &mut Book, result: vector<u8>) {
        put(book, state_proof::result_key(), bcs::to_bytes(&result));
    }

    fun put(book: &mut Book, key: address, value: vector<u8>) {
        vector::push_back(&mut book.keys, key);
        vector::push_back(&mut book.values, value);
    }

    fun amounts(amount: u64): vector<u8> {
        if (amount == 0) return x"00";
        let value = x"01";
        vector::append(&mut value, bcs::to_bytes(&@0xfa));
        vector::append(&mut value, bcs::to_bytes(&amount));
        value
    }

    public fun root(book: &Book): address {
        let (root, _, _) = state_proof::root_for_testing(&book.keys, &book.values);
        root
    }

    public fun prove(book: &Book, key: address): (vector<u8>, vector<address>, vector<address>) {
        state_proof::prove_for_testing(&book.keys, &book.values, key)
    }

    // Exits.

    public fun demand(channel: address, member: u8) {
        exits::demand(&signer_of(member), channel);
    }

    /// Anybody closes the channel at this state.
    public fun finish_exit(channel: address, book: &Book) {
        let (value, siblings, end) = prove(book, state_proof::entered_key());
        exits::finish(&coin::signer_for_testing(@0x99), channel, value, siblings, end);
    }

    public fun claim(channel: address, member: u8, book: &Book) {
        claim_for(channel, account(member), book);
    }

    public fun claim_for(channel: address, account: address, book: &Book) {
        claim_by(channel, account, book, book);
    }

    /// The same, each of the two entries by a state of its own.
    public fun claim_by(channel: address, account: address, of_vault: &Book, of_departed: &Book) {
        let (vault, vault_siblings, vault_end) = prove(of_vault, state_proof::vault_key(account));
        let (departed, departed_siblings, departed_end) =
            prove(of_departed, state_proof::departed_key(account));
        exits::claim(
            &coin::signer_for_testing(@0x99), channel, account, vault, vault_siblings, vault_end,
            departed, departed_siblings, departed_end,
        );
    }

    /// These members say no to the best block shown.
    public fun dispute(channel: address, block: address, members: vector<u8>) {
        let (voters, signatures) = votes(members, channel, block, false);
        exits::dispute(&coin::signer_for_testing(@0x99), channel, voters, signatures);
    }

    // Proposals.

    /// Node 1 records settlement `number` at this block, from the one at `from_height`; its hash.
    public fun propose(
        channel: address,
        number: u64,
        from_height: u64,
        block: &vector<u8>,
        balances: vector<u64>,
        leaves: vector<bool>,
        closes: bool,
    ): address {
        let header = header::decode(*block);
        let count = (vector::length(&balances) as u8);
        propose_rows(
            channel, number, from_height, block, header::state_root(&header), accounts(count), balances,
            leaves, closes,
        )
    }

    public fun propose_rows(
        channel: address,
        number: u64,
        from_height: u64,
        block: &vector<u8>,
        root: address,
        accounts: vector<address>,
        balances: vector<u64>,
        leaves: vector<bool>,
        closes: bool,
    ): address {
        let header = header::decode(*block);
        let (_, _, height) = header::place(&header);
        let (_, _, from_root, _) = channel::settled(channel);
        settlement::propose(
            &channel_tests::node(1), channel, number, from_height, from_root, height, root,
            header::hash(&header), accounts, balances, leaves, 0, closes, b"score",
        );
        settlement::recorded_for_testing(ids::account_of(channel_tests::key(1)), channel)
    }

    /// These members' votes, sorted by node.
    public fun votes(members: vector<u8>, channel: address, proposal: address, yes: bool)
    : (vector<address>, vector<vector<u8>>) {
        let (nodes, signatures) = (vector::empty(), vector::empty());
        while (!vector::is_empty(&members)) {
            let byte = vector::pop_back(&mut members);
            let seed = channel_tests::seed(byte);
            let signature = if (yes) settlement::vote_for_testing(&seed, channel, proposal)
                else settlement::no_for_testing(&seed, channel, proposal);
            insert(&mut nodes, &mut signatures, channel_tests::key(byte), signature);
        };
        (nodes, signatures)
    }

    public fun execute(channel: address, proposal: address, members: vector<u8>) {
        let (voters, signatures) = votes(members, channel, proposal, true);
        settlement::execute(&channel_tests::node(1), channel, proposal, voters, signatures);
    }

    public fun open_window(channel: address, proposal: address, members: vector<u8>) {
        let (voters, signatures) = votes(members, channel, proposal, true);
        settlement::open_window(&channel_tests::node(1), channel, proposal, voters, signatures);
    }

    public fun object(channel: address, proposal: address, members: vector<u8>) {
        let (voters, signatures) = votes(members, channel, proposal, false);
        settlement::object(&coin::signer_for_testing(@0x99), channel, voters, signatures);
    }

    public fun finish(channel: address) {
        settlement::finish(&coin::signer_for_testing(@0x99), channel);
    }

    public fun support(channel: address, blocks: vector<vector<u8>>) {
        settlement::support(&coin::signer_for_testing(@0x99), channel, blocks);
    }

    /// Anybody shows what the state says of the account in this row.
    public fun refute(channel: address, row: u64, account: address, book: &Book) {
        refute_by(channel, row, account, book, book, book);
    }

    /// The same, each of the three entries by a state of its own.
    public fun refute_by(
        channel: address,
        row: u64,
        account: address,
        of_entered: &Book,
        of_vault: &Book,
        of_departed: &Book,
    ) {
        let (entered, entered_siblings, entered_end) = prove(of_entered, state_proof::entered_key());
        let (vault, vault_siblings, vault_end) = prove(of_vault, state_proof::vault_key(account));
        let (departed, departed_siblings, departed_end) =
            prove(of_departed, state_proof::departed_key(account));
        settlement::refute(
            &coin::signer_for_testing(@0x99), channel, row, entered, entered_siblings, entered_end,
            vault, vault_siblings, vault_end, departed, departed_siblings, departed_end,
        );
    }

    /// Everybody of `count` settles `number` at this block and stays.
    public fun settle(
        channel: address,
        number: u64,
        from_height: u64,
        block: &vector<u8>,
        balances: vector<u64>,
    ) {
        let (leaves, count) = (vector::empty(), vector::length(&balances));
        while (vector::length(&leaves) < count) vector::push_back(&mut leaves, false);
        let proposal = propose(channel, number, from_height, block, balances, leaves, false);
        execute(channel, proposal, members((count as u8)));
    }

    /// Join sequences of the members that would be valid in an epoch granted now.
    public fun valid(channel: address): vector<u64> {
        channel::valid_now(channel, 15000)
    }

    // Reports.

    public fun report(channel: address, by: u8, accused: u64, evidence: address) {
        penalty::report(&channel_tests::node(by), channel, accused, evidence);
    }

    /// Decides with these members' verdicts on the report about `accused`.
    public fun decide(
        channel: address,
        accused: u64,
        evidence: address,
        guilty: bool,
        members: vector<u8>,
    ) {
        let (voters, signatures) = verdicts(channel, accused, evidence, guilty, members);
        penalty::decide(
            &coin::signer_for_testing(@0x99), channel, accused, evidence, guilty, voters, signatures,
        );
    }

    public fun verdicts(
        channel: address,
        accused: u64,
        evidence: address,
        guilty: bool,
        members: vector<u8>,
    ): (vector<address>, vector<vector<u8>>) {
        let (nodes, signatures) = (vector::empty(), vector::empty());
        while (!vector::is_empty(&members)) {
            let byte = vector::pop_back(&mut members);
            let seed = channel_tests::seed(byte);
            let signature = penalty::verdict_for_testing(&seed, channel, accused, evidence, guilty);
            insert(&mut nodes, &mut signatures, channel_tests::key(byte), signature);
        };
        (nodes, signatures)
    }

    /// What the host found in evidence about a block of the first epoch that the member's node sent.
    public fun judge(channel: address, by: u8, accused: u64, evidence: address, found: u8) {
        let sender = ids::account_of(channel_tests::key(by));
        penalty::judge_for_testing(sender, channel, accused, 1, @0xb1, evidence, found);
    }

    /// Whoever is @0x99 shows that the node of `byte` signed both blocks.
    public fun double_block(
        channel: address,
        by: &signer,
        accused: u64,
        byte: u8,
        first: vector<u8>,
        second: vector<u8>,
    ) {
        let seed = channel_tests::seed(byte);
        let first_signature = header::sign_for_testing(&seed, &first);
        let second_signature = header::sign_for_testing(&seed, &second);
        penalty::double_block(
            by, channel, accused, first, first_signature, second, second_signature,
        );
    }

    /// Whether the member's seat is gone, whether it is barred, and its collateral in the seat.
    public fun seat(channel: address, join_sequence: u64): (bool, bool, u64) {
        channel::seat_for_testing(channel, join_sequence)
    }

    fun insert(
        nodes: &mut vector<address>,
        signatures: &mut vector<vector<u8>>,
        node: address,
        signature: vector<u8>,
    ) {
        let (_, place) = quorum::find(nodes, node);
        vector::push_back(nodes, node);
        vector::push_back(signatures, signature);
        let last = vector::length(nodes) - 1;
        while (last > place) {
            vector::swap(nodes, last, last - 1);
            vector::swap(signatures, last, last - 1);
            last = last - 1;
        };
    }
}
