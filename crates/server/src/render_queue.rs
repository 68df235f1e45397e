//! Not more is drawn at a time than the machine can, and never where it holds up others.
//!
//! The way to another thread and back costs a tenth of what drawing a tile does. So in a
//! runtime that has more workers than there are turns at drawing, a tile is drawn where its
//! request is: the workers left over look after all other connections. Large pictures, and
//! everything in smaller runtimes, are drawn on threads beside.

use crate::http::error::Refused;
use crate::http::timing::Spent;
use heatsplat_render::{Phase, Timings};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// Who would wait this long is better told to come again: at once where that can be foreseen.
const PATIENCE: Duration = Duration::from_secs(5);

/// Turns at drawing.
#[derive(Debug)]
pub(crate) struct Renders {
    slots: Arc<Semaphore>,
    count: u32,
    /// Places for those who draw or wait.
    queue: Semaphore,
    places: usize,
    tally: Arc<Tally>,
}

/// What has been drawn.
#[derive(Debug, Default)]
struct Tally {
    running: AtomicU64,
    done: AtomicU64,
    refused: AtomicU64,
    /// How long a turn took lately, in nanoseconds.
    usual: AtomicU64,
    /// Nanoseconds in the order of [`Phase::ALL`].
    stages: [AtomicU64; Phase::ALL.len()],
    queued: AtomicU64,
}

/// What is known of the drawing so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told {
    pub(crate) running: u64,
    pub(crate) waiting: u64,
    pub(crate) done: u64,
    pub(crate) refused: u64,
    pub(crate) queued: Duration,
    pub(crate) stages: [Duration; Phase::ALL.len()],
}

impl Renders {
    pub(crate) fn new(renders: usize, waiting: usize) -> Self {
        let renders = renders.clamp(1, 1024);
        let places = renders + waiting.min(1 << 20);
        Self {
            slots: Arc::new(Semaphore::new(renders)),
            count: renders as u32,
            queue: Semaphore::new(places),
            places,
            tally: Arc::default(),
        }
    }

    /// Does work of an expected cost (1 for a tile) when it is its turn.
    ///
    /// A future that is dropped while it waits never does the work: nobody wants it any more.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        cost: u32,
        work: impl FnOnce() -> Result<T, Refused> + Send + 'static,
    ) -> Result<(T, Spent), Refused> {
        let busy = || {
            self.tally.refused.fetch_add(1, Ordering::Relaxed);
            Refused::later("too many requests at once; try again in a second")
        };
        if self.foreseen() > PATIENCE {
            return Err(busy());
        }
        let _place = self.queue.try_acquire().map_err(|_| busy())?;
        let since = Instant::now();
        // Large pictures take several turns, so that memory stays bounded.
        let cost = cost.clamp(1, self.count);
        let turns = Arc::clone(&self.slots).acquire_many_owned(cost);
        let turns = timeout(PATIENCE, turns)
            .await
            .map_err(|_| busy())?
            .map_err(|_| busy())?;
        let queued = since.elapsed();
        let tally = Arc::clone(&self.tally);
        let work = move || {
            let running = Running::of(&tally);
            let start = Instant::now();
            // A panic ends this picture, not the server; its message is on standard error.
            let result = catch_unwind(AssertUnwindSafe(|| Timings::measure(work)));
            drop(turns);
            drop(running);
            let (done, stages) = result.map_err(|_| Refused::internal())?;
            let spent = Spent { queued, stages };
            tally.add(start.elapsed() / cost, &spent);
            Ok((done?, spent))
        };
        if cost <= 1 && Handle::current().metrics().num_workers() > self.count as usize {
            return work();
        }
        spawn_blocking(work)
            .await
            .unwrap_or_else(|_| Err(Refused::internal()))
    }

    /// How long one who comes now will wait, as far as can be known.
    fn foreseen(&self) -> Duration {
        let usual = self.tally.usual.load(Ordering::Relaxed);
        Duration::from_nanos(usual.saturating_mul(self.waiting()) / u64::from(self.count))
    }

    fn waiting(&self) -> u64 {
        let taken = self.places.saturating_sub(self.queue.available_permits()) as u64;
        taken.saturating_sub(self.tally.running.load(Ordering::Relaxed))
    }

    pub(crate) fn told(&self) -> Told {
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let time = |nanoseconds| Duration::from_nanos(count(nanoseconds));
        let tally = &self.tally;
        Told {
            running: count(&tally.running),
            waiting: self.waiting(),
            done: count(&tally.done),
            refused: count(&tally.refused),
            queued: time(&tally.queued),
            stages: tally.stages.each_ref().map(time),
        }
    }
}

