//! Cancellation: work that ends early, at a deadline or because its result is no longer wanted.
//!
//! Long loops call [`check`] with the amount of work that they have done. Where the work's
//! [`CancelToken`] has ended, `check` unwinds the thread's stack up to [`CancelToken::run`], which
//! returns the reason. So the functions between need no error for it, and none of them can return
//! half a result by mistake. Without a token `check` only counts.
//!
//! Work also ends in this way if it needs points that can't be read: see
//! [`Points::from_paged`](crate::Points::from_paged).
//!
//! The token belongs to a thread while `run` works. Code that passes parts of its work to other
//! threads gives them the token by [`inherit`].

use crate::read_error::ReadError;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The units of work between two looks at a token, if no single call of [`check`] counts more. A
/// unit is about a nanosecond of one core of 2023. A look takes 60 ns, so looks take 1/2000 of the
/// time.
pub const UNITS_BETWEEN_LOOKS: u64 = 1 << 17;

/// The reason why work ended early.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Cancelled {
    /// [`CancelToken::cancel`] was called.
    #[error("the result is no longer wanted")]
    Unwanted,
    /// The token's deadline has passed.
    #[error("the deadline has passed")]
    Deadline,
    /// The work was more than the token allows.
    #[error("the work is more than is allowed")]
    TooMuchWork,
    /// Points that the work needs can't be read.
    #[error(transparent)]
    Unreadable(#[from] ReadError),
}

/// A token by which work is ended early on all threads that do parts of it. Clones are the same
/// token.
#[derive(Clone, Debug)]
pub struct CancelToken(Arc<TokenState>);

#[derive(Debug)]
struct TokenState {
    /// The token of the larger work that this work is a part of; if it ends, this token ends too.
    /// `None` if there is no larger work.
    parent: Option<CancelToken>,
    unwanted: AtomicBool,
    deadline: Option<Instant>,
    /// The most units of work that may be done under the token.
    most: u64,
    /// The units of work that all threads have reported so far.
    done: AtomicU64,
}

thread_local! {
    /// The token of the work that this thread does.
    static TOKEN: RefCell<Option<CancelToken>> = const { RefCell::new(None) };
    /// The units of work that this thread may do until its next look at its token.
    static LEFT: Cell<u64> = const { Cell::new(u64::MAX) };
}

impl Default for CancelToken {
    fn default() -> Self {
        Self::new(None, u64::MAX)
    }
}

impl CancelToken {
    /// A token that ends work at `deadline`, if there is one, and after `most` units of work.
    pub fn new(deadline: Option<Instant>, most: u64) -> Self {
        Self::with_parent(None, deadline, most)
    }

    /// A token for a part of this token's work. It ends when this token ends, at `deadline`, if
    /// there is one, or after `most` units of work of the part, whichever comes first.
    pub fn child(&self, deadline: Option<Instant>, most: u64) -> Self {
        Self::with_parent(Some(self.clone()), deadline, most)
    }

    fn with_parent(parent: Option<Self>, deadline: Option<Instant>, most: u64) -> Self {
        Self(Arc::new(TokenState {
            parent,
            unwanted: AtomicBool::new(false),
            deadline,
            most,
            done: AtomicU64::new(0),
        }))
    }

    /// Ends the work that is done under this token. Each thread notices it at its next look at the
    /// token.
    pub fn cancel(&self) {
        self.0.unwanted.store(true, Ordering::Relaxed);
    }

    /// The units of work that were done under this token. Each thread reports its units when it
    /// looks at the token, and when its work under the token ends.
    pub fn work_done(&self) -> u64 {
        self.0.done.load(Ordering::Relaxed)
    }

    /// The reason why work under this token must end; `None` if it may go on.
    pub fn reason(&self) -> Option<Cancelled> {
        if self.0.unwanted.load(Ordering::Relaxed) {
            return Some(Cancelled::Unwanted);
        }
        if let Some(reason) = self.0.parent.as_ref().and_then(Self::reason) {
            return Some(reason);
        }
        if self.work_done() > self.0.most {
            return Some(Cancelled::TooMuchWork);
        }
        let passed = self.0.deadline.is_some_and(|at| Instant::now() >= at);
        passed.then_some(Cancelled::Deadline)
    }

