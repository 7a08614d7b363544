#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Duration;

use fairway_sdk::{Address, ChannelId, Height, NodeId, api::channel::Role};
use fairway_types::{Epoch, JoinSequence, Term, Time, View};
use ratatui::{
    Terminal,
    backend::TestBackend,
    crossterm::event::{KeyCode, KeyEvent, KeyModifiers},
};

use super::{
    interval,
    model::{Look, MemberRow, Model, ProposalRow, Row},
    view,
};

const START: u64 = 1_795_250_600_000;

fn member(number: u8, state: &'static str, heard_ms: Option<u64>) -> MemberRow {
    MemberRow {
        account: Address([0xa0 + number; 32]),
        node: NodeId([number; 32]),
        join_sequence: JoinSequence(number.into()),
        state,
        heard_ms,
        head: Height(812),
        certified: Height(811),
    }
}

fn row(id: u8, role: Role) -> Row {
    Row {
        channel: ChannelId([id; 32]),
        role,
        term: Term { epoch: Epoch(2), view: View(1) },
        leader: Some(NodeId([1; 32])),
        head: Height(812),
        certified: Height(811),
        finalised: Height(810),
        settled: Height(500),
        settlements: 3,
        calls_per_second: Some(420.0),
        certify_ms: Some(1.5),
        queued: 7,
        valid: Some(2),
        registered: Some(3),
        open_windows: Some(1),
        divergences: Some(0),
        members: vec![
            member(1, "valid", Some(0)),
            member(2, "valid", Some(120)),
            member(3, "not valid", Some(75_000)),
            member(4, "pending", None),
        ],
        windows: vec!["waiting   settlement 4 to height 800 (0badcafe), 1 min 3 s left".into()],
        troubles: Vec::new(),
        proposal: Some(ProposalRow {
            number: 4,
            from_height: Height(500),
            to_height: Height(800),
            closes: false,
        }),
    }
}

fn bare(id: u8) -> Row {
    let troubles = vec!["nothing is certified: heard 1 of 3".into()];
    let (valid, registered) = (None, None);
    let (calls_per_second, certify_ms) = (None, None);
    let (open_windows, divergences) = (None, None);
    let leader = None;
    let (members, windows, proposal) = (Vec::new(), Vec::new(), None);
    Row {
        leader,
        valid,
        registered,
        calls_per_second,
        certify_ms,
        open_windows,
        divergences,
        members,
        windows,
        proposal,
        troubles,
        ..row(id, Role::Waiting)
    }
}

fn look(seconds: u64, channels: Vec<Row>) -> Look {
    Look {
        at: Time(START + seconds * 1_000),
        node: NodeId([1; 32]),
        version: "0.1.0".into(),
        connected_peers: 2,
        chain_unreachable: None,
        channels,
    }
}

fn model() -> Model {
    let mut model = Model::new("ws://127.0.0.1:9101", Duration::from_secs(1));
    for second in 0..40 {
        let mut busy = row(0xc5, Role::Leader);
        busy.calls_per_second = Some(f64::from(u8::try_from(second).unwrap()) * 10.0);
        model.take(Ok(look(second, vec![busy, bare(0xd6), row(0xe7, Role::Follower)])));
    }
    model
}

fn screen(model: &mut Model, columns: u16, rows: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    terminal.draw(|frame| view::draw(frame, model)).unwrap();
    terminal.backend().to_string()
}

fn press(model: &mut Model, code: KeyCode) -> bool {
    model.on_key(KeyEvent::new(code, KeyModifiers::NONE))
}

#[test]
fn shows_the_node_its_channels_and_the_selected_one() {
    insta::assert_snapshot!(screen(&mut model(), 122, 24));
}

#[test]
fn small_terminal_keeps_channels_and_keys_in_sight() {
    insta::assert_snapshot!(screen(&mut model(), 60, 10));
}

#[test]
fn tiny_terminals_are_drawn_without_a_panic() {
    for (columns, rows) in [(1, 1), (3, 2), (20, 4), (400, 3), (5, 60)] {
        let mut model = model();
        press(&mut model, KeyCode::Char('?'));
        let drawn = screen(&mut model, columns, rows);
        assert_eq!(drawn.lines().count(), usize::from(rows), "{columns} by {rows}");
    }
}

#[test]
fn help_names_the_keys_and_goes_again() {
    let mut model = model();
    press(&mut model, KeyCode::Char('?'));
    let shown = screen(&mut model, 100, 24);
    assert!(shown.contains("another channel") && shown.contains("WIN"), "{shown}");
    assert!(!press(&mut model, KeyCode::Esc), "it closes the help alone");
    assert!(!screen(&mut model, 100, 24).contains("another channel"));
}

