//! Draws until somebody ends it, and leaves the terminal as it was, however it ends.

use std::{process::ExitCode, thread, time::Duration};

use anyhow::Context;
use fairway::driver::clock;
use fairway_sdk::ChannelId;
use fairway_types::Time;
use ratatui::{
    DefaultTerminal,
    crossterm::event::{self, Event, KeyEventKind},
};
use tokio::{
    select,
    signal::unix::{SignalKind, signal},
    sync::{mpsc, watch},
    time::{MissedTickBehavior, interval},
};

use super::{
    feed::Feed,
    model::{Look, Model},
    view,
};

/// How long the thread that reads keys waits for one before it looks whether it is to end.
const KEY_WAIT: Duration = Duration::from_millis(100);
/// Keys that wait to be handled.
const KEYS: usize = 64;

type Looked = Result<Look, (String, Time)>;

/// The terminal in raw mode, on its other screen. Dropping it restores it; a panic does too, before it
/// is printed.
struct Screen(DefaultTerminal);

impl Screen {
    fn open() -> anyhow::Result<Self> {
        Ok(Self(ratatui::try_init().context("the terminal can't be drawn on")?))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.0.show_cursor();
        ratatui::restore();
    }
}

pub(super) async fn run(feed: Feed, mut model: Model) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::new()?;
    let mut screen = Screen::open()?;
    let (selected, selection) = watch::channel(model.selected());
    let (found, mut looks) = mpsc::channel(1);
    let asking = tokio::spawn(ask(feed, model.interval(), selection, found));
    let mut events = events();
    loop {
        screen.0.draw(|frame| view::draw(frame, &mut model)).context("drawing")?;
        select! {
            () = signals.recv() => break,
            event = events.recv() => {
                // Another size is drawn in the next turn, like everything else.
                let event = event.context("the terminal gives no keys any more")?;
                if let Event::Key(key) = event && key.kind == KeyEventKind::Press {
                    if model.on_key(key) {
                        break;
                    }
                    selected.send_replace(model.selected());
                }
            }
            look = looks.recv() => {
                model.take(look.context("the node is asked no more")?);
                selected.send_replace(model.selected());
            }
        }
    }
    asking.abort();
    Ok(ExitCode::SUCCESS)
}

/// Looks at the node at every tick, until nobody takes what it finds.
async fn ask(
    mut feed: Feed,
    every: Duration,
    selection: watch::Receiver<Option<ChannelId>>,
    found: mpsc::Sender<Looked>,
) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let selected = *selection.borrow();
        let look = feed.look(selected).await.map_err(|error| (error.to_string(), clock()));
        if found.send(look).await.is_err() {
            return;
        }
    }
}

/// What asks the program to end: Ctrl-C in raw mode is a key.
struct Signals([tokio::signal::unix::Signal; 3]);

impl Signals {
    fn new() -> anyhow::Result<Self> {
        let on = |kind| signal(kind).context("waiting for a signal");
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        let [interrupt, terminate, hangup] = kinds.map(on);
        Ok(Self([interrupt?, terminate?, hangup?]))
    }

    async fn recv(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

/// What the terminal gives, from a thread, since reading it blocks; until nobody takes it.
fn events() -> mpsc::Receiver<Event> {
    let (sender, events) = mpsc::channel(KEYS);
    thread::spawn(move || {
        while !sender.is_closed() {
            let event = match event::poll(KEY_WAIT) {
                Ok(false) => continue,
                Ok(true) => event::read(),
                Err(error) => Err(error),
            };
            let Ok(event) = event else { return };
            if sender.blocking_send(event).is_err() {
                return;
            }
        }
    });
    events
}
