#[test_only]
/// What tests of reports, verdicts and judgements share: channels whose members have collateral, and what
/// is left of it.
module settlement::penalty_bench {
    use std::vector;
    use settlement::bench;
    use settlement::coin;

    const TWO_THIRDS: u8 = 0;
    const EVIDENCE: address = @0xe1;

    /// Collateral 100 each, of which a fine takes 50 and a false report 25.
    public fun of(count: u8): address {
        bench::backed(TWO_THIRDS, count, 100, 0)
    }

    public fun two_convict(count: u8): address {
        bench::backed(TWO_THIRDS, count, 100, 1)
    }

    public fun treasury(): u64 {
        coin::balance(@settlement, @0xfa)
    }

    public fun is_barred(channel: address, join_sequence: u64): bool {
        let (_, barred, _) = bench::seat(channel, join_sequence);
        barred
    }

    public fun collateral(channel: address, join_sequence: u64): u64 {
        let (_, _, collateral) = bench::seat(channel, join_sequence);
        collateral
    }

    /// The member goes with a settlement at this height, and is paid its deposit.
    public fun pay(channel: address, member: u8, count: u8, number: u64) {
        let height = number * 5;
        let from = height - 5;
        let block = bench::block(channel, @0x1, height, 1, &bench::book());
        let (balances, leaves, index) = (vector::empty(), vector::empty(), 1);
        while (index <= count) {
            vector::push_back(&mut balances, 100);
            vector::push_back(&mut leaves, index == member);
            index = index + 1;
        };
        let proposal = bench::propose(channel, number, from, &block, balances, leaves, false);
        bench::execute(channel, proposal, bench::members(count));
    }

    /// Member 1 is convicted and paid.
    public fun convicted_and_paid(): address {
        let channel = of(3);
        bench::report(channel, 2, 1, EVIDENCE);
        bench::decide(channel, 1, EVIDENCE, true, vector[2, 3]);
        pay(channel, 1, 3, 1);
        channel
    }
}
