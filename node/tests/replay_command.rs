//! `fairway channel replay` on what nodes stored.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../../tests/fixtures/earlier.rs"]
mod earlier;

use std::{
    path::Path,
    process::{Command, Output},
    sync::Arc,
};

use fairway::store::Store;
use fairway_proto::{Event, channel::output::Appended};
use fairway_types::{Block, Effects, Gas, Hash, Height, StateKey};
use serde_json::Value;

use self::earlier::Earlier;

fn fairway(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fairway")).args(args).output().unwrap()
}

fn replay(folder: &Path, earlier: &Earlier, options: &[&str]) -> (i32, Vec<Value>) {
    let folder = folder.to_str().unwrap();
    let args = ["--json", "channel", "replay", folder, earlier.text("channel")];
    let output = fairway(&[&args[..], options].concat());
    let said = if output.stdout.is_empty() { &output.stderr } else { &output.stdout };
    let lines = std::str::from_utf8(said).unwrap().lines();
    let lines = lines.map(|line| serde_json::from_str(line).unwrap());
    (output.status.code().unwrap(), lines.collect())
}

#[test]
fn stored_blocks_do_what_is_stored_from_genesis_and_from_a_snapshot() {
    let earlier = Earlier::unpack();
    let head = earlier.number("head");
    for (node, first) in [(0, earlier.expected["pruned"][0].as_u64().unwrap() + 1), (1, 1)] {
        let (code, said) = replay(&earlier.node(node), &earlier, &[]);
        assert_eq!(code, 0, "{said:?}");
        let same = &said[0];
        assert!(same["same"] == true && same["from"] == first && same["to"] == head, "{same}");
        assert!(same["transactions"].as_u64().unwrap() >= head - first, "{same}");
        assert!(same["transactions_per_second"].as_f64().unwrap() > 0.0, "{same}");
    }
    let (code, said) = replay(&earlier.node(0), &earlier, &["--from", "3"]);
    assert!(code == 2 && said[0]["code"] == 100_028, "{said:?}");
    let (code, said) = replay(&earlier.node(0), &earlier, &["--to", "99"]);
    assert!(code == 2 && said[0]["error"].as_str().unwrap().contains("to 14"), "{said:?}");
}

#[test]
fn traces_add_up_to_the_gas_that_was_used() {
    let earlier = Earlier::unpack();
    let folder = earlier.node(1);
    let (code, said) = replay(&folder, &earlier, &["--trace"]);
    assert_eq!(code, 0, "{said:?}");
    let (ended, text) = shown(&folder, &earlier, &["--from", "6", "--to", "6", "--trace"]);
    assert_eq!(ended, Some(0));
    let table = text.lines().filter(|line| !line.contains("a second"));
    insta::assert_snapshot!("trace", table.collect::<Vec<_>>().join("\n"));
    let store = Store::open(&folder.join("data")).unwrap();
    let store = store.channel(earlier.text("channel").parse().unwrap());
    let mut paid = 0;
    for trace in &said[..said.len() - 1] {
        let (height, place) = (trace["height"].as_u64().unwrap(), trace["place"].as_u64().unwrap());
        let block = store.block(Height(height)).unwrap().unwrap();
        let used = block.effects[usize::try_from(place).unwrap()].gas_used.0;
        let functions = trace["functions"].as_array().unwrap();
        let own: u64 = functions.iter().map(|function| function["own"].as_u64().unwrap()).sum();
        assert_eq!((own, trace["gas_used"].as_u64().unwrap()), (used, used), "{trace}");
        let named = |name: &str| functions.iter().find(|function| function["function"] == name);
        let Some(pay) = named("0x44::payments::pay") else { continue };
        assert_eq!((pay["entries"].as_u64(), pay["total"].as_u64()), (Some(1), Some(used)));
        let transfer = named("0x2::vault::transfer").unwrap();
        assert!(transfer["total"].as_u64() > transfer["own"].as_u64(), "{trace}");
        assert!(named("0x1::signer::borrow_address").unwrap()["entries"].as_u64() >= Some(1));
        paid += 1;
    }
    assert!(paid >= 12, "{paid}");
}

/// Changes the effects of the block at `height`.
fn damage(folder: &Path, earlier: &Earlier, height: u64, change: impl Fn(&mut Vec<Effects>)) {
    damage_block(folder, earlier, height, |appended| change(Arc::make_mut(&mut appended.effects)));
}

/// Writes another event of the block at `height` into the store, as one that was damaged.
fn damage_block(folder: &Path, earlier: &Earlier, height: u64, change: impl Fn(&mut Appended)) {
    let store = Store::open(&folder.join("data")).unwrap();
    let store = store.channel(earlier.text("channel").parse().unwrap());
    let (_, mut writer) = store.recover().unwrap();
    let mut block = store.block(Height(height)).unwrap().unwrap();
    change(&mut block);
    writer.append(&[Event::Appended(block)], true).unwrap();
}