impl Tally {
    /// Counts a picture and what it took.
    fn add(&self, turn: Duration, spent: &Spent) {
        let add = |sum: &AtomicU64, took: Duration| {
            sum.fetch_add(took.as_nanos() as u64, Ordering::Relaxed);
        };
        for (sum, (_, took)) in self.stages.iter().zip(spent.stages.all()) {
            add(sum, took);
        }
        add(&self.queued, spent.queued);
        self.done.fetch_add(1, Ordering::Relaxed);
        // The mean of some sixteen turns; one lost among several threads is no matter.
        let usual = self.usual.load(Ordering::Relaxed);
        let usual = usual - usual / 16 + turn.as_nanos() as u64 / 16;
        self.usual.store(usual, Ordering::Relaxed);
    }
}

/// Counts one who draws for as long as it lives.
struct Running<'a>(&'a AtomicU64);

impl<'a> Running<'a> {
    fn of(tally: &'a Tally) -> Self {
        tally.running.fetch_add(1, Ordering::Relaxed);
        Self(&tally.running)
    }
}

impl Drop for Running<'_> {
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
        let renders = Renders::new(1, 0);
        for _ in 0..10 {
            let answer = renders
                .run(1, || -> Result<(), _> { panic!("on purpose") })
                .await;
            assert_eq!(answer.err(), Some(Refused::internal()));
        }
        assert_eq!(renders.run(1, || Ok(7)).await.unwrap().0, 7);
        assert_eq!(renders.told().running, 0);
    }

    #[tokio::test]
    async fn over_the_limit_is_later_and_a_cost_over_all_is_all() {
        let renders = Arc::new(Renders::new(2, 1));
        let (open, gate) = std::sync::mpsc::channel::<()>();
        let holder = Arc::clone(&renders);
        let slow =
            tokio::spawn(async move { holder.run(99, move || Ok(gate.recv().is_ok())).await });
        while renders.slots.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let ran = Arc::new(AtomicU32::new(0));
        let work = |ran: &Arc<AtomicU32>| {
            let ran = Arc::clone(ran);
            move || Ok(ran.fetch_add(1, Ordering::SeqCst))
        };
        // Two more have a place to wait; the next has none.
        let mut waiting: Vec<_> = (0..2)
            .map(|_| Box::pin(renders.run(1, work(&ran))))
            .collect();
        for future in &mut waiting {
            let soon = timeout(Duration::from_millis(5), future);
            assert!(soon.await.is_err());
        }
        assert_eq!(renders.told().waiting, 2);
        assert!(renders.run(1, work(&ran)).await.is_err());
        waiting.pop(); // this client went away
        open.send(()).unwrap();
        assert!(slow.await.unwrap().unwrap().0);
        let (first, spent) = waiting.pop().unwrap().await.unwrap();
        assert!(first == 0 && spent.queued >= Duration::from_millis(5));
        assert_eq!(ran.load(Ordering::SeqCst), 1);
        let told = renders.told();
        assert_eq!(
            (told.running, told.waiting, told.done, told.refused),
            (0, 0, 2, 1)
        );
    }

    #[tokio::test]
    async fn who_would_wait_too_long_is_told_at_once() {
        let renders = Renders::new(2, 100);
        // Turns take three seconds, and four wait.
        renders.tally.usual.store(3_000_000_000, Ordering::Relaxed);
        let places: Vec<_> = (0..3).map(|_| renders.queue.try_acquire()).collect();
        assert!(renders.run(1, || Ok(())).await.is_ok());
        let one_more = renders.queue.try_acquire();
        let refused = renders.run(1, || Ok(())).await;
        assert!(one_more.is_ok() && refused.is_err_and(|refused| refused.is_passing()));
        drop(places);
        assert!(renders.run(1, || Ok(())).await.is_ok());
    }
}
