//! The gas meter: every instruction costs, what moves bytes costs in proportion to them, so that a
//! call's gas bounds its time and its memory.

use move_binary_format::errors::{PartialVMError, PartialVMResult};
use move_core_types::{
    gas_algebra::{InternalGas, NumArgs, NumBytes},
    language_storage::ModuleId,
    vm_status::StatusCode,
};
use move_vm_types::{
    gas::{GasMeter, SimpleInstruction},
    views::{TypeView, ValueView},
};

use crate::{
    prices::{GasTable, Stored},
    trace::Observer,
};

/// Gas of an instruction.
const STEP: u64 = 1;
/// Gas of a call, beside its arguments.
const CALL: u64 = 4;
/// Gas of touching a resource, beside its bytes.
const GLOBAL: u64 = 10;
/// Units of abstract memory for one gas when a value is copied or kept.
const UNITS_PER_GAS: u64 = 8;
/// What lies behind a reference is not shown to the meter. Nothing there is larger than the largest
/// value seen whole and everything put into some value since: what is never seen costs a share of
/// that bound.
const BOUND_PER_GAS: u64 = 16;
/// Abstract memory of a reference; no other value but one of eight bytes in all has it.
const REFERENCE: u64 = 8;
/// Values that may wait on the operand stack before the meter has seen them: they bound memory.
const WAITING_READS: u64 = 2;
/// Bytes behind one gas of a native call.
const NATIVE_BYTES_PER_GAS: u64 = 4;

/// Counts down from a limit, and tells who follows the call what is entered and left.
pub(crate) struct Meter<O = ()> {
    limit: u64,
    left: u64,
    /// Abstract memory of the largest value seen whole.
    largest: u64,
    /// Abstract memory put into values that are not seen whole: pushed or written by reference.
    put: u64,
    reads: Reads,
    /// What was used when everything had been executed.
    executed: Option<u64>,
    observer: O,
}

/// Values read through references that no instruction has shown since. Nearly all of them are
/// numbers and addresses that the next instructions consume: one that shows its operands then
/// charges for their true size, and one that the verifier lets take numbers only needs no size.
/// Charging each read by the bound instead makes a pass over a vector cost the square of its length.
#[derive(Default)]
struct Reads {
    /// Operands from the lowest such value to the top of the stack; zero if there is none.
    height: u64,
    /// Their places among these operands, from 1 on, ascending.
    places: Vec<u64>,
}

impl Reads {
    /// A reference on top of the stack becomes the value behind it.
    fn read(&mut self) {
        self.height = self.height.max(1);
        self.places.push(self.height);
    }

    fn push(&mut self) {
        if self.wait() {
            self.height += 1;
        }
    }

    /// An instruction takes operands and leaves others; none of those it took stays unpaid.
    fn replace(&mut self, taken: u64, left: u64) {
        if !self.wait() {
            return;
        }
        let below = self.height.saturating_sub(taken);
        while self.places.last().is_some_and(|place| *place > below) {
            self.places.pop();
        }
        self.height = if self.wait() { below + left } else { 0 };
    }

    fn wait(&self) -> bool {
        !self.places.is_empty()
    }

    fn count(&self) -> u64 {
        self.places.len() as u64
    }
}

/// Operands that a simple instruction takes and leaves.
fn operands(instruction: SimpleInstruction) -> (u64, u64) {
    use SimpleInstruction as I;
    match instruction {
        I::Nop | I::Ret | I::Branch => (0, 0),
        I::LdU8 | I::LdU64 | I::LdU128 | I::LdTrue | I::LdFalse => (0, 1),
        I::MutBorrowLoc | I::ImmBorrowLoc => (0, 1),
        I::BrTrue | I::BrFalse | I::Pop | I::Abort => (1, 0),
        I::FreezeRef | I::Not | I::CastU8 | I::CastU64 | I::CastU128 => (1, 1),
        I::ImmBorrowField | I::MutBorrowField => (1, 1),
        I::ImmBorrowFieldGeneric | I::MutBorrowFieldGeneric => (1, 1),
        I::Add | I::Sub | I::Mul | I::Mod | I::Div => (2, 1),
        I::BitOr | I::BitAnd | I::Xor | I::Shl | I::Shr | I::Or | I::And => (2, 1),
        I::Lt | I::Gt | I::Le | I::Ge => (2, 1),
    }
}

impl Meter {
    pub(crate) fn new(limit: u64) -> Self {
        Self::observed(limit, ())
    }
}

impl<O: Observer> Meter<O> {
    /// One whose call is followed.
    pub(crate) fn observed(limit: u64, observer: O) -> Self {
        let (reads, executed) = (Reads::default(), None);
        Self { limit, left: limit, largest: 0, put: 0, reads, executed, observer }
    }

