//! The GPU backend. It draws the same pictures as the CPU backend, with compute shaders.
//!
//! A thread that needs pictures collects their cells (`prepare.rs`), sends them to the worker
//! thread and waits (`calls.rs`). The worker thread (`worker.rs`) owns the device and draws all
//! waiting pictures together (`batch.rs`, `engine.rs`). The waiting threads share what was read
//! back (`readings.rs`), and check and copy it themselves. If the device fails, the CPU draws the
//! picture instead (`health.rs`).
//!
//! ```no_run
//! use heatsplat_render::gpu::{AdapterChoice, GpuBackend};
//! use heatsplat_render::{Layer, Style};
//! use std::sync::Arc;
//!
//! // `AdapterChoice::Any` allows drivers in software, too.
//! let gpu = Arc::new(GpuBackend::new(AdapterChoice::Real)?);
//! let points = heatsplat_points::Points::from_lon_lat([(142.37, 38.32, 9.1)])?;
//! let layer = Layer::new("quakes", points, Style::default(), gpu);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod adapter;
mod arenas;
mod batch;
mod calls;
#[cfg(test)]
mod coalescing;
mod counters;
mod device;
mod engine;
mod grow_buffer;
mod health;
mod layout;
mod output_buffers;
mod pass_stamps;
mod pipelines;
mod place;
mod plan;
mod point_buffers;
mod prepare;
mod readings;
mod self_test;
mod table_arena;
mod tables;
mod worker;

pub use adapter::{Adapter, AdapterChoice, adapters};
pub use counters::GpuReport;
pub use health::FallbackReason;
pub use output_buffers::GpuPicture;
pub use pass_stamps::PassTime;
pub use wgpu;

use crate::scale::normalizer::Normalizer;
use crate::splat::blend_job::BlendJob;
use crate::splat::cpu::CpuBackend;
use crate::splat::density::{Density, Picture};
use crate::splat::timing::{Phase, lap};
use crate::splat::{Backend, Job};
use device::DeviceContext;
use engine::Engine;
use health::{Health, PassTimer};
use plan::Plans;
use point_buffers::PointBuffers;
use std::sync::Arc;
use worker::{Worker, WorkerHandle};

/// An error in opening a GPU.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GpuError {
    /// No device of this machine matches the [`AdapterChoice`].
    #[error("there is no such GPU")]
    NoAdapter,
    /// The device can't be opened. The fields are its name and the error of the driver.
    #[error("the GPU {0} can't be used: {1}")]
    Device(String, wgpu::RequestDeviceError),
    /// The device draws the self-test's scene differently from the CPU, or fails to draw it. The
    /// fields are its name and the reason.
    #[error("the GPU {0} can't be trusted: {1}")]
    SelfTest(String, FallbackReason),
    /// The worker thread of the device could not be started.
    #[error("no thread for the GPU: {0}")]
    Thread(#[from] std::io::Error),
}

/// The choice of a device, and the memory that points may take on it.
#[derive(Clone, Debug)]
pub struct GpuOptions {
    choice: AdapterChoice,
    memory: u64,
    chunk: usize,
    batch: usize,
}

impl Default for GpuOptions {
    fn default() -> Self {
        Self::new(AdapterChoice::Real)
    }
}

impl GpuOptions {
    /// Options for a choice of device, with at most 2 GiB of memory for points.
    pub fn new(choice: AdapterChoice) -> Self {
        Self {
            choice,
            memory: 2 << 30,
            chunk: 1 << 22,
            batch: batch::MOST,
        }
    }

    /// Sets the greatest number of bytes that points may take on the device. Points that don't fit
    /// are sent again with each picture.
    #[must_use]
    pub fn with_memory(mut self, bytes: u64) -> Self {
        self.memory = bytes;
        self
    }

    /// Sets the greatest number of pictures that are drawn in one batch: 64 unless it is set.
    /// Benchmarks compare sizes.
    #[must_use]
    pub fn with_batch(mut self, pictures: usize) -> Self {
        self.batch = pictures.max(1);
        self
    }

    /// Sets the greatest number of points and cells in each of the buffers that hold points on the
    /// device. A device may limit it further. Tests choose small numbers.
    #[doc(hidden)]
    #[must_use]
    pub fn with_chunk(mut self, points: usize) -> Self {
        self.chunk = points;
        self
    }

    fn point_buffers(&self) -> PointBuffers {
        PointBuffers::new(self.memory, self.chunk)
    }
}

impl From<AdapterChoice> for GpuOptions {
    fn from(choice: AdapterChoice) -> Self {
        Self::new(choice)
    }
}

/// The backend that draws on a GPU. Pictures that the GPU can't draw are drawn on the CPU.
#[derive(Debug)]
pub struct GpuBackend {
    name: String,
    identity: String,
    plans: Plans,
    cpu: CpuBackend,
    worker: WorkerHandle,
    health: Arc<Health>,
    point_buffers: Arc<PointBuffers>,
}

impl GpuBackend {
    /// Opens the best device that a choice allows.
    ///
    /// # Errors
    /// There is no such device, it can't be opened, or it fails the self-test.
    pub fn new(options: impl Into<GpuOptions>) -> Result<Self, GpuError> {
        let options = options.into();
        let health = Arc::new(Health::with_batch(options.batch));
        let point_buffers = Arc::new(options.point_buffers());
        let open = {
            let (health, point_buffers) = (Arc::clone(&health), Arc::clone(&point_buffers));
            move || -> Result<(Adapter, Engine), GpuError> {
                let found = adapter::find(&options.choice);
                let (about, adapter) = found.ok_or(GpuError::NoAdapter)?;
                let context = DeviceContext::open(&adapter)
                    .map_err(|e| GpuError::Device(about.to_string(), e))?;
                let engine = Engine::new(context, Arc::clone(&health), &point_buffers);
                let unfit = |reason| GpuError::SelfTest(about.name.clone(), reason);
                let engine = engine.map_err(unfit)?;
                Ok((about, engine))
            }
        };
        let (about, engine) = open()?;
        let rebuild = Arc::new(move || open().ok().map(|(_, engine)| engine));
        Self::start(&about, engine, rebuild, health, point_buffers)
    }

