//! Draws a model. Pure: the same model on the same area gives the same cells.

use fairway_sdk::{NodeId, api::channel::Role};
use ratatui::{
    Frame, Terminal,
    backend::TestBackend,
    layout::{Constraint, Layout, Margin, Rect},
    style::{Color, Style, Stylize},
    text::{Line, Span},
    widgets::{Block, Cell, Clear, Paragraph, Row as TableRow, Sparkline, Table},
};

use super::model::{History, Look, MemberRow, Model, Row};

/// Rows of the detail beside those of members, and all of it at least.
const DETAIL: u16 = 8;
/// Columns of the curves.
const CURVES: u16 = 34;
/// Blocks without a certificate from which on the head is marked: a leader makes no more.
const BEHIND: u64 = 16;

const KEYS: &str = " q quit  ↑↓ channel  Enter detail  ? help ";

const HELP: &str = "\
q, Esc, Ctrl-C   end
↑ ↓ j k          another channel
PgUp PgDn        ten channels on
Home End         the first, the last
Enter            the channel's detail, or not
? h              this help, or not

CALLS/S  in blocks appended here, from notices
WIN      windows open on the chain
DIV      broken rules that this node saw
VALID    valid in the epoch / registered
-        not read yet, or not followed";

pub(super) fn draw(frame: &mut Frame<'_>, model: &mut Model) {
    let [head, body, keys] =
        Layout::vertical([Constraint::Length(2), Constraint::Min(3), Constraint::Length(1)])
            .areas(frame.area());
    frame.render_widget(Paragraph::new(header(model)), head);
    let detail = detail_height(model, body.height);
    let [channels, detail] =
        Layout::vertical([Constraint::Min(3), Constraint::Length(detail)]).areas(body);
    draw_channels(frame, channels, model);
    if detail.height > 0
        && let Some((row, history)) = model.selected_row()
    {
        draw_detail(frame, detail, row, history);
    }
    let every = format!(" every {} ", span(milliseconds(model)));
    frame.render_widget(Line::from(KEYS).reversed(), keys);
    frame.render_widget(Line::from(every).reversed().right_aligned(), keys);
    if model.help {
        draw_help(frame, body);
    }
}

/// A frame as text, as tall as it needs, without colours.
pub(super) fn text(model: &mut Model, columns: u16) -> anyhow::Result<String> {
    let channels = model.shown().map_or(0, |look| look.channels.len());
    let rows = 6 + u16::try_from(channels).unwrap_or(u16::MAX - 64).min(4_096) + wanted(model);
    let mut terminal = Terminal::new(TestBackend::new(columns, rows))?;
    // Nobody presses a key there.
    terminal.draw(|frame| {
        draw(frame, model);
        let area = frame.area();
        let last = Rect { y: area.height.saturating_sub(1), height: 1, ..area };
        frame.render_widget(Clear, last);
    })?;
    let buffer = terminal.backend().buffer();
    let lines = buffer.content().chunks(usize::from(columns)).map(|cells| {
        let line: String = cells.iter().map(|cell| cell.symbol()).collect();
        line.trim_end().to_owned()
    });
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

fn milliseconds(model: &Model) -> u64 {
    u64::try_from(model.interval().as_millis()).unwrap_or(u64::MAX)
}

/// Rows that the detail of the selected channel takes.
fn wanted(model: &Model) -> u16 {
    let Some((row, _)) = model.selected_row().filter(|_| model.detail) else { return 0 };
    let lines = 3 + row.members.len() + notes(row).len();
    u16::try_from(lines).unwrap_or(u16::MAX).clamp(DETAIL + 2, 200)
}

/// At most so much that a few channels stay in sight.
fn detail_height(model: &Model, height: u16) -> u16 {
    wanted(model).min(height.saturating_sub(5))
}

fn header(model: &Model) -> Vec<Line<'_>> {
    let Some(look) = model.shown() else {
        return vec![Line::from(format!("fairway  {}", model.url)), reached(model, None)];
    };
    let first = vec![
        Span::from(format!("fairway {}", look.version)).bold(),
        format!("  node {}  {}  ", look.node.short(), model.url).into(),
        format!("peers {}  channels {}", look.connected_peers, look.channels.len()).into(),
    ];
    vec![Line::from(first), reached(model, Some(look))]
}

