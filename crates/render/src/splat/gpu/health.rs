//! Failures of a device: their kinds, how they are counted and found, and the pause after each.

use super::counters::Counters;
use super::layout::{HELD, SEAL, SEEN, SLOT, SLOTS, WEIGHED};
use super::pass_stamps::PassTime;
use pulp::{Arch, Simd, WithSimd};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The reason why the CPU drew a picture and not the GPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum FallbackReason {
    /// The device is gone, or reports errors that should never occur.
    #[error("the device was lost")]
    Lost,
    /// The device has no memory for a picture's buffers.
    #[error("the device is out of memory")]
    OutOfMemory,
    /// The device took longer for a picture than a working device ever does.
    #[error("the device did not answer in time")]
    TimedOut,
    /// The sum of the bins is not the weight of the cells, or the picture that was read is not the
    /// one that the device computed.
    #[error("a sum is wrong")]
    WrongSum,
    /// The device has failed a short time ago and is not used during a pause.
    #[error("the device is being rested after a reason")]
    Resting,
    /// The shaders can't draw the picture, for one of these reasons:
    ///
    /// * Its pixels are too wide or too narrow for the shaders' integers.
    /// * Its weights differ too much in size for these integers.
    /// * Its weights have both signs and nearly cancel.
    /// * Its kernel is one that only the CPU draws.
    #[error("the picture is beyond what the shaders can draw")]
    Beyond,
    /// Pictures with this kernel had wrong sums before ([`WrongSum`](Self::WrongSum)), so the
    /// device isn't trusted with the kernel any more. The device goes on to draw other kernels.
    #[error("the device draws this kernel wrongly")]
    Quarantined,
}

impl FallbackReason {
    /// All reasons, in the order of their counters.
    pub const ALL: [Self; 7] = [
        Self::Lost,
        Self::OutOfMemory,
        Self::TimedOut,
        Self::WrongSum,
        Self::Resting,
        Self::Beyond,
        Self::Quarantined,
    ];

    /// The name of the counter of pictures that the CPU drew for this reason, like `failed_lost`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Lost => "failed_lost",
            Self::OutOfMemory => "failed_out_of_memory",
            Self::TimedOut => "failed_timed_out",
            Self::WrongSum => "failed_wrong_sum",
            Self::Resting => "failed_resting",
            Self::Beyond => "failed_beyond",
            Self::Quarantined => "failed_quarantined",
        }
    }
}

/// The counters of a device's work, and its failures. They outlive the device, which is opened
/// again after a failure.
#[derive(Debug)]
pub(super) struct Health {
    pub(super) counters: Counters,
    /// The greatest number of pictures in one batch.
    batch: usize,
    /// The failure that a test wants to happen next: its index in [`FallbackReason::ALL`] plus 1,
    /// or 0 for none.
    injected: AtomicU8,
    /// The reason that was logged last; `None` if none was logged.
    reported: Mutex<Option<FallbackReason>>,
    timer: Mutex<Option<Arc<PassTimer>>>,
}

/// A timer for the compute passes of batches. It has the time at which the last pass ended, and for
/// each name of a pass the time that all passes of this name took.
#[derive(Debug)]
pub(super) struct PassTimer(Mutex<(Instant, Vec<PassTime>)>);

impl PassTimer {
    pub(super) fn new() -> Self {
        Self(Mutex::new((Instant::now(), Vec::new())))
    }

    /// Ends a pass, adds its time to the time of all passes called `name`, and begins the next
    /// pass.
    pub(super) fn lap(&self, name: &'static str) {
        self.lap_on_device(name, None);
    }

