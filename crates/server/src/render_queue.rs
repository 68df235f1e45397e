//! Admission control: at most as many pictures are drawn at a time as the configuration allows, by
//! default the number of cores.
//!
//! A switch to another thread and back takes a tenth of the time of drawing a tile. So if the
//! runtime has more workers than pictures may be drawn at a time, a tile is drawn on the worker of
//! its request, while the other workers serve all other connections. Large pictures, and all
//! pictures in smaller runtimes, are drawn on blocking threads.

use crate::http::error::ApiError;
use crate::http::timing::RequestTiming;
use heatsplat_render::{Phase, Timings};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// The longest time in the queue. A request that is expected to wait longer gets 503 immediately.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// The queue of pictures to draw. A picture takes one or more turns; there are as many turns as
/// pictures may be drawn at a time.
#[derive(Debug)]
pub(crate) struct RenderQueue {
    /// The free turns, and, below, the number of all turns.
    slots: Arc<Semaphore>,
    count: u32,
    /// The free places for requests that draw or wait, and, below, the number of all places.
    queue: Semaphore,
    places: usize,
    counters: Arc<Counters>,
}

/// Counters of pictures, and of the time spent on them.
#[derive(Debug, Default)]
struct Counters {
    running: AtomicU64,
    done: AtomicU64,
    refused: AtomicU64,
    /// The recent mean time of a turn in nanoseconds.
    usual: AtomicU64,
    /// Nanoseconds spent in each stage, in the order of [`Phase::ALL`].
    stages: [AtomicU64; Phase::ALL.len()],
    queued: AtomicU64,
}

/// The values of the counters at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QueueStats {
    pub(crate) running: u64,
    pub(crate) waiting: u64,
    pub(crate) done: u64,
    pub(crate) refused: u64,
    pub(crate) queued: Duration,
    pub(crate) stages: [Duration; Phase::ALL.len()],
}

impl RenderQueue {
    pub(crate) fn new(renders: usize, waiting: usize) -> Self {
        let renders = renders.clamp(1, 1024);
        let places = renders + waiting.min(1 << 20);
        Self {
            slots: Arc::new(Semaphore::new(renders)),
            count: renders as u32,
            queue: Semaphore::new(places),
            places,
            counters: Arc::default(),
        }
    }

    /// Runs work when it is its turn. `cost` is the number of turns that the work takes, 1 for a
    /// tile. It takes at most all there are.
    ///
    /// If the returned future is dropped while it waits, since the client has left, the work never
    /// runs.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        cost: u32,
        work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
    ) -> Result<(T, RequestTiming), ApiError> {
        let busy = || {
            self.counters.refused.fetch_add(1, Ordering::Relaxed);
            ApiError::unavailable("too many requests at once; try again in a second")
        };
        if self.expected_wait() > MAX_WAIT {
            return Err(busy());
        }
        let _place = self.queue.try_acquire().map_err(|_| busy())?;
        let since = Instant::now();
        // Large pictures take several turns at once, so that memory stays bounded.
        let cost = cost.clamp(1, self.count);
        let turns = Arc::clone(&self.slots).acquire_many_owned(cost);
        let turns = timeout(MAX_WAIT, turns)
            .await
            .map_err(|_| busy())?
            .map_err(|_| busy())?;
        let queued = since.elapsed();
        let counters = Arc::clone(&self.counters);
        let request = tracing::Span::current();
        let work = move || {
            let _request = request.enter();
            let _render = tracing::debug_span!("render", cost).entered();
            let running = RunningGuard::new(&counters);
            let start = Instant::now();
            // A panic ends this picture, not the server. The panic hook has logged it already.
            let result = catch_unwind(AssertUnwindSafe(|| Timings::measure(work)));
            drop(turns);
            drop(running);
            let (done, stages) = result.map_err(|_| ApiError::internal())?;
            let timing = RequestTiming { queued, stages };
            counters.add(start.elapsed() / cost, &timing);
            Ok((done?, timing))
        };
        if cost <= 1 && Handle::current().metrics().num_workers() > self.count as usize {
            return work();
        }
        spawn_blocking(work)
            .await
            .unwrap_or_else(|_| Err(ApiError::internal()))
    }

    /// The expected wait of a new request in the queue.
    fn expected_wait(&self) -> Duration {
        let usual = self.counters.usual.load(Ordering::Relaxed);
        Duration::from_nanos(usual.saturating_mul(self.waiting()) / u64::from(self.count))
    }

    fn waiting(&self) -> u64 {
        let taken = self.places.saturating_sub(self.queue.available_permits()) as u64;
        taken.saturating_sub(self.counters.running.load(Ordering::Relaxed))
    }

    pub(crate) fn stats(&self) -> QueueStats {
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let time = |nanoseconds| Duration::from_nanos(count(nanoseconds));
        let counters = &self.counters;
        QueueStats {
            running: count(&counters.running),
            waiting: self.waiting(),
            done: count(&counters.done),
            refused: count(&counters.refused),
            queued: time(&counters.queued),
            stages: counters.stages.each_ref().map(time),
        }
    }
}

