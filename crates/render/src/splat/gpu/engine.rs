//! The engine: it submits batches of pictures to the device, and receives the finished pictures in
//! readback buffers. One batch is read while the next one is drawn.

use super::batch::{CellUpload, DrawBatch, Task};
use super::device::DeviceContext;
use super::grow_buffer::GrowBuffer;
use super::health::{FallbackReason, Health, is_whole};
use super::layout::{EACH, GROUP, GpuJob, OUTPUTS, SLOT, SLOTS};
use super::pass_stamps::PassStamps;
use super::pipelines::{EntryPoint, Pipelines};
use super::plan::{GpuPlan, GpuPlanKind, PLANS};
use super::point_buffers::PointBuffers;
use super::prepare::OutputBuffer;
use std::collections::HashMap;
use std::sync::{Arc, mpsc};
use wgpu::{Buffer, CommandEncoder, ComputePass};

/// The greatest number of bytes of each buffer that a batch fills. It is a choice; a device may
/// allow less.
const ARENA: u64 = 96 << 20;

/// An open device with its pipelines and buffers.
#[derive(Debug)]
pub(super) struct Engine {
    context: DeviceContext,
    pipelines: Pipelines,
    buffers: Buffers,
    tables: HashMap<u64, PlanTables>,
    spare: Vec<GrowBuffer>,
    health: Arc<Health>,
    /// The number of this device. A device that fails is opened again, and gets a new number each
    /// time.
    number: u64,
}

#[derive(Debug)]
struct Buffers {
    bins: GrowBuffer,
    grid: GrowBuffer,
    across: GrowBuffer,
    values: GrowBuffer,
    picture: GrowBuffer,
    sums: GrowBuffer,
    jobs: GrowBuffer,
    places: GrowBuffer,
    thresholds: GrowBuffer,
    items: GrowBuffer,
    cells: GrowBuffer,
}

/// The tables of a plan, in buffers on the device.
#[derive(Debug)]
enum PlanTables {
    None,
    Spread {
        taps: Buffer,
        refine: Option<(Buffer, Buffer)>,
    },
    Edge {
        taps: Buffer,
        rows: Buffer,
    },
}

/// A batch that was submitted and is not finished.
#[derive(Debug)]
pub(super) struct Submission {
    tasks: Vec<Task>,
    /// The position of each task's picture in the readback buffer.
    parts: Vec<PicturePart>,
    readback: Readback,
}

/// A buffer that the host can read when the submission is finished.
#[derive(Debug)]
struct Readback {
    staging: GrowBuffer,
    bytes: u64,
    submission: wgpu::SubmissionIndex,
    mapped: mpsc::Receiver<Result<(), wgpu::BufferAsyncError>>,
}

/// The position of a picture in a readback buffer.
#[derive(Clone, Copy, Debug)]
struct PicturePart {
    /// The index of the picture's first word of 32 bits.
    first: usize,
    words: usize,
    /// The number of cells that the picture consists of.
    cells: u64,
}

impl Submission {
    /// Answers all tasks with the reason of a failure.
    pub(super) fn fail(self, reason: FallbackReason) {
        self.tasks
            .into_iter()
            .for_each(|task| task.answer(Err(reason)));
    }
}

impl Engine {
    pub(super) fn new(
        context: DeviceContext,
        health: Arc<Health>,
        point_buffers: Arc<PointBuffers>,
    ) -> Self {
        point_buffers.attach(Some(context.clone()));
        Self {
            context,
            pipelines: Pipelines::default(),
            buffers: Buffers {
                bins: GrowBuffer::inner("bins"),
                grid: GrowBuffer::inner("grid"),
                across: GrowBuffer::inner("rows across"),
                values: GrowBuffer::inner("densities"),
                picture: GrowBuffer::inner("pictures"),
                sums: GrowBuffer::inner("sums"),
                jobs: GrowBuffer::inner("jobs"),
                places: GrowBuffer::inner("places"),
                thresholds: GrowBuffer::inner("thresholds"),
                items: GrowBuffer::inner("stretches"),
                cells: GrowBuffer::inner("cells"),
            },
            tables: HashMap::new(),
            spare: Vec::new(),
            health,
            number: point_buffers.number(),
        }
    }

