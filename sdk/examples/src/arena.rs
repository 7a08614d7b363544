// The client of the Move package `arena`, made by `fairway client generate --lang rust`.
// Do not edit it: make it again when the package changes.
// Package 0xf44f763ebc7db2692872e451e3b43c8f14426efeb707e3d36c272598e7118458.

/// The package that this client was made from. A channel's own is `channel.abi().package`.
#[allow(dead_code)]
pub const PACKAGE: &str = "0xf44f763ebc7db2692872e451e3b43c8f14426efeb707e3d36c272598e7118458";
/// An arena for many: every tick moves each player one step in its direction; who steps on the prize
/// scores, and the prize appears somewhere else. The scores are the channel's result: for each account
/// that scored, 32 bytes of address and 8 of points, lowest byte first.
///
/// Who wants to play for money puts some on the table. A player with a stake that scores takes one unit
/// from every other stake of the same asset, onto its own; without a stake it scores points alone:
/// nobody wins without risking. What lies on the table is its player's to take back at any time, and
/// goes back when it leaves or the channel closes.
///
/// Move module `0x43::arena`.
#[allow(dead_code, clippy::all)]
pub mod arena {
    /// Who plays, and where the prize lies. Stored under the app's address.
    ///
    /// Move resource `0x43::arena::Arena`.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Arena {
        pub players: ::std::vec::Vec<::fairway_sdk::Address>,
        pub prize_x: u64,
        pub prize_y: u64,
        pub ticks: u64,
        pub scored: ::std::vec::Vec<::fairway_sdk::Address>,
    }
    impl ::fairway_sdk::typed::MoveType for Arena {
        fn type_tag() -> ::std::string::String {
            "0x43::arena::Arena".to_owned()
        }
    }
    impl ::fairway_sdk::typed::FromMove for Arena {
        fn from_move(
            value: &::fairway_sdk::Value,
        ) -> ::std::result::Result<Self, ::fairway_sdk::typed::Mismatch> {
            ::std::result::Result::Ok(Self {
                players: ::fairway_sdk::typed::field(value, "players")?,
                prize_x: ::fairway_sdk::typed::field(value, "prize_x")?,
                prize_y: ::fairway_sdk::typed::field(value, "prize_y")?,
                ticks: ::fairway_sdk::typed::field(value, "ticks")?,
                scored: ::fairway_sdk::typed::field(value, "scored")?,
            })
        }
    }
    impl ::fairway_sdk::typed::Resource for Arena {}
    /// One player's place, step and points. Stored under its account.
    ///
    /// Move resource `0x43::arena::Player`.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Player {
        pub x: u64,
        pub y: u64,
        pub step_x: u8,
        pub step_y: u8,
        pub points: u64,
    }
    impl ::fairway_sdk::typed::MoveType for Player {
        fn type_tag() -> ::std::string::String {
            "0x43::arena::Player".to_owned()
        }
    }
    impl ::fairway_sdk::typed::FromMove for Player {
        fn from_move(
            value: &::fairway_sdk::Value,
        ) -> ::std::result::Result<Self, ::fairway_sdk::typed::Mismatch> {
            ::std::result::Result::Ok(Self {
                x: ::fairway_sdk::typed::field(value, "x")?,
                y: ::fairway_sdk::typed::field(value, "y")?,
                step_x: ::fairway_sdk::typed::field(value, "step_x")?,
                step_y: ::fairway_sdk::typed::field(value, "step_y")?,
                points: ::fairway_sdk::typed::field(value, "points")?,
            })
        }
    }
    impl ::fairway_sdk::typed::Resource for Player {}
    /// The prize lies here now.
    ///
    /// Move event or value `0x43::arena::PrizePlaced`.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct PrizePlaced {
        pub x: u64,
        pub y: u64,
    }
    impl ::fairway_sdk::typed::MoveType for PrizePlaced {
        fn type_tag() -> ::std::string::String {
            "0x43::arena::PrizePlaced".to_owned()
        }
    }
    impl ::fairway_sdk::typed::FromMove for PrizePlaced {
        fn from_move(
            value: &::fairway_sdk::Value,
        ) -> ::std::result::Result<Self, ::fairway_sdk::typed::Mismatch> {
            ::std::result::Result::Ok(Self {
                x: ::fairway_sdk::typed::field(value, "x")?,
                y: ::fairway_sdk::typed::field(value, "y")?,
            })
        }
    }
    /// A player reached the prize.
    ///
    /// Move event or value `0x43::arena::Scored`.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Scored {
        pub player: ::fairway_sdk::Address,
        pub points: u64,
    }
    impl ::fairway_sdk::typed::MoveType for Scored {
        fn type_tag() -> ::std::string::String {
            "0x43::arena::Scored".to_owned()
        }
    }
    impl ::fairway_sdk::typed::FromMove for Scored {
        fn from_move(
            value: &::fairway_sdk::Value,
        ) -> ::std::result::Result<Self, ::fairway_sdk::typed::Mismatch> {
            ::std::result::Result::Ok(Self {
                player: ::fairway_sdk::typed::field(value, "player")?,
                points: ::fairway_sdk::typed::field(value, "points")?,
            })
        }
    }
    /// What a player has on the table: of one asset, never zero. Stored under its account.
    ///
    /// Move resource `0x43::arena::Stake`.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Stake {
        pub coin: super::vault::Coin,
    }
    impl ::fairway_sdk::typed::MoveType for Stake {
        fn type_tag() -> ::std::string::String {
            "0x43::arena::Stake".to_owned()
        }
    }
    impl ::fairway_sdk::typed::FromMove for Stake {
        fn from_move(
            value: &::fairway_sdk::Value,
        ) -> ::std::result::Result<Self, ::fairway_sdk::typed::Mismatch> {
            ::std::result::Result::Ok(Self {
                coin: ::fairway_sdk::typed::field(value, "coin")?,
            })
        }
    }
    impl ::fairway_sdk::typed::Resource for Stake {}
    /// A player put this on the table.
    ///
    /// Move event or value `0x43::arena::Staked`.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Staked {
        pub player: ::fairway_sdk::Address,
        pub asset: ::fairway_sdk::Address,
        pub amount: u64,
    }
    impl ::fairway_sdk::typed::MoveType for Staked {
        fn type_tag() -> ::std::string::String {
            "0x43::arena::Staked".to_owned()
        }
    }
    impl ::fairway_sdk::typed::FromMove for Staked {
        fn from_move(
            value: &::fairway_sdk::Value,
        ) -> ::std::result::Result<Self, ::fairway_sdk::typed::Mismatch> {
            ::std::result::Result::Ok(Self {
                player: ::fairway_sdk::typed::field(value, "player")?,
                asset: ::fairway_sdk::typed::field(value, "asset")?,
                amount: ::fairway_sdk::typed::field(value, "amount")?,
            })
        }
    }
    /// A player has back what it had on the table.
    ///
    /// Move event or value `0x43::arena::Unstaked`.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Unstaked {
        pub player: ::fairway_sdk::Address,
        pub asset: ::fairway_sdk::Address,
        pub amount: u64,
    }
    impl ::fairway_sdk::typed::MoveType for Unstaked {
        fn type_tag() -> ::std::string::String {
            "0x43::arena::Unstaked".to_owned()
        }
    }
    impl ::fairway_sdk::typed::FromMove for Unstaked {
        fn from_move(
            value: &::fairway_sdk::Value,
        ) -> ::std::result::Result<Self, ::fairway_sdk::typed::Mismatch> {
            ::std::result::Result::Ok(Self {
                player: ::fairway_sdk::typed::field(value, "player")?,
                asset: ::fairway_sdk::typed::field(value, "asset")?,
                amount: ::fairway_sdk::typed::field(value, "amount")?,
            })
        }
    }
    /// A player that scored took this from the others' stakes onto its own.
    ///
    /// Move event or value `0x43::arena::Won`.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Won {
        pub player: ::fairway_sdk::Address,
        pub asset: ::fairway_sdk::Address,
        pub amount: u64,
    }
    impl ::fairway_sdk::typed::MoveType for Won {
        fn type_tag() -> ::std::string::String {
            "0x43::arena::Won".to_owned()
        }
    }
    impl ::fairway_sdk::typed::FromMove for Won {
        fn from_move(
            value: &::fairway_sdk::Value,
        ) -> ::std::result::Result<Self, ::fairway_sdk::typed::Mismatch> {
            ::std::result::Result::Ok(Self {
                player: ::fairway_sdk::typed::field(value, "player")?,
                asset: ::fairway_sdk::typed::field(value, "asset")?,
                amount: ::fairway_sdk::typed::field(value, "amount")?,
            })
        }
    }
    /// Why a call aborted in `0x43::arena`, as `E_NO_PLAYER`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum ArenaAbort {
        /// The account has no player in the arena.
        NoPlayer,
        /// A step is -1, 0 or 1 in each axis, written as 0, 1 or 2.
        BadStep,
        /// A stake is one unit at least.
        EmptyStake,
        /// The account's stake on the table is of another asset: it has to be taken back first.
        OtherStake,
        /// The account has nothing on the table.
        NoStake,
    }
    impl ArenaAbort {
        /// The abort that a call failed with, if it was one of these.
        pub fn of(error: &::fairway_sdk::Error) -> ::std::option::Option<Self> {
            match ::fairway_sdk::typed::abort(error, "0x43::arena")? {
                1u64 => ::std::option::Option::Some(Self::NoPlayer),
                2u64 => ::std::option::Option::Some(Self::BadStep),
                3u64 => ::std::option::Option::Some(Self::EmptyStake),
                4u64 => ::std::option::Option::Some(Self::OtherStake),
                5u64 => ::std::option::Option::Some(Self::NoStake),
                _ => ::std::option::Option::None,
            }
        }
        /// Its code in Move.
        pub const fn code(self) -> u64 {
            match self {
                Self::NoPlayer => 1u64,
                Self::BadStep => 2u64,
                Self::EmptyStake => 3u64,
                Self::OtherStake => 4u64,
                Self::NoStake => 5u64,
            }
        }
        /// Its name in Move.
        pub const fn name(self) -> &'static str {
            match self {
                Self::NoPlayer => "E_NO_PLAYER",
                Self::BadStep => "E_BAD_STEP",
                Self::EmptyStake => "E_EMPTY_STAKE",
                Self::OtherStake => "E_OTHER_STAKE",
                Self::NoStake => "E_NO_STAKE",
            }
        }
    }
    /// What `0x43::arena` can publish.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum ArenaEvent {
        PrizePlaced(PrizePlaced),
        Scored(Scored),
        Staked(Staked),
        Unstaked(Unstaked),
        Won(Won),
    }
    impl ArenaEvent {
        /// An event of a block or a report; none if it is of another module.
        pub fn of(
            event: &::fairway_sdk::EventView,
        ) -> ::std::result::Result<
            ::std::option::Option<Self>,
            ::fairway_sdk::typed::Mismatch,
        > {
            ::std::result::Result::Ok(
                match event.type_tag.as_str() {
                    "0x43::arena::PrizePlaced" => {
                        ::std::option::Option::Some(
                            Self::PrizePlaced(
                                <PrizePlaced as ::fairway_sdk::typed::FromMove>::from_move(
                                    &event.data,
                                )?,
                            ),
                        )
                    }
                    "0x43::arena::Scored" => {
                        ::std::option::Option::Some(
                            Self::Scored(
                                <Scored as ::fairway_sdk::typed::FromMove>::from_move(
                                    &event.data,
                                )?,
                            ),
                        )
                    }
                    "0x43::arena::Staked" => {
                        ::std::option::Option::Some(
                            Self::Staked(
                                <Staked as ::fairway_sdk::typed::FromMove>::from_move(
                                    &event.data,
                                )?,
                            ),
                        )
                    }
                    "0x43::arena::Unstaked" => {
                        ::std::option::Option::Some(
                            Self::Unstaked(
                                <Unstaked as ::fairway_sdk::typed::FromMove>::from_move(
                                    &event.data,
                                )?,
                            ),
                        )
                    }
                    "0x43::arena::Won" => {
                        ::std::option::Option::Some(
                            Self::Won(
                                <Won as ::fairway_sdk::typed::FromMove>::from_move(
                                    &event.data,
                                )?,
                            ),
                        )
                    }
                    _ => ::std::option::Option::None,
                },
            )
        }
    }
    /// Calls of `0x43::arena` in the name of a member.
    #[derive(Clone)]
    pub struct ArenaCalls {
        member: ::fairway_sdk::Member,
        wait: ::fairway_sdk::CallStatus,
    }
    impl ArenaCalls {
        /// Calls that answer once they are certified.
        pub fn new(member: ::fairway_sdk::Member) -> Self {
            Self {
                member,
                wait: ::fairway_sdk::CallStatus::Certified,
            }
        }
        /// The same, answering once they have reached `wait`.
        #[must_use]
        pub fn until(&self, wait: ::fairway_sdk::CallStatus) -> Self {
            Self {
                member: self.member.clone(),
                wait,
            }
        }
        /// Puts `amount` of `asset` from the caller's vault on the table, to what it has there.
        pub async fn stake(
            &self,
            asset: ::fairway_sdk::Address,
            amount: u64,
        ) -> ::std::result::Result<::fairway_sdk::CallReport, ::fairway_sdk::Error> {
            self.member
                .typed_call(
                    "0x43::arena::stake",
                    &[],
                    &[
                        ::fairway_sdk::typed::ToMove::to_move(&asset),
                        ::fairway_sdk::typed::ToMove::to_move(&amount),
                    ],
                    self.wait,
                )
                .await
        }
        /// Turns the caller's player.
        pub async fn turn(
            &self,
            step_x: u8,
            step_y: u8,
        ) -> ::std::result::Result<::fairway_sdk::CallReport, ::fairway_sdk::Error> {
            self.member
                .typed_call(
                    "0x43::arena::turn",
                    &[],
                    &[
                        ::fairway_sdk::typed::ToMove::to_move(&step_x),
                        ::fairway_sdk::typed::ToMove::to_move(&step_y),
                    ],
                    self.wait,
                )
                .await
        }
        /// Takes what the caller has on the table back into its vault.
        pub async fn unstake(
            &self,
        ) -> ::std::result::Result<::fairway_sdk::CallReport, ::fairway_sdk::Error> {
            self.member.typed_call("0x43::arena::unstake", &[], &[], self.wait).await
        }
    }
    /// Views of `0x43::arena`, on one node's state.
    #[derive(Clone)]
    pub struct ArenaViews {
        channel: ::fairway_sdk::Channel,
        at: ::fairway_sdk::At,
    }
    impl ArenaViews {
        /// Views of the newest state.
        pub fn new(channel: ::fairway_sdk::Channel) -> Self {
            Self {
                channel,
                at: ::fairway_sdk::At::Head,
            }
        }
        /// The same, of another state.
        #[must_use]
        pub fn at(&self, at: ::fairway_sdk::At) -> Self {
            Self {
                channel: self.channel.clone(),
                at,
            }
        }
        /// Points of `account`; zero if it never played.
        pub async fn points(
            &self,
            account: ::fairway_sdk::Address,
        ) -> ::std::result::Result<u64, ::fairway_sdk::Error> {
            let mut values = self
                .channel
                .typed_view(
                    "0x43::arena::points",
                    ::std::vec![],
                    ::std::vec![::fairway_sdk::typed::ToMove::to_move(& account)],
                    self.at,
                )
                .await?;
            values.take()
        }
        /// Column and row of `account`'s player.
        pub async fn position(
            &self,
            account: ::fairway_sdk::Address,
        ) -> ::std::result::Result<(u64, u64), ::fairway_sdk::Error> {
            let mut values = self
                .channel
                .typed_view(
                    "0x43::arena::position",
                    ::std::vec![],
                    ::std::vec![::fairway_sdk::typed::ToMove::to_move(& account)],
                    self.at,
                )
                .await?;
            ::std::result::Result::Ok((values.take()?, values.take()?))
        }
        /// Column and row of the prize.
        pub async fn prize(
            &self,
        ) -> ::std::result::Result<(u64, u64), ::fairway_sdk::Error> {
            let mut values = self
                .channel
                .typed_view("0x43::arena::prize", ::std::vec![], ::std::vec![], self.at)
                .await?;
            ::std::result::Result::Ok((values.take()?, values.take()?))
        }
        /// Units that `account` has on the table.
        pub async fn table(
            &self,
            account: ::fairway_sdk::Address,
        ) -> ::std::result::Result<u64, ::fairway_sdk::Error> {
            let mut values = self
                .channel
                .typed_view(
                    "0x43::arena::table",
                    ::std::vec![],
                    ::std::vec![::fairway_sdk::typed::ToMove::to_move(& account)],
                    self.at,
                )
                .await?;
            values.take()
        }
    }
}
/// How an app ends a member's stay or the whole channel, and what it tells the settlement chain. Not
/// entry functions: only the package's own code can ask.
///
/// Move module `0x2::lifecycle`.
#[allow(dead_code, clippy::all)]
pub mod lifecycle {
    /// Why a call aborted in `0x2::lifecycle`, as `E_RESULT_TOO_LARGE`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum LifecycleAbort {
        /// The result is larger than a settlement carries: 8,192 bytes.
        ResultTooLarge,
    }
    impl LifecycleAbort {
        /// The abort that a call failed with, if it was one of these.
        pub fn of(error: &::fairway_sdk::Error) -> ::std::option::Option<Self> {
            match ::fairway_sdk::typed::abort(error, "0x2::lifecycle")? {
                1u64 => ::std::option::Option::Some(Self::ResultTooLarge),
                _ => ::std::option::Option::None,
            }
        }
        /// Its code in Move.
        pub const fn code(self) -> u64 {
            match self {
                Self::ResultTooLarge => 1u64,
            }
        }
        /// Its name in Move.
        pub const fn name(self) -> &'static str {
            match self {
                Self::ResultTooLarge => "E_RESULT_TOO_LARGE",
            }
        }
    }
}
/// Numbers that no player chooses. They follow from the block before and the transaction's place,
/// so the leader knows them in advance and could order calls accordingly: good for maps and dice
/// among friends, not for stakes that a leader would cheat for.
///
/// Move module `0x2::random`.
#[allow(dead_code, clippy::all)]
pub mod random {
    /// Why a call aborted in `0x2::random`, as `E_EMPTY_RANGE`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum RandomAbort {
        /// The bound of a draw is zero.
        EmptyRange,
    }
    impl RandomAbort {
        /// The abort that a call failed with, if it was one of these.
        pub fn of(error: &::fairway_sdk::Error) -> ::std::option::Option<Self> {
            match ::fairway_sdk::typed::abort(error, "0x2::random")? {
                1u64 => ::std::option::Option::Some(Self::EmptyRange),
                _ => ::std::option::Option::None,
            }
        }
        /// Its code in Move.
        pub const fn code(self) -> u64 {
            match self {
                Self::EmptyRange => 1u64,
            }
        }
        /// Its name in Move.
        pub const fn name(self) -> &'static str {
            match self {
                Self::EmptyRange => "E_EMPTY_RANGE",
            }
        }
    }
}
/// Assets inside a channel. Each member has a vault; the host credits it with the deposit that the
/// settlement chain locked, and the vaults' balances are what a settlement pays out.
///
/// Move module `0x2::vault`.
#[allow(dead_code, clippy::all)]
pub mod vault {
    ///
    /// Move value `0x2::vault::Balance`.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Balance {
        pub asset: ::fairway_sdk::Address,
        pub amount: u64,
    }
    impl ::fairway_sdk::typed::MoveType for Balance {
        fn type_tag() -> ::std::string::String {
            "0x2::vault::Balance".to_owned()
        }
    }
    impl ::fairway_sdk::typed::FromMove for Balance {
        fn from_move(
            value: &::fairway_sdk::Value,
        ) -> ::std::result::Result<Self, ::fairway_sdk::typed::Mismatch> {
            ::std::result::Result::Ok(Self {
                asset: ::fairway_sdk::typed::field(value, "asset")?,
                amount: ::fairway_sdk::typed::field(value, "amount")?,
            })
        }
    }
    /// Value on its way: it can be stored, but neither copied nor dropped.
    ///
    /// Move value `0x2::vault::Coin`.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Coin {
        pub asset: ::fairway_sdk::Address,
        pub amount: u64,
    }
    impl ::fairway_sdk::typed::MoveType for Coin {
        fn type_tag() -> ::std::string::String {
            "0x2::vault::Coin".to_owned()
        }
    }
    impl ::fairway_sdk::typed::FromMove for Coin {
        fn from_move(
            value: &::fairway_sdk::Value,
        ) -> ::std::result::Result<Self, ::fairway_sdk::typed::Mismatch> {
            ::std::result::Result::Ok(Self {
                asset: ::fairway_sdk::typed::field(value, "asset")?,
                amount: ::fairway_sdk::typed::field(value, "amount")?,
            })
        }
    }
    /// A member's balances, sorted by asset, without zeros. The host reads this layout.
    ///
    /// Move resource `0x2::vault::Vault`.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Vault {
        pub balances: ::std::vec::Vec<Balance>,
    }
    impl ::fairway_sdk::typed::MoveType for Vault {
        fn type_tag() -> ::std::string::String {
            "0x2::vault::Vault".to_owned()
        }
    }
    impl ::fairway_sdk::typed::FromMove for Vault {
        fn from_move(
            value: &::fairway_sdk::Value,
        ) -> ::std::result::Result<Self, ::fairway_sdk::typed::Mismatch> {
            ::std::result::Result::Ok(Self {
                balances: ::fairway_sdk::typed::field(value, "balances")?,
            })
        }
    }
    impl ::fairway_sdk::typed::Resource for Vault {}
    /// Why a call aborted in `0x2::vault`, as `E_NO_VAULT`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum VaultAbort {
        /// The account has no vault: it is not a member of the channel.
        NoVault,
        /// The vault or coin holds less than asked for.
        Insufficient,
        /// The two coins are of different assets.
        OtherAsset,
        /// The coin still holds something.
        NotZero,
        /// The host's lists differ in length.
        Lengths,
    }
    impl VaultAbort {
        /// The abort that a call failed with, if it was one of these.
        pub fn of(error: &::fairway_sdk::Error) -> ::std::option::Option<Self> {
            match ::fairway_sdk::typed::abort(error, "0x2::vault")? {
                1u64 => ::std::option::Option::Some(Self::NoVault),
                2u64 => ::std::option::Option::Some(Self::Insufficient),
                3u64 => ::std::option::Option::Some(Self::OtherAsset),
                4u64 => ::std::option::Option::Some(Self::NotZero),
                5u64 => ::std::option::Option::Some(Self::Lengths),
                _ => ::std::option::Option::None,
            }
        }
        /// Its code in Move.
        pub const fn code(self) -> u64 {
            match self {
                Self::NoVault => 1u64,
                Self::Insufficient => 2u64,
                Self::OtherAsset => 3u64,
                Self::NotZero => 4u64,
                Self::Lengths => 5u64,
            }
        }
        /// Its name in Move.
        pub const fn name(self) -> &'static str {
            match self {
                Self::NoVault => "E_NO_VAULT",
                Self::Insufficient => "E_INSUFFICIENT",
                Self::OtherAsset => "E_OTHER_ASSET",
                Self::NotZero => "E_NOT_ZERO",
                Self::Lengths => "E_LENGTHS",
            }
        }
    }
    /// Calls of `0x2::vault` in the name of a member.
    #[derive(Clone)]
    pub struct VaultCalls {
        member: ::fairway_sdk::Member,
        wait: ::fairway_sdk::CallStatus,
    }
    impl VaultCalls {
        /// Calls that answer once they are certified.
        pub fn new(member: ::fairway_sdk::Member) -> Self {
            Self {
                member,
                wait: ::fairway_sdk::CallStatus::Certified,
            }
        }
        /// The same, answering once they have reached `wait`.
        #[must_use]
        pub fn until(&self, wait: ::fairway_sdk::CallStatus) -> Self {
            Self {
                member: self.member.clone(),
                wait,
            }
        }
        /// Moves `amount` of `asset` from one member to another.
        pub async fn transfer(
            &self,
            to: ::fairway_sdk::Address,
            asset: ::fairway_sdk::Address,
            amount: u64,
        ) -> ::std::result::Result<::fairway_sdk::CallReport, ::fairway_sdk::Error> {
            self.member
                .typed_call(
                    "0x2::vault::transfer",
                    &[],
                    &[
                        ::fairway_sdk::typed::ToMove::to_move(&to),
                        ::fairway_sdk::typed::ToMove::to_move(&asset),
                        ::fairway_sdk::typed::ToMove::to_move(&amount),
                    ],
                    self.wait,
                )
                .await
        }
    }
    /// Views of `0x2::vault`, on one node's state.
    #[derive(Clone)]
    pub struct VaultViews {
        channel: ::fairway_sdk::Channel,
        at: ::fairway_sdk::At,
    }
    impl VaultViews {
        /// Views of the newest state.
        pub fn new(channel: ::fairway_sdk::Channel) -> Self {
            Self {
                channel,
                at: ::fairway_sdk::At::Head,
            }
        }
        /// The same, of another state.
        #[must_use]
        pub fn at(&self, at: ::fairway_sdk::At) -> Self {
            Self {
                channel: self.channel.clone(),
                at,
            }
        }
        /// What `account` holds of `asset`; zero without a vault.
        pub async fn balance(
            &self,
            account: ::fairway_sdk::Address,
            asset: ::fairway_sdk::Address,
        ) -> ::std::result::Result<u64, ::fairway_sdk::Error> {
            let mut values = self
                .channel
                .typed_view(
                    "0x2::vault::balance",
                    ::std::vec![],
                    ::std::vec![
                        ::fairway_sdk::typed::ToMove::to_move(& account),
                        ::fairway_sdk::typed::ToMove::to_move(& asset)
                    ],
                    self.at,
                )
                .await?;
            values.take()
        }
        /// Whether `account` is a member that can receive assets.
        pub async fn has_vault(
            &self,
            account: ::fairway_sdk::Address,
        ) -> ::std::result::Result<bool, ::fairway_sdk::Error> {
            let mut values = self
                .channel
                .typed_view(
                    "0x2::vault::has_vault",
                    ::std::vec![],
                    ::std::vec![::fairway_sdk::typed::ToMove::to_move(& account)],
                    self.at,
                )
                .await?;
            values.take()
        }
        /// A coin of nothing.
        pub async fn zero(
            &self,
            asset: ::fairway_sdk::Address,
        ) -> ::std::result::Result<Coin, ::fairway_sdk::Error> {
            let mut values = self
                .channel
                .typed_view(
                    "0x2::vault::zero",
                    ::std::vec![],
                    ::std::vec![::fairway_sdk::typed::ToMove::to_move(& asset)],
                    self.at,
                )
                .await?;
            values.take()
        }
    }
}
