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

/// Gas of an instruction.
const STEP: u64 = 1;
/// Gas of a call, beside its arguments.
const CALL: u64 = 4;
/// Gas of touching a resource, beside its bytes.
const GLOBAL: u64 = 10;
/// Units of abstract memory for one gas when a value is copied or kept.
const UNITS_PER_GAS: u64 = 8;
/// `read_ref` and comparisons show the meter a reference, not what lies behind it. Nothing there is
/// larger than the largest value seen whole and everything put into some value since: they cost a
/// share of that bound.
const BOUND_PER_GAS: u64 = 16;
/// Bytes behind one gas of a native call.
const NATIVE_BYTES_PER_GAS: u64 = 4;

/// Counts down from a limit.
pub(crate) struct Meter {
    limit: u64,
    left: u64,
    /// Abstract memory of the largest value seen whole.
    largest: u64,
    /// Abstract memory put into values that are not seen whole: pushed or written by reference.
    put: u64,
}

impl Meter {
    pub(crate) fn new(limit: u64) -> Self {
        Self { limit, left: limit, largest: 0, put: 0 }
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

    /// Something behind a reference is copied or compared.
    fn charge_behind(&mut self) -> PartialVMResult<()> {
        self.charge(STEP + self.largest.saturating_add(self.put) / BOUND_PER_GAS)
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

impl GasMeter for Meter {
    fn charge_simple_instr(&mut self, _: SimpleInstruction) -> PartialVMResult<()> {
        self.charge(STEP)
    }

    fn charge_call(
        &mut self,
        _: &ModuleId,
        _: &str,
        args: impl ExactSizeIterator<Item = impl ValueView>,
    ) -> PartialVMResult<()> {
        self.charge(CALL)?;
        self.charge_values(args)
    }

    fn charge_call_generic(
        &mut self,
        _: &ModuleId,
        _: &str,
        types: impl ExactSizeIterator<Item = impl TypeView>,
        args: impl ExactSizeIterator<Item = impl ValueView>,
    ) -> PartialVMResult<()> {
        self.charge(CALL + types.len() as u64)?;
        self.charge_values(args)
    }

    fn charge_ld_const(&mut self, size: NumBytes) -> PartialVMResult<()> {
        self.charge_units(u64::from(size))
    }

    fn charge_copy_loc(&mut self, value: impl ValueView) -> PartialVMResult<()> {
        self.charge_value(&value)
    }

    fn charge_move_loc(&mut self, _: impl ValueView) -> PartialVMResult<()> {
        self.charge(STEP)
    }

    fn charge_store_loc(&mut self, value: impl ValueView) -> PartialVMResult<()> {
        self.charge_value(&value)
    }

    fn charge_pack(
        &mut self,
        _: bool,
        args: impl ExactSizeIterator<Item = impl ValueView>,
    ) -> PartialVMResult<()> {
        self.charge(STEP)?;
        self.charge_values(args)
    }

    fn charge_unpack(
        &mut self,
        _: bool,
        args: impl ExactSizeIterator<Item = impl ValueView>,
    ) -> PartialVMResult<()> {
        self.charge(STEP + args.len() as u64)
    }

    fn charge_read_ref(&mut self, _: impl ValueView) -> PartialVMResult<()> {
        self.charge_behind()
    }

    fn charge_write_ref(&mut self, value: impl ValueView) -> PartialVMResult<()> {
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
        self.charge(GLOBAL)?;
        self.charge_value(&value)
    }

    fn charge_vec_pack<'a>(
        &mut self,
        _: impl TypeView + 'a,
        args: impl ExactSizeIterator<Item = impl ValueView>,
    ) -> PartialVMResult<()> {
        self.charge(STEP)?;
        self.charge_values(args)
    }

    fn charge_vec_len(&mut self, _: impl TypeView) -> PartialVMResult<()> {
        self.charge(STEP)
    }

    fn charge_vec_borrow(&mut self, _: bool, _: impl TypeView, _: bool) -> PartialVMResult<()> {
        self.charge(STEP)
    }

    fn charge_vec_push_back(
        &mut self,
        _: impl TypeView,
        value: impl ValueView,
    ) -> PartialVMResult<()> {
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
        self.charge(STEP.saturating_add(u64::from(elements)))
    }

    fn charge_vec_swap(&mut self, _: impl TypeView) -> PartialVMResult<()> {
        self.charge(STEP)
    }

    fn charge_load_resource(&mut self, loaded: Option<NumBytes>) -> PartialVMResult<()> {
        self.charge_units(loaded.map_or(0, u64::from))
    }

    fn charge_native_function(&mut self, amount: InternalGas) -> PartialVMResult<()> {
        let gas = u64::from(amount);
        self.largest = self.largest.max(gas.saturating_mul(NATIVE_BYTES_PER_GAS));
        self.charge(gas)
    }
}

impl Meter {
    /// Comparing references compares what lies behind them.
    fn charge_compare(
        &mut self,
        left: &impl ValueView,
        right: &impl ValueView,
    ) -> PartialVMResult<()> {
        let seen = u64::from(left.legacy_abstract_memory_size())
            + u64::from(right.legacy_abstract_memory_size());
        self.charge(seen / UNITS_PER_GAS)?;
        self.charge_behind()
    }
}
