//! The GPU backend: the same pictures as the CPU's, by compute shaders.
//!
//! Who asks for a picture finds its cells (`prepare.rs`) and waits; one thread (`driver.rs`)
//! drives the device and draws all that wait together (`batch.rs`, `engine.rs`). Whatever
//! goes wrong on the device, the CPU answers the same request (`health.rs`).
//!
//! ```no_run
//! use heatsplat_render::gpu::{Choice, GpuBackend};
//! use heatsplat_render::{Layer, Style};
//! use std::sync::Arc;
//!
//! let gpu = Arc::new(GpuBackend::new(Choice::Real)?); // Choice::Any: in software too
//! let points = heatsplat_points::Points::from_lon_lat([(142.37, 38.32, 9.1)])?;
//! let layer = Layer::new("quakes", points, Style::default(), gpu);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod adapter;
mod batch;
mod device;
mod engine;
mod grow_buffer;
mod health;
mod layout;
mod output_buffers;
mod pipelines;
mod place;
mod plan;
mod point_buffers;
mod prepare;
mod self_test;
mod tables;
mod worker;

pub use adapter::{Adapter, Choice, adapters};
pub use health::{Failure, Report};
pub use output_buffers::GpuPicture;
pub use wgpu;

use crate::scale::Normalizer;
use crate::splat::blend_job::Stamped;
use crate::splat::cpu::{self, CpuBackend};
use crate::splat::density::{Density, Picture};
use crate::splat::tiling::Block;
use crate::splat::timing::{Stage, lap};
use crate::splat::{Backend, Job};
use batch::{Answer, Task};
use device::Context;
use engine::Engine;
use health::{Health, Timer};
use plan::Plans;
use point_buffers::Shelf;
use prepare::{Prepared, Wanted};
use std::sync::{Arc, mpsc};
use worker::{Driver, Driving};

/// Why there is no GPU backend.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GpuError {
    /// No device is what was asked for.
    #[error("there is no such GPU; `heatsplat info --backends` lists those there are")]
    NoAdapter,
    /// The device can't be opened.
    #[error("the GPU {0} can't be used: {1}")]
    Device(String, wgpu::RequestDeviceError),
    /// The device does not draw a small known scene as the CPU does.
    #[error("the GPU {0} can't be trusted: {1}")]
    Untrue(String, Failure),
    /// The thread that drives the device could not be started.
    #[error("no thread for the GPU: {0}")]
    Thread(#[from] std::io::Error),
}

/// Which device, and how much of it.
#[derive(Clone, Debug)]
pub struct GpuOptions {
    /// Which device.
    pub choice: Choice,
    /// Bytes that points may take on the device. What they don't get is sent with each picture.
    pub memory: u64,
    /// Points to a buffer, where the device allows that many: small in tests.
    #[doc(hidden)]
    pub chunk: usize,
}

impl Default for GpuOptions {
    fn default() -> Self {
        Self {
            choice: Choice::Real,
            memory: 2 << 30,
            chunk: 1 << 22,
        }
    }
}

impl GpuOptions {
    fn shelf(&self) -> Shelf {
        Shelf::new(self.memory, self.chunk)
    }
}

impl From<Choice> for GpuOptions {
    fn from(choice: Choice) -> Self {
        Self {
            choice,
            ..Self::default()
        }
    }
}

/// Splats on a GPU; what it can't, the CPU does.
#[derive(Debug)]
pub struct GpuBackend {
    name: String,
    plans: Plans,
    cpu: CpuBackend,
    driving: Driving,
    health: Arc<Health>,
    shelf: Arc<Shelf>,
}

