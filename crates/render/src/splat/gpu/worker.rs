//! The worker thread, which owns a device. It takes all waiting pictures and submits them together
//! as a batch. While the device draws a batch, the worker submits the next one.

use super::batch::{DrawBatch, Task};
use super::counters::ThreadClock;
use super::engine::{Engine, Submission};
use super::health::{Backoff, FallbackReason, Health};
use super::point_buffers::PointBuffers;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Instant;
use std::{io, mem};

/// The greatest number of batches that are submitted and not finished: one is read while the device
/// draws the other.
const RING: usize = 2;

/// A function that opens the device again after a failure; it returns `None` if that fails too.
pub(super) type Rebuild = Box<dyn Fn() -> Option<Engine> + Send>;

/// A handle of the running worker thread. Dropping the handle waits until the device is closed,
/// since the program would crash if the driver were unloaded while it is in use.
#[derive(Debug)]
pub(super) struct WorkerHandle {
    tasks: Sender<Task>,
    thread: Option<JoinHandle<()>>,
}

impl WorkerHandle {
    pub(super) fn start(worker: Worker) -> io::Result<Self> {
        let (tasks, waiting) = channel();
        let thread = thread::Builder::new().name("heatsplat-gpu".to_owned());
        Ok(Self {
            tasks,
            thread: Some(thread.spawn(move || worker.run(&waiting))?),
        })
    }

    /// Sends a picture to the worker thread; returns false if the thread has ended.
    pub(super) fn draw(&self, task: Task) -> bool {
        self.tasks.send(task).is_ok()
    }
}

impl Drop for WorkerHandle {
    fn drop(&mut self) {
        // The thread ends when the last sender of tasks is dropped.
        drop(mem::replace(&mut self.tasks, channel().0));
        if let Some(thread) = self.thread.take() {
            // A panic of the thread is ignored: the device is closed in that case too.
            let _ = thread.join();
        }
    }
}

/// The state of the worker thread: the device, which is `None` after a failure, and the function
/// that opens it again.
pub(super) struct Worker {
    engine: Option<Engine>,
    health: Arc<Health>,
    point_buffers: Arc<PointBuffers>,
    rebuild: Rebuild,
    backoff: Backoff,
    /// The end of the pause after a failure. The device isn't opened again before.
    until: Instant,
}

impl Worker {
    pub(super) fn new(
        engine: Engine,
        health: Arc<Health>,
        point_buffers: Arc<PointBuffers>,
        rebuild: Rebuild,
    ) -> Self {
        Self {
            engine: Some(engine),
            health,
            point_buffers,
            rebuild,
            backoff: Backoff::new(),
            until: Instant::now(),
        }
    }

    /// Draws tasks until all of their senders are dropped.
    pub(super) fn run(mut self, tasks: &Receiver<Task>) {
        let mut waiting = VecDeque::new();
        let mut in_flight: VecDeque<Submission> = VecDeque::new();
        let health = Arc::clone(&self.health);
        loop {
            let _clock = ThreadClock::start(&health.counters.worker_ns);
            if waiting.is_empty() && in_flight.is_empty() {
                let Ok(task) = tasks.recv() else { return };
                waiting.push_back(task);
            }
            waiting.extend(tasks.try_iter());
            let Some(engine) = self.ready() else {
                waiting
                    .drain(..)
                    .for_each(|task| task.answer(Err(FallbackReason::Resting)));
                continue;
            };
            let outcome = if !waiting.is_empty() && in_flight.len() < RING {
                let Some(batch) = DrawBatch::gather(&mut waiting, engine.room(), health.batch())
                else {
                    continue;
                };
                match engine.submit(batch) {
                    Ok(submission) => {
                        in_flight.push_back(submission);
                        Ok(())
                    }
                    Err((reason, tasks)) => {
                        tasks.into_iter().for_each(|task| task.answer(Err(reason)));
                        Err(reason)
                    }
                }
            } else if let Some(submission) = in_flight.pop_front() {
                engine.finish(submission)
            } else {
                Ok(())
            };
            if let Err(reason) = outcome
                && reason != FallbackReason::Resting
            {
                in_flight
                    .drain(..)
                    .for_each(|submission| submission.fail(reason));
                waiting.drain(..).for_each(|task| task.answer(Err(reason)));
                self.engine = None;
                self.point_buffers.attach(None);
                self.until = Instant::now() + self.backoff.next();
            }
        }
    }

    /// The device. After a failure and a pause it is opened again. `None` while the pause lasts, or
    /// if the device can't be opened.
    fn ready(&mut self) -> Option<&mut Engine> {
        if self.engine.is_none() && Instant::now() >= self.until {
            self.engine = (self.rebuild)();
            if self.engine.is_none() {
                self.until = Instant::now() + self.backoff.next();
            }
        }
        self.engine.as_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    /// Dropping a handle waits for the worker thread. A program might crash if it ended while the
    /// driver still closes the device.
    #[test]
    fn who_drops_a_backend_waits_for_its_thread() {
        let closed = Arc::new(AtomicBool::new(false));
        let (tasks, waiting) = channel::<Task>();
        let seen = Arc::clone(&closed);
        let thread = thread::spawn(move || {
            while waiting.recv().is_ok() {}
            // Closing a device takes some time.
            thread::sleep(Duration::from_millis(50));
            seen.store(true, Ordering::SeqCst);
        });
        drop(WorkerHandle {
            tasks,
            thread: Some(thread),
        });
        assert!(closed.load(Ordering::SeqCst));
    }
}
