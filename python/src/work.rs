//! Work that takes long: it runs without the interpreter's lock, and a signal, like the one that
//! Ctrl-C sends, ends it.

use crate::errors;
use heatsplat::points::cancel::{self, CancelToken, InheritedToken};
use pyo3::prelude::*;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, OnceLock, PoisonError};
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
    interruptible_with(py, &Reporter::new(None), work)
}

/// Runs work as [`interruptible`] does. The work also ends if the function of `reporter` raises an
/// exception.
pub(crate) fn interruptible_with<T: Send>(
    py: Python<'_>,
    reporter: &Reporter,
    work: impl FnOnce() -> T + Send,
) -> PyResult<T> {
    refuse_fork()?;
    let token = &reporter.token;
    py.detach(|| {
        std::thread::scope(|scope| {
            let (done, ended) = channel::<()>();
            let worker = scope.spawn(|| {
                // The sender is dropped when the work ends in any way.
                let _done = done;
                token.run(work)
            });
            while ended.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
                if let Err(error) = Python::attach(|py| py.check_signals()) {
                    reporter.end(error);
                }
            }
            let result = worker.join();
            match (reporter.take_raised(), result) {
                (Some(error), _) => Err(error),
                (None, Ok(Ok(result))) => Ok(result),
                (None, Ok(Err(cancelled))) => Err(errors::other(cancelled)),
                (None, Err(_)) => Err(errors::other("heatsplat panicked: please report it")),
            }
        })
    })
}

/// A function of Python that gets the progress of work, and the exception that ends the work.
pub(crate) struct Reporter {
    function: Option<Py<PyAny>>,
    token: CancelToken,
    /// The token for threads that do a part of the work.
    inherited: InheritedToken,
    raised: Mutex<Option<PyErr>>,
}

impl Reporter {
    pub(crate) fn new(function: Option<Py<PyAny>>) -> Self {
        let token = CancelToken::default();
        // A new token runs everything.
        let inherited = token.run(cancel::inherit);
        Self {
            function,
            inherited: inherited.unwrap_or_else(|_| cancel::inherit()),
            token,
            raised: Mutex::new(None),
        }
    }

    /// Calls the function with the amount of work that is done and that of all work, if it is
    /// known. Doesn't return if the work must end.
    pub(crate) fn report(&self, done: u64, total: Option<u64>) {
        if let Some(function) = &self.function {
            let called = Python::attach(|py| function.call1(py, (done, total)).map(drop));
            if let Err(error) = called {
                self.end(error);
            }
        }
        self.check();
    }

    /// Doesn't return if the work must end.
    pub(crate) fn check(&self) {
        self.inherited.run(|| ());
    }

    /// Ends the work. Of several exceptions the first is raised.
    fn end(&self, error: PyErr) {
        let mut raised = self.raised.lock().unwrap_or_else(PoisonError::into_inner);
        raised.get_or_insert(error);
        self.token.cancel();
    }

    fn take_raised(&self) -> Option<PyErr> {
        let mut raised = self.raised.lock().unwrap_or_else(PoisonError::into_inner);
        raised.take()
    }
}