    pub(crate) fn into_observer(self) -> O {
        self.observer
    }

    /// What the call leaves behind, at the table's prices.
    pub(crate) fn charge_stored(
        &mut self,
        table: &GasTable,
        stored: &Stored,
    ) -> PartialVMResult<()> {
        self.executed = Some(self.used());
        self.charge(table.storage(stored))
    }

    /// What executing used, without what it leaves behind.
    pub(crate) fn executing(&self) -> u64 {
        self.executed.unwrap_or_else(|| self.used())
    }

    pub(crate) fn used(&self) -> u64 {
        self.limit - self.left
    }

    fn charge(&mut self, gas: u64) -> PartialVMResult<()> {
        match self.left.checked_sub(gas) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => {
                self.left = 0;
                Err(PartialVMError::new(StatusCode::OUT_OF_GAS))
            }
        }
    }

    /// A value of this size comes into being or is kept.
    fn charge_value(&mut self, value: &impl ValueView) -> PartialVMResult<()> {
        let units = u64::from(value.legacy_abstract_memory_size());
        self.charge_units(units)
    }

    fn charge_units(&mut self, units: u64) -> PartialVMResult<()> {
        self.largest = self.largest.max(units);
        self.charge(STEP + units / UNITS_PER_GAS)
    }

    /// A value becomes part of one that the meter does not see.
    fn charge_put(&mut self, value: &impl ValueView) -> PartialVMResult<()> {
        let units = u64::from(value.legacy_abstract_memory_size());
        self.put = self.put.saturating_add(units);
        self.charge_units(units)
    }

    /// The most that something behind a reference can cost.
    fn bound(&self) -> u64 {
        self.largest.saturating_add(self.put) / BOUND_PER_GAS
    }

    /// What waits on the stack is paid for, as it may never be seen.
    fn charge_waiting(&mut self) -> PartialVMResult<()> {
        let values = self.reads.count();
        self.reads = Reads::default();
        self.charge(values.saturating_mul(self.bound()))
    }

    fn charge_values(
        &mut self,
        values: impl ExactSizeIterator<Item = impl ValueView>,
    ) -> PartialVMResult<()> {
        let mut whole = 0u64;
        for value in values {
            whole = whole.saturating_add(u64::from(value.legacy_abstract_memory_size()));
        }
        self.charge_units(whole)
    }
}

impl<O: Observer> GasMeter for Meter<O> {
    fn charge_simple_instr(&mut self, instruction: SimpleInstruction) -> PartialVMResult<()> {
        if self.reads.wait() {
            if instruction == SimpleInstruction::Pop {
                self.charge(self.bound())?;
            }
            let (taken, left) = operands(instruction);
            self.reads.replace(taken, left);
        }
        self.charge(STEP)?;
        if instruction == SimpleInstruction::Ret {
            self.observer.leave(self.used());
        }
        Ok(())
    }

    fn charge_call(
        &mut self,
        module: &ModuleId,
        function: &str,
        args: impl ExactSizeIterator<Item = impl ValueView>,
    ) -> PartialVMResult<()> {
        self.observer.enter(module, function, self.used());
        self.reads.replace(args.len() as u64, 0);
        self.charge(CALL)?;
        self.charge_values(args)
    }

    fn charge_call_generic(
        &mut self,
        module: &ModuleId,
        function: &str,
        types: impl ExactSizeIterator<Item = impl TypeView>,
        args: impl ExactSizeIterator<Item = impl ValueView>,
    ) -> PartialVMResult<()> {
        self.observer.enter(module, function, self.used());
        self.reads.replace(args.len() as u64, 0);
        self.charge(CALL + types.len() as u64)?;
        self.charge_values(args)
    }

    fn charge_ld_const(&mut self, size: NumBytes) -> PartialVMResult<()> {
        self.reads.push();
        self.charge_units(u64::from(size))
    }

    fn charge_copy_loc(&mut self, value: impl ValueView) -> PartialVMResult<()> {
        self.reads.push();
        self.charge_value(&value)
    }

    fn charge_move_loc(&mut self, _: impl ValueView) -> PartialVMResult<()> {
        self.reads.push();
        self.charge(STEP)
    }

    fn charge_store_loc(&mut self, value: impl ValueView) -> PartialVMResult<()> {
        self.reads.replace(1, 0);
        self.charge_value(&value)
    }

    fn charge_pack(
        &mut self,
        _: bool,
        args: impl ExactSizeIterator<Item = impl ValueView>,
    ) -> PartialVMResult<()> {
        self.reads.replace(args.len() as u64, 1);
        self.charge(STEP)?;
        self.charge_values(args)
    }

