//! Gas tables by id: what a channel's config names. All price instructions, memory and natives
//! alike, since those prices are bounds on the time and memory of an execution (ADR 0005); they
//! differ in what they ask for that which stays after it. A table that a version has is never
//! changed: another price is another table with another id.

use fairway_types::{GasTableId, Refusal};

/// What storage costs, beside the instructions that lead to it.
#[derive(Debug, PartialEq, Eq)]
pub struct GasTable {
    pub id: GasTableId,
    /// For people.
    pub name: &'static str,
    /// Gas of a resource that was written or deleted.
    write: u64,
    /// Gas of a byte of a written resource, in BCS.
    written_byte: u64,
    /// Gas of a byte by which a written resource is longer than before; what shrinks pays nothing
    /// back.
    grown_byte: u64,
    /// Gas of a byte of an event, in BCS.
    event_byte: u64,
}

/// Execution alone: nothing is added for what it leaves behind.
static MEASURED: GasTable = GasTable {
    id: GasTableId::MEASURED,
    name: "measured",
    write: 0,
    written_byte: 0,
    grown_byte: 0,
    event_byte: 0,
};

/// For channels that live long. A hundred gas are about a microsecond of execution. Members hash a
/// write into the state tree (5 to 18 us with 10^5 resources: docs/benchmarks.md), send, log and
/// sync its bytes, keep in memory what it adds, and send that to everyone who joins later.
static STORAGE: GasTable = GasTable {
    id: GasTableId::STORAGE,
    name: "storage",
    write: 1_000,
    written_byte: 4,
    grown_byte: 20,
    event_byte: 4,
};

static TABLES: [&GasTable; 2] = [&MEASURED, &STORAGE];

/// What a call leaves behind. Only writes that change something count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Stored {
    writes: u64,
    written: u64,
    grown: u64,
    events: u64,
}

impl Stored {
    /// A resource of `before` bytes is now one of `after`; zero if there is none.
    pub(crate) fn write(&mut self, before: usize, after: usize) {
        self.writes += 1;
        self.written += after as u64;
        self.grown += after.saturating_sub(before) as u64;
    }

    pub(crate) fn event(&mut self, bytes: usize) {
        self.events += bytes as u64;
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.written + self.events
    }
}

impl GasTable {
    /// P-61: the table that a channel's config names.
    pub fn find(id: GasTableId) -> Result<&'static Self, Refusal> {
        let unknown = || Refusal::GasTableUnknown { table: id, known: Self::known() };
        TABLES.into_iter().find(|table| table.id == id).ok_or_else(unknown)
    }

    /// The table of the ledger, and of channels that name no other.
    #[must_use]
    pub fn measured() -> &'static Self {
        &MEASURED
    }

    fn known() -> Vec<GasTableId> {
        TABLES.iter().map(|table| table.id).collect()
    }

    pub(crate) fn storage(&self, stored: &Stored) -> u64 {
        let Stored { writes, written, grown, events } = *stored;
        [
            (self.write, writes),
            (self.written_byte, written),
            (self.grown_byte, grown),
            (self.event_byte, events),
        ]
        .iter()
        .fold(0, |sum: u64, (price, amount)| sum.saturating_add(price.saturating_mul(*amount)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored() -> Stored {
        let mut stored = Stored::default();
        stored.write(0, 10);
        stored.write(30, 8);
        stored.write(7, 0);
        stored.event(5);
        stored
    }

    #[test]
    fn storage_table_charges_writes_their_bytes_growth_and_events() {
        assert_eq!(STORAGE.storage(&stored()), 3 * 1_000 + 18 * 4 + 10 * 20 + 5 * 4);
    }

    #[test]
    fn measured_table_charges_nothing_for_storage() {
        assert_eq!(MEASURED.storage(&stored()), 0);
    }

    #[test]
    fn tables_are_found_by_their_id_and_others_are_refused_with_those_known() {
        for table in TABLES {
            assert_eq!(GasTable::find(table.id), Ok(table));
        }
        let refusal = GasTable::find(GasTableId(9)).unwrap_err();
        assert_eq!(refusal.name(), "gas_table_unknown");
        let text = refusal.to_string();
        assert!(text.contains("gas table 9") && text.contains("knows 1, 2:"), "{text}");
    }
}