impl GpuBackend {
    /// The best device that a choice takes.
    ///
    /// # Errors
    /// Where there is none, or none that works.
    pub fn new(options: impl Into<GpuOptions>) -> Result<Self, GpuError> {
        let options = options.into();
        let (health, shelf) = (Arc::default(), Arc::new(options.shelf()));
        let open = {
            let (health, shelf) = (Arc::clone(&health), Arc::clone(&shelf));
            move || -> Result<(Adapter, Engine), GpuError> {
                let found = adapter::find(&options.choice);
                let (about, adapter) = found.ok_or(GpuError::NoAdapter)?;
                let context =
                    Context::open(&adapter).map_err(|e| GpuError::Device(about.to_string(), e))?;
                let engine = Engine::new(context, Arc::clone(&health), Arc::clone(&shelf));
                Ok((about, engine))
            }
        };
        let (about, engine) = open()?;
        let rebuild = Box::new(move || open().ok().map(|(_, engine)| engine));
        Self::start(&about.name, engine, rebuild, health, shelf)
    }

    /// A device that the caller has already; which one the options choose plays no part. Its
    /// error handlers stay the caller's.
    ///
    /// # Errors
    /// Where no thread can be started for it.
    pub fn from_device(
        device: wgpu::Device,
        queue: wgpu::Queue,
        options: &GpuOptions,
    ) -> Result<Self, GpuError> {
        let (health, shelf) = (Arc::default(), Arc::new(options.shelf()));
        let name = device.adapter_info().name;
        let context = Context::of(device, queue);
        let engine = Engine::new(context, Arc::clone(&health), Arc::clone(&shelf));
        Self::start(&name, engine, Box::new(|| None), health, shelf)
    }

    fn start(
        adapter: &str,
        engine: Engine,
        rebuild: worker::Rebuild,
        health: Arc<Health>,
        shelf: Arc<Shelf>,
    ) -> Result<Self, GpuError> {
        let driver = Driver::new(engine, Arc::clone(&shelf), rebuild);
        let made = Self {
            name: format!("gpu:{adapter}"),
            plans: Plans::default(),
            cpu: CpuBackend::new(),
            driving: Driving::start(driver)?,
            health,
            shelf,
        };
        match made.check() {
            Ok(()) => Ok(made),
            Err(failure) => Err(GpuError::Untrue(adapter.to_owned(), failure)),
        }
    }

    /// Bytes of points on the device.
    pub fn resident_bytes(&self) -> u64 {
        self.shelf.used()
    }

    /// How much the device has drawn, and how often the CPU had to.
    pub fn report(&self) -> Report {
        self.health.report()
    }

