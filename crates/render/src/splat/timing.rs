//! Timings: a clock for the phases of drawing a picture, one for each thread.
//!
//! The clock is off by default: a lap then reads one thread-local variable. While it runs, a lap
//! reads the time twice, in some fifty nanoseconds.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// A phase of the way from points to bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Finding the cells in a window.
    Find,
    /// Depositing them on a grid.
    Deposit,
    /// Spreading the grid by the kernel.
    Convolve,
    /// All three, where they can't be timed one by one: on a GPU, or on several cores.
    Draw,
    /// Turning densities into colour indices, and measuring the scale where it isn't cached.
    Scale,
    /// Writing the file.
    Encode,
}

impl Phase {
    /// All phases, in the order of a picture's way through them.
    pub const ALL: [Self; 6] = [
        Self::Find,
        Self::Deposit,
        Self::Convolve,
        Self::Draw,
        Self::Scale,
        Self::Encode,
    ];

    /// The name: one word in small letters.
    pub fn name(self) -> &'static str {
        match self {
            Self::Find => "find",
            Self::Deposit => "deposit",
            Self::Convolve => "convolve",
            Self::Draw => "draw",
            Self::Scale => "scale",
            Self::Encode => "encode",
        }
    }
}

/// The time that each phase took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timings([Duration; Phase::ALL.len()]);

thread_local! {
    /// The end of the last lap, while the clock runs.
    static SINCE: Cell<Option<Instant>> = const { Cell::new(None) };
    static SPENT: Cell<Timings> = const { Cell::new(Timings([Duration::ZERO; Phase::ALL.len()])) };
}

/// Restores the clock's former state, also where the work panics.
struct ClockGuard(Option<Instant>, Timings);

impl Drop for ClockGuard {
    fn drop(&mut self) {
        SINCE.set(self.0);
        SPENT.set(self.1);
    }
}

impl Timings {
    /// Runs `work`, and returns its result and the time that its phases took on this thread.
    pub fn measure<T>(work: impl FnOnce() -> T) -> (T, Self) {
        let _before = ClockGuard(SINCE.replace(Some(Instant::now())), SPENT.take());
        let done = work();
        (done, SPENT.get())
    }

    /// Each phase and its time, in the order of [`Phase::ALL`].
    pub fn all(&self) -> impl Iterator<Item = (Phase, Duration)> {
        Phase::ALL.into_iter().zip(self.0)
    }

    /// Each phase that took any time.
    pub fn iter(&self) -> impl Iterator<Item = (Phase, Duration)> {
        self.all().filter(|(_, took)| !took.is_zero())
    }
}

/// Ends a phase, if the clock runs: adds the time since the last lap to it.
pub(crate) fn lap(phase: Phase) {
    let Some(since) = SINCE.get() else { return };
    let now = Instant::now();
    let mut spent = SPENT.get();
    for (known, sum) in Phase::ALL.iter().zip(&mut spent.0) {
        if *known == phase {
            *sum += now.saturating_duration_since(since);
        }
    }
    SPENT.set(spent);
    SINCE.set(Some(now));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread::sleep;

    #[test]
    fn laps_add_up_to_the_time_that_passed() {
        let long = Duration::from_millis(3);
        lap(Phase::Find);
        let start = Instant::now();
        let (answer, timings) = Timings::measure(|| {
            sleep(long);
            lap(Phase::Find);
            sleep(long);
            lap(Phase::Encode);
            sleep(long);
            lap(Phase::Find);
            7
        });
        let whole = start.elapsed();
        let spent: Vec<_> = timings.iter().collect();
        assert_eq!(answer, 7);
        assert_eq!(
            spent.iter().map(|(phase, _)| *phase).collect::<Vec<_>>(),
            [Phase::Find, Phase::Encode]
        );
        assert!(spent[0].1 >= 2 * long && spent[1].1 >= long);
        assert!(spent.iter().map(|(_, took)| *took).sum::<Duration>() <= whole);
    }

    #[test]
    fn the_clock_stands_still_unless_it_is_asked_even_after_a_panic() {
        let panicked = std::panic::catch_unwind(|| Timings::measure(|| panic!("on purpose")));
        assert!(panicked.is_err() && SINCE.get().is_none());
        lap(Phase::Scale);
        assert_eq!(SPENT.get(), Timings::default());
    }
}