    /// The greatest number of bytes of each buffer that a batch may use.
    pub(super) fn room(&self) -> u64 {
        let limits = &self.context.limits;
        let most = limits
            .max_storage_buffer_binding_size
            .min(limits.max_buffer_size);
        // This is less than the device allows, since buffers are made a little larger than needed.
        (most / 8 * 7 - 4096).min(ARENA)
    }

    /// Submits a batch. If that fails, returns the reason and the batch's tasks.
    pub(super) fn submit(
        &mut self,
        mut batch: DrawBatch,
    ) -> Result<Submission, (FallbackReason, Vec<Task>)> {
        let tasks = std::mem::take(&mut batch.tasks);
        let context = self.context.clone();
        if self.health.fails(FallbackReason::Lost) {
            context.device.destroy();
        }
        let on_another = |task: &Task| {
            let points = task.prepared.resident.as_ref();
            points.is_some_and(|points| points.device != self.number)
        };
        let sent = if self.health.fails(FallbackReason::OutOfMemory) {
            Err(FallbackReason::OutOfMemory)
        } else if tasks.iter().any(on_another) {
            Err(FallbackReason::Resting)
        } else {
            let kept: Vec<_> = tasks
                .iter()
                .filter_map(|t| t.prepared.target.kept())
                .collect();
            context.guarded(|| self.send(&batch, &kept))
        };
        let readback = match sent {
            Ok(readback) => readback,
            Err(reason) => return Err((reason, tasks)),
        };
        let cells = |task: &Task| {
            let counts = task.prepared.runs.iter().map(|s| u64::from(s.count));
            counts.sum()
        };
        let back = |words: u32| if batch.stays { 0 } else { words as usize };
        let parts = batch
            .jobs
            .iter()
            .zip(&tasks)
            .map(|(job, task)| PicturePart {
                first: back(job.picture),
                words: back(job.words),
                cells: cells(task),
            });
        Ok(Submission {
            parts: parts.collect(),
            tasks,
            readback,
        })
    }