    /// Draws jobs stage by stage, each waited for, and says how many seconds each stage took:
    /// for benches. Pictures that others ask for meanwhile are timed with them.
    pub fn time_stages(&self, jobs: &[(Job<'_>, &Normalizer)]) -> Vec<(&'static str, f64)> {
        let timer = Arc::new(Timer::new());
        self.health.set_timer(Some(Arc::clone(&timer)));
        self.pictures(jobs);
        timer.lap("readback");
        self.health.set_timer(None);
        timer.laps()
    }

    /// Makes the next picture fail like this, once: for tests of what happens then.
    #[doc(hidden)]
    pub fn fail_next(&self, failure: Failure) {
        self.health.fail_next(failure);
    }

    /// Sends a job's blocks to the device; nothing is waited for yet.
    fn send(&self, job: &Job<'_>, wanted: &Wanted) -> Sent {
        let (answer, answers) = mpsc::channel();
        let mut sent = Sent {
            blocks: Vec::new(),
            answers,
            failure: None,
        };
        let plan = self.plans.get(&job.kernel);
        let drawable = prepare::can_draw(&job.window, &plan);
        if !drawable || cpu::cancel(job.points, &job.kernel, &job.window) {
            sent.failure = Some(Failure::Beyond);
            return sent;
        }
        let (blocks, phase) = prepare::blocks(&job.window, &plan);
        let resident = self.shelf.get(job.points);
        for block in blocks {
            let window = block.window(&job.window);
            let number = sent.blocks.len();
            let prepared = Prepared::new(
                job.points,
                &window,
                phase,
                &plan,
                wanted.at(&block),
                resident.clone(),
            );
            let prepared = match prepared {
                Ok(Some(prepared)) => prepared,
                Ok(None) => continue,
                Err(failure) => {
                    sent.failure = Some(failure);
                    return sent;
                }
            };
            sent.blocks.push(block);
            let task = Task {
                prepared,
                number,
                answer: answer.clone(),
            };
            if !self.driving.draw(task) {
                sent.failure = Some(Failure::Lost);
                return sent;
            }
        }
        sent
    }

    /// Waits for a job's blocks. A failure is counted.
    fn receive(&self, sent: Sent, mut paste: impl FnMut(Block, Vec<u32>)) -> Result<(), Failure> {
        let mut failure = sent.failure;
        for _ in 0..if failure.is_some() {
            0
        } else {
            sent.blocks.len()
        } {
            match sent.answers.recv() {
                Ok((number, Ok(words))) => {
                    if let Some(block) = sent.blocks.get(number) {
                        paste(*block, words);
                    }
                }
                Ok((_, Err(why))) => failure = Some(why),
                // the thread is gone
                Err(_) => failure = Some(Failure::Lost),
            }
        }
        match failure {
            None => Ok(()),
            Some(failure) => {
                self.health.count_failure(failure, &self.name);
                Err(failure)
            }
        }
    }
}

/// Blocks that are being drawn.
struct Sent {
    blocks: Vec<Block>,
    answers: mpsc::Receiver<Answer>,
    failure: Option<Failure>,
}

impl Backend for GpuBackend {
    fn name(&self) -> &str {
        &self.name
    }

    fn batch(&self) -> usize {
        batch::MOST
    }

    fn counters(&self) -> Vec<(&'static str, u64)> {
        let report = self.report();
        let failed = report.failures.map(|(failure, n)| (failure.name(), n));
        let done = [
            ("drawn", report.drawn),
            ("batches", report.batches),
            ("resident_bytes", self.resident_bytes()),
        ];
        done.into_iter().chain(failed).collect()
    }

    fn densities(&self, jobs: &[Job<'_>]) -> Vec<Density> {
        let sent: Vec<Sent> = jobs
            .iter()
            .map(|job| self.send(job, &Wanted::Densities))
            .collect();
        let draw = |(job, sent): (&Job<'_>, Sent)| {
            let mut whole = Density::empty(job.window.width(), job.window.height());
            let done = self.receive(sent, |block, words| {
                let part = Density {
                    width: block.width,
                    height: block.height,
                    values: words.into_iter().map(f32::from_bits).collect(),
                };
                whole.paste(&part, block.x, block.y);
            });
            match done {
                Ok(()) => whole,
                Err(_) => self.cpu.densities(&[*job]).pop().unwrap_or(whole),
            }
        };
        let drawn = jobs.iter().zip(sent).map(draw).collect();
        lap(Stage::Draw);
        drawn
    }

    fn stamped(&self, job: &Stamped<'_>) -> Density {
        self.health.count_failure(Failure::Beyond, &self.name);
        self.cpu.stamped(job)
    }

    fn pictures(&self, jobs: &[(Job<'_>, &Normalizer)]) -> Vec<Picture> {
        let sent: Vec<Sent> = jobs
            .iter()
            .map(|(job, scale)| self.send(job, &Wanted::Indices(tables::thresholds(scale).into())))
            .collect();
        let draw = |((job, scale), sent): (&(Job<'_>, &Normalizer), Sent)| {
            let (width, height) = (job.window.width(), job.window.height());
            let mut whole = Picture::empty(width, height);
            // nothing has a colour too where a scale begins below zero
            whole.indices.fill(scale.index(0.0));
            let done = self.receive(sent, |block, words| {
                let pitch = 4 * block.width.div_ceil(4) as usize;
                let rows = bytemuck::cast_slice::<u32, u8>(&words).chunks_exact(pitch);
                let rows = rows.filter_map(|row| row.get(..block.width as usize));
                let part = Picture {
                    width: block.width,
                    height: block.height,
                    indices: rows.flatten().copied().collect(),
                };
                whole.paste(&part, block.x, block.y);
            });
            match done {
                Ok(()) => whole,
                Err(_) => self.cpu.pictures(&[(*job, *scale)]).pop().unwrap_or(whole),
            }
        };
        let drawn = jobs.iter().zip(sent).map(draw).collect();
        lap(Stage::Draw);
        drawn
    }
}
