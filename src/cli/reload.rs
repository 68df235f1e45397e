//! When layers are read again: after a while, on SIGHUP, when the database says so.

use heatsplat_loader::postgis::{Address, Change, listen};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

/// Notifications that come in a burst are answered once.
const BURST: Duration = Duration::from_millis(50);

/// Says when something has to be read again; the first word may come at any time.
pub(super) fn watch_signals(sender: Sender<Change>) {
    // Without a runtime there is no memory for anything else either.
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    else {
        return;
    };
    thread::spawn(move || {
        #[cfg(unix)]
        runtime.block_on(async {
            use tokio::signal::unix::{SignalKind, signal};
            let Ok(mut hangups) = signal(SignalKind::hangup()) else {
                return;
            };
            while hangups.recv().await.is_some() && sender.send(Change::Everything).is_ok() {}
        });
        #[cfg(not(unix))]
        drop((runtime, sender));
    });
}

/// Listens to a database for as long as the program runs.
pub(super) fn watch_database(address: Address, sender: Sender<Change>) {
    thread::spawn(move || {
        if let Err(error) = listen(&address, |change| sender.send(change).is_ok()) {
            eprintln!("heatsplat: can't listen to {address}: {error}");
        }
    });
}

/// How often files are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Looks at files for as long as the program runs, and names the layer of one that has
/// changed: not before it is the same twice, since it may be half written.
pub(super) fn watch_files(files: Vec<(PathBuf, String)>, sender: Sender<Change>) {
    thread::spawn(move || {
        let state = |path: &PathBuf| {
            let metadata = path.metadata().ok()?;
            Some((metadata.len(), metadata.modified().ok()?))
        };
        let mut known: Vec<_> = files.iter().map(|(path, _)| state(path)).collect();
        let mut last = known.clone();
        loop {
            thread::sleep(LOOK);
            for ((path, layer), (known, last)) in files.iter().zip(known.iter_mut().zip(&mut last))
            {
                let now = state(path);
                // a file that is gone may be about to be replaced
                if now.is_some() && now != *known && now == *last {
                    *known = now;
                    if sender.send(Change::Layer(layer.clone())).is_err() {
                        return;
                    }
                }
                *last = now;
            }
        }
    });
}

/// Calls `again` for every change, and for everything after every `period`; blocks.
pub(super) fn on_changes(
    changes: &Receiver<Change>,
    period: Option<Duration>,
    mut again: impl FnMut(&Change),
) {
    let mut last = Instant::now();
    loop {
        let left = period.map_or(Duration::MAX, |period| {
            period.saturating_sub(last.elapsed())
        });
        let first = match changes.recv_timeout(left.min(Duration::from_secs(3600))) {
            Ok(change) => change,
            Err(RecvTimeoutError::Timeout) if period.is_some_and(|p| last.elapsed() >= p) => {
                Change::Everything
            }
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let mut all = vec![first];
        while let Ok(more) = changes.recv_timeout(BURST) {
            if !all.contains(&more) {
                all.push(more);
            }
        }
        if all.contains(&Change::Everything) {
            all = vec![Change::Everything];
            last = Instant::now();
        }
        all.iter().for_each(&mut again);
    }
}

/// `90s`, `10m`, `2h`.
pub(super) fn period(text: &str) -> Result<Duration, &'static str> {
    const EXPECTED: &str = "expected a time like 90s, 10m or 2h";
    let (number, unit) = text
        .split_at_checked(text.len().saturating_sub(1))
        .ok_or(EXPECTED)?;
    let number: u64 = number.parse().map_err(|_| EXPECTED)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err(EXPECTED),
    };
    let period = number.checked_mul(seconds).filter(|&s| s > 0);
    period.map(Duration::from_secs).ok_or(EXPECTED)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn periods() {
        assert_eq!(period("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(period("10m"), Ok(Duration::from_secs(600)));
        assert_eq!(period("2h"), Ok(Duration::from_secs(7200)));
        for bad in ["", "m", "0s", "-1s", "10", "1.5h", "10 m", "5é"] {
            assert!(period(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_burst_is_one_change_and_time_is_one_too() {
        let (sender, changes) = mpsc::channel();
        for name in ["a", "b", "a"] {
            sender.send(Change::Layer(name.to_owned())).unwrap();
        }
        let mut seen = Vec::new();
        let mut sender = Some(sender);
        on_changes(&changes, Some(Duration::from_millis(150)), |change| {
            seen.push(change.clone());
            if *change == Change::Everything {
                sender = None;
            }
        });
        let layer = |name: &str| Change::Layer(name.to_owned());
        assert_eq!(seen, [layer("a"), layer("b"), Change::Everything]);
    }
}
