//! Timings: a clock on each thread that measures the phases of drawing a picture.
//!
//! The clock is off by default. Then `lap`, the function that ends a phase, only reads one
//! thread-local variable. While the clock runs, a call of `lap` takes about fifty nanoseconds.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// A phase of making a picture, from points to the bytes of an image file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Searching for the cells in a window.
    Find,
    /// Depositing the cells on a grid.
    Deposit,
    /// Convolving the grid with the kernel, or evaluating the kernel around each cell.
    Convolve,
    /// Searching, depositing and convolving together, if they can't be timed one by one: on a GPU
    /// or on several cores.
    Draw,
    /// Turning densities into colour indices. It includes the measuring of the scale if the scale
    /// isn't cached.
    Scale,
    /// Encoding the image file.
    Encode,
}

impl Phase {
    /// All phases, in the order in which a picture goes through them.
    pub const ALL: [Self; 6] = [
        Self::Find,
        Self::Deposit,
        Self::Convolve,
        Self::Draw,
        Self::Scale,
        Self::Encode,
    ];

    /// The phase's name: one word in small letters.
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

/// The time that each phase took on one thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timings([Duration; Phase::ALL.len()]);

thread_local! {
    /// The time at which the last phase ended, or at which the clock was started if no phase has
    /// ended yet. `None` while the clock is off.
    static SINCE: Cell<Option<Instant>> = const { Cell::new(None) };
    /// The time that each phase has taken since the clock was started.
    static SPENT: Cell<Timings> = const { Cell::new(Timings([Duration::ZERO; Phase::ALL.len()])) };
}

/// The state that this thread's clock had before a measurement: the values of `SINCE` and `SPENT`.
/// They are restored when this guard is dropped, even if the measured work panics.
struct ClockGuard(Option<Instant>, Timings);

impl Drop for ClockGuard {
    fn drop(&mut self) {
        SINCE.set(self.0);
        SPENT.set(self.1);
    }
}

impl Timings {
    /// Runs `work` and returns two things: its result, and the time that each phase of it took on
    /// this thread.
    pub fn measure<T>(work: impl FnOnce() -> T) -> (T, Self) {
        let _before = ClockGuard(SINCE.replace(Some(Instant::now())), SPENT.take());
        let done = work();
        (done, SPENT.get())
    }

    /// Each phase with its time, in the order of [`Phase::ALL`].
    pub fn all(&self) -> impl Iterator<Item = (Phase, Duration)> {
        Phase::ALL.into_iter().zip(self.0)
    }

    /// Each phase with its time, without the phases that took no time.
    pub fn iter(&self) -> impl Iterator<Item = (Phase, Duration)> {
        self.all().filter(|(_, took)| !took.is_zero())
    }
}

/// Ends a phase: adds the time since the last call of `lap` to the time of `phase`. Does nothing
/// while the clock is off.
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