    /// The time until this token's deadline, or until the deadline of the larger work that this
    /// work is a part of, whichever is earlier; `None` if neither has a deadline.
    fn time_left(&self) -> Option<Duration> {
        let own = self.0.deadline;
        let own = own.map(|at| at.saturating_duration_since(Instant::now()));
        let parent = self.0.parent.as_ref().and_then(Self::time_left);
        match (own, parent) {
            (Some(own), Some(parent)) => Some(own.min(parent)),
            (own, parent) => own.or(parent),
        }
    }

    /// Runs work under this token, on this thread and on those that [`inherit`] it.
    ///
    /// # Errors
    /// The reason why the work ended early. Panics of the work pass through.
    pub fn run<T>(&self, work: impl FnOnce() -> T) -> Result<T, Cancelled> {
        let inherited = InheritedToken(Some(self.clone()));
        // The state that the work leaves behind is that of a panic: caches keep whole values only.
        catch_unwind(AssertUnwindSafe(|| inherited.run(work))).map_err(|payload| {
            match payload.downcast::<Cancelled>() {
                Ok(reason) => *reason,
                Err(panic) => resume_unwind(panic),
            }
        })
    }
}

/// The token of the thread that called [`inherit`], for threads that do a part of its work.
#[derive(Clone, Debug)]
pub struct InheritedToken(Option<CancelToken>);

/// Returns the token of the calling thread, for threads that do a part of its work.
pub fn inherit() -> InheritedToken {
    InheritedToken(TOKEN.with_borrow(Clone::clone))
}

/// The time until the deadline of the work that this thread does; `None` if the work has no
/// deadline, or no token. Work that waits for something should not wait longer.
pub fn time_left() -> Option<Duration> {
    TOKEN.with_borrow(|token| token.as_ref().and_then(CancelToken::time_left))
}

/// Runs work under no token, so that it is always finished. It is for results that other work needs
/// too, not only the work that is being cancelled.
pub fn shielded<T>(work: impl FnOnce() -> T) -> T {
    InheritedToken(None).run(work)
}

impl InheritedToken {
    /// Runs `work` under the inherited token, and afterwards restores the token that this thread
    /// had before. If the inherited token has ended already, the work isn't begun, and the stack is
    /// unwound as by [`check`].
    pub fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        if let Some(reason) = self.0.as_ref().and_then(CancelToken::reason) {
            unwind(reason);
        }
        let left = match self.0 {
            Some(_) => UNITS_BETWEEN_LOOKS,
            None => u64::MAX,
        };
        let _before = PriorToken {
            token: TOKEN.replace(self.0.clone()),
            left: LEFT.replace(left),
        };
        work()
    }
}

/// The state of a thread before it began work under a token. It is restored when the work ends,
/// also by a panic.
struct PriorToken {
    token: Option<CancelToken>,
    left: u64,
}

impl Drop for PriorToken {
    fn drop(&mut self) {
        if let Some(token) = TOKEN.replace(self.token.take()) {
            report(&token, LEFT.get(), 0);
        }
        LEFT.set(self.left);
    }
}

/// Adds the work that a thread hasn't reported yet to the token's count: the units since its last
/// look at the token, and `more` units. `left` is the number of units that were left until its next
/// look.
fn report(token: &CancelToken, left: u64, more: u64) {
    let units = (UNITS_BETWEEN_LOOKS - left.min(UNITS_BETWEEN_LOOKS)).saturating_add(more);
    token.0.done.fetch_add(units, Ordering::Relaxed);
}

