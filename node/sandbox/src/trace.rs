//! Where a call's gas goes: by the function that used it. Following a call costs time; a call that
//! nobody follows is metered by the same code without any of this.

use std::collections::BTreeMap;

use fairway_types::{Address, Gas};
use move_core_types::language_storage::ModuleId;

use crate::tags;

/// What a meter tells as functions are entered and left, with the gas used until then.
pub(crate) trait Observer {
    /// Before anything is charged for the call.
    fn enter(&mut self, module: &ModuleId, function: &str, used: u64);
    /// After everything is.
    fn leave(&mut self, used: u64);
}

/// Nobody follows the call.
impl Observer for () {
    fn enter(&mut self, _: &ModuleId, _: &str, _: u64) {}
    fn leave(&mut self, _: u64) {}
}

/// The gas of one function in one transaction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FunctionGas {
    /// How often it was entered.
    pub entries: u64,
    /// What its own instructions used, with what entering it cost.
    pub own: Gas,
    /// The same with everything that it called. A function that calls itself is counted once.
    pub total: Gas,
}

/// The gas of one transaction. All `own` and `storage` together are the gas that it used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GasTrace {
    /// By name, as `0x44::payments::pay`; native functions too.
    pub functions: BTreeMap<String, FunctionGas>,
    /// What writes and events cost, where the gas table has a price for them.
    pub storage: Gas,
}

impl GasTrace {
    /// The gas that the transaction used.
    #[must_use]
    pub fn gas_used(&self) -> Gas {
        let own = self.functions.values().map(|function| function.own.0).sum::<u64>();
        Gas(own + self.storage.0)
    }
}

/// Follows one session.
pub(crate) struct Tracer {
    functions: Vec<Followed>,
    places: BTreeMap<(ModuleId, String), usize>,
    frames: Vec<Frame>,
    /// The gas used when a function was last entered or left.
    seen: u64,
}

#[derive(Default)]
struct Followed {
    gas: FunctionGas,
    /// How many of its frames are on the stack.
    active: u64,
}

struct Frame {
    function: usize,
    entered: u64,
}

impl Tracer {
    /// Of a session that begins with this function.
    pub(crate) fn new(module: &ModuleId, function: &str) -> Self {
        let (functions, places) = (Vec::new(), BTreeMap::new());
        let mut tracer = Self { functions, places, frames: Vec::new(), seen: 0 };
        tracer.enter(module, function, 0);
        tracer
    }

    /// Ends with the session, wherever it stands: what ran used `used`, what it stores the rest.
    pub(crate) fn finish(mut self, used: u64, with_storage: u64, into: &mut GasTrace) {
        while !self.frames.is_empty() {
            self.leave(used);
        }
        for ((module, function), place) in self.places {
            let address: Address = tags::address(module.address());
            let name = format!("{}::{}::{function}", address.to_literal(), module.name());
            let (to, gas) = (into.functions.entry(name).or_default(), self.functions[place].gas);
            to.entries += gas.entries;
            to.own.0 += gas.own.0;
            to.total.0 += gas.total.0;
        }
        into.storage.0 += with_storage.saturating_sub(used);
    }

    /// What was used since the last change is the present function's own.
    fn settle(&mut self, used: u64) {
        if let Some(frame) = self.frames.last() {
            self.functions[frame.function].gas.own.0 += used - self.seen;
        }
        self.seen = used;
    }
}

impl Observer for Tracer {
    fn enter(&mut self, module: &ModuleId, function: &str, used: u64) {
        self.settle(used);
        let key = (module.clone(), function.to_owned());
        let place = *self.places.entry(key).or_insert(self.functions.len());
        if place == self.functions.len() {
            self.functions.push(Followed::default());
        }
        let followed = &mut self.functions[place];
        followed.gas.entries += 1;
        followed.active += 1;
        self.frames.push(Frame { function: place, entered: used });
    }

    fn leave(&mut self, used: u64) {
        self.settle(used);
        let Some(frame) = self.frames.pop() else { return };
        let followed = &mut self.functions[frame.function];
        followed.active -= 1;
        if followed.active == 0 {
            followed.gas.total.0 += used - frame.entered;
        }
    }
}
