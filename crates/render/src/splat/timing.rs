//! What a picture's time is spent on, told by the thread that draws it.
//!
//! The clock stands still unless somebody asks: then a lap costs a look at a thread's own
//! variable. While it runs, a lap costs two readings of the time, some fifty nanoseconds.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// A part of the way from points to bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// Finding the cells that a window sees.
    Find,
    /// Depositing them on a grid.
    Deposit,
    /// Spreading the grid by the kernel.
    Convolve,
    /// All three, where they can't be told apart: on a GPU, or on several cores.
    Draw,
    /// From densities to colour indices, and measuring the scale where nobody has yet.
    Scale,
    /// Writing the file.
    Encode,
}

impl Stage {
    /// All of them in the order in which a picture goes through them.
    pub const ALL: [Self; 6] = [
        Self::Find,
        Self::Deposit,
        Self::Convolve,
        Self::Draw,
        Self::Scale,
        Self::Encode,
    ];

    /// One word, in small letters.
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

/// How long each stage took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stages([Duration; Stage::ALL.len()]);

thread_local! {
    /// The end of the last lap, while the clock runs.
    static SINCE: Cell<Option<Instant>> = const { Cell::new(None) };
    static SPENT: Cell<Stages> = const { Cell::new(Stages([Duration::ZERO; Stage::ALL.len()])) };
}

/// Stops the clock also where the work panics.
struct Running(Option<Instant>, Stages);

impl Drop for Running {
    fn drop(&mut self) {
        SINCE.set(self.0);
        SPENT.set(self.1);
    }
}

impl Stages {
    /// Does work, and tells how long its stages took on this thread.
    pub fn of<T>(work: impl FnOnce() -> T) -> (T, Self) {
        let _before = Running(SINCE.replace(Some(Instant::now())), SPENT.take());
        let done = work();
        (done, SPENT.get())
    }

    /// Each stage and its time, in the order of [`Stage::ALL`].
    pub fn all(&self) -> impl Iterator<Item = (Stage, Duration)> {
        Stage::ALL.into_iter().zip(self.0)
    }

    /// Each stage that took any time.
    pub fn iter(&self) -> impl Iterator<Item = (Stage, Duration)> {
        self.all().filter(|(_, took)| !took.is_zero())
    }
}

/// Ends a stage, if the clock runs: what passed since the last lap was spent on it.
pub(crate) fn lap(stage: Stage) {
    let Some(since) = SINCE.get() else { return };
    let now = Instant::now();
    let mut spent = SPENT.get();
    for (known, sum) in Stage::ALL.iter().zip(&mut spent.0) {
        if *known == stage {
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
        lap(Stage::Find);
        let start = Instant::now();
        let (answer, stages) = Stages::of(|| {
            sleep(long);
            lap(Stage::Find);
            sleep(long);
            lap(Stage::Encode);
            sleep(long);
            lap(Stage::Find);
            7
        });
        let whole = start.elapsed();
        let spent: Vec<_> = stages.iter().collect();
        assert_eq!(answer, 7);
        assert_eq!(
            spent.iter().map(|(stage, _)| *stage).collect::<Vec<_>>(),
            [Stage::Find, Stage::Encode]
        );
        assert!(spent[0].1 >= 2 * long && spent[1].1 >= long);
        assert!(spent.iter().map(|(_, took)| *took).sum::<Duration>() <= whole);
    }

    #[test]
    fn the_clock_stands_still_unless_it_is_asked_even_after_a_panic() {
        let panicked = std::panic::catch_unwind(|| Stages::of(|| panic!("on purpose")));
        assert!(panicked.is_err() && SINCE.get().is_none());
        lap(Stage::Scale);
        assert_eq!(SPENT.get(), Stages::default());
    }
}
