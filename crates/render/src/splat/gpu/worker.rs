//! The thread that owns a device. It takes all waiting pictures, submits them together, and submits
//! more while the first are drawn.

use super::batch::{DrawBatch, Task};
use super::engine::{Engine, Submission};
use super::health::{Backoff, FallbackReason};
use super::point_buffers::PointBuffers;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Instant;
use std::{io, mem};

/// The most batches that are in flight at a time.
const RING: usize = 2;

/// A function that opens the device again after a failure; `None` where that fails.
pub(super) type Rebuild = Box<dyn Fn() -> Option<Engine> + Send>;

/// A handle of the running thread. Dropping the handle waits until the device is closed, since a
/// driver that is unloaded while the program ends would crash the program.
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

    /// Sends a picture to the thread; false where the thread has ended.
    pub(super) fn draw(&self, task: Task) -> bool {
        self.tasks.send(task).is_ok()
    }
}

impl Drop for WorkerHandle {
    fn drop(&mut self) {
        // The thread ends when the last sender of tasks is dropped.
        drop(mem::replace(&mut self.tasks, channel().0));
        if let Some(thread) = self.thread.take() {
            // A panic of the thread is ignored, since it has closed the device too.
            let _ = thread.join();
        }
    }
}

/// The state of the thread: the device, which is `None` after a failure, and the means to open it
/// again.
pub(super) struct Worker {
    engine: Option<Engine>,
    point_buffers: Arc<PointBuffers>,
    rebuild: Rebuild,
    backoff: Backoff,
    /// The end of the pause after a failure.
    until: Instant,
}

impl Worker {
    pub(super) fn new(engine: Engine, point_buffers: Arc<PointBuffers>, rebuild: Rebuild) -> Self {
        Self {
            engine: Some(engine),
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
        loop {
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
                let Some(batch) = DrawBatch::gather(&mut waiting, engine.room()) else {
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

    /// The device, which is opened again after a failure and a pause; `None` while it can't be
    /// used.
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

    /// Dropping a handle waits for the thread: a program that ends while its driver still closes
    /// the device may crash.
    #[test]
    fn who_drops_a_backend_waits_for_its_thread() {
        let closed = Arc::new(AtomicBool::new(false));
        let (tasks, waiting) = channel::<Task>();
        let seen = Arc::clone(&closed);
        let thread = thread::spawn(move || {
            while waiting.recv().is_ok() {}
            // Closing a device takes time.
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
