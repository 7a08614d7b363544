// The client of the Move package `shapes`, made by `fairway client generate --lang rust`.
// Do not edit it: make it again when the package changes.
// Package 0x792e07b8a73931b96a856931fe9d9c0040314628e5e1378b28fb992d1bdd7154.

/// The package that this client was made from. A channel's own is `channel.abi().package`.
#[allow(dead_code)]
pub const PACKAGE: &str = "0x792e07b8a73931b96a856931fe9d9c0040314628e5e1378b28fb992d1bdd7154";
/// Every shape of function, struct and value that a client is generated for.
///
/// Move module `0x77::shapes`.
#[allow(dead_code, clippy::all)]
pub mod shapes {
    /// One of each.
    ///
    /// Move resource `0x77::shapes::All`.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct All {
        pub small: u8,
        pub long: u64,
        pub longer: u128,
        pub yes: bool,
        pub who: ::fairway_sdk::Address,
        pub text: ::std::string::String,
        pub bytes: ::std::vec::Vec<u8>,
        pub lists: ::std::vec::Vec<::std::vec::Vec<u64>>,
        pub maybe: ::std::option::Option<u64>,
        pub pairs: ::std::vec::Vec<Pair<u64>>,
    }
    impl ::fairway_sdk::typed::MoveType for All {
        fn type_tag() -> ::std::string::String {
            "0x77::shapes::All".to_owned()
        }
    }
    impl ::fairway_sdk::typed::FromMove for All {
        fn from_move(
            value: &::fairway_sdk::Value,
        ) -> ::std::result::Result<Self, ::fairway_sdk::typed::Mismatch> {
            ::std::result::Result::Ok(Self {
                small: ::fairway_sdk::typed::field(value, "small")?,
                long: ::fairway_sdk::typed::field(value, "long")?,
                longer: ::fairway_sdk::typed::field(value, "longer")?,
                yes: ::fairway_sdk::typed::field(value, "yes")?,
                who: ::fairway_sdk::typed::field(value, "who")?,
                text: ::fairway_sdk::typed::field(value, "text")?,
                bytes: ::fairway_sdk::typed::field(value, "bytes")?,
                lists: ::fairway_sdk::typed::field(value, "lists")?,
                maybe: ::fairway_sdk::typed::field(value, "maybe")?,
                pairs: ::fairway_sdk::typed::field(value, "pairs")?,
            })
        }
    }
    impl ::fairway_sdk::typed::Resource for All {}
    /// What an account keeps, of a type that its caller chose.
    ///
    /// Move resource `0x77::shapes::Kept`.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Kept<T0> {
        pub what: T0,
        pub r#type: u8,
    }
    impl<
        T0: ::fairway_sdk::typed::FromMove + ::fairway_sdk::typed::MoveType,
    > ::fairway_sdk::typed::MoveType for Kept<T0> {
        fn type_tag() -> ::std::string::String {
            ::std::format!("0x77::shapes::Kept<{}>", T0::type_tag())
        }
    }
    impl<
        T0: ::fairway_sdk::typed::FromMove + ::fairway_sdk::typed::MoveType,
    > ::fairway_sdk::typed::FromMove for Kept<T0> {
        fn from_move(
            value: &::fairway_sdk::Value,
        ) -> ::std::result::Result<Self, ::fairway_sdk::typed::Mismatch> {
            ::std::result::Result::Ok(Self {
                what: ::fairway_sdk::typed::field(value, "what")?,
                r#type: ::fairway_sdk::typed::field(value, "type")?,
            })
        }
    }
    impl<
        T0: ::fairway_sdk::typed::FromMove + ::fairway_sdk::typed::MoveType,
    > ::fairway_sdk::typed::Resource for Kept<T0> {}
    /// A type that is nowhere in its fields.
    ///
    /// Move resource `0x77::shapes::Marked`.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Marked<T0> {
        pub times: u64,
        _phantom: ::std::marker::PhantomData<(T0,)>,
    }
    impl<
        T0: ::fairway_sdk::typed::FromMove + ::fairway_sdk::typed::MoveType,
    > ::fairway_sdk::typed::MoveType for Marked<T0> {
        fn type_tag() -> ::std::string::String {
            ::std::format!("0x77::shapes::Marked<{}>", T0::type_tag())
        }
    }
    impl<
        T0: ::fairway_sdk::typed::FromMove + ::fairway_sdk::typed::MoveType,
    > ::fairway_sdk::typed::FromMove for Marked<T0> {
        fn from_move(
            value: &::fairway_sdk::Value,
        ) -> ::std::result::Result<Self, ::fairway_sdk::typed::Mismatch> {
            ::std::result::Result::Ok(Self {
                times: ::fairway_sdk::typed::field(value, "times")?,
                _phantom: ::std::marker::PhantomData,
            })
        }
    }
    impl<
        T0: ::fairway_sdk::typed::FromMove + ::fairway_sdk::typed::MoveType,
    > ::fairway_sdk::typed::Resource for Marked<T0> {}
    /// Two of a kind.
    ///
    /// Move value `0x77::shapes::Pair`.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Pair<T0> {
        pub left: T0,
        pub right: T0,
    }
    impl<
        T0: ::fairway_sdk::typed::FromMove + ::fairway_sdk::typed::MoveType,
    > ::fairway_sdk::typed::MoveType for Pair<T0> {
        fn type_tag() -> ::std::string::String {
            ::std::format!("0x77::shapes::Pair<{}>", T0::type_tag())
        }
    }
    impl<
        T0: ::fairway_sdk::typed::FromMove + ::fairway_sdk::typed::MoveType,
    > ::fairway_sdk::typed::FromMove for Pair<T0> {
        fn from_move(
            value: &::fairway_sdk::Value,
        ) -> ::std::result::Result<Self, ::fairway_sdk::typed::Mismatch> {
            ::std::result::Result::Ok(Self {
                left: ::fairway_sdk::typed::field(value, "left")?,
                right: ::fairway_sdk::typed::field(value, "right")?,
            })
        }
    }
    /// Something of a type that its caller chose was kept.
    ///
    /// Move value `0x77::shapes::Stored`.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Stored<T0> {
        pub by: ::fairway_sdk::Address,
        pub what: T0,
    }
    impl<
        T0: ::fairway_sdk::typed::FromMove + ::fairway_sdk::typed::MoveType,
    > ::fairway_sdk::typed::MoveType for Stored<T0> {
        fn type_tag() -> ::std::string::String {
            ::std::format!("0x77::shapes::Stored<{}>", T0::type_tag())
        }
    }
    impl<
        T0: ::fairway_sdk::typed::FromMove + ::fairway_sdk::typed::MoveType,
    > ::fairway_sdk::typed::FromMove for Stored<T0> {
        fn from_move(
            value: &::fairway_sdk::Value,
        ) -> ::std::result::Result<Self, ::fairway_sdk::typed::Mismatch> {
            ::std::result::Result::Ok(Self {
                by: ::fairway_sdk::typed::field(value, "by")?,
                what: ::fairway_sdk::typed::field(value, "what")?,
            })
        }
    }
    /// Why a call aborted in `0x77::shapes`, as `E_NOTHING_KEPT`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum ShapesAbort {
        /// Nothing is kept under this account.
        NothingKept,
        /// `type` is a word of both languages.
        Type,
    }
    impl ShapesAbort {
        /// The abort that a call failed with, if it was one of these.
        pub fn of(error: &::fairway_sdk::Error) -> ::std::option::Option<Self> {
            match ::fairway_sdk::typed::abort(error, "0x77::shapes")? {
                1u64 => ::std::option::Option::Some(Self::NothingKept),
                2u64 => ::std::option::Option::Some(Self::Type),
                _ => ::std::option::Option::None,
            }
        }
        /// Its code in Move.
        pub const fn code(self) -> u64 {
            match self {
                Self::NothingKept => 1u64,
                Self::Type => 2u64,
            }
        }
        /// Its name in Move.
        pub const fn name(self) -> &'static str {
            match self {
                Self::NothingKept => "E_NOTHING_KEPT",
                Self::Type => "E_TYPE",
            }
        }
    }
    /// Calls of `0x77::shapes` in the name of a member.
    #[derive(Clone)]
    pub struct ShapesCalls {
        member: ::fairway_sdk::Member,
        wait: ::fairway_sdk::CallStatus,
    }
    impl ShapesCalls {
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
        /// Keeps one of each.
        pub async fn keep_all(
            &self,
            small: u8,
            long: u64,
            longer: u128,
            yes: bool,
            who: ::fairway_sdk::Address,
            text: &str,
            bytes: &[u8],
            lists: &[::std::vec::Vec<u64>],
            maybe: ::std::option::Option<u64>,
        ) -> ::std::result::Result<::fairway_sdk::CallReport, ::fairway_sdk::Error> {
            self.member
                .typed_call(
                    "0x77::shapes::keep_all",
                    &[],
                    &[
                        ::fairway_sdk::typed::ToMove::to_move(&small),
                        ::fairway_sdk::typed::ToMove::to_move(&long),
                        ::fairway_sdk::typed::ToMove::to_move(&longer),
                        ::fairway_sdk::typed::ToMove::to_move(&yes),
                        ::fairway_sdk::typed::ToMove::to_move(&who),
                        ::fairway_sdk::typed::ToMove::to_move(text),
                        ::fairway_sdk::typed::ToMove::to_move(bytes),
                        ::fairway_sdk::typed::ToMove::to_move(lists),
                        ::fairway_sdk::typed::ToMove::to_move(&maybe),
                    ],
                    self.wait,
                )
                .await
        }
        /// Keeps nothing, in place of what was kept of this type, and counts.
        pub async fn mark<T0: ::fairway_sdk::typed::TypeArgument>(
            &self,
        ) -> ::std::result::Result<::fairway_sdk::CallReport, ::fairway_sdk::Error> {
            self.member
                .typed_call(
                    "0x77::shapes::mark",
                    &[<T0 as ::fairway_sdk::typed::MoveType>::type_tag()],
                    &[],
                    self.wait,
                )
                .await
        }
        /// A word of both languages, that is refused.
        pub async fn new_(
            &self,
            r#match: u64,
        ) -> ::std::result::Result<::fairway_sdk::CallReport, ::fairway_sdk::Error> {
            self.member
                .typed_call(
                    "0x77::shapes::new",
                    &[],
                    &[::fairway_sdk::typed::ToMove::to_move(&r#match)],
                    self.wait,
                )
                .await
        }
    }
    /// Views of `0x77::shapes`, on one node's state.
    #[derive(Clone)]
    pub struct ShapesViews {
        channel: ::fairway_sdk::Channel,
        at: ::fairway_sdk::At,
    }
    impl ShapesViews {
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
        /// What the account keeps of everything.
        pub async fn all(
            &self,
            account: ::fairway_sdk::Address,
        ) -> ::std::result::Result<All, ::fairway_sdk::Error> {
            let mut values = self
                .channel
                .typed_view(
                    "0x77::shapes::all",
                    ::std::vec![],
                    ::std::vec![::fairway_sdk::typed::ToMove::to_move(& account)],
                    self.at,
                )
                .await?;
            values.take()
        }
        /// What the account keeps of this type, and its number.
        pub async fn kept<T0: ::fairway_sdk::typed::TypeArgument>(
            &self,
            account: ::fairway_sdk::Address,
        ) -> ::std::result::Result<(::std::vec::Vec<T0>, u8), ::fairway_sdk::Error> {
            let mut values = self
                .channel
                .typed_view(
                    "0x77::shapes::kept",
                    ::std::vec![< T0 as ::fairway_sdk::typed::MoveType > ::type_tag()],
                    ::std::vec![::fairway_sdk::typed::ToMove::to_move(& account)],
                    self.at,
                )
                .await?;
            ::std::result::Result::Ok((values.take()?, values.take()?))
        }
        /// How often the account has kept something of this type.
        pub async fn times<T0: ::fairway_sdk::typed::TypeArgument>(
            &self,
            account: ::fairway_sdk::Address,
        ) -> ::std::result::Result<u64, ::fairway_sdk::Error> {
            let mut values = self
                .channel
                .typed_view(
                    "0x77::shapes::times",
                    ::std::vec![< T0 as ::fairway_sdk::typed::MoveType > ::type_tag()],
                    ::std::vec![::fairway_sdk::typed::ToMove::to_move(& account)],
                    self.at,
                )
                .await?;
            values.take()
        }
        /// Twice the same.
        pub async fn twice<T0: ::fairway_sdk::typed::TypeArgument>(
            &self,
            what: T0,
        ) -> ::std::result::Result<Pair<T0>, ::fairway_sdk::Error> {
            let mut values = self
                .channel
                .typed_view(
                    "0x77::shapes::twice",
                    ::std::vec![< T0 as ::fairway_sdk::typed::MoveType > ::type_tag()],
                    ::std::vec![::fairway_sdk::typed::ToMove::to_move(& what)],
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