    /// Ends a pass, as [`lap`](Self::lap) does. `device` is the time in seconds that the pass took
    /// by the device's clock; `None` if the device has no clock or the pass didn't run on it.
    pub(super) fn lap_on_device(&self, name: &'static str, device: Option<f64>) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, laps) = &mut *inner;
        let wall = since.elapsed().as_secs_f64();
        match laps.iter_mut().find(|pass| pass.name == name) {
            Some(pass) => {
                pass.wall += wall;
                pass.device = pass.device.zip(device).map(|(sum, took)| sum + took);
            }
            None => laps.push(PassTime { name, wall, device }),
        }
        *since = Instant::now();
    }

    pub(super) fn laps(&self) -> Vec<PassTime> {
        let inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.1.clone()
    }
}

impl Health {
    /// The state of a device that draws at most `batch` pictures in one batch.
    pub(super) fn with_batch(batch: usize) -> Self {
        Self {
            counters: Counters::default(),
            batch,
            injected: AtomicU8::default(),
            reported: Mutex::default(),
            timer: Mutex::default(),
        }
    }

    pub(super) fn batch(&self) -> usize {
        self.batch
    }

    /// The timer for the passes; `None` while they are not timed.
    pub(super) fn timer(&self) -> Option<Arc<PassTimer>> {
        let timer = self.timer.lock().unwrap_or_else(PoisonError::into_inner);
        timer.clone()
    }

    pub(super) fn set_timer(&self, timer: Option<Arc<PassTimer>>) {
        *self.timer.lock().unwrap_or_else(PoisonError::into_inner) = timer;
    }

    /// Counts a picture that the CPU drew instead of the device. Logs the reason, with the name
    /// `adapter` of the device, if it is a failure of the device and not the reason that was logged
    /// last.
    pub(super) fn count_failure(&self, reason: FallbackReason, adapter: &str) {
        self.counters.count_failure(reason);
        if matches!(reason, FallbackReason::Resting | FallbackReason::Beyond) {
            return;
        }
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        if reported.replace(reason) != Some(reason) {
            tracing::warn!("{adapter}: {reason}; the CPU draws instead");
        }
    }

    pub(super) fn fail_next(&self, reason: FallbackReason) {
        let place = FallbackReason::ALL.iter().position(|f| *f == reason);
        self.injected
            .store(place.map_or(0, |p| p as u8 + 1), Ordering::SeqCst);
    }

    /// Returns true if a test wants this failure to happen now. The request is then cleared, so
    /// that the failure happens once.
    pub(super) fn fails(&self, reason: FallbackReason) -> bool {
        let injected = self.injected.load(Ordering::SeqCst);
        let now = FallbackReason::ALL.get(usize::from(injected).wrapping_sub(1));
        now == Some(&reason)
            && self
                .injected
                .compare_exchange(injected, 0, Ordering::SeqCst, Ordering::SeqCst)
                .is_ok()
    }
}

/// The pause after a failure: one second after the first, twice as long after each further one, and
/// at most a minute. If a device has worked for ten minutes, its next failure counts as the first.
#[derive(Debug)]
pub(super) struct Backoff {
    next: Duration,
    /// The time since which the device has worked; `None` while there is no device.
    opened: Option<Instant>,
}

impl Backoff {
    const FIRST: Duration = Duration::from_secs(1);
    const LONGEST: Duration = Duration::from_secs(60);
    const FORGETS: Duration = Duration::from_secs(600);

    pub(super) fn new() -> Self {
        Self {
            next: Self::FIRST,
            opened: None,
        }
    }

    /// Takes note that a device was opened at the time `now`.
    pub(super) fn opened(&mut self, now: Instant) {
        self.opened = Some(now);
    }

    /// Takes note of a failure at the time `now`, and returns the length of the pause that follows.
    pub(super) fn failed(&mut self, now: Instant) -> Duration {
        let worked = self.opened.take().map(|since| now.duration_since(since));
        if worked.is_some_and(|worked| worked >= Self::FORGETS) {
            self.next = Self::FIRST;
        }
        let pause = self.next;
        self.next = (pause * 2).min(Self::LONGEST);
        pause
    }
}

