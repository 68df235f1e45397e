//! Counters of a device's work: for reports, benchmarks and tests.

use super::health::FallbackReason;
use cpu_time::ThreadTime;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counters of the pictures that a device has drawn, of what was sent to it for them, and of the
/// pictures that the CPU drew instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GpuReport {
    /// The number of pictures that the device drew. Each block of a large picture counts as one.
    pub drawn: u64,
    /// The number of batches in which the device drew its pictures.
    pub batches: u64,
    /// The number of submissions to the device's queue that drew batches. A batch has one, unless
    /// it has so many cells that they are deposited in several.
    pub submissions: u64,
    /// The number of commands that copied pixels: one for a batch whose pictures are read back.
    /// Pictures that stay on the device are written where they stay, without a copy.
    pub copies: u64,
    /// The number of bytes that were sent to the device to draw batches: the settings and
    /// thresholds of the pictures, the weight tables of their kernels, and cells that don't stay on
    /// the device.
    pub staged_bytes: u64,
    /// The CPU time of the worker thread, which owns the device.
    pub worker_time: Duration,
    /// The CPU time in which threads that asked for pictures prepared them and received them. The
    /// time in which the CPU drew a picture instead of the device is not part of it.
    pub caller_time: Duration,
    /// The number of pictures that the CPU drew instead of the device, for each reason.
    pub failures: [(FallbackReason, u64); FallbackReason::ALL.len()],
}

impl GpuReport {
    /// The number of pictures that the CPU drew because the device had failed, was in the pause
    /// after a failure, or is not trusted with their kernel. Pictures that the shaders can't draw
    /// are not counted.
    pub fn fallbacks(&self) -> u64 {
        let failures = self.failures.iter();
        let chance = failures.filter(|(reason, _)| *reason != FallbackReason::Beyond);
        chance.map(|(_, count)| count).sum()
    }

    /// The number of pictures that the CPU drew instead of the device for the given reason.
    pub fn failed(&self, reason: FallbackReason) -> u64 {
        let found = self.failures.iter().find(|(known, _)| *known == reason);
        found.map_or(0, |(_, count)| *count)
    }

    /// Each counter with its name in metrics, like `staged_bytes`. Times are in nanoseconds.
    pub(super) fn named(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let nanoseconds = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let work = [
            ("drawn", self.drawn),
            ("batches", self.batches),
            ("submissions", self.submissions),
            ("copies", self.copies),
            ("staged_bytes", self.staged_bytes),
            ("worker_ns", nanoseconds(self.worker_time)),
            ("caller_ns", nanoseconds(self.caller_time)),
        ];
        let failed = self.failures.map(|(reason, n)| (reason.name(), n));
        work.into_iter().chain(failed)
    }
}

/// A counter that threads increase.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The counters of a [`GpuReport`].
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) drawn: Counter,
    pub(super) batches: Counter,
    pub(super) submissions: Counter,
    pub(super) copies: Counter,
    pub(super) staged_bytes: Counter,
    pub(super) worker_ns: Counter,
    pub(super) caller_ns: Counter,
    pub(super) failures: [Counter; FallbackReason::ALL.len()],
}

impl Counters {
    pub(super) fn count_failure(&self, reason: FallbackReason) {
        let mut all = FallbackReason::ALL.iter().zip(&self.failures);
        if let Some((_, count)) = all.find(|(known, _)| **known == reason) {
            count.add(1);
        }
    }

    pub(super) fn report(&self) -> GpuReport {
        let count = |reason: FallbackReason| {
            let mut counts = FallbackReason::ALL.iter().zip(&self.failures);
            let found = counts.find(|(known, _)| **known == reason);
            found.map_or(0, |(_, count)| count.get())
        };
        GpuReport {
            drawn: self.drawn.get(),
            batches: self.batches.get(),
            submissions: self.submissions.get(),
            copies: self.copies.get(),
            staged_bytes: self.staged_bytes.get(),
            worker_time: Duration::from_nanos(self.worker_ns.get()),
            caller_time: Duration::from_nanos(self.caller_ns.get()),
            failures: FallbackReason::ALL.map(|reason| (reason, count(reason))),
        }
    }
}

/// A clock of the CPU time of the thread that has it. The time until it is dropped is added to a
/// counter of nanoseconds.
pub(super) struct ThreadClock<'a> {
    /// The thread's CPU time at the start of the clock. `None` if the system doesn't count the CPU
    /// time of threads.
    since: Option<ThreadTime>,
    sum: &'a Counter,
}

impl<'a> ThreadClock<'a> {
    pub(super) fn start(sum: &'a Counter) -> Self {
        let since = ThreadTime::try_now().ok();
        Self { since, sum }
    }
}

impl Drop for ThreadClock<'_> {
    fn drop(&mut self) {
        let took = self.since.and_then(|since| since.try_elapsed().ok());
        let nanoseconds = took.map_or(0, |took| took.as_nanos());
        self.sum.add(u64::try_from(nanoseconds).unwrap_or(u64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_works_is_counted_and_one_that_sleeps_is_not() {
        let (busy, idle) = (Counter::default(), Counter::default());
        {
            let _clock = ThreadClock::start(&busy);
            let mut sum = 0u64;
            while busy_for(&mut sum) < Duration::from_millis(20) {}
            assert!(sum > 0);
        }
        {
            let _clock = ThreadClock::start(&idle);
            std::thread::sleep(Duration::from_millis(50));
        }
        assert!(busy.get() >= 15_000_000, "{busy:?}");
        assert!(idle.get() < busy.get(), "{idle:?} {busy:?}");
    }

    /// Works for a moment. Returns the CPU time that this thread has taken since its first call of
    /// this function.
    fn busy_for(sum: &mut u64) -> Duration {
        thread_local! {
            static BEGIN: ThreadTime = ThreadTime::now();
        }
        let begin = BEGIN.with(|begin| *begin);
        (0..1000u64).for_each(|i| *sum = std::hint::black_box(sum.wrapping_add(i)));
        begin.elapsed()
    }
}
