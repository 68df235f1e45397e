//! The backend of each layer. If the user names a backend, it draws all layers. Otherwise the CPU
//! draws them. In the background a GPU, if there is one, races against the CPU on tiles of each
//! layer that is read from a file. The winner draws the layer from the next time on that the
//! layer's data are read.
//!
//! So a layer has one backend as long as its data last, and nothing changes with load or chance.

use crate::cli::backend::race::{RaceResult, RaceTrack};
use crate::cli::backend::{self, BackendFlags};
use crate::cli::error::BoxError;
use crate::cli::logging::say;
use heatsplat::render::PointSet;
use heatsplat::{Backend, Layer, Style};
use heatsplat_server::{BackendRace, LayerId, Registry};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::{self, JoinHandle};

/// A function that opens the GPU for races; `None` if there is none.
pub(super) type OpenGpu = Box<dyn Fn() -> Result<Option<Arc<dyn Backend>>, BoxError> + Send>;

/// The backends of a server's layers.
pub(super) struct LayerBackends {
    /// The backend of all layers, except those for which another backend has won a race.
    common: Arc<dyn Backend>,
    winners: Winners,
    /// The layers whose data have been read since races were last begun.
    read: Vec<RaceEntry>,
    /// The channel to the thread that holds races; `None` if the user has named a backend.
    entries: Option<Sender<RaceMessage>>,
}

/// For each layer whose race is over: the key of the layer's configuration at that time, and the
/// backend that has won.
type Winners = Arc<Mutex<HashMap<LayerId, (String, Arc<dyn Backend>)>>>;

/// A message to the thread that holds races.
enum RaceMessage {
    Enter(Box<RaceEntry>),
    End,
}

/// A layer that waits for a race between its present backend and another one.
struct RaceEntry {
    id: LayerId,
    key: String,
    set: Arc<PointSet>,
    style: Style,
    /// The backend that draws the layer at present, against which another one races.
    present: Arc<dyn Backend>,
}

/// The thread that holds races. Dropping it ends the race and waits for the thread, since a driver
/// may crash if the program ends while its device is busy.
pub(super) struct RaceThread {
    stop: Arc<AtomicBool>,
    entries: Sender<RaceMessage>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for RaceThread {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // The thread may have ended by itself.
        let _ = self.entries.send(RaceMessage::End);
        if let Some(thread) = self.thread.take() {
            // A panic in a race concerns no layer.
            let _ = thread.join();
        }
    }
}

/// Chooses the backends of a server's layers by the flags. If the flags name none, starts the
/// thread that holds races.
pub(super) fn layer_backends(
    flags: &BackendFlags,
    renders: impl FnOnce(&dyn Backend) -> usize,
    layers: &Registry,
) -> Result<(LayerBackends, Option<RaceThread>), BoxError> {
    if let Some(pinned) = flags.pinned()? {
        return Ok((LayerBackends::pinned(pinned), None));
    }
    let memory = flags.gpu_memory();
    let cpu = backend::cpu();
    let renders = renders(&*cpu);
    let open = Box::new(move || backend::open_real(memory));
    let (backends, thread) = LayerBackends::raced(cpu, open, renders, layers.clone());
    Ok((backends, Some(thread)))
}

impl LayerBackends {
    /// Makes the backends of a server in which `backend` draws all layers and no races are held.
    pub(super) fn pinned(backend: Arc<dyn Backend>) -> Self {
        Self {
            common: backend,
            winners: Winners::default(),
            read: Vec::new(),
            entries: None,
        }
    }

    /// Makes the backends of a server in which `common` draws all layers until the backend that
    /// `open` opens wins a race. `renders` is the number of pictures that the server draws at the
    /// same time.
    pub(super) fn raced(
        common: Arc<dyn Backend>,
        open: OpenGpu,
        renders: usize,
        layers: Registry,
    ) -> (Self, RaceThread) {
        let (entries, waiting) = mpsc::channel();
        let (winners, stop) = (Winners::default(), Arc::new(AtomicBool::new(false)));
        let races = Races {
            cpu: Arc::clone(&common),
            open,
            opened: None,
            failures: 0,
            renders,
            winners: Arc::clone(&winners),
            layers,
            stop: Arc::clone(&stop),
        };
        let named = thread::Builder::new().name("heatsplat-race".to_owned());
        // Without the thread there are no races, and the CPU draws.
        let thread = named.spawn(move || races.hold(&waiting)).ok();
        let backends = Self {
            common,
            winners,
            read: Vec::new(),
            entries: Some(entries.clone()),
        };
        let thread = RaceThread {
            stop,
            entries,
            thread,
        };
        (backends, thread)
    }

    /// The backend of layers without races: live ones and posted ones.
    pub(super) fn common(&self) -> &Arc<dyn Backend> {
        &self.common
    }