    /// Encodes and submits the compute passes of a batch.
    fn send(
        &mut self,
        batch: &DrawBatch,
        kept: &[&OutputBuffer],
    ) -> Result<Readback, FallbackReason> {
        let DeviceContext { device, queue, .. } = self.context.clone();
        let (device, queue) = (&device, &queue);
        if self.tables.len() > 2 * PLANS {
            self.tables.clear();
        }
        self.tables
            .entry(batch.plan.id)
            .or_insert_with(|| PlanTables::new(device, queue, &batch.plan));
        let sizes = batch.sizes;
        let picture_bytes = if batch.stays {
            0
        } else {
            u64::from(sizes.picture) * 4
        };
        let sums_bytes = batch.jobs.len() as u64 * u64::from(SLOTS * SLOT) * 4;
        let bytes = picture_bytes + sums_bytes;
        let mut staging = self
            .spare
            .pop()
            .unwrap_or_else(|| GrowBuffer::readback("readback"));
        let back = staging.at_least(device, bytes).clone();

        let health = Arc::clone(&self.health);
        let counters = &health.counters;
        let timer = health.timer();
        let stamps = timer.as_ref().and_then(|_| PassStamps::new(device, queue));
        if let Some(timer) = &timer {
            timer.lap("plan");
        }
        let mut passes = Passes::new(self, batch)?;
        let mut encoder = passes.begin(batch, stamps.as_ref());
        let lap = |mut encoder: CommandEncoder, name: &'static str| {
            let Some(timer) = &timer else { return encoder };
            if let Some(stamps) = &stamps {
                stamps.end(&mut encoder);
            }
            queue.submit([encoder.finish()]);
            counters.submissions.add(1);
            let _ = device.poll(wgpu::PollType::wait_indefinitely());
            let took = stamps.as_ref().and_then(|stamps| stamps.read(device));
            timer.lap_on_device(name, took);
            let descriptor = wgpu::CommandEncoderDescriptor::default();
            let mut encoder = device.create_command_encoder(&descriptor);
            if let Some(stamps) = &stamps {
                stamps.begin(&mut encoder);
            }
            encoder
        };
        encoder = lap(encoder, "upload");
        for (i, upload) in batch.uploads.iter().enumerate() {
            if i > 0 {
                // Each upload of cells has its own submission, so that the device is never busy for
                // long.
                queue.submit([encoder.finish()]);
                counters.submissions.add(1);
                encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            }
            passes.deposit(&mut encoder, upload)?;
        }
        encoder = lap(encoder, "bin");
        if timer.is_none() {
            passes.draw(&mut encoder, batch)?;
        } else {
            for step in passes.steps(batch) {
                let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
                passes.run(&mut pass, &step)?;
                drop(pass);
                encoder = lap(encoder, step.entry.name());
            }
        }
        for (job, kept) in batch.jobs.iter().zip(kept) {
            copy_out(&mut encoder, &passes.picture, job, kept);
            counters.copies.add(u64::from(job.height));
        }
        if picture_bytes > 0 {
            encoder.copy_buffer_to_buffer(&passes.picture, 0, &back, 0, picture_bytes);
        }
        encoder.copy_buffer_to_buffer(&passes.sums, 0, &back, picture_bytes, sums_bytes);
        let submission = queue.submit([encoder.finish()]);
        counters.submissions.add(1);
        counters.staged_bytes.add(batch.staged_bytes() as u64);
        let (done, mapped) = mpsc::channel();
        back.map_async(wgpu::MapMode::Read, 0..bytes, move |result| {
            let _ = done.send(result);
        });
        Ok(Readback {
            staging,
            bytes,
            submission,
            mapped,
        })
    }

    /// Waits for a batch, and sends its pictures to the tasks that wait for them.
    pub(super) fn finish(&mut self, submission: Submission) -> Result<(), FallbackReason> {
        let Submission {
            tasks,
            parts,
            readback,
        } = submission;
        let Readback {
            mut staging,
            bytes,
            submission,
            mapped,
        } = readback;
        let wait = wgpu::PollType::Wait {
            submission_index: Some(submission),
            timeout: Some(self.context.timeout),
        };
        let context = self.context.clone();
        let health = Arc::clone(&self.health);
        let words = context.guarded(|| {
            if health.fails(FallbackReason::TimedOut) {
                return Err(FallbackReason::TimedOut);
            }
            context.device.poll(wait).map_err(|e| match e {
                wgpu::PollError::Timeout => FallbackReason::TimedOut,
                _ => FallbackReason::Lost,
            })?;
            let answer = mapped.recv_timeout(context.timeout).map_err(|e| match e {
                mpsc::RecvTimeoutError::Timeout => FallbackReason::TimedOut,
                // The callback was dropped, which happens when the device is dropped.
                mpsc::RecvTimeoutError::Disconnected => FallbackReason::Lost,
            })?;
            answer.map_err(|_| FallbackReason::Lost)?;
            let buffer = staging.at_least(&context.device, bytes);
            let view = buffer
                .get_mapped_range(0..bytes)
                .map_err(|_| FallbackReason::Lost)?;
            let mut words: Vec<u32> = bytemuck::pod_collect_to_vec(&view);
            drop(view);
            buffer.unmap();
            if health.fails(FallbackReason::WrongSum) {
                words.iter_mut().take(7).for_each(|word| *word ^= 0x0101);
            }
            Ok(words)
        });
        let words = match words {
            Ok(words) => words,
            Err(reason) => {
                tasks.into_iter().for_each(|task| task.answer(Err(reason)));
                return Err(reason);
            }
        };
        self.spare.push(staging);
        let end = parts.last().map_or(0, |part| part.first + part.words);
        let sums = words.get(end..).unwrap_or_default();
        let each = (SLOTS * SLOT) as usize;
        let pictures: Vec<_> = tasks
            .into_iter()
            .zip(parts.iter().zip(sums.chunks(each)))
            .map(|(task, (part, sums))| {
                let range = part.first..part.first + part.words;
                let picture = words.get(range).unwrap_or_default();
                let seen = task.prepared.target.kept().is_none();
                let whole = is_whole(sums, part.cells, seen.then_some(picture));
                (task, whole.then_some(picture))
            })
            .collect();
        let wrong = pictures.iter().any(|(_, picture)| picture.is_none());
        if !wrong {
            let counters = &self.health.counters;
            counters.drawn.add(pictures.len() as u64);
            counters.batches.add(1);
        }
        for (task, picture) in pictures {
            task.answer(picture.map(<[u32]>::to_vec).ok_or(FallbackReason::WrongSum));
        }
        if wrong {
            Err(FallbackReason::WrongSum)
        } else {
            Ok(())
        }
    }
}

