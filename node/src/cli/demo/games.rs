//! Tic-tac-toe by two members who see the board only through the channel.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use fairway_sdk::{Member, json};
use fairway_types::contract::NATIVE;
use serde_json::Value;
use tokio::time::sleep;

const GAME: &str = "0x42::tic_tac_toe";
/// Looks at a board, a millisecond apart, until it shows the opponent's mark.
const TRIES: u32 = 5_000;

/// A finished game: calls it took, and whether X or O won.
pub(super) struct Game {
    pub(super) calls: u64,
    pub(super) winner: Option<usize>,
}

/// Plays one game to its end. `round` varies the moves.
pub(super) async fn play(players: &[Member; 2], stake: u64, round: u32) -> anyhow::Result<Game> {
    let [x, o] = players;
    let game = json!(x.address().to_string());
    x.call(&format!("{GAME}::open"), &[json!(NATIVE), json!(stake)]).await?;
    o.call(&format!("{GAME}::join"), std::slice::from_ref(&game)).await?;
    let mut calls = 2;
    loop {
        let mover = &players[(calls % 2) as usize];
        let board = board(mover, &game, calls - 2).await?;
        let cell = choose(&board, round + calls as u32).context("the board is full")?;
        let report = mover.call(&format!("{GAME}::mark"), &[game.clone(), json!(cell)]).await?;
        calls += 1;
        let over = report.events.iter().find(|event| event.type_tag.ends_with("::GameOver"));
        if let Some(over) = over {
            return Ok(Game { calls, winner: winner(&over.data, players) });
        }
        ensure!(calls <= 11, "a game of more than nine marks");
    }
}

fn winner(over: &Value, players: &[Member; 2]) -> Option<usize> {
    let winner = over.get("winner")?.get(0)?.as_str()?;
    players.iter().position(|player| player.address().to_string() == winner)
}

/// The board with `marks` marks as the mover's own node shows it. The opponent's last mark is
/// certified, so this node has it or is about to.
async fn board(mover: &Member, game: &Value, marks: u64) -> anyhow::Result<Vec<u8>> {
    let function = format!("{GAME}::board");
    for _ in 0..TRIES {
        let shown = mover.channel().view(&function, std::slice::from_ref(game)).await;
        // The opening itself may not have reached this node yet.
        let values = shown.unwrap_or_default();
        let text = values.first().and_then(Value::as_str).unwrap_or_default();
        let digits = text.trim_start_matches("0x").as_bytes();
        let cells: Vec<u8> = digits.chunks(2).map(|pair| pair[1] - b'0').collect();
        if cells.len() == 9 && cells.iter().filter(|sign| **sign != 0).count() as u64 == marks {
            return Ok(cells);
        }
        sleep(Duration::from_millis(1)).await;
    }
    bail!("{} does not see {marks} marks", mover.address())
}

/// A free cell, another one each round.
fn choose(board: &[u8], seed: u32) -> Option<usize> {
    let free: Vec<usize> =
        board.iter().enumerate().filter(|(_, sign)| **sign == 0).map(|(cell, _)| cell).collect();
    free.get(seed as usize * 7 % free.len().max(1)).copied()
}