/// Whether the node and its chain are reached.
fn reached(model: &Model, look: Option<&Look>) -> Line<'static> {
    if let Some((reason, since)) = &model.away {
        let since = look.map_or(0, |look| since.since(look.at));
        return Line::from(format!("AWAY {}, trying again: {reason}", span(since))).red().bold();
    }
    let Some(look) = look else { return Line::from("asking the node") };
    let seen = span(model.seen_for().unwrap_or_default());
    match &look.chain_unreachable {
        None => Line::from(format!("chain reached  seen for {seen}")).green(),
        Some(reason) => Line::from(format!("CHAIN UNREACHABLE: {reason}")).red().bold(),
    }
}

fn draw_channels(frame: &mut Frame<'_>, area: Rect, model: &mut Model) {
    let names = [
        "CHANNEL",
        "ROLE",
        "LEADER",
        "TERM",
        "HEAD",
        "CERTIFIED",
        "FINAL",
        "SETTLED",
        "CALLS/S",
        "QUEUE",
        "VALID",
        "WIN",
        "DIV",
    ];
    let widths = [9, 8, 9, 7, 10, 10, 10, 10, 8, 6, 6, 4, 4].map(Constraint::Length);
    let rows: Vec<TableRow<'_>> = match model.shown() {
        Some(look) => look.channels.iter().map(table_row).collect(),
        None => Vec::new(),
    };
    let empty = rows.is_empty() && model.shown().is_some();
    let table = Table::new(rows, widths)
        .header(TableRow::new(names).bold())
        .column_spacing(1)
        .row_highlight_style(Style::new().reversed());
    frame.render_stateful_widget(table, area, &mut model.table);
    if empty {
        let below = area.inner(Margin { horizontal: 0, vertical: 1 });
        frame.render_widget(Paragraph::new("The node runs no channel."), below);
    }
}

fn table_row(row: &Row) -> TableRow<'static> {
    let behind = row.head.0.saturating_sub(row.certified.0) >= BEHIND;
    let alarm = |cell: Cell<'static>, is: bool| if is { cell.red() } else { cell };
    let count = |count: Option<usize>| or_dash(count.map(|count| count.to_string()));
    let valid = row.valid.zip(row.registered);
    let channel = Cell::from(row.channel.short());
    TableRow::new([
        alarm(channel, !row.troubles.is_empty()),
        role(row.role),
        Cell::from(or_dash(row.leader.as_ref().map(NodeId::short))),
        Cell::from(row.term.to_string()),
        alarm(Cell::from(row.head.to_string()), behind),
        Cell::from(row.certified.to_string()),
        Cell::from(row.finalised.to_string()),
        Cell::from(row.settled.to_string()),
        Cell::from(or_dash(row.calls_per_second.map(rate))),
        Cell::from(row.queued.to_string()),
        alarm(
            Cell::from(or_dash(valid.map(|(valid, of)| format!("{valid}/{of}")))),
            valid.is_some_and(|(valid, of)| valid < of),
        ),
        alarm(Cell::from(count(row.open_windows)), row.open_windows.is_some_and(|open| open > 0)),
        alarm(Cell::from(count(row.divergences)), row.divergences.is_some_and(|seen| seen > 0)),
    ])
}

fn role(role: Role) -> Cell<'static> {
    match role {
        Role::Waiting => Cell::from("waiting").yellow(),
        Role::Leader => Cell::from("leader").green(),
        Role::Follower => Cell::from("follower"),
        Role::Halted => Cell::from("halted").red(),
        Role::Ended => Cell::from("ended").dim(),
    }
}

