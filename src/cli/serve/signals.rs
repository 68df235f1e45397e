//! Handling of signals. It begins before the configuration is read, since a signal without a
//! handler would end the program with an error.

use super::watch::Event;
use heatsplat_server::StopHandle;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};

/// The orderly stop of the server at SIGINT or SIGTERM: running requests are answered, and then the
/// server ends. A second signal ends the program at once.
#[derive(Clone, Default)]
pub(super) struct Shutdown(Arc<Mutex<Option<StopHandle>>>);

impl Shutdown {
    /// Sets the server that the next SIGINT or SIGTERM stops. Before this call, such a signal ends
    /// the program at once.
    pub(super) fn set_server(&self, stop: StopHandle) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(stop);
    }

    #[cfg(unix)]
    fn begin(&self) {
        // Taking the server out means that the next signal finds none, and ends the program.
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(stop) => stop.stop(),
            None => std::process::exit(0),
        }
    }
}

/// Handles signals on a separate thread: a SIGHUP is sent to `events` as an event, a SIGINT or
/// SIGTERM shuts the server down.
#[cfg(unix)]
pub(super) fn listen(events: Sender<Event>) -> Shutdown {
    use std::thread;
    use tokio::signal::unix::{SignalKind, signal};
    let shutdown = Shutdown::default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    // The construction of a runtime fails only if the system lacks memory or file handles. Signals
    // are not handled then.
    let Ok(runtime) = runtime else {
        return shutdown;
    };
    let signals = {
        let _within = runtime.enter();
        let kinds = [
            SignalKind::hangup(),
            SignalKind::interrupt(),
            SignalKind::terminate(),
        ];
        kinds.map(signal)
    };
    let [Ok(mut hangup), Ok(mut interrupt), Ok(mut terminate)] = signals else {
        return shutdown;
    };
    let on_signal = shutdown.clone();
    thread::spawn(move || {
        runtime.block_on(async {
            loop {
                let hung_up = tokio::select! {
                    Some(()) = hangup.recv() => true,
                    Some(()) = interrupt.recv() => false,
                    Some(()) = terminate.recv() => false,
                    else => return,
                };
                if hung_up {
                    let _ = events.send(Event::Hangup);
                } else {
                    on_signal.begin();
                }
            }
        });
    });
    shutdown
}

/// Does nothing, since only Unix systems have SIGHUP, SIGINT and SIGTERM.
#[cfg(not(unix))]
pub(super) fn listen(_: Sender<Event>) -> Shutdown {
    Shutdown::default()
}