/// Copies a picture to its output buffer, row by row.
fn copy_out(encoder: &mut CommandEncoder, picture: &Buffer, job: &GpuJob, kept: &OutputBuffer) {
    let bytes = |words: u64| words * 4;
    for row in 0..u64::from(job.height) {
        encoder.copy_buffer_to_buffer(
            picture,
            bytes(u64::from(job.picture) + row * u64::from(job.row_words)),
            &kept.buffer,
            bytes(kept.first + row * kept.pitch),
            bytes(u64::from(job.width)),
        );
    }
}

impl PlanTables {
    fn new(device: &wgpu::Device, queue: &wgpu::Queue, plan: &GpuPlan) -> Self {
        fn upload<T: bytemuck::Pod>(
            device: &wgpu::Device,
            queue: &wgpu::Queue,
            data: &[T],
        ) -> Buffer {
            GrowBuffer::inner("table").with(device, queue, data).clone()
        }
        match &plan.kind {
            GpuPlanKind::Direct { .. } | GpuPlanKind::Beyond => Self::None,
            GpuPlanKind::Spread { table, refine, .. } => Self::Spread {
                taps: upload(device, queue, &table.taps),
                refine: refine.as_ref().map(|table| {
                    (
                        upload(device, queue, &table.down),
                        upload(device, queue, &table.across),
                    )
                }),
            },
            GpuPlanKind::Edge { table, .. } => Self::Edge {
                taps: upload(device, queue, &table.taps),
                rows: upload(device, queue, &table.rows),
            },
        }
    }
}

/// The compute passes of a batch: the buffers that the batch uses, and the pipelines.
struct Passes<'a> {
    device: &'a wgpu::Device,
    queue: &'a wgpu::Queue,
    pipelines: &'a Pipelines,
    tables: &'a PlanTables,
    bins: Buffer,
    grid: Buffer,
    across: Buffer,
    values: Buffer,
    picture: Buffer,
    sums: Buffer,
    jobs: Buffer,
    places: Buffer,
    thresholds: Buffer,
    items: &'a mut GrowBuffer,
    cells: &'a mut GrowBuffer,
}

impl<'a> Passes<'a> {
    fn new(engine: &'a mut Engine, batch: &DrawBatch) -> Result<Self, FallbackReason> {
        let Engine {
            context,
            pipelines,
            buffers: a,
            tables,
            ..
        } = engine;
        let DeviceContext { device, queue, .. } = &*context;
        let bytes = |elements: u32, size: u64| u64::from(elements) * size;
        let sizes = batch.sizes;
        let sums = batch.jobs.len() as u64 * u64::from(SLOTS * SLOT) * 4;
        Ok(Self {
            tables: tables.get(&batch.plan.id).ok_or(FallbackReason::Lost)?,
            bins: a.bins.at_least(device, bytes(sizes.bins, 8)).clone(),
            grid: a.grid.at_least(device, bytes(sizes.bins, 4)).clone(),
            across: a.across.at_least(device, bytes(sizes.across, 4)).clone(),
            values: a.values.at_least(device, bytes(sizes.values, 4)).clone(),
            picture: a.picture.at_least(device, bytes(sizes.picture, 4)).clone(),
            sums: a.sums.at_least(device, sums).clone(),
            jobs: a.jobs.with(device, queue, &batch.jobs).clone(),
            places: a.places.with(device, queue, &batch.places).clone(),
            thresholds: a.thresholds.with(device, queue, &batch.thresholds).clone(),
            items: &mut a.items,
            cells: &mut a.cells,
            device,
            queue,
            pipelines,
        })
    }

    fn begin(&self, batch: &DrawBatch, stamps: Option<&PassStamps>) -> CommandEncoder {
        let mut encoder = self
            .device
            .create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        if let Some(stamps) = stamps {
            stamps.begin(&mut encoder);
        }
        encoder.clear_buffer(&self.bins, 0, Some(u64::from(batch.sizes.bins) * 8));
        encoder.clear_buffer(&self.sums, 0, None);
        encoder
    }