fn draw_detail(frame: &mut Frame<'_>, area: Rect, row: &Row, history: &History) {
    let frame_of = Block::bordered().title(format!(" {} ", row.channel));
    let inner = frame_of.inner(area);
    frame.render_widget(frame_of, area);
    let curves = if inner.width >= 70 + CURVES { CURVES } else { 0 };
    let [left, right] =
        Layout::horizontal([Constraint::Min(20), Constraint::Length(curves)]).areas(inner);
    let members = u16::try_from(row.members.len() + 1).unwrap_or(u16::MAX);
    let [table, below] =
        Layout::vertical([Constraint::Length(members), Constraint::Min(0)]).areas(left);
    frame.render_widget(member_table(&row.members), table);
    frame.render_widget(Paragraph::new(notes(row)), below);
    if curves > 0 {
        draw_curves(frame, right, row, history);
    }
}

fn member_table(members: &[MemberRow]) -> Table<'_> {
    let names = ["MEMBER", "NODE", "NO", "STATE", "HEARD", "HEAD", "CERTIFIED"];
    let widths = [9, 9, 4, 10, 10, 10, 10].map(Constraint::Length);
    let rows = members.iter().map(|member| {
        let heard = member.heard_ms.map(|ago| format!("{} ago", span(ago)));
        let state = Cell::from(member.state);
        TableRow::new([
            Cell::from(member.account.short()),
            Cell::from(member.node.short()),
            Cell::from(member.join_sequence.to_string()),
            if member.state == "valid" { state.green() } else { state.yellow() },
            Cell::from(heard.unwrap_or_else(|| "never".into())),
            Cell::from(member.head.to_string()),
            Cell::from(member.certified.to_string()),
        ])
    });
    Table::new(rows, widths).header(TableRow::new(names).bold())
}

/// Settlements, windows and troubles, a line each.
fn notes(row: &Row) -> Vec<Line<'_>> {
    let mut settled = format!("settled   {} times, to height {}", row.settlements, row.settled);
    if let Some(proposal) = &row.proposal {
        let (number, to) = (proposal.number, proposal.to_height);
        settled += &format!("; proposal {number} to height {to} is under way");
        if proposal.closes {
            settled += " and closes";
        }
    }
    let mut lines = vec![Line::from(settled)];
    lines.extend(row.windows.iter().map(|window| Line::from(window.as_str()).yellow()));
    lines.extend(row.troubles.iter().map(|trouble| Line::from(trouble.as_str()).red()));
    lines
}

fn draw_curves(frame: &mut Frame<'_>, area: Rect, row: &Row, history: &History) {
    let [calls, certify] = Layout::vertical([Constraint::Fill(1), Constraint::Fill(1)]).areas(area);
    let now = or_dash(row.calls_per_second.map(rate));
    let title = format!("calls/s {now}");
    draw_curve(frame, calls, title, history.calls.iter(), Color::Green);
    let now = or_dash(row.certify_ms.map(|mean| format!("{mean:.2} ms")));
    let title = format!("block to certified {now}");
    draw_curve(frame, certify, title, history.certify.iter(), Color::Cyan);
}

/// The newest values that fit, the last one at the right.
fn draw_curve<'a>(
    frame: &mut Frame<'_>,
    area: Rect,
    title: String,
    values: impl DoubleEndedIterator<Item = &'a u64>,
    color: Color,
) {
    let mut newest: Vec<u64> = values.rev().take(usize::from(area.width)).copied().collect();
    newest.resize(usize::from(area.width), 0);
    newest.reverse();
    let curve = Sparkline::default().block(Block::new().title(title)).data(newest);
    frame.render_widget(curve.style(Style::new().fg(color)), area);
}

fn draw_help(frame: &mut Frame<'_>, body: Rect) {
    let lines: Vec<&str> = HELP.lines().collect();
    let height = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX);
    let area = body.centered(Constraint::Length(52), Constraint::Length(height));
    frame.render_widget(Clear, area);
    frame.render_widget(Paragraph::new(HELP).block(Block::bordered().title(" help ")), area);
}

fn or_dash(text: Option<String>) -> String {
    text.unwrap_or_else(|| "-".into())
}

fn rate(calls: f64) -> String {
    if calls > 0.0 && calls < 10.0 { format!("{calls:.1}") } else { format!("{calls:.0}") }
}

/// Milliseconds for people.
fn span(milliseconds: u64) -> String {
    let seconds = milliseconds / 1_000;
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0) => format!("{milliseconds} ms"),
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}
