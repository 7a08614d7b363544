/// A channel's rules: fixed when it is created.
module settlement::rules {
    use std::vector;
    use settlement::account;

    friend settlement::channel;
    friend settlement::complaint;
    friend settlement::exits;
    friend settlement::penalty;
    friend settlement::settlement;
    friend settlement::shown;

    /// `join_policy`: only invited accounts.
    const INVITED: u8 = 0;
    /// `join_policy`: anyone with the deposit.
    const OPEN: u8 = 1;
    /// `join_policy`: whom the contract that owns the channel lets in (`channel::join_admitted`).
    const CONTRACT: u8 = 2;
    /// `durability`: 0 synced, 1 replicated.
    const MOST_DURABILITY: u8 = 1;
    /// `settlement_rule`: two thirds of the active weight settle at once.
    const TWO_THIRDS: u8 = 0;
    /// `settlement_rule`: all active members settle; nothing less is believed of anybody's money.
    const UNANIMOUS: u8 = 1;
    /// `settlement_rule`: two thirds settle after a window in which a proof of fraud beats them.
    const JUDGED: u8 = 2;
    /// `weight_by`: each member weighs one.
    const BY_MEMBER: u8 = 0;
    /// `weight_by`: each member weighs its collateral.
    const BY_COLLATERAL: u8 = 1;
    /// `penalty_votes`: 0 two thirds of the others and at least two, 1 two.
    const MOST_PENALTY_VOTES: u8 = 1;
    /// `drop_rule`: 0 the channel closes, 1 the leader is replaced.
    const MOST_DROP_RULE: u8 = 1;
    /// Milliseconds of a window: long enough to come back, short enough that the collateral of who
    /// left is still there (`collateral::DELAY` is longer than any window with its extensions).
    const LEAST_WINDOW: u64 = 1000;
    const MOST_WINDOW: u64 = 86400000;
    const DEFAULT_WINDOW: u64 = 10000;
    /// Members a channel can have: what settles within the gas of a call, with room.
    const MOST_MEMBERS: u64 = 128;
    const MOST_INVITED: u64 = 1024;

    /// Its encoding is the nodes' `ChannelConfig`.
    struct ChannelConfig has copy, drop, store {
        tick_interval: u64,
        settlement_interval: u64,
        durability: u8,
        join_policy: u8,
        invited: vector<address>,
        asset: address,
        min_deposit: u64,
        max_members: u64,
        /// What execution costs, from 1 on. Which tables exist is not the chain's to know: they come
        /// with the nodes, and a node refuses a channel whose table it lacks before anybody joins.
        gas_table: u8,
        /// Whether a node's signature under many calls of its member stands in place of theirs.
        trust_own_node: bool,
        settlement_rule: u8,
        weight_by: u8,
        /// Milliseconds in which a proposal of few, or an exit, can be answered.
        challenge_window: u64,
        /// The least collateral of a member, in the channel's asset.
        collateral: u64,
        /// What a conviction takes from it, at most.
        fine: u64,
        /// What a report that the others find false takes from the reporter's.
        bond: u64,
        penalty_votes: u8,
        drop_rule: u8,
    }

    /// Under the channel's id.
    struct Rules has key { creator: address, package: address, config: ChannelConfig }

    /// The rules of a channel whose members a contract lets in, as contracts begin with them: no ticks,
    /// settlements when somebody asks, each member weighs one, two thirds settle at once, a window of
    /// ten seconds, no collateral. The functions below change one thing each; `channel::create_for`
    /// says whether a channel can have what comes out.
    public fun admitted(asset: address, min_deposit: u64, max_members: u64): ChannelConfig {
        config(
            0, 0, 0, CONTRACT, vector::empty(), asset, min_deposit, max_members, 1, false,
            TWO_THIRDS, BY_MEMBER, DEFAULT_WINDOW, 0, 0, 0, 0, 0,
        )
    }

    /// With this `join_policy`, and these accounts invited.
    public fun with_policy(config: ChannelConfig, join_policy: u8, invited: vector<address>)
    : ChannelConfig {
        config.join_policy = join_policy;
        config.invited = invited;
        config
    }

    /// With milliseconds between ticks, and between the leader's proposals; zero for none.
    public fun with_intervals(config: ChannelConfig, tick: u64, settlement: u64): ChannelConfig {
        config.tick_interval = tick;
        config.settlement_interval = settlement;
        config
    }

    /// With this durability and gas table.
    public fun with_execution(config: ChannelConfig, durability: u8, gas_table: u8): ChannelConfig {
        config.durability = durability;
        config.gas_table = gas_table;
        config
    }

    /// Whether members trust their own nodes with their calls.
    public fun with_trusted_nodes(config: ChannelConfig, trust_own_node: bool): ChannelConfig {
        config.trust_own_node = trust_own_node;
        config
    }

    /// With these rules about settling.
    public fun with_settlement(
        config: ChannelConfig,
        settlement_rule: u8,
        weight_by: u8,
        challenge_window: u64,
    ): ChannelConfig {
        config.settlement_rule = settlement_rule;
        config.weight_by = weight_by;
        config.challenge_window = challenge_window;
        config
    }