impl Counters {
    /// Adds a drawn picture and its times to the counters.
    fn add(&self, turn: Duration, timing: &RequestTiming) {
        let add = |sum: &AtomicU64, took: Duration| {
            sum.fetch_add(took.as_nanos() as u64, Ordering::Relaxed);
        };
        for (sum, (_, took)) in self.stages.iter().zip(timing.stages.all()) {
            add(sum, took);
        }
        add(&self.queued, timing.queued);
        self.done.fetch_add(1, Ordering::Relaxed);
        // The mean is a running one over some sixteen turns. If threads overwrite each other's
        // update, one is lost, which does no harm.
        let usual = self.usual.load(Ordering::Relaxed);
        let usual = usual - usual / 16 + turn.as_nanos() as u64 / 16;
        self.usual.store(usual, Ordering::Relaxed);
    }
}

/// A guard that counts a picture as running while the guard lives.
struct RunningGuard<'a>(&'a AtomicU64);

impl<'a> RunningGuard<'a> {
    fn new(counters: &'a Counters) -> Self {
        counters.running.fetch_add(1, Ordering::Relaxed);
        Self(&counters.running)
    }
}

impl Drop for RunningGuard<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[tokio::test]
    async fn a_panic_is_an_answer_and_frees_its_turn() {
        panics().await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 3)]
    async fn a_panic_on_a_worker_too() {
        panics().await;
    }

    async fn panics() {
        let queue = RenderQueue::new(1, 0);
        for _ in 0..10 {
            let answer = queue
                .run(1, || -> Result<(), _> { panic!("on purpose") })
                .await;
            assert_eq!(answer.err(), Some(ApiError::internal()));
        }
        assert_eq!(queue.run(1, || Ok(7)).await.unwrap().0, 7);
        assert_eq!(queue.stats().running, 0);
    }

    #[tokio::test]
    async fn over_the_limit_is_later_and_a_cost_over_all_is_all() {
        let queue = Arc::new(RenderQueue::new(2, 1));
        let (open, gate) = std::sync::mpsc::channel::<()>();
        let holder = Arc::clone(&queue);
        let slow =
            tokio::spawn(async move { holder.run(99, move || Ok(gate.recv().is_ok())).await });
        while queue.slots.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let ran = Arc::new(AtomicU32::new(0));
        let work = |ran: &Arc<AtomicU32>| {
            let ran = Arc::clone(ran);
            move || Ok(ran.fetch_add(1, Ordering::SeqCst))
        };
        // Two more requests have a place to wait; the one after them has none.
        let mut waiting: Vec<_> = (0..2).map(|_| Box::pin(queue.run(1, work(&ran)))).collect();
        for future in &mut waiting {
            let soon = timeout(Duration::from_millis(5), future);
            assert!(soon.await.is_err());
        }
        assert_eq!(queue.stats().waiting, 2);
        assert!(queue.run(1, work(&ran)).await.is_err());
        // The client of this request leaves.
        waiting.pop();
        open.send(()).unwrap();
        assert!(slow.await.unwrap().unwrap().0);
        let (first, timing) = waiting.pop().unwrap().await.unwrap();
        assert!(first == 0 && timing.queued >= Duration::from_millis(5));
        assert_eq!(ran.load(Ordering::SeqCst), 1);
        let stats = queue.stats();
        assert_eq!(
            (stats.running, stats.waiting, stats.done, stats.refused),
            (0, 0, 2, 1)
        );
    }

    #[tokio::test]
    async fn who_would_wait_too_long_is_told_at_once() {
        let queue = RenderQueue::new(2, 100);
        // Turns take three seconds here, and four requests wait.
        queue.counters.usual.store(3_000_000_000, Ordering::Relaxed);
        let places: Vec<_> = (0..3).map(|_| queue.queue.try_acquire()).collect();
        assert!(queue.run(1, || Ok(())).await.is_ok());
        let one_more = queue.queue.try_acquire();
        let refused = queue.run(1, || Ok(())).await;
        assert!(one_more.is_ok() && refused.is_err_and(|refused| refused.is_temporary()));
        drop(places);
        assert!(queue.run(1, || Ok(())).await.is_ok());
    }
}
