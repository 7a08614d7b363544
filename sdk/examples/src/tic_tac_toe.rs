// The client of the Move package `tic_tac_toe`, made by `fairway client generate --lang rust`.
// Do not edit it: make it again when the package changes.
// Package 0xaf5765f6b1e95ed13fd607850d442868e3ca1b9bf1b258d2477d4205571d27f6.

/// The package that this client was made from. A channel's own is `channel.abi().package`.
#[allow(dead_code)]
pub const PACKAGE: &str = "0xaf5765f6b1e95ed13fd607850d442868e3ca1b9bf1b258d2477d4205571d27f6";
/// Tic-tac-toe for two with a stake: the winner takes both; a draw gives them back, and so does a
/// player that leaves or a channel that closes before the end.
///
/// Move module `0x42::tic_tac_toe`.
#[allow(dead_code, clippy::all)]
pub mod tic_tac_toe {
    /// A game, stored under X's account. `o` is X itself until somebody joins.
    ///
    /// Move resource `0x42::tic_tac_toe::Game`.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Game {
        pub x: ::fairway_sdk::Address,
        pub o: ::fairway_sdk::Address,
        pub joined: bool,
        pub board: ::std::vec::Vec<u8>,
        pub moves: u64,
        pub asset: ::fairway_sdk::Address,
        pub stake: u64,
        pub pot: super::vault::Coin,
    }
    impl ::fairway_sdk::typed::MoveType for Game {
        fn type_tag() -> ::std::string::String {
            "0x42::tic_tac_toe::Game".to_owned()
        }
    }
    impl ::fairway_sdk::typed::FromMove for Game {
        fn from_move(
            value: &::fairway_sdk::Value,
        ) -> ::std::result::Result<Self, ::fairway_sdk::typed::Mismatch> {
            ::std::result::Result::Ok(Self {
                x: ::fairway_sdk::typed::field(value, "x")?,
                o: ::fairway_sdk::typed::field(value, "o")?,
                joined: ::fairway_sdk::typed::field(value, "joined")?,
                board: ::fairway_sdk::typed::field(value, "board")?,
                moves: ::fairway_sdk::typed::field(value, "moves")?,
                asset: ::fairway_sdk::typed::field(value, "asset")?,
                stake: ::fairway_sdk::typed::field(value, "stake")?,
                pot: ::fairway_sdk::typed::field(value, "pot")?,
            })
        }
    }
    impl ::fairway_sdk::typed::Resource for Game {}
    /// O joined; X moves first.
    ///
    /// Move event or value `0x42::tic_tac_toe::GameBegan`.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct GameBegan {
        pub x: ::fairway_sdk::Address,
        pub o: ::fairway_sdk::Address,
    }
    impl ::fairway_sdk::typed::MoveType for GameBegan {
        fn type_tag() -> ::std::string::String {
            "0x42::tic_tac_toe::GameBegan".to_owned()
        }
    }
    impl ::fairway_sdk::typed::FromMove for GameBegan {
        fn from_move(
            value: &::fairway_sdk::Value,
        ) -> ::std::result::Result<Self, ::fairway_sdk::typed::Mismatch> {
            ::std::result::Result::Ok(Self {
                x: ::fairway_sdk::typed::field(value, "x")?,
                o: ::fairway_sdk::typed::field(value, "o")?,
            })
        }
    }
    /// X opened a game.
    ///
    /// Move event or value `0x42::tic_tac_toe::GameOpened`.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct GameOpened {
        pub x: ::fairway_sdk::Address,
        pub asset: ::fairway_sdk::Address,
        pub stake: u64,
    }
    impl ::fairway_sdk::typed::MoveType for GameOpened {
        fn type_tag() -> ::std::string::String {
            "0x42::tic_tac_toe::GameOpened".to_owned()
        }
    }
    impl ::fairway_sdk::typed::FromMove for GameOpened {
        fn from_move(
            value: &::fairway_sdk::Value,
        ) -> ::std::result::Result<Self, ::fairway_sdk::typed::Mismatch> {
            ::std::result::Result::Ok(Self {
                x: ::fairway_sdk::typed::field(value, "x")?,
                asset: ::fairway_sdk::typed::field(value, "asset")?,
                stake: ::fairway_sdk::typed::field(value, "stake")?,
            })
        }
    }
    /// The game is over; a draw has no winner.
    ///
    /// Move event or value `0x42::tic_tac_toe::GameOver`.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct GameOver {
        pub x: ::fairway_sdk::Address,
        pub o: ::fairway_sdk::Address,
        pub winner: ::std::vec::Vec<::fairway_sdk::Address>,
        pub paid: u64,
    }
    impl ::fairway_sdk::typed::MoveType for GameOver {
        fn type_tag() -> ::std::string::String {
            "0x42::tic_tac_toe::GameOver".to_owned()
        }
    }
    impl ::fairway_sdk::typed::FromMove for GameOver {
        fn from_move(
            value: &::fairway_sdk::Value,
        ) -> ::std::result::Result<Self, ::fairway_sdk::typed::Mismatch> {
            ::std::result::Result::Ok(Self {
                x: ::fairway_sdk::typed::field(value, "x")?,
                o: ::fairway_sdk::typed::field(value, "o")?,
                winner: ::fairway_sdk::typed::field(value, "winner")?,
                paid: ::fairway_sdk::typed::field(value, "paid")?,
            })
        }
    }
    /// The games that an account plays as O, by their X; stored under O's account.
    ///
    /// Move resource `0x42::tic_tac_toe::Joined`.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Joined {
        pub games: ::std::vec::Vec<::fairway_sdk::Address>,
    }
    impl ::fairway_sdk::typed::MoveType for Joined {
        fn type_tag() -> ::std::string::String {
            "0x42::tic_tac_toe::Joined".to_owned()
        }
    }
    impl ::fairway_sdk::typed::FromMove for Joined {
        fn from_move(
            value: &::fairway_sdk::Value,
        ) -> ::std::result::Result<Self, ::fairway_sdk::typed::Mismatch> {
            ::std::result::Result::Ok(Self {
                games: ::fairway_sdk::typed::field(value, "games")?,
            })
        }
    }
    impl ::fairway_sdk::typed::Resource for Joined {}
    /// A cell was marked.
    ///
    /// Move event or value `0x42::tic_tac_toe::Marked`.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Marked {
        pub x: ::fairway_sdk::Address,
        pub player: ::fairway_sdk::Address,
        pub cell: u64,
    }
    impl ::fairway_sdk::typed::MoveType for Marked {
        fn type_tag() -> ::std::string::String {
            "0x42::tic_tac_toe::Marked".to_owned()
        }
    }
    impl ::fairway_sdk::typed::FromMove for Marked {
        fn from_move(
            value: &::fairway_sdk::Value,
        ) -> ::std::result::Result<Self, ::fairway_sdk::typed::Mismatch> {
            ::std::result::Result::Ok(Self {
                x: ::fairway_sdk::typed::field(value, "x")?,
                player: ::fairway_sdk::typed::field(value, "player")?,
                cell: ::fairway_sdk::typed::field(value, "cell")?,
            })
        }
    }
    /// Why a call aborted in `0x42::tic_tac_toe`, as `E_GAME_UNDER_WAY`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum TicTacToeAbort {
        /// The account has a game under way as X.
        GameUnderWay,
        /// There is no such game.
        NoGame,
        /// The game has two players already.
        GameFull,
        /// Nobody plays against themselves.
        SamePlayer,
        /// The other player is to move, or the game has not begun.
        NotYourTurn,
        /// The board has nine cells, 0 to 8.
        NoSuchCell,
        /// Somebody has marked the cell.
        CellTaken,
    }
    impl TicTacToeAbort {
        /// The abort that a call failed with, if it was one of these.
        pub fn of(error: &::fairway_sdk::Error) -> ::std::option::Option<Self> {
            match ::fairway_sdk::typed::abort(error, "0x42::tic_tac_toe")? {
                1u64 => ::std::option::Option::Some(Self::GameUnderWay),
                2u64 => ::std::option::Option::Some(Self::NoGame),
                3u64 => ::std::option::Option::Some(Self::GameFull),
                4u64 => ::std::option::Option::Some(Self::SamePlayer),
                5u64 => ::std::option::Option::Some(Self::NotYourTurn),
                6u64 => ::std::option::Option::Some(Self::NoSuchCell),
                7u64 => ::std::option::Option::Some(Self::CellTaken),
                _ => ::std::option::Option::None,
            }
        }
        /// Its code in Move.
        pub const fn code(self) -> u64 {
            match self {
                Self::GameUnderWay => 1u64,
                Self::NoGame => 2u64,
                Self::GameFull => 3u64,
                Self::SamePlayer => 4u64,
                Self::NotYourTurn => 5u64,
                Self::NoSuchCell => 6u64,
                Self::CellTaken => 7u64,
            }
        }
        /// Its name in Move.
        pub const fn name(self) -> &'static str {
            match self {
                Self::GameUnderWay => "E_GAME_UNDER_WAY",
                Self::NoGame => "E_NO_GAME",
                Self::GameFull => "E_GAME_FULL",
                Self::SamePlayer => "E_SAME_PLAYER",
                Self::NotYourTurn => "E_NOT_YOUR_TURN",
                Self::NoSuchCell => "E_NO_SUCH_CELL",
                Self::CellTaken => "E_CELL_TAKEN",
            }
        }
    }
    /// What `0x42::tic_tac_toe` can publish.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum TicTacToeEvent {
        GameBegan(GameBegan),
        GameOpened(GameOpened),
        GameOver(GameOver),
        Marked(Marked),
    }
    impl TicTacToeEvent {
        /// An event of a block or a report; none if it is of another module.
        pub fn of(
            event: &::fairway_sdk::EventView,
        ) -> ::std::result::Result<
            ::std::option::Option<Self>,
            ::fairway_sdk::typed::Mismatch,
        > {
            ::std::result::Result::Ok(
                match event.type_tag.as_str() {
                    "0x42::tic_tac_toe::GameBegan" => {
                        ::std::option::Option::Some(
                            Self::GameBegan(
                                <GameBegan as ::fairway_sdk::typed::FromMove>::from_move(
                                    &event.data,
                                )?,
                            ),
                        )
                    }
                    "0x42::tic_tac_toe::GameOpened" => {
                        ::std::option::Option::Some(
                            Self::GameOpened(
                                <GameOpened as ::fairway_sdk::typed::FromMove>::from_move(
                                    &event.data,
                                )?,
                            ),
                        )
                    }
                    "0x42::tic_tac_toe::GameOver" => {
                        ::std::option::Option::Some(
                            Self::GameOver(
                                <GameOver as ::fairway_sdk::typed::FromMove>::from_move(
                                    &event.data,
                                )?,
                            ),
                        )
                    }
                    "0x42::tic_tac_toe::Marked" => {
                        ::std::option::Option::Some(
                            Self::Marked(
                                <Marked as ::fairway_sdk::typed::FromMove>::from_move(
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
    /// Calls of `0x42::tic_tac_toe` in the name of a member.
    #[derive(Clone)]
    pub struct TicTacToeCalls {
        member: ::fairway_sdk::Member,
        wait: ::fairway_sdk::CallStatus,
    }
    impl TicTacToeCalls {
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
        /// Joins X's game with the same stake.
        pub async fn join(
            &self,
            x: ::fairway_sdk::Address,
        ) -> ::std::result::Result<::fairway_sdk::CallReport, ::fairway_sdk::Error> {
            self.member
                .typed_call(
                    "0x42::tic_tac_toe::join",
                    &[],
                    &[::fairway_sdk::typed::ToMove::to_move(&x)],
                    self.wait,
                )
                .await
        }
        /// Marks a cell of X's game. The last mark of a line wins both stakes.
        pub async fn mark(
            &self,
            x: ::fairway_sdk::Address,
            cell: u64,
        ) -> ::std::result::Result<::fairway_sdk::CallReport, ::fairway_sdk::Error> {
            self.member
                .typed_call(
                    "0x42::tic_tac_toe::mark",
                    &[],
                    &[
                        ::fairway_sdk::typed::ToMove::to_move(&x),
                        ::fairway_sdk::typed::ToMove::to_move(&cell),
                    ],
                    self.wait,
                )
                .await
        }
        /// Opens a game with a stake and waits for an opponent.
        pub async fn open(
            &self,
            asset: ::fairway_sdk::Address,
            stake: u64,
        ) -> ::std::result::Result<::fairway_sdk::CallReport, ::fairway_sdk::Error> {
            self.member
                .typed_call(
                    "0x42::tic_tac_toe::open",
                    &[],
                    &[
                        ::fairway_sdk::typed::ToMove::to_move(&asset),
                        ::fairway_sdk::typed::ToMove::to_move(&stake),
                    ],
                    self.wait,
                )
                .await
        }
    }
    /// Views of `0x42::tic_tac_toe`, on one node's state.
    #[derive(Clone)]
    pub struct TicTacToeViews {
        channel: ::fairway_sdk::Channel,
        at: ::fairway_sdk::At,
    }
    impl TicTacToeViews {
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
        /// Nine cells of X's game: 0 empty, 1 X, 2 O.
        pub async fn board(
            &self,
            x: ::fairway_sdk::Address,
        ) -> ::std::result::Result<::std::vec::Vec<u8>, ::fairway_sdk::Error> {
            let mut values = self
                .channel
                .typed_view(
                    "0x42::tic_tac_toe::board",
                    ::std::vec![],
                    ::std::vec![::fairway_sdk::typed::ToMove::to_move(& x)],
                    self.at,
                )
                .await?;
            values.take()
        }
        /// Whether `x` has a game under way.
        pub async fn is_playing(
            &self,
            x: ::fairway_sdk::Address,
        ) -> ::std::result::Result<bool, ::fairway_sdk::Error> {
            let mut values = self
                .channel
                .typed_view(
                    "0x42::tic_tac_toe::is_playing",
                    ::std::vec![],
                    ::std::vec![::fairway_sdk::typed::ToMove::to_move(& x)],
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
