/// A channel's rules: fixed when it is created.
module settlement::rules {
    use std::vector;
    use settlement::account;

    friend settlement::channel;

    /// `join_policy`: only invited accounts.
    const INVITED: u8 = 0;
    /// `join_policy`: anyone with the deposit.
    const OPEN: u8 = 1;
    /// `join_policy`: whom the contract that owns the channel lets in (`channel::join_admitted`).
    const CONTRACT: u8 = 2;
    /// `durability`: 0 synced, 1 replicated.
    const MOST_DURABILITY: u8 = 1;
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
    }

    /// Under the channel's id.
    struct Rules has key { creator: address, package: address, config: ChannelConfig }

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
    ): ChannelConfig {
        ChannelConfig {
            tick_interval, settlement_interval, durability, join_policy, invited, asset,
            min_deposit, max_members, gas_table,
        }
    }

    /// Whether only a contract lets members in.
    public(friend) fun is_for_contract(config: &ChannelConfig): bool {
        config.join_policy == CONTRACT
    }

    public(friend) fun asset(config: &ChannelConfig): address {
        config.asset
    }

    /// Whether a channel can have these rules. An open channel asks for a deposit, since its members
    /// settle by their number; one whose members a contract lets in leaves that to the contract.
    public(friend) fun are_sound(config: &ChannelConfig): bool {
        let (members, policy) = (config.max_members, config.join_policy);
        config.durability <= MOST_DURABILITY
            && (policy == INVITED || policy == CONTRACT || policy == OPEN && config.min_deposit > 0)
            && members > 0 && members <= MOST_MEMBERS
            && vector::length(&config.invited) <= MOST_INVITED
            && config.gas_table > 0
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
        config(0, 0, 0, OPEN, vector::empty(), @0xfa, 1, MOST_MEMBERS, 1)
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
        while (vector::length(&config.invited) <= MOST_INVITED) {
            vector::push_back(&mut config.invited, @0xa);
        };
        assert!(!are_sound(&config), 7);
    }

    #[test]
    fun an_open_channel_needs_a_deposit_and_one_for_guests_does_not() {
        let config = sound();
        config.min_deposit = 0;
        assert!(!are_sound(&config), 1);
        config.join_policy = INVITED;
        assert!(are_sound(&config), 2);
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
