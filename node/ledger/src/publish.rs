//! Publishing: what a block's `Publish` transactions leave in the state, and the VM that runs it.
//!
//! Compiling takes as long as the machine does, so it is no part of executing a block: who puts a
//! transaction into a block compiles its sources first, and the block carries the result. Execution
//! takes it as it is, and gives the same state everywhere.

use std::{collections::BTreeMap, sync::Arc};

use fairway_sandbox::{LoadedPackage, MoveSandbox, Package};
use fairway_state::State;
use fairway_types::{
    Address, Gas, Hash, Refusal, StateKey, StateReader, Write, codec,
    ledger::{PackageSource, PublishedModule},
};

/// What a block's transactions are executed with besides the contracts. The same sources compile to
/// one thing on the ledger and to another in a channel, whose package knows the library: neither
/// stands in for the other.
#[derive(Clone, Default)]
pub struct Code {
    /// What `Publish` transactions compile to, by hash of the sources.
    pub published: BTreeMap<Hash, Arc<Package>>,
    /// Packages of channels that `Judge` transactions are about, by hash of the sources.
    pub judged: BTreeMap<Hash, Arc<LoadedPackage>>,
}

/// What one transaction adds to its block's [`Code`].
pub enum Compiled {
    Published(Arc<Package>),
    Judged(Hash, Arc<LoadedPackage>),
}

impl Code {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    pub fn add(&mut self, compiled: Compiled) {
        match compiled {
            Compiled::Published(package) => drop(self.published.insert(package.hash, package)),
            Compiled::Judged(hash, package) => drop(self.judged.insert(hash, package)),
        }
    }
}

/// What publishing a package does.
pub(crate) struct Publication {
    pub(crate) writes: Vec<Write>,
    pub(crate) gas: Gas,
    modules: Vec<PublishedModule>,
}

impl Publication {
    /// The modules of `package` at its publisher's address, its sources beside them. A unit of gas a
    /// byte of what is kept.
    pub(crate) fn new(
        source: &PackageSource,
        package: &Package,
        publisher: Address,
    ) -> Result<Self, Refusal> {
        let hash = source.hash();
        let modules = modules(package, hash, publisher)?;
        let mut writes =
            vec![Write { key: StateKey::Package(hash), value: Some(codec::encode(source)) }];
        writes.extend(
            modules
                .iter()
                .map(|module| Write { key: key(module), value: Some(codec::encode(module)) }),
        );
        writes.sort_by(|a, b| a.key.cmp(&b.key));
        let bytes: usize =
            writes.iter().filter_map(|write| write.value.as_ref()).map(Vec::len).sum();
        Ok(Self { writes, gas: Gas(bytes as u64), modules })
    }

    /// The VM that also runs what is published: refused if a name is taken already, in this block or
    /// the library too, or if the bytecode does not verify.
    pub(crate) fn load(&self, vm: &MoveSandbox) -> Result<MoveSandbox, Refusal> {
        let vm = vm.with_modules(&self.modules)?;
        vm.verify(&self.modules)?;
        Ok(vm)
    }
}

/// Why a package could not be published now, whatever it compiles to: names are taken.
pub(crate) fn check_free(
    state: &State,
    package: &Package,
    publisher: Address,
) -> Result<(), Refusal> {
    for module in modules(package, package.hash, publisher)? {
        if state.read(&key(&module)).is_some() {
            return Err(collides(&module.abi.name));
        }
    }
    Ok(())
}

/// Every module that was published, as the state holds it.
pub(crate) fn published(state: &State) -> Vec<PublishedModule> {
    let first = StateKey::Module { address: Address::ZERO, name: String::new() };
    state
        .records_from(&first)
        .take_while(|(key, _)| matches!(key, StateKey::Module { .. }))
        .filter_map(|(_, value)| codec::decode("published module", value).ok())
        .collect()
}

/// The package's bytecode with its ABI; every module at the publisher's address, each name once.
fn modules(
    package: &Package,
    hash: Hash,
    publisher: Address,
) -> Result<Vec<PublishedModule>, Refusal> {
    if package.hash != hash {
        let (expected, actual) = (hash.to_string(), package.hash.to_string());
        return Err(Refusal::PackageMismatch { expected, actual });
    }
    package
        .modules
        .iter()
        .map(|module| {
            let missing = || Refusal::not_found(format!("ABI of {}", module.name));
            let abi = package.abi.module(&module.address, &module.name).ok_or_else(missing)?;
            if module.address != publisher {
                return Err(elsewhere(&module.name, module.address, publisher));
            }
            let (bytecode, abi) = (module.bytecode.clone(), abi.clone());
            Ok(PublishedModule { package: hash, bytecode, abi })
        })
        .collect()
}

fn key(module: &PublishedModule) -> StateKey {
    StateKey::Module { address: module.abi.address, name: module.abi.name.clone() }
}

fn collides(name: &str) -> Refusal {
    Refusal::PackageRefused {
        rule: "module name".into(),
        location: name.into(),
        actual: "published already".into(),
        limit: "a new name: a published module is never replaced".into(),
    }
}

fn elsewhere(name: &str, actual: Address, publisher: Address) -> Refusal {
    Refusal::PackageRefused {
        rule: "module address".into(),
        location: name.into(),
        actual: actual.to_literal(),
        limit: format!("the publisher's, {}", publisher.to_literal()),
    }
}
