//! What of a proposal that waits the state it names contradicts, and the proof of it.

use fairway_state::State;
use fairway_types::{
    Address, StateKey,
    chain::{ChainTx, ChannelRecord},
    codec,
    settlement::{AssetAmount, Balance, Proposal},
    windows::{Guard, ProvenEntry},
};

use crate::channel::{
    books::VAULT_TAG,
    entered::{self, Runs},
};

/// What a state says of an account's money.
struct Entries {
    entered: ProvenEntry,
    vault: ProvenEntry,
    departed: ProvenEntry,
}

/// P-117: the refutation of the first row that `state`, whose root the proposal names, contradicts;
/// or of the result. `None` where it says what the proposal does.
#[must_use]
pub fn refutation(record: &ChannelRecord, proposal: &Proposal, state: &State) -> Option<ChainTx> {
    if state.root() != proposal.to_root {
        return None;
    }
    let entered = state.proven(&StateKey::Entered);
    let of_row = |(row, balance): (usize, &Balance)| {
        let entries = Entries {
            entered: entered.clone(),
            vault: state.proven(&StateKey::resource(balance.account, VAULT_TAG)),
            departed: state.proven(&StateKey::Departed(balance.account)),
        };
        refutes(record, proposal, balance, &entries).then(|| of(record, row, entries))
    };
    let row = proposal.balances.iter().enumerate().find_map(of_row);
    row.or_else(|| {
        let result = state.proven(&StateKey::Result);
        let (says, channel) = (decoded::<Vec<u8>>(&result), record.channel);
        (says != proposal.result)
            .then(|| ChainTx::RefuteResult { channel, result: Box::new(result) })
    })
}

/// P-117: the same by what a guard holds: of its account's row alone.
#[must_use]
pub fn by_guard(record: &ChannelRecord, proposal: &Proposal, guard: &Guard) -> Option<ChainTx> {
    let kept = guard.proof.shown()?;
    if kept.root != proposal.to_root {
        return None;
    }
    let is_its = |(_, balance): &(usize, &Balance)| balance.account == guard.account;
    let (row, balance) = proposal.balances.iter().enumerate().find(is_its)?;
    let entries = Entries {
        entered: guard.entered.clone(),
        vault: guard.vault.clone(),
        departed: guard.departed.clone(),
    };
    refutes(record, proposal, balance, &entries).then(|| of(record, row, entries))
}

/// Whether the contract takes these entries for a refutation of the row: as `settlement::refute`.
fn refutes(record: &ChannelRecord, proposal: &Proposal, row: &Balance, entries: &Entries) -> bool {
    let Some((joined, deposit)) = brought(record, row.account) else { return false };
    let runs: Runs = decoded(&entries.entered);
    let is_in = entered::contains(&runs, joined);
    let left = is_in && !entries.departed.value.is_empty();
    let due: Vec<AssetAmount> = match (is_in, left) {
        (false, _) => deposit,
        (true, true) => decoded(&entries.departed),
        (true, false) => decoded(&entries.vault),
    };
    due != row.amounts || is_in && row.leaves != (left || proposal.closes)
}

fn brought(
    record: &ChannelRecord,
    account: Address,
) -> Option<(fairway_types::JoinSequence, Vec<AssetAmount>)> {
    let mut members = record.members.iter().map(|member| &member.record);
    let member = members.find(|member| member.account == account)?;
    Some((member.join_sequence, member.deposit.clone()))
}

fn of(record: &ChannelRecord, row: usize, entries: Entries) -> ChainTx {
    let Entries { entered, vault, departed } = entries;
    ChainTx::Refute {
        channel: record.channel,
        row: row as u64,
        entered: Box::new(entered),
        vault: Box::new(vault),
        departed: Box::new(departed),
    }
}

/// What an entry holds; nothing where it is absent.
fn decoded<T: Default + serde::de::DeserializeOwned>(entry: &ProvenEntry) -> T {
    codec::decode("entry", &entry.value).unwrap_or_default()
}
