//! The thread that drives a device: it takes all pictures that wait, sends them off together,
//! and sends more while the first are on their way.

use super::batch::{Batch, Task};
use super::engine::{Engine, Flight};
use super::health::{Failure, Rest};
use super::point_buffers::Shelf;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Instant;
use std::{io, mem};

/// Batches on their way at a time.
const RING: usize = 2;

/// Makes the device anew after a failure; `None` where that can't be.
pub(super) type Rebuild = Box<dyn Fn() -> Option<Engine> + Send>;

/// The running thread. Whoever drops this waits until the device is closed: a driver that is
/// unloaded while the program ends takes the program with it.
#[derive(Debug)]
pub(super) struct Driving {
    tasks: Sender<Task>,
    thread: Option<JoinHandle<()>>,
}

impl Driving {
    pub(super) fn start(driver: Driver) -> io::Result<Self> {
        let (tasks, waiting) = channel();
        let thread = thread::Builder::new().name("heatsplat-gpu".to_owned());
        Ok(Self {
            tasks,
            thread: Some(thread.spawn(move || driver.drive(&waiting))?),
        })
    }

    /// Hands a picture over; false where the thread is gone.
    pub(super) fn draw(&self, task: Task) -> bool {
        self.tasks.send(task).is_ok()
    }
}

impl Drop for Driving {
    fn drop(&mut self) {
        // with the last sender the thread's work ends
        drop(mem::replace(&mut self.tasks, channel().0));
        if let Some(thread) = self.thread.take() {
            // a thread that panicked has closed the device too
            let _ = thread.join();
        }
    }
}

/// A device, or what is left of it.
pub(super) struct Driver {
    engine: Option<Engine>,
    shelf: Arc<Shelf>,
    rebuild: Rebuild,
    rest: Rest,
    until: Instant,
}

impl Driver {
    pub(super) fn new(engine: Engine, shelf: Arc<Shelf>, rebuild: Rebuild) -> Self {
        Self {
            engine: Some(engine),
            shelf,
            rebuild,
            rest: Rest::new(),
            until: Instant::now(),
        }
    }

    /// Works until nobody can ask for pictures any more.
    pub(super) fn drive(mut self, tasks: &Receiver<Task>) {
        let mut waiting = VecDeque::new();
        let mut flying: VecDeque<Flight> = VecDeque::new();
        loop {
            if waiting.is_empty() && flying.is_empty() {
                let Ok(task) = tasks.recv() else { return };
                waiting.push_back(task);
            }
            waiting.extend(tasks.try_iter());
            let Some(engine) = self.ready() else {
                waiting
                    .drain(..)
                    .for_each(|task| task.answer(Err(Failure::Resting)));
                continue;
            };
            let outcome = if !waiting.is_empty() && flying.len() < RING {
                let Some(batch) = Batch::gather(&mut waiting, engine.room()) else {
                    continue;
                };
                match engine.launch(batch) {
                    Ok(flight) => {
                        flying.push_back(flight);
                        Ok(())
                    }
                    Err((failure, tasks)) => {
                        tasks.into_iter().for_each(|task| task.answer(Err(failure)));
                        Err(failure)
                    }
                }
            } else if let Some(flight) = flying.pop_front() {
                engine.land(flight)
            } else {
                Ok(())
            };
            if let Err(failure) = outcome
                && failure != Failure::Resting
            {
                flying.drain(..).for_each(|flight| flight.fail(failure));
                waiting.drain(..).for_each(|task| task.answer(Err(failure)));
                self.engine = None;
                self.shelf.attach(None);
                self.until = Instant::now() + self.rest.next();
            }
        }
    }

    /// The device; made anew if it failed and has rested.
    fn ready(&mut self) -> Option<&mut Engine> {
        if self.engine.is_none() && Instant::now() >= self.until {
            self.engine = (self.rebuild)();
            if self.engine.is_none() {
                self.until = Instant::now() + self.rest.next();
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

    /// A program that ends while its driver still closes the device is killed by that, at times.
    #[test]
    fn who_drops_a_backend_waits_for_its_thread() {
        let closed = Arc::new(AtomicBool::new(false));
        let (tasks, waiting) = channel::<Task>();
        let seen = Arc::clone(&closed);
        let thread = thread::spawn(move || {
            while waiting.recv().is_ok() {}
            // a device takes its time
            thread::sleep(Duration::from_millis(50));
            seen.store(true, Ordering::SeqCst);
        });
        drop(Driving {
            tasks,
            thread: Some(thread),
        });
        assert!(closed.load(Ordering::SeqCst));
    }
}
