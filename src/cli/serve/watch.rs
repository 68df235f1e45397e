//! The watcher, which reads layers again after a signal, a change of a file, a notification from a
//! database, or the end of a reload period.

use super::config::{ConfigSource, ServeConfig};
use super::loaded_layer::{FileState, Reload, file_state};
use super::reconcile::LayerSet;
use crate::cli::logging::say;
use heatsplat_server::Registry;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

/// The pause that ends a burst of events: 50 ms without a further event. All events of a burst are
/// handled together. A choice.
const BURST: Duration = Duration::from_millis(50);

/// The longest duration of a burst of events. After one second the events so far are handled even
/// if more keep coming. A choice.
const LONGEST_BURST: Duration = Duration::from_secs(1);

/// The longest time between two signs of life of the watcher. `/metrics` shows the time of the last
/// one. A choice.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// The time between two checks of the state of files. A choice.
const LOOK: Duration = Duration::from_secs(1);

/// An event to which the watcher reacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// The signal SIGHUP, which asks to read the configuration and the layers again.
    Hangup,
    /// A notification from a database that a layer has changed. It has the layer's name, or `None`
    /// if all layers may have changed.
    Changed(Option<String>),
}

/// The channel of events to the watcher. It exists from the start of the program, so events that
/// arrive before the watcher runs are not lost.
pub(super) struct Events {
    pub(super) sender: Sender<Event>,
    receiver: Receiver<Event>,
}

impl Events {
    pub(super) fn new() -> Self {
        let (sender, receiver) = mpsc::channel();
        Self { sender, receiver }
    }
}

/// The watcher, which keeps the layers of the server up to date.
pub(super) struct Watcher {
    source: ConfigSource,
    config: ServeConfig,
    set: LayerSet,
    layers: Registry,
    events: Events,
    /// The databases whose notifications a thread listens to, by URL. Setting a database's flag to
    /// false ends its thread at the next notification.
    listeners: HashMap<String, Arc<AtomicBool>>,
    /// The state of the configuration file when it was last read.
    read: FileState,
    /// The state of the configuration file at the last check. A new state counts as a change only
    /// if the next check finds it again, since a file may be half written.
    seen: FileState,
}

impl Watcher {
    /// Makes a watcher of a configuration that was read from `source`. `state` describes the
    /// configuration file as it was just before it was read.
    pub(super) fn new(
        (source, state): (ConfigSource, FileState),
        config: ServeConfig,
        set: LayerSet,
        layers: Registry,
        events: Events,
    ) -> Self {
        Self {
            source,
            config,
            set,
            layers,
            events,
            listeners: HashMap::new(),
            read: state,
            seen: state,
        }
    }

