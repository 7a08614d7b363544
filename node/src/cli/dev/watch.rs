//! Changes of an app's Move source: Move.toml and everything under sources/.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::{
    sync::mpsc::{self, Receiver},
    time::timeout,
};

/// A change is over when nothing has happened for so long: editors write in steps.
const QUIET: Duration = Duration::from_millis(100);

pub(super) struct Changes {
    watcher: RecommendedWatcher,
    sources: PathBuf,
    /// One place: a change that nobody has taken yet stands for all after it.
    woken: Receiver<()>,
    /// A change was taken, and is not told yet.
    begun: bool,
}

impl Changes {
    /// Of the package in a folder, from now on.
    pub(super) fn of(folder: &Path) -> anyhow::Result<Self> {
        let sources = folder.join("sources");
        let (wake, woken) = mpsc::channel(1);
        let watched = sources.clone();
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            // What the system could not tell may have been a change.
            if event.is_ok_and(|event| !matters(&event, &watched)) {
                return;
            }
            let _ = wake.try_send(());
        })
        .context("watching files")?;
        watcher
            .watch(folder, RecursiveMode::NonRecursive)
            .with_context(|| format!("watching {}", folder.display()))?;
        let mut changes = Self { watcher, sources, woken, begun: false };
        changes.follow();
        Ok(changes)
    }

    /// Returns after the next change, when it is over. Who stops waiting loses none.
    pub(super) async fn next(&mut self) -> anyhow::Result<()> {
        if !self.begun {
            if self.woken.recv().await.is_none() {
                bail!("nobody watches the files any more");
            }
            self.begun = true;
        }
        while let Ok(Some(())) = timeout(QUIET, self.woken.recv()).await {}
        self.begun = false;
        self.follow();
        Ok(())
    }

    /// Watches sources/ as it is now: it may be another folder than before, or not be there.
    fn follow(&mut self) {
        let _ = self.watcher.unwatch(&self.sources);
        let _ = self.watcher.watch(&self.sources, RecursiveMode::Recursive);
    }
}

/// Whether something was written that a package is read from. Reading is an event too.
fn matters(event: &Event, sources: &Path) -> bool {
    let written = matches!(
        event.kind,
        EventKind::Create(_) | EventKind::Modify(_) | EventKind::Remove(_) | EventKind::Any
    );
    let of_package = |path: &PathBuf| {
        path.starts_with(sources) || path.file_name().is_some_and(|name| name == "Move.toml")
    };
    written && (event.need_rescan() || event.paths.is_empty() || event.paths.iter().any(of_package))
}
