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

/// A function that opens the device again after a failure of the device; it returns `None` if the
/// device can't be opened.
pub(super) type Rebuild = Arc<dyn Fn() -> Option<Engine> + Send + Sync>;

/// A message to the worker thread.
#[derive(Debug)]
pub(super) enum Message {
    /// Blocks to draw. If possible, they are drawn together.
    Draw(Vec<Task>),
    /// A caller has found that a picture's counters or checksum are wrong. The field is the number
    /// of the device that drew the picture.
    Wrong(u64),
}

/// A handle of the running worker thread. Dropping the handle waits until the device is closed,
/// since the program would crash if the driver were unloaded while it is in use.
#[derive(Debug)]
pub(super) struct WorkerHandle {
    messages: Sender<Message>,
    thread: Option<JoinHandle<()>>,
}

impl WorkerHandle {
    pub(super) fn start(worker: Worker) -> io::Result<Self> {
        let (messages, waiting) = channel();
        let thread = thread::Builder::new().name("heatsplat-gpu".to_owned());
        Ok(Self {
            messages,
            thread: Some(thread.spawn(move || worker.run(&waiting))?),
        })
    }

    /// Sends blocks to the worker thread; returns false if the thread has ended.
    pub(super) fn draw(&self, tasks: Vec<Task>) -> bool {
        self.messages.send(Message::Draw(tasks)).is_ok()
    }

    /// Informs the worker thread that counters or a checksum are wrong in a picture that the device
    /// with the number `device` has drawn. If the device was opened again meanwhile and so has
    /// another number, this has no effect.
    pub(super) fn is_wrong(&self, device: u64) {
        let _ = self.messages.send(Message::Wrong(device));
    }
}

impl Drop for WorkerHandle {
    fn drop(&mut self) {
        // The thread ends when the last sender is dropped.
        drop(mem::replace(&mut self.messages, channel().0));
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
    /// The thread that opens the device again. Opening takes long, since shaders are compiled.
    opening: Option<JoinHandle<Option<Engine>>>,
    backoff: Backoff,
    /// The end of the pause after a failure. The device isn't opened again before.
    until: Instant,
    waiting: VecDeque<Task>,
    in_flight: VecDeque<Submission>,
}

impl Worker {
    pub(super) fn new(
        engine: Engine,
        health: Arc<Health>,
        point_buffers: Arc<PointBuffers>,
        rebuild: Rebuild,
    ) -> Self {
        let mut backoff = Backoff::new();
        backoff.opened(Instant::now());
        Self {
            engine: Some(engine),
            health,
            point_buffers,
            rebuild,
            opening: None,
            backoff,
            until: Instant::now(),
            waiting: VecDeque::new(),
            in_flight: VecDeque::new(),
        }
    }

    /// Draws the pictures that messages ask for, until all senders of messages are dropped.
    pub(super) fn run(mut self, messages: &Receiver<Message>) {
        let health = Arc::clone(&self.health);
        loop {
            let _clock = ThreadClock::start(&health.counters.worker_ns);
            if self.waiting.is_empty() && self.in_flight.is_empty() {
                let Ok(message) = messages.recv() else { break };
                self.take(message);
            }
            while let Ok(message) = messages.try_recv() {
                self.take(message);
            }
            let outcome = self.turn();
            if let Err(reason) = outcome
                && reason != FallbackReason::Resting
            {
                self.fail(reason);
            }
        }
        if let Some(opening) = self.opening.take() {
            // A device is never left open when the program ends.
            let _ = opening.join();
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Draw(tasks) => self.waiting.extend(tasks),
            Message::Wrong(device) => {
                if self.engine.as_ref().is_some_and(|e| e.number == device) {
                    self.fail(FallbackReason::WrongSum);
                }
            }
        }
    }

    /// Submits the next batch if pictures wait and fewer than `RING` batches are submitted and not
    /// finished. Otherwise finishes the batch that was submitted first, if there is one. While
    /// there is no device, all waiting pictures are left to the CPU.
    fn turn(&mut self) -> Result<(), FallbackReason> {
        self.reopen();
        let Some(engine) = &mut self.engine else {
            self.waiting
                .drain(..)
                .for_each(|task| task.fail(FallbackReason::Resting));
            return Ok(());
        };
        if self.in_flight.len() < RING
            && let Some(batch) =
                DrawBatch::gather(&mut self.waiting, engine.room(), self.health.batch())
        {
            match engine.submit(batch) {
                Ok(submission) => self.in_flight.push_back(submission),
                Err((reason, tasks)) => {
                    tasks.into_iter().for_each(|task| task.fail(reason));
                    return Err(reason);
                }
            }
        } else if let Some(submission) = self.in_flight.pop_front() {
            engine.finish(submission)?;
        }
        Ok(())
    }

    /// Closes the device after a failure. All pictures that wait for the device are left to the
    /// CPU.
    fn fail(&mut self, reason: FallbackReason) {
        self.in_flight
            .drain(..)
            .for_each(|submission| submission.fail(reason));
        self.waiting.drain(..).for_each(|task| task.fail(reason));
        self.engine = None;
        self.point_buffers.attach(None);
        self.rest();
    }

    fn rest(&mut self) {
        let now = Instant::now();
        self.until = now + self.backoff.failed(now);
    }

    /// After a failure and a pause, opens the device again, on a thread of its own.
    fn reopen(&mut self) {
        if self.engine.is_some() {
            return;
        }
        match self.opening.take() {
            Some(opening) if !opening.is_finished() => self.opening = Some(opening),
            Some(opening) => {
                self.engine = opening.join().ok().flatten();
                match &self.engine {
                    Some(_) => self.backoff.opened(Instant::now()),
                    None => self.rest(),
                }
            }
            None if Instant::now() >= self.until => {
                let rebuild = Arc::clone(&self.rebuild);
                let thread = thread::Builder::new().name("heatsplat-gpu-open".to_owned());
                match thread.spawn(move || rebuild()) {
                    Ok(opening) => self.opening = Some(opening),
                    Err(_) => self.rest(),
                }
            }
            None => {}
        }
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
        let (messages, waiting) = channel::<Message>();
        let seen = Arc::clone(&closed);
        let thread = thread::spawn(move || {
            while waiting.recv().is_ok() {}
            // Closing a device takes some time.
            thread::sleep(Duration::from_millis(50));
            seen.store(true, Ordering::SeqCst);
        });
        drop(WorkerHandle {
            messages,
            thread: Some(thread),
        });
        assert!(closed.load(Ordering::SeqCst));
    }
}