/// Reports `units` of work that this thread has done or is about to do; a unit is about a
/// nanosecond. If the work must end, this doesn't return: the stack is unwound up to
/// [`CancelToken::run`].
///
/// Not every call looks at the token: between two looks there are at most [`UNITS_BETWEEN_LOOKS`]
/// units, plus those of one call.
#[inline]
pub fn check(units: u64) {
    match LEFT.get().checked_sub(units) {
        Some(left) => LEFT.set(left),
        None => look(units),
    }
}

#[cold]
#[inline(never)]
fn look(units: u64) {
    let reason = TOKEN.with_borrow(|token| {
        let Some(token) = token else {
            LEFT.set(u64::MAX);
            return None;
        };
        report(token, LEFT.replace(UNITS_BETWEEN_LOOKS), units);
        token.reason()
    });
    if let Some(reason) = reason {
        unwind(reason);
    }
}

/// Ends the work of this thread, since it needs points that can't be read: unwinds the stack up to
/// [`CancelToken::run`]. So nothing is drawn from a part of the points.
pub fn unreadable(error: ReadError) -> ! {
    unwind(Cancelled::Unreadable(error))
}

/// Unwinds the stack up to [`CancelToken::run`]. No panic hook sees this, and nothing is printed.
fn unwind(reason: Cancelled) -> ! {
    resume_unwind(Box::new(reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_counted_on_all_its_threads_and_ends_on_all() {
        let token = CancelToken::default();
        let done = token.run(|| {
            check(5);
            let inherited = inherit();
            std::thread::scope(|scope| {
                let other = scope.spawn(move || inherited.run(|| check(7)));
                assert!(other.join().is_ok());
            });
            shielded(|| check(1 << 40));
            check(UNITS_BETWEEN_LOOKS);
        });
        assert_eq!(
            (done, token.work_done()),
            (Ok(()), 12 + UNITS_BETWEEN_LOOKS)
        );
        let child = token.child(None, u64::MAX);
        assert_eq!(child.run(|| 5), Ok(5));
        token.cancel();
        assert_eq!(token.run(|| ()), Err(Cancelled::Unwanted));
        assert_eq!(child.run(|| ()), Err(Cancelled::Unwanted));
    }

    #[test]
    fn a_look_ends_the_work_whatever_the_reason() {
        assert_eq!(time_left(), None);
        let soon = CancelToken::new(Some(Instant::now() + Duration::from_secs(60)), u64::MAX);
        let part = soon.child(Some(Instant::now() + Duration::from_secs(600)), u64::MAX);
        let left = part.run(time_left).unwrap().unwrap();
        assert!(left <= Duration::from_secs(60) && left > Duration::from_secs(50));
        let late = CancelToken::new(Some(Instant::now()), u64::MAX);
        assert_eq!(late.run(|| ()), Err(Cancelled::Deadline));
        let little = CancelToken::new(None, 1000);
        let ended: Result<(), _> = little.run(|| {
            loop {
                check(UNITS_BETWEEN_LOOKS / 4);
            }
        });
        assert_eq!(ended, Err(Cancelled::TooMuchWork));
        assert_eq!(little.work_done(), 5 * UNITS_BETWEEN_LOOKS / 4);
        let left = CancelToken::new(Some(Instant::now() + Duration::from_secs(60)), u64::MAX);
        let ended: Result<(), _> = left.run(|| {
            left.cancel();
            loop {
                check(1);
            }
        });
        assert_eq!(ended, Err(Cancelled::Unwanted));
    }

    #[test]
    fn a_thread_gets_its_token_back_even_after_a_panic() {
        let outer = CancelToken::default();
        let counted = outer.run(|| {
            check(3);
            let inner = CancelToken::default();
            let panicked = catch_unwind(AssertUnwindSafe(|| inner.run(|| panic!("on purpose"))));
            assert!(panicked.is_err());
            assert_eq!(inner.work_done(), 0);
            check(4);
        });
        assert_eq!((counted, outer.work_done()), (Ok(()), 7));
        check(u64::MAX);
        check(u64::MAX);
        assert!(inherit().0.is_none());
    }
}
