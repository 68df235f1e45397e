//! Not more is drawn at a time than the machine can, and never where it holds up others.
//!
//! The way to another thread and back costs a tenth of what drawing a tile does. So in a
//! runtime that has more workers than there are turns at drawing, a tile is drawn where its
//! request is: the workers left over look after all other connections. Large pictures, and
//! everything in smaller runtimes, are drawn on threads beside.

use crate::error::Refused;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// Who has waited this long is better told to come again.
const PATIENCE: Duration = Duration::from_secs(10);

/// Turns at drawing.
#[derive(Debug)]
pub(crate) struct Renders {
    slots: Arc<Semaphore>,
    count: u32,
    /// Places for those who draw or wait.
    queue: Semaphore,
}

impl Renders {
    pub(crate) fn new(renders: usize, waiting: usize) -> Self {
        let renders = renders.clamp(1, 1024);
        Self {
            slots: Arc::new(Semaphore::new(renders)),
            count: renders as u32,
            queue: Semaphore::new(renders + waiting.min(1 << 20)),
        }
    }

    /// Does work of an expected cost (1 for a tile) when it is its turn.
    ///
    /// A future that is dropped while it waits never does the work: nobody wants it any more.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        cost: u32,
        work: impl FnOnce() -> Result<T, Refused> + Send + 'static,
    ) -> Result<T, Refused> {
        let busy = || Refused::later("too many requests at once; try again in a second");
        let _place = self.queue.try_acquire().map_err(|_| busy())?;
        // Large pictures take several turns, so that memory stays bounded.
        let turns = Arc::clone(&self.slots).acquire_many_owned(cost.clamp(1, self.count));
        let turns = timeout(PATIENCE, turns)
            .await
            .map_err(|_| busy())?
            .map_err(|_| busy())?;
        let work = move || {
            // A panic ends this picture, not the server; its message is on standard error.
            let result = catch_unwind(AssertUnwindSafe(work));
            drop(turns);
            result.unwrap_or_else(|_| Err(Refused::internal()))
        };
        if cost <= 1 && Handle::current().metrics().num_workers() > self.count as usize {
            return work();
        }
        spawn_blocking(work)
            .await
            .unwrap_or_else(|_| Err(Refused::internal()))
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
            assert_eq!(answer, Err(Refused::internal()));
        }
        assert_eq!(renders.run(1, || Ok(7)).await, Ok(7));
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
        assert!(renders.run(1, work(&ran)).await.is_err());
        waiting.pop(); // this client went away
        open.send(()).unwrap();
        assert_eq!(slow.await.unwrap(), Ok(true));
        assert_eq!(waiting.pop().unwrap().await, Ok(0));
        assert_eq!(ran.load(Ordering::SeqCst), 1);
    }
}