    /// With collateral, and what misbehaviour costs of it.
    public fun with_collateral(
        config: ChannelConfig,
        collateral: u64,
        fine: u64,
        bond: u64,
        penalty_votes: u8,
        drop_rule: u8,
    ): ChannelConfig {
        config.collateral = collateral;
        config.fine = fine;
        config.bond = bond;
        config.penalty_votes = penalty_votes;
        config.drop_rule = drop_rule;
        config
    }

    public(friend) fun config(
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
    ): ChannelConfig {
        ChannelConfig {
            tick_interval, settlement_interval, durability, join_policy, invited, asset,
            min_deposit, max_members, gas_table, trust_own_node, settlement_rule, weight_by,
            challenge_window, collateral, fine, bond, penalty_votes, drop_rule,
        }
    }

    /// Whether only a contract lets members in.
    public(friend) fun is_for_contract(config: &ChannelConfig): bool {
        config.join_policy == CONTRACT
    }

    public(friend) fun asset(config: &ChannelConfig): address {
        config.asset
    }

    /// Whether a channel can have these rules. An open channel asks for something of who joins: a
    /// deposit, or collateral; one whose members a contract lets in leaves that to the contract.
    public(friend) fun are_sound(config: &ChannelConfig): bool {
        let (members, policy) = (config.max_members, config.join_policy);
        let stake = config.min_deposit > 0 || config.collateral > 0;
        config.durability <= MOST_DURABILITY
            && (policy == INVITED || policy == CONTRACT || policy == OPEN && stake)
            && members > 0 && members <= MOST_MEMBERS
            && vector::length(&config.invited) <= MOST_INVITED
            && config.gas_table > 0
            && are_fair(config)
    }

    /// Whether the rules about money make sense: who weighs its collateral has some, and neither
    /// fine nor bond is more than every member brings.
    fun are_fair(config: &ChannelConfig): bool {
        let (least, window) = (config.collateral, config.challenge_window);
        config.settlement_rule <= JUDGED
            && (config.weight_by == BY_MEMBER || config.weight_by == BY_COLLATERAL && least > 0)
            && window >= LEAST_WINDOW && window <= MOST_WINDOW
            && config.fine <= least && config.bond <= least
            && config.penalty_votes <= MOST_PENALTY_VOTES
            && config.drop_rule <= MOST_DROP_RULE
    }

    public(friend) fun keep(
        channel: address,
        creator: address,
        package: address,
        config: ChannelConfig,
    ) {
        move_to(&account::create_signer(channel), Rules { creator, package, config });
    }

    /// Creator, package and configuration.
    public(friend) fun of(channel: address): (address, address, ChannelConfig) acquires Rules {
        let rules = borrow_global<Rules>(channel);
        (rules.creator, rules.package, *&rules.config)
    }

    /// What execution of a channel's blocks depends on: creator, package, gas table, tick interval.
    public(friend) fun facts(channel: address): (address, address, u8, u64) acquires Rules {
        let rules = borrow_global<Rules>(channel);
        (rules.creator, rules.package, rules.config.gas_table, rules.config.tick_interval)
    }

    public(friend) fun creator(channel: address): address acquires Rules {
        borrow_global<Rules>(channel).creator
    }

    /// Whether the account may join, the least deposit, the most members, and the asset.
    public(friend) fun terms(channel: address, account: address): (bool, u64, u64, address)
    acquires Rules {
        let config = &borrow_global<Rules>(channel).config;
        let policy = config.join_policy;
        let may_join = policy == OPEN || policy == INVITED && has_address(&config.invited, account);
        (may_join, config.min_deposit, config.max_members, config.asset)
    }

    public(friend) fun asks_everybody(channel: address): bool acquires Rules {
        borrow_global<Rules>(channel).config.settlement_rule == UNANIMOUS
    }

    public(friend) fun is_judged(channel: address): bool acquires Rules {
        borrow_global<Rules>(channel).config.settlement_rule == JUDGED
    }

    public(friend) fun window(channel: address): u64 acquires Rules {
        borrow_global<Rules>(channel).config.challenge_window
    }

    /// The least collateral, what a conviction takes of it, and what a false report does.
    public(friend) fun stakes(channel: address): (u64, u64, u64) acquires Rules {
        let config = &borrow_global<Rules>(channel).config;
        (config.collateral, config.fine, config.bond)
    }

    /// What a member with this collateral weighs.
    public(friend) fun weight_of(channel: address, collateral: u64): u64 acquires Rules {
        if (borrow_global<Rules>(channel).config.weight_by == BY_COLLATERAL) collateral else 1
    }

    public(friend) fun weighs_collateral(channel: address): bool acquires Rules {
        borrow_global<Rules>(channel).config.weight_by == BY_COLLATERAL
    }

    /// Whether two members convict, however many there are.
    public(friend) fun two_convict(channel: address): bool acquires Rules {
        borrow_global<Rules>(channel).config.penalty_votes == 1
    }

