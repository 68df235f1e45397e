//! What can go wrong on a device, and what is known of how often it did.

use super::layout::{HELD, SEAL, SEEN, SLOT, SLOTS, WEIGHED};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Why a picture did not come from the GPU. The CPU answers the same request instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Failure {
    /// The device is gone, or answers nothing but errors.
    #[error("the device was lost")]
    Lost,
    /// There is no memory for a picture's buffers.
    #[error("the device is out of memory")]
    OutOfMemory,
    /// A picture took longer than any should.
    #[error("the device did not answer in time")]
    TimedOut,
    /// The bins do not hold what the cells weigh, or a picture is not what was computed.
    #[error("a sum is wrong")]
    WrongSum,
    /// The device failed before and is left alone for a while.
    #[error("the device is being rested after a failure")]
    Resting,
    /// Pixels so wide or so narrow that the shaders' integers do not reach.
    #[error("the picture is beyond what the shaders can draw")]
    Beyond,
}

impl Failure {
    /// All of them, in the order in which they are counted.
    pub const ALL: [Self; 6] = [
        Self::Lost,
        Self::OutOfMemory,
        Self::TimedOut,
        Self::WrongSum,
        Self::Resting,
        Self::Beyond,
    ];
}

/// What is known of a device's work so far.
#[derive(Debug, Default)]
pub(super) struct Health {
    drawn: AtomicU64,
    batches: AtomicU64,
    failures: [AtomicU64; Failure::ALL.len()],
    /// The next failure to be made on purpose, as its place in [`Failure::ALL`] and one.
    wanted: AtomicU8,
    said: Mutex<Option<Failure>>,
}

impl Health {
    pub(super) fn count_drawn(&self, pictures: usize) {
        self.drawn.fetch_add(pictures as u64, Ordering::Relaxed);
        self.batches.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a picture that the CPU drew instead, and says why the first time.
    pub(super) fn count_failure(&self, failure: Failure, adapter: &str) {
        for (known, count) in Failure::ALL.iter().zip(&self.failures) {
            if *known == failure {
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
        if matches!(failure, Failure::Resting | Failure::Beyond) {
            return;
        }
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.replace(failure) != Some(failure) {
            eprintln!("heatsplat: {adapter}: {failure}; the CPU draws instead");
        }
    }

    pub(super) fn report(&self) -> Report {
        let count = |failure: Failure| {
            let mut counts = Failure::ALL.iter().zip(&self.failures);
            let found = counts.find(|(known, _)| **known == failure);
            found.map_or(0, |(_, count)| count.load(Ordering::Relaxed))
        };
        Report {
            drawn: self.drawn.load(Ordering::Relaxed),
            batches: self.batches.load(Ordering::Relaxed),
            failures: Failure::ALL.map(|failure| (failure, count(failure))),
        }
    }

    pub(super) fn fail_next(&self, failure: Failure) {
        let place = Failure::ALL.iter().position(|f| *f == failure);
        self.wanted
            .store(place.map_or(0, |p| p as u8 + 1), Ordering::SeqCst);
    }

    /// Whether this failure is wanted now; it then happens once.
    pub(super) fn fails(&self, failure: Failure) -> bool {
        let wanted = self.wanted.load(Ordering::SeqCst);
        let now = Failure::ALL.get(usize::from(wanted).wrapping_sub(1));
        now == Some(&failure)
            && self
                .wanted
                .compare_exchange(wanted, 0, Ordering::SeqCst, Ordering::SeqCst)
                .is_ok()
    }
}

/// How much a device has drawn, and how often the CPU had to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// Pictures, or blocks of large ones, that the device drew.
    pub drawn: u64,
    /// In so many submissions.
    pub batches: u64,
    /// Pictures that the CPU drew instead, by reason.
    pub failures: [(Failure, u64); Failure::ALL.len()],
}

impl Report {
    /// Pictures that the CPU drew instead, for one reason.
    pub fn failed(&self, failure: Failure) -> u64 {
        let found = self.failures.iter().find(|(known, _)| *known == failure);
        found.map_or(0, |(_, count)| *count)
    }
}

/// How long a device is left alone after a failure: a second, and twice as long each time.
#[derive(Debug)]
pub(super) struct Rest(Duration);

impl Rest {
    const FIRST: Duration = Duration::from_secs(1);
    const LONGEST: Duration = Duration::from_secs(60);

    pub(super) fn new() -> Self {
        Self(Self::FIRST)
    }

    pub(super) fn next(&mut self) -> Duration {
        let now = self.0;
        self.0 = (now * 2).min(Self::LONGEST);
        now
    }
}

/// Whether a picture's counters say that every cell was seen, that the bins hold what the cells
/// weigh, and that the picture, if it was read back, is the one that was computed.
pub(super) fn is_whole(sums: &[u32], cells: u64, picture: Option<&[u32]>) -> bool {
    let slots = || sums.chunks_exact(SLOT as usize).take(SLOTS as usize);
    let word = |slot: &[u32], at: u32| slot.get(at as usize).copied().unwrap_or(0);
    let long = |at: u32| {
        slots().fold(0u64, |sum, slot| {
            sum.wrapping_add(u64::from(word(slot, at + 1)) << 32 | u64::from(word(slot, at)))
        })
    };
    let seen: u64 = slots().map(|slot| u64::from(word(slot, SEEN))).sum();
    let seal = slots().fold(0u32, |sum, slot| sum.wrapping_add(word(slot, SEAL)));
    seen == cells
        && long(WEIGHED) == long(HELD)
        && picture.is_none_or(|words| seal == seal_of(words))
}

/// The checksum that the last stage makes of a picture.
fn seal_of(words: &[u32]) -> u32 {
    let stir = |(place, word): (usize, &u32)| {
        let mut h = word ^ (place as u32).wrapping_mul(0x9e37_79b9);
        h = (h ^ (h >> 16)).wrapping_mul(0x85eb_ca6b);
        h = (h ^ (h >> 13)).wrapping_mul(0xc2b2_ae35);
        h ^ (h >> 16)
    };
    let stirred = words.iter().enumerate().map(stir);
    stirred.fold(0, u32::wrapping_add)
}