    fn run(&self, pass: &mut ComputePass<'_>, step: &Dispatch<'_>) -> Result<(), FallbackReason> {
        let pipeline = self
            .pipelines
            .get(self.device, step.entry)
            .ok_or(FallbackReason::Lost)?;
        let bound = pipeline.bind(self.device, &step.buffers);
        pass.set_pipeline(&pipeline.pipeline);
        pass.set_bind_group(0, &bound, &[]);
        let [x, y, z] = step.groups;
        pass.dispatch_workgroups(x, y, z);
        Ok(())
    }

    fn deposit(
        &mut self,
        encoder: &mut CommandEncoder,
        upload: &CellUpload,
    ) -> Result<(), FallbackReason> {
        let items = self
            .items
            .with(self.device, self.queue, &upload.items)
            .clone();
        let cells = match &upload.buffer {
            Some(buffer) => buffer.clone(),
            None => self
                .cells
                .with(self.device, self.queue, &upload.cells)
                .clone(),
        };
        let entry = match self.tables {
            PlanTables::None => EntryPoint::Stamp,
            _ => EntryPoint::Deposit,
        };
        let buffers = vec![
            &self.jobs,
            &items,
            &self.places,
            &cells,
            &self.bins,
            &self.sums,
        ];
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        let step = Dispatch {
            entry,
            buffers,
            groups: [upload.items.len() as u32, 1, 1],
        };
        self.run(&mut pass, &step)
    }

    /// The dispatches, runs of one entry point each, that turn the bins into pictures. They are in
    /// the order in which they run.
    fn steps(&self, batch: &DrawBatch) -> Vec<Dispatch<'_>> {
        let jobs = batch.jobs.len() as u32;
        let most = |of: fn(&GpuJob) -> u32| batch.jobs.iter().map(of).max().unwrap_or(0);
        let lanes = |n: u32| n.div_ceil(GROUP);
        let eights = |n: u32| n.div_ceil(OUTPUTS);
        let (outputs, lines) = (most(|j| j.outputs), most(|j| j.lines));
        let mut steps = Vec::with_capacity(5);
        let mut step = |entry, buffers, groups| {
            steps.push(Dispatch {
                entry,
                buffers,
                groups,
            });
        };
        step(
            EntryPoint::Settle,
            vec![&self.jobs, &self.bins, &self.grid, &self.sums],
            [most(|j| j.bin_count).div_ceil(GROUP * EACH), 1, jobs],
        );
        let mut densities = &self.values;
        match self.tables {
            PlanTables::None => densities = &self.grid,
            PlanTables::Spread { taps, refine } => {
                let terms = jobs * most(|j| j.terms);
                step(
                    EntryPoint::Across,
                    vec![&self.jobs, taps, &self.grid, &self.across],
                    [lanes(most(|j| j.inner_rows)), eights(outputs), terms],
                );
                step(
                    EntryPoint::Down,
                    vec![&self.jobs, taps, &self.across, &self.values],
                    [lanes(outputs), eights(lines), jobs],
                );
                if let Some((down, across)) = refine {
                    step(
                        EntryPoint::Refine,
                        vec![&self.jobs, down, across, &self.values],
                        [lanes(most(|j| j.height)), eights(most(|j| j.width)), jobs],
                    );
                }
            }
            PlanTables::Edge { taps, rows } => step(
                EntryPoint::Convolve,
                vec![&self.jobs, taps, rows, &self.grid, &self.values],
                [lanes(lines), eights(outputs), jobs],
            ),
        }
        step(
            batch.entry,
            vec![
                &self.jobs,
                &self.thresholds,
                densities,
                &self.picture,
                &self.sums,
            ],
            [most(|j| j.words).div_ceil(GROUP * EACH), 1, jobs],
        );
        steps
    }

    fn draw(&self, encoder: &mut CommandEncoder, batch: &DrawBatch) -> Result<(), FallbackReason> {
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        let steps = self.steps(batch);
        steps.iter().try_for_each(|step| self.run(&mut pass, step))
    }
}

/// A run of one entry point: its buffers, and its number of workgroups along three axes.
struct Dispatch<'a> {
    entry: EntryPoint,
    buffers: Vec<&'a Buffer>,
    groups: [u32; 3],
}