    /// Whether a leader that left a call undone is replaced, and the channel goes on.
    public(friend) fun replaces_leaders(channel: address): bool acquires Rules {
        borrow_global<Rules>(channel).config.drop_rule == 1
    }

    fun has_address(list: &vector<address>, one: address): bool {
        let (index, count) = (0, vector::length(list));
        while (index < count) {
            if (*vector::borrow(list, index) == one) return true;
            index = index + 1;
        };
        false
    }

    #[test_only]
    fun sound(): ChannelConfig {
        config(
            0, 0, 0, OPEN, vector::empty(), @0xfa, 1, MOST_MEMBERS, 1, false, TWO_THIRDS,
            BY_MEMBER, LEAST_WINDOW, 10, 10, 10, 0, 0,
        )
    }

    #[test]
    fun each_rule_has_its_bounds() {
        assert!(are_sound(&sound()), 1);
        let config = sound();
        config.durability = 2;
        assert!(!are_sound(&config), 2);
        config = sound();
        config.join_policy = CONTRACT + 1;
        assert!(!are_sound(&config), 3);
        config = sound();
        config.max_members = MOST_MEMBERS + 1;
        assert!(!are_sound(&config), 4);
        config.max_members = 0;
        assert!(!are_sound(&config), 5);
        config = sound();
        config.gas_table = 0;
        assert!(!are_sound(&config), 6);
        config = sound();
        config.settlement_rule = JUDGED + 1;
        assert!(!are_sound(&config), 8);
        config = sound();
        config.weight_by = BY_COLLATERAL + 1;
        assert!(!are_sound(&config), 9);
        config = sound();
        config.challenge_window = LEAST_WINDOW - 1;
        assert!(!are_sound(&config), 10);
        config.challenge_window = MOST_WINDOW + 1;
        assert!(!are_sound(&config), 11);
        config = sound();
        config.fine = 11;
        assert!(!are_sound(&config), 12);
        config = sound();
        config.bond = 11;
        assert!(!are_sound(&config), 13);
        config = sound();
        config.penalty_votes = MOST_PENALTY_VOTES + 1;
        assert!(!are_sound(&config), 14);
        config = sound();
        config.drop_rule = MOST_DROP_RULE + 1;
        assert!(!are_sound(&config), 15);
        config = sound();
        while (vector::length(&config.invited) <= MOST_INVITED) {
            vector::push_back(&mut config.invited, @0xa);
        };
        assert!(!are_sound(&config), 7);
    }

    #[test]
    fun an_open_channel_needs_a_stake_and_one_for_guests_does_not() {
        let config = sound();
        config.min_deposit = 0;
        assert!(are_sound(&config), 1);
        config.collateral = 0;
        config.fine = 0;
        config.bond = 0;
        assert!(!are_sound(&config), 2);
        config.join_policy = INVITED;
        assert!(are_sound(&config), 3);
    }

    #[test]
    fun who_weighs_its_collateral_has_some() {
        let config = sound();
        config.weight_by = BY_COLLATERAL;
        assert!(are_sound(&config), 1);
        config.collateral = 0;
        config.fine = 0;
        config.bond = 0;
        assert!(!are_sound(&config), 2);
    }

    #[test]
    fun what_a_contract_changes_is_all_that_changes() {
        let config = admitted(@0xfa, 3, 4);
        assert!(are_sound(&config) && is_for_contract(&config), 1);
        config = with_intervals(config, 50, 60);
        config = with_policy(config, INVITED, vector[@0xa]);
        config = with_execution(config, 1, 2);
        config = with_trusted_nodes(config, true);
        config = with_settlement(config, JUDGED, BY_COLLATERAL, LEAST_WINDOW);
        config = with_collateral(config, 9, 8, 7, 1, 1);
        let all = config(
            50, 60, 1, INVITED, vector[@0xa], @0xfa, 3, 4, 2, true, JUDGED, BY_COLLATERAL, LEAST_WINDOW,
            9, 8, 7, 1, 1,
        );
        assert!(config == all && are_sound(&config), 2);
    }

    #[test]
    fun nobody_joins_by_itself_where_a_contract_admits() acquires Rules {
        let config = sound();
        config.join_policy = CONTRACT;
        config.min_deposit = 0;
        config.invited = vector[@0xa];
        assert!(are_sound(&config) && is_for_contract(&config), 1);
        keep(@0x77, @0xc0, @0xbeef, config);
        let (guest, _, _, _) = terms(@0x77, @0xa);
        assert!(!guest, 2);
    }

    #[test]
    fun guests_alone_may_join_where_guests_are_named() acquires Rules {
        let config = sound();
        config.join_policy = INVITED;
        config.invited = vector[@0xa];
        keep(@0x77, @0xc0, @0xbeef, config);
        let (guest, least, most, asset) = terms(@0x77, @0xa);
        assert!(guest && least == 1 && most == MOST_MEMBERS && asset == @0xfa, 1);
        let (stranger, _, _, _) = terms(@0x77, @0xb);
        assert!(!stranger && creator(@0x77) == @0xc0, 2);
    }
}
