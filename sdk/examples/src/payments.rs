// The client of the Move package `payments`, made by `fairway client generate --lang rust`.
// Do not edit it: make it again when the package changes.
// Package 0xfdb07760e47fbebe93db66a2f93c7c6756523bb76450d305a83ffc1843783d75.

/// The package that this client was made from. A channel's own is `channel.abi().package`.
#[allow(dead_code)]
pub const PACKAGE: &str = "0xfdb07760e47fbebe93db66a2f93c7c6756523bb76450d305a83ffc1843783d75";
/// Payments between the members of a channel.
///
/// Move module `0x44::payments`.
#[allow(dead_code, clippy::all)]
pub mod payments {
    /// `amount` of `asset` went from one member to another.
    ///
    /// Move event or value `0x44::payments::Paid`.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Paid {
        pub from: ::fairway_sdk::Address,
        pub to: ::fairway_sdk::Address,
        pub asset: ::fairway_sdk::Address,
        pub amount: u64,
        pub memo: ::std::string::String,
    }
    impl ::fairway_sdk::typed::MoveType for Paid {
        fn type_tag() -> ::std::string::String {
            "0x44::payments::Paid".to_owned()
        }
    }
    impl ::fairway_sdk::typed::FromMove for Paid {
        fn from_move(
            value: &::fairway_sdk::Value,
        ) -> ::std::result::Result<Self, ::fairway_sdk::typed::Mismatch> {
            ::std::result::Result::Ok(Self {
                from: ::fairway_sdk::typed::field(value, "from")?,
                to: ::fairway_sdk::typed::field(value, "to")?,
                asset: ::fairway_sdk::typed::field(value, "asset")?,
                amount: ::fairway_sdk::typed::field(value, "amount")?,
                memo: ::fairway_sdk::typed::field(value, "memo")?,
            })
        }
    }
    /// What a member has sent so far.
    ///
    /// Move resource `0x44::payments::Sent`.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Sent {
        pub payments: u64,
    }
    impl ::fairway_sdk::typed::MoveType for Sent {
        fn type_tag() -> ::std::string::String {
            "0x44::payments::Sent".to_owned()
        }
    }
    impl ::fairway_sdk::typed::FromMove for Sent {
        fn from_move(
            value: &::fairway_sdk::Value,
        ) -> ::std::result::Result<Self, ::fairway_sdk::typed::Mismatch> {
            ::std::result::Result::Ok(Self {
                payments: ::fairway_sdk::typed::field(value, "payments")?,
            })
        }
    }
    impl ::fairway_sdk::typed::Resource for Sent {}
    /// Why a call aborted in `0x44::payments`, as `E_ZERO_AMOUNT`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum PaymentsAbort {
        /// Nobody pays nothing.
        ZeroAmount,
    }
    impl PaymentsAbort {
        /// The abort that a call failed with, if it was one of these.
        pub fn of(error: &::fairway_sdk::Error) -> ::std::option::Option<Self> {
            match ::fairway_sdk::typed::abort(error, "0x44::payments")? {
                1u64 => ::std::option::Option::Some(Self::ZeroAmount),
                _ => ::std::option::Option::None,
            }
        }
        /// Its code in Move.
        pub const fn code(self) -> u64 {
            match self {
                Self::ZeroAmount => 1u64,
            }
        }
        /// Its name in Move.
        pub const fn name(self) -> &'static str {
            match self {
                Self::ZeroAmount => "E_ZERO_AMOUNT",
            }
        }
    }
    /// What `0x44::payments` can publish.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum PaymentsEvent {
        Paid(Paid),
    }
    impl PaymentsEvent {
        /// An event of a block or a report; none if it is of another module.
        pub fn of(
            event: &::fairway_sdk::EventView,
        ) -> ::std::result::Result<
            ::std::option::Option<Self>,
            ::fairway_sdk::typed::Mismatch,
        > {
            ::std::result::Result::Ok(
                match event.type_tag.as_str() {
                    "0x44::payments::Paid" => {
                        ::std::option::Option::Some(
                            Self::Paid(
                                <Paid as ::fairway_sdk::typed::FromMove>::from_move(
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
    /// Calls of `0x44::payments` in the name of a member.
    #[derive(Clone)]
    pub struct PaymentsCalls {
        member: ::fairway_sdk::Member,
        wait: ::fairway_sdk::CallStatus,
    }
    impl PaymentsCalls {
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
        /// Pays `amount` of `asset` to another member.
        pub async fn pay(
            &self,
            to: ::fairway_sdk::Address,
            asset: ::fairway_sdk::Address,
            amount: u64,
            memo: &str,
        ) -> ::std::result::Result<::fairway_sdk::CallReport, ::fairway_sdk::Error> {
            self.member
                .typed_call(
                    "0x44::payments::pay",
                    &[],
                    &[
                        ::fairway_sdk::typed::ToMove::to_move(&to),
                        ::fairway_sdk::typed::ToMove::to_move(&asset),
                        ::fairway_sdk::typed::ToMove::to_move(&amount),
                        ::fairway_sdk::typed::ToMove::to_move(memo),
                    ],
                    self.wait,
                )
                .await
        }
    }
    /// Views of `0x44::payments`, on one node's state.
    #[derive(Clone)]
    pub struct PaymentsViews {
        channel: ::fairway_sdk::Channel,
        at: ::fairway_sdk::At,
    }
    impl PaymentsViews {
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
        /// What `account` holds of `asset`.
        pub async fn balance(
            &self,
            account: ::fairway_sdk::Address,
            asset: ::fairway_sdk::Address,
        ) -> ::std::result::Result<u64, ::fairway_sdk::Error> {
            let mut values = self
                .channel
                .typed_view(
                    "0x44::payments::balance",
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
        /// How many payments `account` has made.
        pub async fn sent(
            &self,
            account: ::fairway_sdk::Address,
        ) -> ::std::result::Result<u64, ::fairway_sdk::Error> {
            let mut values = self
                .channel
                .typed_view(
                    "0x44::payments::sent",
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
