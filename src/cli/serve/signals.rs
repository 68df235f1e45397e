//! Signals. Handling begins before anything is read, since an unhandled signal would end the
//! program with an error.

use super::watch::Event;
use heatsplat_server::StopHandle;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};

/// Graceful shutdown on SIGINT and SIGTERM: the server answers the open requests and then ends.
#[derive(Clone, Default)]
pub(super) struct Shutdown(Arc<Mutex<Option<StopHandle>>>);

impl Shutdown {
    /// Sets the server to stop. Before that, a signal ends the program at once.
    pub(super) fn set_server(&self, stop: StopHandle) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(stop);
    }

    #[cfg(unix)]
    fn begin(&self) {
        match &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(stop) => stop.stop(),
            None => std::process::exit(0),
        }
    }
}

/// Handles signals on a separate thread: sends SIGHUP to `events`, and shuts the server down on
/// SIGINT and SIGTERM.
#[cfg(unix)]
pub(super) fn listen(events: Sender<Event>) -> Shutdown {
    use std::thread;
    use tokio::signal::unix::{SignalKind, signal};
    let shutdown = Shutdown::default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    // If there is no runtime, there is no memory for anything else either.
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

/// Handles no signals, since systems other than Unix have none of these.
#[cfg(not(unix))]
pub(super) fn listen(_: Sender<Event>) -> Shutdown {
    Shutdown::default()
}