    /// The backend for a layer whose data are being read: the winner of its last race, otherwise
    /// the common one. `key` is the layer's [`LayerConfig::key`](super::config::LayerConfig::key):
    /// a race that was won under another key doesn't count.
    pub(super) fn of_layer(&self, id: &LayerId, key: &str) -> Arc<dyn Backend> {
        let winners = self.winners.lock().unwrap_or_else(PoisonError::into_inner);
        let won = winners.get(id).filter(|(of, _)| of == key);
        Arc::clone(won.map_or(&self.common, |(_, backend)| backend))
    }

    /// Notes a layer whose data have been read, so that [`start_races`](Self::start_races) begins
    /// its race.
    pub(super) fn enter(&mut self, id: &LayerId, key: &str, layer: &Layer) {
        if self.entries.is_some() {
            self.read.push(RaceEntry {
                id: id.clone(),
                key: key.to_owned(),
                set: Arc::clone(layer.data()),
                style: layer.style().clone(),
                present: Arc::clone(layer.backend()),
            });
        }
    }

    /// Begins, in the background, the races of the layers that [`enter`](Self::enter) has noted.
    pub(super) fn start_races(&mut self) {
        for entry in self.read.drain(..) {
            if let Some(entries) = &self.entries {
                // The thread has ended if there is no GPU.
                let _ = entries.send(RaceMessage::Enter(Box::new(entry)));
            }
        }
    }
}

/// The state of the thread that holds races between the CPU and a GPU.
struct Races {
    cpu: Arc<dyn Backend>,
    open: OpenGpu,
    /// The GPU that was opened last. It is closed when no layer uses it any more.
    opened: Option<Weak<dyn Backend>>,
    /// The number of pictures that another backend drew in place of the GPU (its fallbacks) from
    /// its opening to the end of the last race.
    failures: u64,
    renders: usize,
    winners: Winners,
    layers: Registry,
    stop: Arc<AtomicBool>,
}

impl Races {
    fn hold(mut self, entries: &Receiver<RaceMessage>) {
        while let Ok(RaceMessage::Enter(entry)) = entries.recv() {
            match self.gpu() {
                Ok(Some(gpu)) => self.race(*entry, &gpu),
                // There is nothing to race against.
                Ok(None) => return,
                Err(error) => {
                    say!("heatsplat: {error}; the CPU draws");
                    return;
                }
            }
        }
    }

    fn gpu(&mut self) -> Result<Option<Arc<dyn Backend>>, BoxError> {
        if let Some(gpu) = self.opened.as_ref().and_then(Weak::upgrade) {
            return Ok(Some(gpu));
        }
        let gpu = (self.open)()?;
        self.opened = gpu.as_ref().map(Arc::downgrade);
        self.failures = gpu.as_ref().map_or(0, |gpu| gpu.fallbacks());
        Ok(gpu)
    }

    fn race(&mut self, entry: RaceEntry, gpu: &Arc<dyn Backend>) {
        let RaceEntry {
            id,
            key,
            set,
            style,
            present,
        } = entry;
        let other = match Arc::ptr_eq(&present, &self.cpu) {
            true => gpu,
            false => &self.cpu,
        };
        let failed_before = gpu.fallbacks() != self.failures;
        let Some(track) = RaceTrack::new(set, style, self.renders) else {
            return;
        };
        let Some(mut result) = track.run([&present, other], &self.stop) else {
            return;
        };
        // A device that has failed since the last race is as bad as one that fails in this one.
        match Arc::ptr_eq(other, gpu) {
            true => result.other_failed |= failed_before,
            false => result.present_failed |= failed_before,
        }
        self.failures = gpu.fallbacks();
        let next = match result.changes() {
            true => other,
            false => &present,
        };
        tracing::info!("{}", summary(&id, [&present, other], &result, &**next));
        let rates = [(&present, result.present), (other, result.other)];
        let race = BackendRace {
            tiles_per_second: rates
                .map(|(backend, rate)| (backend.name().to_owned(), rate.round()))
                .into(),
            next: next.name().to_owned(),
        };
        self.layers.record_race(&id, race);
        let mut winners = self.winners.lock().unwrap_or_else(PoisonError::into_inner);
        winners.insert(id, (key, Arc::clone(next)));
    }
}

