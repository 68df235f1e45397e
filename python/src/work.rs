//! Work that takes long: it runs without the interpreter's lock, and a signal, like the one that
//! Ctrl-C sends, ends it.

use crate::errors;
use heatsplat::points::cancel::CancelToken;
use pyo3::prelude::*;
use std::sync::OnceLock;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// The time between two checks whether a signal has arrived, like the one that Ctrl-C sends. A
/// choice.
pub(crate) const LOOK: Duration = Duration::from_millis(50);

/// Refuses to work in a process that was forked from one that has drawn or loaded before. The
/// threads that work are not copied by a fork, so the work would never end.
pub(crate) fn refuse_fork() -> PyResult<()> {
    static FIRST: OnceLock<u32> = OnceLock::new();
    let now = std::process::id();
    if *FIRST.get_or_init(|| now) == now {
        return Ok(());
    }
    Err(errors::other(
        "this process was forked from one that has used heatsplat, and its threads are not here: \
         start processes by the method \"spawn\" or \"forkserver\" of multiprocessing",
    ))
}

/// Runs work that is short, on this thread and without the interpreter's lock. Signals wait until
/// it has ended.
pub(crate) fn detached<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> PyResult<T> {
    refuse_fork()?;
    Ok(py.detach(work))
}

/// Runs work on another thread, without the interpreter's lock. If a signal arrives whose handler
/// raises an exception, as the handler of Ctrl-C does, the work is cancelled, and the exception is
/// returned.
pub(crate) fn interruptible<T: Send>(
    py: Python<'_>,
    work: impl FnOnce() -> T + Send,
) -> PyResult<T> {
    refuse_fork()?;
    let token = CancelToken::new(None, u64::MAX);
    py.detach(|| {
        std::thread::scope(|scope| {
            let (done, ended) = channel::<()>();
            let worker = scope.spawn(|| {
                // The sender is dropped when the work ends in any way.
                let _done = done;
                token.run(work)
            });
            let mut raised = None;
            while ended.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
                if raised.is_none()
                    && let Err(error) = Python::attach(|py| py.check_signals())
                {
                    raised = Some(error);
                    token.cancel();
                }
            }
            let result = worker.join();
            match (raised, result) {
                (Some(error), _) => Err(error),
                (None, Ok(Ok(result))) => Ok(result),
                (None, Ok(Err(cancelled))) => Err(errors::other(cancelled)),
                (None, Err(_)) => Err(errors::other("heatsplat panicked: please report it")),
            }
        })
    })
}
