//! The Move VM behind [`fairway_types::Execute`]: builds packages from source, admits them, and runs
//! their functions, each in a session of its own. Never sees the protocol, a socket or a store.

mod abi;
pub mod admission;
pub mod build;
pub mod compiler;
mod gas;
mod library;
mod natives;
pub mod prices;
pub mod sandbox;
mod tags;
pub mod testing;
mod trace;
mod values;

pub use build::{
    BuildError, Home, Module, Package, compile, compile_for, read_package, read_package_of,
    settlement_contracts,
};
pub use natives::table as native_functions;
pub use prices::GasTable;
pub use sandbox::{LoadedPackage, MoveSandbox};
pub use trace::{FunctionGas, GasTrace};

use fairway_types::{Address, Context, Hash, Height, Time};

/// The context in which tests and tools run a function.
#[must_use]
pub fn tool_context() -> Context {
    Context {
        chain: fairway_types::ChainId(0),
        channel: fairway_types::ChannelId::ZERO,
        height: Height::ZERO,
        time: Time::ZERO,
        index: 0,
        seed: Hash::ZERO,
    }
}

/// Where the standard library lives.
pub const STD: Address = Address::from_low(1);
/// Where `contracts/runtime` lives.
pub const RUNTIME: Address = Address::from_low(2);
/// Where `contracts/settlement` lives on the ledger.
pub const SETTLEMENT: Address = Address::from_low(3);

/// The standard library and the runtime, compiled.
pub fn library_modules() -> Result<&'static [Module], BuildError> {
    library::modules()
}