/// What people read, and the exit code.
fn shown(folder: &Path, earlier: &Earlier, options: &[&str]) -> (Option<i32>, String) {
    let args = ["channel", "replay", folder.to_str().unwrap(), earlier.text("channel")];
    let output = fairway(&[&args[..], options].concat());
    let text = String::from_utf8(output.stdout).unwrap();
    (output.status.code(), text.replace(folder.to_str().unwrap(), "FOLDER"))
}

#[test]
fn damaged_effects_are_found_and_shown_entry_by_entry() {
    let earlier = Earlier::unpack();
    let folder = earlier.node(1);
    damage(&folder, &earlier, 6, |effects| {
        let vault = |key: &StateKey| matches!(key, StateKey::Resource { type_tag, .. } if &**type_tag == "0x2::vault::Vault");
        let writes = &mut effects[0].writes;
        let write = writes.iter_mut().find(|write| vault(&write.key)).unwrap();
        *write.value.as_mut().unwrap().last_mut().unwrap() ^= 1;
        effects[0].gas_used = Gas(effects[0].gas_used.0 + 1);
    });
    let (code, said) = replay(&folder, &earlier, &[]);
    assert_eq!(code, 1, "{said:?}");
    let found = &said[0]["difference"];
    assert!(said[0]["same"] == false && found["what"] == "effects", "{found}");
    assert!(found["height"] == 6 && found["place"] == 0, "{found}");
    assert_ne!(found["stored"]["effects_root"], found["signed"]["effects_root"]);
    let gas = |side: &str| found[side]["effects"]["gas_used"].as_u64().unwrap();
    assert_eq!(gas("stored"), gas("executed") + 1);
    let entries = found["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 1, "{found}");
    let amount =
        |side: &str| entries[0][side]["balances"][0]["amount"].as_str().unwrap().to_owned();
    assert_ne!(amount("stored"), amount("executed"), "{found}");
    assert_ne!(amount("before"), amount("executed"), "{found}");
    let (code, text) = shown(&folder, &earlier, &[]);
    assert_eq!(code, Some(1));
    insta::assert_snapshot!("difference", text);
    // What comes before is as it was; what comes after can't be begun from.
    assert_eq!(replay(&folder, &earlier, &["--to", "5"]).0, 0);
    let (code, said) = replay(&folder, &earlier, &["--from", "7"]);
    assert!(code == 2 && said[0]["error"].as_str().unwrap().contains("damaged"), "{said:?}");
}

#[test]
fn effects_that_are_missing_are_a_difference() {
    let earlier = Earlier::unpack();
    let folder = earlier.node(1);
    damage(&folder, &earlier, 9, Vec::clear);
    let (code, said) = replay(&folder, &earlier, &["--from", "9"]);
    assert_eq!(code, 1, "{said:?}");
    assert!(said[0]["difference"]["stored"]["effects"].is_null(), "{said:?}");
}

#[test]
fn block_that_is_not_what_its_leader_signed_is_found_by_what_is_wrong() {
    type Change = fn(&mut Block);
    let cases: [(&str, Change, &str); 3] = [
        ("parent", |block| block.header.parent = Hash([9; 32]), "does not follow"),
        ("transactions", |block| drop(block.transactions.pop()), "transactions"),
        ("roots", |block| block.header.state_root = Hash([9; 32]), "signed"),
    ];
    for (what, change, said) in cases {
        let earlier = Earlier::unpack();
        let folder = earlier.node(1);
        let block = |appended: &mut Appended| change(Arc::make_mut(&mut appended.block));
        damage_block(&folder, &earlier, 8, block);
        let (code, found) = replay(&folder, &earlier, &[]);
        assert_eq!((code, &found[0]["difference"]["what"]), (1, &Value::from(what)), "{found:?}");
        assert_eq!(found[0]["difference"]["height"], 8);
        let (code, text) = shown(&folder, &earlier, &[]);
        assert!(code == Some(1) && text.contains(said), "{what}: {text}");
    }
}

#[test]
fn backup_is_replayed_and_stays_one() {
    let earlier = Earlier::unpack();
    let (backup, restored) = (earlier.path().join("backup"), earlier.path().join("restored"));
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let made = fairway(&["backup", "create", &path(&earlier.node(1)), &path(&backup)]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    assert_eq!(replay(&backup, &earlier, &[]).0, 0);
    let restoring = fairway(&["backup", "restore", &path(&backup), &path(&restored)]);
    assert!(restoring.status.success(), "{}", String::from_utf8_lossy(&restoring.stderr));
}
