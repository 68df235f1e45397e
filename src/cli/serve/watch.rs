//! What happens to a set-up while it is served: files and databases change, and so does the
//! file that it is written in.

use super::config::Setup;
use super::config::source::Book;
use super::reconcile::{Again, Shelf, State, state};
use heatsplat_render::say;
use heatsplat_server::Layers;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

/// Notifications that come in a burst are answered once.
const BURST: Duration = Duration::from_millis(50);

/// However long a burst is, it is answered after this time.
const LONGEST_BURST: Duration = Duration::from_secs(1);

/// How often files are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// What somebody says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// SIGHUP.
    Hangup,
    /// A database, of a layer or of all.
    Changed(Option<String>),
}

/// Keeps layers as the set-up wants them.
pub(super) struct Keeper {
    book: Book,
    setup: Setup,
    shelf: Shelf,
    layers: Layers,
    sender: Sender<Told>,
    told: Receiver<Told>,
    /// Databases that are listened to, and whether they still are to be.
    heard: HashMap<String, Arc<AtomicBool>>,
    /// Of the file of the set-up when it was read last, and when it was looked at last.
    read: State,
    seen: State,
}

impl Keeper {
    /// A set-up that is served as its book had it `written`; what has been told since the program
    /// began waits in the channel.
    pub(super) fn new(
        (book, written): (Book, State),
        setup: Setup,
        shelf: Shelf,
        layers: Layers,
        (sender, told): (Sender<Told>, Receiver<Told>),
    ) -> Self {
        Self {
            book,
            setup,
            shelf,
            layers,
            sender,
            told,
            heard: HashMap::new(),
            read: written,
            seen: written,
        }
    }

    /// Waits for what changes, for as long as the program runs.
    pub(super) fn run(mut self) {
        self.hear_databases();
        let mut looked = Instant::now();
        loop {
            match self.told.recv_timeout(self.patience()) {
                Ok(first) => self.answer(first),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            // However much is said meanwhile.
            if looked.elapsed() >= LOOK {
                looked = Instant::now();
                self.look();
            }
            if self.shelf.next().is_some_and(|due| due <= Instant::now()) {
                self.again(&Again::Due);
            }
        }
    }

    /// How long nothing is to be done.
    fn patience(&self) -> Duration {
        let until = |due: Instant| due.saturating_duration_since(Instant::now());
        let next = self.shelf.next().map_or(Duration::from_secs(3600), until);
        if self.setup.server.watch || self.book.file().is_some() {
            next.min(LOOK)
        } else {
            next
        }
    }

    fn answer(&mut self, first: Told) {
        let all = burst(first, &self.told);
        if all.contains(&Told::Hangup) {
            self.renew(&Again::Everything);
        } else if all.contains(&Told::Changed(None)) {
            self.again(&Again::Everything);
        } else {
            for told in all {
                if let Told::Changed(Some(name)) = told {
                    self.again(&Again::Layer(name));
                }
            }
        }
    }

    /// Looks at files.
    fn look(&mut self) {
        let now = self.book.file().and_then(state);
        if now.is_some() && now != self.read && now == self.seen {
            self.renew(&Again::Setup);
        }
        self.seen = now;
        if self.setup.server.watch && self.shelf.look() {
            self.again(&Again::Files);
        }
    }

    /// Reads what is due again.
    fn again(&mut self, again: &Again) {
        if let Err(error) = self.shelf.update(&self.setup, again) {
            let error = self.book.failed(error);
            say!("heatsplat: {error}; everything stays as it was");
            // not at once again
            self.shelf.put_off();
        }
        self.layers.warm();
    }

    /// Reads the set-up again; one that can't be leaves the old in force.
    fn renew(&mut self, again: &Again) {
        self.read = self.book.file().and_then(state);
        let renewed = self.book.read().and_then(|setup| {
            let updated = self.shelf.update(&setup, again);
            updated.map_err(|error| self.book.failed(error))?;
            Ok(setup)
        });
        let file = self.book.file().unwrap_or(Path::new("heatsplat")).display();
        match renewed {
            Err(error) => say!("heatsplat: {error}; everything stays as it was"),
            Ok(setup) => {
                if setup.fixed != self.setup.fixed {
                    say!(
                        "heatsplat: {file}: what concerns the server as a whole changes when it is started anew; layers have changed"
                    );
                }
                self.setup = setup;
                self.hear_databases();
            }
        }
        self.layers.warm();
    }

    /// Listens to the databases there are, and no more to those that are gone.
    fn hear_databases(&mut self) {
        let databases = &self.setup.databases;
        self.heard.retain(|url, wanted| {
            let still = databases.iter().any(|database| database.url() == url);
            wanted.store(still, Ordering::Relaxed);
            still
        });
        for database in databases {
            if self.heard.contains_key(database.url()) {
                continue;
            }
            let wanted = Arc::new(AtomicBool::new(true));
            let sender = self.sender.clone();
            database.listen(Arc::clone(&wanted), move |layer| {
                sender.send(Told::Changed(layer)).is_ok()
            });
            self.heard.insert(database.url().to_owned(), wanted);
        }
    }
}

/// All that is said together with the first, each thing once.
fn burst(first: Told, told: &Receiver<Told>) -> Vec<Told> {
    let begun = Instant::now();
    let mut all = vec![first];
    while let Ok(more) = told.recv_timeout(BURST) {
        if !all.contains(&more) {
            all.push(more);
        }
        if begun.elapsed() >= LONGEST_BURST {
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
        let (sender, told) = channel();
        let answered = Arc::new(AtomicBool::new(false));
        let heard = Arc::clone(&answered);
        // whether an answer came before ten seconds of it were over
        let talker = thread::spawn(move || {
            (0..1000).any(|number| {
                let name = Told::Changed(Some(format!("layer {}", number % 3)));
                let _ = sender.send(name);
                thread::sleep(BURST / 5);
                heard.load(Ordering::Relaxed)
            })
        });
        let all = burst(Told::Hangup, &told);
        answered.store(true, Ordering::Relaxed);
        assert!(talker.join().is_ok_and(|in_time| in_time));
        assert!(all.len() <= 4 && all[0] == Told::Hangup, "{all:?}");
    }
}