    /// Uses a device that the caller has opened; the choice of a device in the options is ignored.
    /// The caller's error handlers stay on the device.
    ///
    /// # Errors
    /// The thread of the device can't be started, or the device fails the self-test.
    pub fn from_device(
        device: wgpu::Device,
        queue: wgpu::Queue,
        options: &GpuOptions,
    ) -> Result<Self, GpuError> {
        let health = Arc::new(Health::with_batch(options.batch));
        let point_buffers = Arc::new(options.point_buffers());
        let about = Adapter::new(&device.adapter_info(), &device.limits());
        let context = DeviceContext::from_device(device, queue);
        let engine = Engine::new(context, Arc::clone(&health), &point_buffers);
        let engine = engine.map_err(|reason| GpuError::SelfTest(about.name.clone(), reason))?;
        Self::start(&about, engine, Arc::new(|| None), health, point_buffers)
    }

    fn start(
        adapter: &Adapter,
        engine: Engine,
        rebuild: worker::Rebuild,
        health: Arc<Health>,
        point_buffers: Arc<PointBuffers>,
    ) -> Result<Self, GpuError> {
        let worker = Worker::new(
            engine,
            Arc::clone(&health),
            Arc::clone(&point_buffers),
            rebuild,
        );
        let made = Self {
            name: format!("gpu:{}", adapter.name),
            identity: format!("gpu:{adapter}, {}", adapter.driver),
            plans: Plans::default(),
            cpu: CpuBackend::new(),
            worker: WorkerHandle::start(worker)?,
            health,
            point_buffers,
        };
        match made.check() {
            Ok(()) => Ok(made),
            Err(reason) => Err(GpuError::SelfTest(adapter.name.clone(), reason)),
        }
    }

    /// The number of bytes of the device's memory that points take at present.
    pub fn resident_bytes(&self) -> u64 {
        self.point_buffers.used()
    }

    /// Counters of the pictures that the device has drawn, and of the pictures that the CPU drew
    /// instead.
    pub fn report(&self) -> GpuReport {
        self.health.counters.report()
    }

    /// Draws jobs and waits after each pass on the GPU. Returns the name of each pass and the time
    /// that it took in seconds. It is meant for benchmarks: if other threads ask for pictures
    /// meanwhile, the time of these pictures is included.
    pub fn time_stages(&self, jobs: &[(Job<'_>, &Normalizer)]) -> Vec<(&'static str, f64)> {
        let passes = self.time_passes(jobs).into_iter();
        passes.map(|pass| (pass.name, pass.wall)).collect()
    }

    /// Draws jobs and waits after each pass, as [`time_stages`](Self::time_stages) does. Returns
    /// the time of each pass, by the device's clock too if it has one.
    pub fn time_passes(&self, jobs: &[(Job<'_>, &Normalizer)]) -> Vec<PassTime> {
        let timer = Arc::new(PassTimer::new());
        self.health.set_timer(Some(Arc::clone(&timer)));
        self.pictures(jobs);
        timer.lap("readback");
        self.health.set_timer(None);
        timer.laps()
    }

    /// Makes the next picture on the device fail once, for the given reason. It is meant for tests.
    #[doc(hidden)]
    pub fn fail_next(&self, reason: FallbackReason) {
        self.health.fail_next(reason);
    }
}

impl Backend for GpuBackend {
    fn name(&self) -> &str {
        &self.name
    }

    fn identity(&self) -> String {
        self.identity.clone()
    }

    fn fallbacks(&self) -> u64 {
        self.report().fallbacks()
    }

    fn batch(&self) -> usize {
        self.health.batch()
    }

    fn counters(&self) -> Vec<(&'static str, u64)> {
        let resident = ("resident_bytes", self.resident_bytes());
        self.report().named().chain([resident]).collect()
    }

    fn densities(&self, jobs: &[Job<'_>]) -> Vec<Density> {
        let drawn = self.device_densities(jobs).into_iter().zip(jobs);
        let drawn = drawn
            .filter_map(|(drawn, job)| drawn.ok().or_else(|| self.cpu.densities(&[*job]).pop()))
            .collect();
        lap(Phase::Draw);
        drawn
    }

    fn blend(&self, job: &BlendJob<'_>) -> Density {
        self.health
            .count_failure(FallbackReason::Beyond, &self.name);
        self.cpu.blend(job)
    }

    fn pictures(&self, jobs: &[(Job<'_>, &Normalizer)]) -> Vec<Picture> {
        // If a scale begins below zero, density 0 has a colour too.
        let targets: Vec<(Job<'_>, Arc<[u32]>, u8)> = jobs
            .iter()
            .map(|&(job, scale)| (job, tables::thresholds(scale).into(), scale.index(0.0)))
            .collect();
        let drawn = self.device_pictures(&targets).into_iter().zip(jobs);
        let drawn = drawn
            .filter_map(|(drawn, job)| drawn.or_else(|| self.cpu.pictures(&[*job]).pop()))
            .collect();
        lap(Phase::Draw);
        drawn
    }
}
