//! Signals, heard from the first moment on: before anything is read, one of them would end the
//! program as if it had broken off.

use super::watch::Told;
use heatsplat_server::Stop;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};

/// What SIGINT and SIGTERM end in order.
#[derive(Clone, Default)]
pub(super) struct Ending(Arc<Mutex<Option<Stop>>>);

impl Ending {
    /// From now on there is a server to stop; until now nothing was being answered.
    pub(super) fn stops(&self, stop: Stop) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(stop);
    }

    #[cfg(unix)]
    fn now(&self) {
        match &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(stop) => stop.stop(),
            None => std::process::exit(0),
        }
    }
}

/// Hears signals from now on: passes SIGHUPs on, and ends the server on SIGINT and SIGTERM.
#[cfg(unix)]
pub(super) fn hear(hangups: Sender<Told>) -> Ending {
    use std::thread;
    use tokio::signal::unix::{SignalKind, signal};
    let ending = Ending::default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    // Without a runtime there is no memory for anything else either.
    let Ok(runtime) = runtime else {
        return ending;
    };
    let heard = {
        let _within = runtime.enter();
        let kinds = [
            SignalKind::hangup(),
            SignalKind::interrupt(),
            SignalKind::terminate(),
        ];
        kinds.map(signal)
    };
    let [Ok(mut hangup), Ok(mut interrupt), Ok(mut terminate)] = heard else {
        return ending;
    };
    let ends = ending.clone();
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
                    let _ = hangups.send(Told::Hangup);
                } else {
                    ends.now();
                }
            }
        });
    });
    ending
}

/// Other systems have none of these.
#[cfg(not(unix))]
pub(super) fn hear(_: Sender<Told>) -> Ending {
    Ending::default()
}