fn summary(
    id: &LayerId,
    [present, other]: [&Arc<dyn Backend>; 2],
    result: &RaceResult,
    next: &dyn Backend,
) -> String {
    let rate = |backend: &dyn Backend, rate: f64| format!("{} {rate:.0} tiles/s", backend.name());
    format!(
        "{id}: {}, {}: {} draws it when it is read again",
        rate(&**present, result.present),
        rate(&**other, result.other),
        next.name(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use heatsplat::render::{BlendJob, Job, Normalizer};
    use heatsplat::{Density, Picture, Points};
    use std::sync::atomic::AtomicU64;
    use std::time::{Duration, Instant};

    /// A backend that draws nothing, and takes a given time for it.
    #[derive(Debug)]
    struct Timed {
        name: &'static str,
        time: Duration,
        /// The number that each call of `densities` adds to the fallbacks; 0 for a device that
        /// works.
        fails: AtomicU64,
        fallbacks: AtomicU64,
    }

    impl Timed {
        fn new(name: &'static str, milliseconds: u64, fails: u64) -> Arc<Self> {
            Arc::new(Self {
                name,
                time: Duration::from_millis(milliseconds),
                fails: fails.into(),
                fallbacks: 0.into(),
            })
        }
    }

    impl Backend for Timed {
        fn name(&self) -> &str {
            self.name
        }

        fn fallbacks(&self) -> u64 {
            self.fallbacks.load(Ordering::Relaxed)
        }

        fn densities(&self, jobs: &[Job<'_>]) -> Vec<Density> {
            thread::sleep(self.time);
            let fails = self.fails.load(Ordering::Relaxed);
            self.fallbacks.fetch_add(fails, Ordering::Relaxed);
            let empty = |job: &Job<'_>| Density::empty(job.window.width(), job.window.height());
            jobs.iter().map(empty).collect()
        }

        fn blend(&self, job: &BlendJob<'_>) -> Density {
            Density::empty(job.window.width(), job.window.height())
        }

        fn pictures(&self, jobs: &[(Job<'_>, &Normalizer)]) -> Vec<Picture> {
            let empty = |job: &Job<'_>| Picture::empty(job.window.width(), job.window.height());
            jobs.iter().map(|(job, _)| empty(job)).collect()
        }
    }

    /// A layer that the CPU draws in 5 ms, and its races against a GPU.
    struct Scene {
        backends: LayerBackends,
        layers: Registry,
        id: LayerId,
        _thread: RaceThread,
    }

    impl Scene {
        fn new(gpu: &Arc<Timed>) -> Self {
            let layers = Registry::default();
            let id = layers.announce("a");
            let opened = Arc::clone(gpu);
            let open = Box::new(move || Ok(Some(Arc::clone(&opened) as Arc<dyn Backend>)));
            let cpu = Timed::new("cpu", 5, 0);
            let (backends, thread) = LayerBackends::raced(cpu, open, 2, layers.clone());
            Self {
                backends,
                layers,
                id,
                _thread: thread,
            }
        }

        /// The name of the backend that would draw the layer if it were read now.
        fn next(&self) -> String {
            self.backends.of_layer(&self.id, "key").name().to_owned()
        }

        /// Reads the layer, as the server does, and waits until its race is over. Returns the
        /// backend that draws it now.
        fn read(&mut self) -> String {
            let points = Points::from_lon_lat([(1.0, 2.0, 1.0), (50.0, 9.0, 1.0)]).unwrap();
            let backend = self.backends.of_layer(&self.id, "key");
            let name = backend.name().to_owned();
            let layer = Layer::new("a", points, Style::default(), backend);
            self.backends.winners.lock().unwrap().clear();
            self.backends.enter(&self.id, "key", &layer);
            self.backends.start_races();
            let since = Instant::now();
            while self.backends.winners.lock().unwrap().is_empty() {
                assert!(
                    since.elapsed() < Duration::from_secs(60),
                    "no race was held"
                );
                thread::sleep(Duration::from_millis(5));
            }
            name
        }
    }

    #[test]
    fn the_faster_backend_draws_from_the_next_reading_on() {
        let mut fast = Scene::new(&Timed::new("gpu:fast", 0, 0));
        assert_eq!(fast.next(), "cpu");
        assert_eq!(
            [fast.read(), fast.read(), fast.read()],
            ["cpu", "gpu:fast", "gpu:fast"]
        );
        assert_eq!(fast.backends.of_layer(&fast.id, "other").name(), "cpu");
        assert_eq!(fast.backends.common().name(), "cpu");
        let mut slow = Scene::new(&Timed::new("gpu:slow", 20, 0));
        assert_eq!([slow.read(), slow.read()], ["cpu", "cpu"]);
        // A little faster is not enough.
        let mut close = Scene::new(&Timed::new("gpu:close", 5, 0));
        assert_eq!([close.read(), close.read()], ["cpu", "cpu"]);
    }

    #[test]
    fn a_device_that_fails_loses() {
        let gpu = Timed::new("gpu:flaky", 0, 1);
        let mut flaky = Scene::new(&gpu);
        assert_eq!([flaky.read(), flaky.read()], ["cpu", "cpu"]);
        // While it works it wins, and a failure between two races is noticed in the second.
        gpu.fails.store(0, Ordering::Relaxed);
        assert_eq!([flaky.read(), flaky.read()], ["cpu", "gpu:flaky"]);
        gpu.fallbacks.fetch_add(1, Ordering::Relaxed);
        assert_eq!([flaky.read(), flaky.read()], ["gpu:flaky", "cpu"]);
        assert!(flaky.layers.ids() == [flaky.id.clone()]);
    }
}