    /// Waits for events and handles them until the program ends.
    pub(super) fn run(mut self) {
        self.listen_to_databases();
        let mut looked = Instant::now();
        loop {
            self.layers.record_look();
            match self.events.receiver.recv_timeout(self.patience()) {
                Ok(first) => self.answer(first),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            // Files are checked even while events keep coming.
            if looked.elapsed() >= LOOK {
                looked = Instant::now();
                self.look_at_files();
                if self.set.has_replaced() {
                    self.reload(&Reload::Replaced);
                }
            }
            if self.set.next_due().is_some_and(|due| due <= Instant::now()) {
                self.reload(&Reload::Due);
            }
        }
    }

    /// The longest time that the watcher waits for an event: until a reload period ends or the next
    /// check of files is due. It is ten seconds at most, so that `/metrics` shows that the watcher
    /// is alive.
    fn patience(&self) -> Duration {
        let until = |due: Instant| due.saturating_duration_since(Instant::now());
        let next = self.set.next_due().map_or(HEARTBEAT, until).min(HEARTBEAT);
        let looks = self.config.server.watch || self.source.path().is_some();
        if looks || self.set.has_ranges() {
            next.min(LOOK)
        } else {
            next
        }
    }

    fn answer(&mut self, first: Event) {
        let all = burst(first, &self.events.receiver);
        if all.contains(&Event::Hangup) {
            self.reload_config(&Reload::All);
        } else if all.contains(&Event::Changed(None)) {
            self.reload(&Reload::All);
        } else {
            for event in all {
                if let Event::Changed(Some(name)) = event {
                    self.reload(&Reload::Layer(name));
                }
            }
        }
    }

    /// Checks the configuration file and the files of points, and reads again those that have
    /// changed. A change counts only if two checks in succession find the same new state.
    fn look_at_files(&mut self) {
        let now = self.source.path().and_then(file_state);
        if now.is_some() && now != self.read && now == self.seen {
            self.reload_config(&Reload::Config);
        }
        self.seen = now;
        if self.config.server.watch && self.set.look_at_files() {
            self.reload(&Reload::Files);
        }
    }

    /// Reads again the layers that `reload` concerns. If this fails, all layers stay unchanged.
    fn reload(&mut self, reload: &Reload) {
        if let Err(error) = self.set.update(&self.config, reload) {
            let error = self.source.name_file(error);
            say!("heatsplat: {error}; everything stays as it was");
            self.layers.record_failure();
            // The layers whose reload period is over were not read. Without this call, the watcher
            // would try again at once, and again without a pause.
            self.set.postpone();
        }
        self.layers.warm();
    }

    /// Reads the configuration again, then the layers that are new in it, that are changed in it,
    /// or that `reload` concerns. If this fails, the old configuration and the old layers stay in
    /// use.
    fn reload_config(&mut self, reload: &Reload) {
        self.read = self.source.path().and_then(file_state);
        let reloaded = self.source.read().and_then(|config| {
            let updated = self.set.update(&config, reload);
            updated.map_err(|error| self.source.name_file(error))?;
            Ok(config)
        });
        let file = self
            .source
            .path()
            .unwrap_or(Path::new("heatsplat"))
            .display();
        match reloaded {
            Err(error) => {
                say!("heatsplat: {error}; everything stays as it was");
                self.layers.record_failure();
            }
            Ok(config) => {
                if config.fixed != self.config.fixed {
                    say!(
                        "heatsplat: {file}: what concerns the server as a whole changes when it is started anew; layers have changed"
                    );
                }
                self.config = config;
                self.listen_to_databases();
            }
        }
        self.layers.warm();
    }

    /// Stops listening to the databases that are no longer in the configuration, and begins to
    /// listen to new ones.
    fn listen_to_databases(&mut self) {
        let databases = &self.config.databases;
        self.listeners.retain(|url, wanted| {
            let still = databases.iter().any(|database| database.url() == url);
            wanted.store(still, Ordering::Relaxed);
            still
        });
        for database in databases {
            if self.listeners.contains_key(database.url()) {
                continue;
            }
            let wanted = Arc::new(AtomicBool::new(true));
            let sender = self.events.sender.clone();
            database.listen(Arc::clone(&wanted), move |layer| {
                sender.send(Event::Changed(layer)).is_ok()
            });
            self.listeners.insert(database.url().to_owned(), wanted);
        }
    }
}

/// Collects `first` and the events that follow it in a burst. Of equal events only the first is
/// kept.
fn burst(first: Event, events: &Receiver<Event>) -> Vec<Event> {
    let start = Instant::now();
    let mut all = vec![first];
    while let Ok(more) = events.recv_timeout(BURST) {
        if !all.contains(&more) {
            all.push(more);
        }
        if start.elapsed() >= LONGEST_BURST {
            break;
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;
    use std::thread;

    #[test]
    fn who_never_stops_talking_is_answered() {
        let (sender, events) = channel();
        let answered = Arc::new(AtomicBool::new(false));
        let heard = Arc::clone(&answered);
        // The thread returns `true` if the burst ended while the thread was still sending, within
        // about ten seconds.
        let talker = thread::spawn(move || {
            (0..1000).any(|number| {
                let name = Event::Changed(Some(format!("layer {}", number % 3)));
                let _ = sender.send(name);
                thread::sleep(BURST / 5);
                heard.load(Ordering::Relaxed)
            })
        });
        let all = burst(Event::Hangup, &events);
        answered.store(true, Ordering::Relaxed);
        assert!(talker.join().is_ok_and(|in_time| in_time));
        assert!(all.len() <= 4 && all[0] == Event::Hangup, "{all:?}");
    }
}
