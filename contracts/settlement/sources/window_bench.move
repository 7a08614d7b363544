#[test_only]
/// What tests of proposals that wait for a window share.
module settlement::window_bench {
    use settlement::bench;
    use settlement::channel;
    use settlement::windows;

    const TWO_THIRDS: u8 = 0;
    const JUDGED: u8 = 2;

    public fun stay(): vector<bool> {
        vector[false, false, false]
    }

    /// Three members of which 1 and 2 are heard, and the block that they certified.
    public fun two_of_three(): (address, vector<u8>) {
        let channel = bench::of(TWO_THIRDS, 3);
        let block = bench::block(channel, @0x1, 5, 1, &bench::book_of(vector[90, 110, 100]));
        bench::show(channel, copy block, vector[1, 2]);
        (channel, block)
    }

    /// Member 1 alone is heard of three, and its proposal waits at the block that two certified.
    public fun alone(balances: vector<u64>, leaves: vector<bool>, closes: bool): (address, address, vector<u8>) {
        let (channel, block) = two_of_three();
        bench::epoch_of_few(channel, vector[1], 20000);
        let proposal = bench::propose(channel, 1, 0, &block, balances, leaves, closes);
        bench::open_window(channel, proposal, vector[1]);
        (channel, proposal, block)
    }

    /// A proposal of a channel that judges waits at a block that was shown; 1 and 2 agreed.
    public fun judged(balances: vector<u64>): (address, address, vector<u8>) {
        let (channel, proposal, block) = unshown(balances);
        bench::show(channel, copy block, vector[1, 2]);
        (channel, proposal, block)
    }

    /// The same before anybody showed its block.
    public fun unshown(balances: vector<u64>): (address, address, vector<u8>) {
        let channel = bench::of(JUDGED, 3);
        let block = bench::block(channel, @0x1, 5, 1, &bench::book_of(vector[90, 110, 100]));
        let proposal = bench::propose(channel, 1, 0, &block, balances, stay(), false);
        bench::open_window(channel, proposal, vector[1, 2]);
        (channel, proposal, block)
    }

    public fun window_over() {
        bench::later(4 * bench::window());
    }

    public fun waits(channel: address): bool {
        let (waits, _, _, _, _, _) = windows::waiting(channel);
        waits
    }

    public fun number(channel: address): u64 {
        let (number, _, _, _) = channel::last_settlement(channel);
        number
    }
}