#[test]
fn arrows_select_and_enter_hides_the_detail() {
    let mut model = model();
    let selected = |model: &Model| model.selected().unwrap().short();
    assert_eq!(selected(&model), "c5c5c5c5");
    press(&mut model, KeyCode::Up);
    assert_eq!(selected(&model), "c5c5c5c5", "nothing is above the first");
    press(&mut model, KeyCode::Down);
    assert_eq!(selected(&model), "d6d6d6d6");
    let shown = screen(&mut model, 122, 24);
    assert!(shown.contains("nothing is certified: heard 1 of 3"), "{shown}");
    press(&mut model, KeyCode::End);
    press(&mut model, KeyCode::PageDown);
    assert_eq!(selected(&model), "e7e7e7e7");
    press(&mut model, KeyCode::Enter);
    assert!(!screen(&mut model, 122, 24).contains("settled   3 times"));
    press(&mut model, KeyCode::Home);
    assert_eq!(selected(&model), "c5c5c5c5");
}

#[test]
fn selection_stays_with_its_channel_and_moves_on_when_that_is_gone() {
    let mut model = model();
    press(&mut model, KeyCode::End);
    model.take(Ok(look(41, vec![row(0xb4, Role::Leader), row(0xe7, Role::Follower)])));
    assert_eq!(model.selected(), Some(ChannelId([0xe7; 32])));
    assert_eq!(model.table.selected(), Some(1));
    model.take(Ok(look(42, vec![row(0xb4, Role::Leader)])));
    assert_eq!(model.selected(), Some(ChannelId([0xb4; 32])));
    model.take(Ok(look(43, Vec::new())));
    assert_eq!(model.selected(), None);
    assert!(screen(&mut model, 122, 24).contains("The node runs no channel."));
    press(&mut model, KeyCode::Down);
}

#[test]
fn says_that_the_node_is_away_and_keeps_what_it_showed() {
    let mut model = model();
    for second in 40..43 {
        model.take(Err(("connection refused".into(), Time(START + second * 1_000))));
    }
    let shown = screen(&mut model, 122, 24);
    assert!(shown.contains("AWAY 1 s, trying again: connection refused"), "{shown}");
    assert!(shown.contains("c5c5c5c5"), "{shown}");
    model.take(Ok(look(60, vec![row(0xc5, Role::Leader)])));
    let shown = screen(&mut model, 122, 24);
    assert!(shown.contains("chain reached  seen for 0 ms"), "{shown}");
}

#[test]
fn chain_that_is_away_is_named_with_its_reason() {
    let mut model = model();
    let unreachable = Some("ws://127.0.0.1:9100 can't be reached".into());
    model.take(Ok(Look { chain_unreachable: unreachable, ..look(41, Vec::new()) }));
    let shown = screen(&mut model, 122, 24);
    assert!(shown.contains("CHAIN UNREACHABLE: ws://127.0.0.1:9100 can't be reached"), "{shown}");
}

#[test]
fn frame_as_text_holds_all_channels_and_the_whole_detail() {
    let mut model = Model::new("ws://n", Duration::from_secs(1));
    let many = (1..60).map(|id| row(id, Role::Follower)).collect();
    model.take(Ok(look(0, many)));
    let text = view::text(&mut model, 120).unwrap();
    for id in 1..60 {
        assert!(text.contains(&ChannelId([id; 32]).short()), "{id} is missing in\n{text}");
    }
    assert!(text.contains("waiting   settlement 4 to height 800"), "{text}");
    assert!(!text.contains("q quit"), "nobody presses a key there");
}

#[test]
fn q_and_control_c_end_it() {
    let mut model = model();
    assert!(press(&mut model, KeyCode::Char('q')));
    assert!(press(&mut model, KeyCode::Esc));
    assert!(!press(&mut model, KeyCode::Char('c')));
    assert!(model.on_key(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL)));
}

#[test]
fn intervals_have_a_unit_and_bounds() {
    assert_eq!(interval("500ms"), Ok(Duration::from_millis(500)));
    assert_eq!(interval("2s"), Ok(Duration::from_secs(2)));
    assert_eq!(interval("1m"), Ok(Duration::from_secs(60)));
    assert!(interval("99ms").is_err() && interval("2h").is_err() && interval("61m").is_err());
    assert!(interval("1").unwrap_err().contains("unit"));
    assert!(interval("18446744073709551615m").is_err());
}