/// Returns true if a picture passes three checks:
///
/// * The device has counted all of its `cells` cells.
/// * The sum of the bins is the weight of the cells.
/// * The picture has the checksum that the device computed. It is checked only if the picture was
///   read back: `picture` has its 32-bit words, or is `None` if the picture stays on the device.
///
/// `sums` has the counters of the picture's job.
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

/// The checksum of a picture's 32-bit words, as the last shader stage computes it.
fn seal_of(words: &[u32]) -> u32 {
    Arch::new().dispatch(Seal(words))
}

/// The computation of a checksum, which is compiled for each width of vector instructions.
struct Seal<'a>(&'a [u32]);

impl WithSimd for Seal<'_> {
    type Output = u32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> u32 {
        let (mut place, mut sum) = (0u32, 0u32);
        for word in self.0 {
            let mut h = word ^ place;
            h = (h ^ (h >> 16)).wrapping_mul(0x85eb_ca6b);
            h = (h ^ (h >> 13)).wrapping_mul(0xc2b2_ae35);
            sum = sum.wrapping_add(h ^ (h >> 16));
            place = place.wrapping_add(0x9e37_79b9);
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the next number of a small random number generator (SplitMix64) whose state is
    /// `state`.
    fn next(state: &mut u64) -> usize {
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        ((z ^ (z >> 27)) >> 8) as usize
    }

    #[test]
    fn ten_thousand_corruptions_are_caught() {
        let picture: Vec<u32> = (0..4096u32)
            .map(|i| {
                if i % 3 == 0 {
                    0
                } else {
                    i.wrapping_mul(0x0101_0101)
                }
            })
            .collect();
        let mut sums = vec![0; (SLOT * SLOTS) as usize];
        sums[SEEN as usize] = 7;
        sums[(SLOT + SEEN) as usize] = 5;
        sums[WEIGHED as usize] = u32::MAX;
        sums[(SLOT + WEIGHED) as usize] = 3;
        // The sum of the bins has a carry into its high word.
        sums[HELD as usize] = 2;
        sums[(HELD + 1) as usize] = 1;
        sums[SEAL as usize] = seal_of(&picture);
        assert!(is_whole(&sums, 12, Some(&picture)));
        assert!(is_whole(&sums, 12, None));
        assert!(!is_whole(&sums, 13, Some(&picture)), "a cell was left out");
        assert!(!is_whole(&[], 12, Some(&[])), "nothing at all");

        let mut state = 1;
        for _ in 0..10_000 {
            let (mut sums, mut picture) = (sums.clone(), picture.clone());
            let (at, kind) = (next(&mut state) % picture.len(), next(&mut state) % 4);
            match kind {
                0 => picture[at] ^= 1 << (next(&mut state) % 32),
                1 => picture[at.min(4000)..].fill(0),
                2 => {
                    let other = next(&mut state) % picture.len();
                    picture.swap(at, other);
                    if picture[at] == picture[other] {
                        continue;
                    }
                }
                _ => {
                    let slot = at as u32 % SLOTS * SLOT;
                    sums[(slot + next(&mut state) as u32 % (SEAL + 1)) as usize] ^= 1;
                }
            }
            assert!(!is_whole(&sums, 12, Some(&picture)), "{kind} at {at}");
        }
    }

    #[test]
    fn rests_grow_to_a_minute() {
        let (mut backoff, now) = (Backoff::new(), Instant::now());
        let pauses: Vec<u64> = (0..9).map(|_| backoff.failed(now).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    }

    #[test]
    fn ten_good_minutes_are_a_new_beginning() {
        let (mut backoff, mut now) = (Backoff::new(), Instant::now());
        let mut after = |minutes: u64| {
            backoff.opened(now);
            now += Duration::from_secs(60 * minutes);
            backoff.failed(now).as_secs()
        };
        assert_eq!([1, 9, 9, 10, 1, 30].map(&mut after), [1, 2, 4, 1, 2, 1]);
    }
}