    fn charge_unpack(
        &mut self,
        _: bool,
        args: impl ExactSizeIterator<Item = impl ValueView>,
    ) -> PartialVMResult<()> {
        self.charge(STEP + args.len() as u64)?;
        if self.reads.wait() {
            self.reads.replace(1, args.len() as u64);
            self.charge_values(args)?;
        }
        Ok(())
    }

    fn charge_read_ref(&mut self, _: impl ValueView) -> PartialVMResult<()> {
        self.reads.read();
        let waits_too_many = self.reads.count() > WAITING_READS;
        self.charge(STEP + if waits_too_many { self.bound() } else { 0 })
    }

    fn charge_write_ref(&mut self, value: impl ValueView) -> PartialVMResult<()> {
        self.reads.replace(2, 0);
        self.charge_put(&value)
    }

    fn charge_eq(&mut self, left: impl ValueView, right: impl ValueView) -> PartialVMResult<()> {
        self.charge_compare(&left, &right)
    }

    fn charge_neq(&mut self, left: impl ValueView, right: impl ValueView) -> PartialVMResult<()> {
        self.charge_compare(&left, &right)
    }

    fn charge_borrow_global(
        &mut self,
        _: bool,
        _: bool,
        _: impl TypeView,
        _: bool,
    ) -> PartialVMResult<()> {
        self.charge(GLOBAL)
    }

    fn charge_exists(&mut self, _: bool, _: impl TypeView, _: bool) -> PartialVMResult<()> {
        self.charge(GLOBAL)
    }

    fn charge_move_from(
        &mut self,
        _: bool,
        _: impl TypeView,
        _: Option<impl ValueView>,
    ) -> PartialVMResult<()> {
        self.charge(GLOBAL)
    }

    fn charge_move_to(
        &mut self,
        _: bool,
        _: impl TypeView,
        value: impl ValueView,
        _: bool,
    ) -> PartialVMResult<()> {
        self.reads.replace(2, 0);
        self.charge(GLOBAL)?;
        self.charge_value(&value)
    }

    fn charge_vec_pack<'a>(
        &mut self,
        _: impl TypeView + 'a,
        args: impl ExactSizeIterator<Item = impl ValueView>,
    ) -> PartialVMResult<()> {
        self.reads.replace(args.len() as u64, 1);
        self.charge(STEP)?;
        self.charge_values(args)
    }

    fn charge_vec_len(&mut self, _: impl TypeView) -> PartialVMResult<()> {
        self.charge(STEP)
    }

    fn charge_vec_borrow(&mut self, _: bool, _: impl TypeView, _: bool) -> PartialVMResult<()> {
        self.reads.replace(2, 1);
        self.charge(STEP)
    }

    fn charge_vec_push_back(
        &mut self,
        _: impl TypeView,
        value: impl ValueView,
    ) -> PartialVMResult<()> {
        self.reads.replace(2, 0);
        self.charge_put(&value)
    }

    fn charge_vec_pop_back(
        &mut self,
        _: impl TypeView,
        _: Option<impl ValueView>,
    ) -> PartialVMResult<()> {
        self.charge(STEP)
    }

    fn charge_vec_unpack(&mut self, _: impl TypeView, elements: NumArgs) -> PartialVMResult<()> {
        self.charge_waiting()?;
        self.charge(STEP.saturating_add(u64::from(elements)))
    }

    fn charge_vec_swap(&mut self, _: impl TypeView) -> PartialVMResult<()> {
        self.reads.replace(3, 0);
        self.charge(STEP)
    }

    fn charge_load_resource(&mut self, loaded: Option<NumBytes>) -> PartialVMResult<()> {
        self.charge_units(loaded.map_or(0, u64::from))
    }

    fn charge_native_function(&mut self, amount: InternalGas) -> PartialVMResult<()> {
        let gas = u64::from(amount);
        self.largest = self.largest.max(gas.saturating_mul(NATIVE_BYTES_PER_GAS));
        // How many values it leaves is not known here.
        self.charge_waiting()?;
        self.charge(gas)?;
        self.observer.leave(self.used());
        Ok(())
    }
}

impl<O: Observer> Meter<O> {
    /// Values are seen whole; comparing references compares what lies behind them.
    fn charge_compare(
        &mut self,
        left: &impl ValueView,
        right: &impl ValueView,
    ) -> PartialVMResult<()> {
        self.reads.replace(2, 1);
        let left = u64::from(left.legacy_abstract_memory_size());
        let right = u64::from(right.legacy_abstract_memory_size());
        let hidden = if left == REFERENCE || right == REFERENCE { self.bound() } else { 0 };
        self.charge(STEP + (left + right) / UNITS_PER_GAS + hidden)
    }
}
