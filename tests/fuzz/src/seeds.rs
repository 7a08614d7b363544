//! The valid part of the corpus, made from real values: a small channel is run, and what it signed,
//! sent and stored is what the targets read.

mod apps;
mod channel;

/// A target's seeds by name.
pub type Seeds = Vec<(String, Vec<u8>)>;

/// Valid seeds of every target.
#[must_use]
pub fn all() -> Vec<(&'static str, Seeds)> {
    let run = channel::Run::new();
    vec![
        ("calls", run.calls()),
        ("blocks", run.blocks()),
        ("acks", run.acks()),
        ("certificates", run.certificates()),
        ("settlements", run.settlements()),
        ("messages", run.messages()),
        ("frames", run.frames()),
        ("events", run.events()),
        ("snapshots", run.snapshots()),
        ("rows", run.rows()),
        ("ledger", run.ledger()),
        ("rpc", run.parameters()),
        ("arguments", apps::arguments()),
        ("results", apps::results()),
        ("text", apps::texts()),
        ("filters", run.filters()),
        ("packages", apps::packages()),
        ("simulation", simulation()),
        ("modules", apps::modules()),
    ]
}

/// Plans of each size with a hundred choices that differ.
fn simulation() -> Seeds {
    let choices: Vec<u8> = (0..96u8).map(|place| place.wrapping_mul(37)).collect();
    let plans: [(&str, [u8; 7]); 4] = [
        ("one-node", [0, 0, 0, 20, 1, 0, 3]),
        ("two-nodes-calm", [1, 0, 0, 20, 0, 0, 3]),
        ("three-nodes-lossy", [2, 14, 9, 200, 1, 4, 7]),
        ("four-nodes-crashes-and-partitions", [3, 5, 5, 100, 0, 7, 7]),
    ];
    plans.iter().map(|(name, plan)| seed(*name, [&plan[..], &choices].concat())).collect()
}

fn seed(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> (String, Vec<u8>) {
    (name.into(), bytes.into())
}

/// A number, then the bytes: targets that read several kinds.
fn kind(name: &str, kind: u8, bytes: impl AsRef<[u8]>) -> (String, Vec<u8>) {
    let mut data = vec![kind];
    data.extend(bytes.as_ref());
    seed(name, data)
}
