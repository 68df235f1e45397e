//! A device at work: batches go in as submissions, pictures come out of a ring of readback
//! buffers, so that one batch is read while the next is drawn.

use super::batch::{Batch, Load, Task};
use super::device::Context;
use super::grow_buffer::Arena;
use super::health::{Failure, Health, is_whole};
use super::layout::{EACH, GROUP, GpuJob, OUTPUTS, SLOT, SLOTS};
use super::pipelines::{Entry, Pipelines};
use super::plan::{GpuPlan, PLANS, Way};
use super::point_buffers::Shelf;
use super::prepare::Kept;
use std::collections::HashMap;
use std::sync::{Arc, mpsc};
use wgpu::{Buffer, CommandEncoder, ComputePass};

/// Bytes of an arena that a batch fills at most, where the device has room for that.
const ARENA: u64 = 96 << 20;

/// Everything that belongs to a device.
#[derive(Debug)]
pub(super) struct Engine {
    context: Context,
    pipelines: Pipelines,
    arenas: Arenas,
    tables: HashMap<u64, Tables>,
    spare: Vec<Arena>,
    health: Arc<Health>,
    /// The device's, among all there were.
    number: u64,
}

#[derive(Debug)]
struct Arenas {
    bins: Arena,
    grid: Arena,
    across: Arena,
    values: Arena,
    picture: Arena,
    sums: Arena,
    jobs: Arena,
    places: Arena,
    thresholds: Arena,
    items: Arena,
    cells: Arena,
}

/// A plan's tables on the device.
#[derive(Debug)]
enum Tables {
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

/// A batch on its way.
#[derive(Debug)]
pub(super) struct Flight {
    tasks: Vec<Task>,
    /// Where each picture begins, its words, and the cells it is made of.
    parts: Vec<Part>,
    staging: Arena,
    bytes: u64,
    submission: wgpu::SubmissionIndex,
    mapped: mpsc::Receiver<Result<(), wgpu::BufferAsyncError>>,
}

#[derive(Clone, Copy, Debug)]
struct Part {
    first: usize,
    words: usize,
    cells: u64,
}

impl Flight {
    /// Tells all who wait that there is nothing to wait for.
    pub(super) fn fail(self, failure: Failure) {
        self.tasks
            .into_iter()
            .for_each(|task| task.answer(Err(failure)));
    }
}

impl Engine {
    pub(super) fn new(context: Context, health: Arc<Health>, shelf: Arc<Shelf>) -> Self {
        shelf.attach(Some(context.clone()));
        Self {
            context,
            pipelines: Pipelines::default(),
            arenas: Arenas {
                bins: Arena::inner("bins"),
                grid: Arena::inner("grid"),
                across: Arena::inner("rows across"),
                values: Arena::inner("densities"),
                picture: Arena::inner("pictures"),
                sums: Arena::inner("sums"),
                jobs: Arena::inner("jobs"),
                places: Arena::inner("places"),
                thresholds: Arena::inner("thresholds"),
                items: Arena::inner("stretches"),
                cells: Arena::inner("cells"),
            },
            tables: HashMap::new(),
            spare: Vec::new(),
            health,
            number: shelf.number(),
        }
    }

    /// Bytes that a batch may take of each arena.
    pub(super) fn room(&self) -> u64 {
        let limits = &self.context.limits;
        let most = limits
            .max_storage_buffer_binding_size
            .min(limits.max_buffer_size);
        // arenas are made a little larger than needed
        (most / 8 * 7 - 4096).min(ARENA)
    }

    /// Sends a batch off. Its tasks come back with the failure if that can't be.
    pub(super) fn launch(&mut self, mut batch: Batch) -> Result<Flight, (Failure, Vec<Task>)> {
        let tasks = std::mem::take(&mut batch.tasks);
        let context = self.context.clone();
        if self.health.fails(Failure::Lost) {
            context.device.destroy();
        }
        let on_another = |task: &Task| {
            let points = task.prepared.resident.as_ref();
            points.is_some_and(|points| points.device != self.number)
        };
        let sent = if self.health.fails(Failure::OutOfMemory) {
            Err(Failure::OutOfMemory)
        } else if tasks.iter().any(on_another) {
            Err(Failure::Resting)
        } else {
            let kept: Vec<_> = tasks
                .iter()
                .filter_map(|t| t.prepared.wanted.kept())
                .collect();
            context.guarded(|| self.send(&batch, &kept))
        };
        let (staging, bytes, submission, mapped) = match sent {
            Ok(sent) => sent,
            Err(failure) => return Err((failure, tasks)),
        };
        let cells = |task: &Task| {
            let counts = task.prepared.stretches.iter().map(|s| u64::from(s.count));
            counts.sum()
        };
        let back = |words: u32| if batch.kept { 0 } else { words as usize };
        let parts = batch.jobs.iter().zip(&tasks).map(|(job, task)| Part {
            first: back(job.picture),
            words: back(job.words),
            cells: cells(task),
        });
        Ok(Flight {
            parts: parts.collect(),
            tasks,
            staging,
            bytes,
            submission,
            mapped,
        })
    }

    #[expect(
        clippy::type_complexity,
        reason = "the parts of a flight, taken apart at once"
    )]
    fn send(
        &mut self,
        batch: &Batch,
        kept: &[&Kept],
    ) -> Result<
        (
            Arena,
            u64,
            wgpu::SubmissionIndex,
            mpsc::Receiver<Result<(), wgpu::BufferAsyncError>>,
        ),
        Failure,
    > {
        let Context { device, queue, .. } = self.context.clone();
        let (device, queue) = (&device, &queue);
        if self.tables.len() > 2 * PLANS {
            self.tables.clear();
        }
        self.tables
            .entry(batch.plan.id)
            .or_insert_with(|| Tables::new(device, queue, &batch.plan));
        let sizes = batch.sizes;
        let picture_bytes = if batch.kept {
            0
        } else {
            u64::from(sizes.picture) * 4
        };
        let sums_bytes = batch.jobs.len() as u64 * u64::from(SLOTS * SLOT) * 4;
        let bytes = picture_bytes + sums_bytes;
        let mut staging = self
            .spare
            .pop()
            .unwrap_or_else(|| Arena::readback("readback"));
        let back = staging.at_least(device, bytes).clone();

        let timer = self.health.timer();
        if let Some(timer) = &timer {
            timer.lap("plan");
        }
        let mut stages = Stages::new(self, batch)?;
        let mut encoder = stages.begin(batch);
        let lap = |encoder: CommandEncoder, name: &'static str| {
            let Some(timer) = &timer else { return encoder };
            queue.submit([encoder.finish()]);
            let _ = device.poll(wgpu::PollType::wait_indefinitely());
            timer.lap(name);
            device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default())
        };
        encoder = lap(encoder, "upload");
        for (i, load) in batch.loads.iter().enumerate() {
            if i > 0 {
                // each in a submission of its own: no device is kept busy for long
                queue.submit([encoder.finish()]);
                encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            }
            stages.deposit(&mut encoder, load)?;
        }
        encoder = lap(encoder, "bin");
        if timer.is_none() {
            stages.draw(&mut encoder, batch)?;
        } else {
            for step in stages.steps(batch) {
                let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
                stages.run(&mut pass, &step)?;
                drop(pass);
                encoder = lap(encoder, step.entry.name());
            }
        }
        for (job, kept) in batch.jobs.iter().zip(kept) {
            keep(&mut encoder, &stages.picture, job, kept);
        }
        if picture_bytes > 0 {
            encoder.copy_buffer_to_buffer(&stages.picture, 0, &back, 0, picture_bytes);
        }
        encoder.copy_buffer_to_buffer(&stages.sums, 0, &back, picture_bytes, sums_bytes);
        let submission = queue.submit([encoder.finish()]);
        let (done, mapped) = mpsc::channel();
        back.map_async(wgpu::MapMode::Read, 0..bytes, move |result| {
            let _ = done.send(result);
        });
        Ok((staging, bytes, submission, mapped))
    }

    /// Waits for a batch and hands out its pictures.
    pub(super) fn land(&mut self, flight: Flight) -> Result<(), Failure> {
        let Flight {
            tasks,
            parts,
            mut staging,
            bytes,
            submission,
            mapped,
        } = flight;
        let wait = wgpu::PollType::Wait {
            submission_index: Some(submission),
            timeout: Some(self.context.patience),
        };
        let context = self.context.clone();
        let health = Arc::clone(&self.health);
        let words = context.guarded(|| {
            if health.fails(Failure::TimedOut) {
                return Err(Failure::TimedOut);
            }
            context.device.poll(wait).map_err(|e| match e {
                wgpu::PollError::Timeout => Failure::TimedOut,
                _ => Failure::Lost,
            })?;
            let answer = mapped.recv_timeout(context.patience).map_err(|e| match e {
                mpsc::RecvTimeoutError::Timeout => Failure::TimedOut,
                // the callback is gone, and with it the device
                mpsc::RecvTimeoutError::Disconnected => Failure::Lost,
            })?;
            answer.map_err(|_| Failure::Lost)?;
            let buffer = staging.at_least(&context.device, bytes);
            let view = buffer
                .get_mapped_range(0..bytes)
                .map_err(|_| Failure::Lost)?;
            let mut words: Vec<u32> = bytemuck::pod_collect_to_vec(&view);
            drop(view);
            buffer.unmap();
            if health.fails(Failure::WrongSum) {
                words.iter_mut().take(7).for_each(|word| *word ^= 0x0101);
            }
            Ok(words)
        });
        let words = match words {
            Ok(words) => words,
            Err(failure) => {
                tasks.into_iter().for_each(|task| task.answer(Err(failure)));
                return Err(failure);
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
                let seen = task.prepared.wanted.kept().is_none();
                let whole = is_whole(sums, part.cells, seen.then_some(picture));
                (task, whole.then_some(picture))
            })
            .collect();
        let wrong = pictures.iter().any(|(_, picture)| picture.is_none());
        if !wrong {
            self.health.count_drawn(pictures.len());
        }
        for (task, picture) in pictures {
            task.answer(picture.map(<[u32]>::to_vec).ok_or(Failure::WrongSum));
        }
        if wrong {
            Err(Failure::WrongSum)
        } else {
            Ok(())
        }
    }
}

/// Copies a picture to where it stays, row by row.
fn keep(encoder: &mut CommandEncoder, picture: &Buffer, job: &GpuJob, kept: &Kept) {
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

impl Tables {
    fn new(device: &wgpu::Device, queue: &wgpu::Queue, plan: &GpuPlan) -> Self {
        fn upload<T: bytemuck::Pod>(
            device: &wgpu::Device,
            queue: &wgpu::Queue,
            data: &[T],
        ) -> Buffer {
            Arena::inner("table").with(device, queue, data).clone()
        }
        match &plan.way {
            Way::Direct { .. } | Way::Beyond => Self::None,
            Way::Spread { table, refine, .. } => Self::Spread {
                taps: upload(device, queue, &table.taps),
                refine: refine.as_ref().map(|table| {
                    (
                        upload(device, queue, &table.down),
                        upload(device, queue, &table.across),
                    )
                }),
            },
            Way::Edge { table, .. } => Self::Edge {
                taps: upload(device, queue, &table.taps),
                rows: upload(device, queue, &table.rows),
            },
        }
    }
}

/// The stages of one batch: its buffers, bound to the pipelines.
struct Stages<'a> {
    device: &'a wgpu::Device,
    queue: &'a wgpu::Queue,
    pipelines: &'a Pipelines,
    tables: &'a Tables,
    bins: Buffer,
    grid: Buffer,
    across: Buffer,
    values: Buffer,
    picture: Buffer,
    sums: Buffer,
    jobs: Buffer,
    places: Buffer,
    thresholds: Buffer,
    items: &'a mut Arena,
    cells: &'a mut Arena,
}

impl<'a> Stages<'a> {
    fn new(engine: &'a mut Engine, batch: &Batch) -> Result<Self, Failure> {
        let Engine {
            context,
            pipelines,
            arenas: a,
            tables,
            ..
        } = engine;
        let Context { device, queue, .. } = &*context;
        let bytes = |elements: u32, size: u64| u64::from(elements) * size;
        let sizes = batch.sizes;
        let sums = batch.jobs.len() as u64 * u64::from(SLOTS * SLOT) * 4;
        Ok(Self {
            tables: tables.get(&batch.plan.id).ok_or(Failure::Lost)?,
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

    fn begin(&self, batch: &Batch) -> CommandEncoder {
        let mut encoder = self
            .device
            .create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encoder.clear_buffer(&self.bins, 0, Some(u64::from(batch.sizes.bins) * 8));
        encoder.clear_buffer(&self.sums, 0, None);
        encoder
    }

    fn run(&self, pass: &mut ComputePass<'_>, step: &Step<'_>) -> Result<(), Failure> {
        let pipeline = self
            .pipelines
            .get(self.device, step.entry)
            .ok_or(Failure::Lost)?;
        let bound = pipeline.bind(self.device, &step.buffers);
        pass.set_pipeline(&pipeline.pipeline);
        pass.set_bind_group(0, &bound, &[]);
        let [x, y, z] = step.groups;
        pass.dispatch_workgroups(x, y, z);
        Ok(())
    }

    fn deposit(&mut self, encoder: &mut CommandEncoder, load: &Load) -> Result<(), Failure> {
        let items = self
            .items
            .with(self.device, self.queue, &load.items)
            .clone();
        let cells = match &load.buffer {
            Some(buffer) => buffer.clone(),
            None => self
                .cells
                .with(self.device, self.queue, &load.cells)
                .clone(),
        };
        let entry = match self.tables {
            Tables::None => Entry::Stamp,
            _ => Entry::Deposit,
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
        let step = Step {
            entry,
            buffers,
            groups: [load.items.len() as u32, 1, 1],
        };
        self.run(&mut pass, &step)
    }

    /// From the bins to the pictures.
    fn steps(&self, batch: &Batch) -> Vec<Step<'_>> {
        let jobs = batch.jobs.len() as u32;
        let most = |of: fn(&GpuJob) -> u32| batch.jobs.iter().map(of).max().unwrap_or(0);
        let lanes = |n: u32| n.div_ceil(GROUP);
        let eights = |n: u32| n.div_ceil(OUTPUTS);
        let (outputs, lines) = (most(|j| j.outputs), most(|j| j.lines));
        let mut steps = Vec::with_capacity(5);
        let mut step = |entry, buffers, groups| {
            steps.push(Step {
                entry,
                buffers,
                groups,
            });
        };
        step(
            Entry::Settle,
            vec![&self.jobs, &self.bins, &self.grid, &self.sums],
            [most(|j| j.bin_count).div_ceil(GROUP * EACH), 1, jobs],
        );
        let mut densities = &self.values;
        match self.tables {
            Tables::None => densities = &self.grid,
            Tables::Spread { taps, refine } => {
                let terms = jobs * most(|j| j.terms);
                step(
                    Entry::Across,
                    vec![&self.jobs, taps, &self.grid, &self.across],
                    [lanes(most(|j| j.inner_rows)), eights(outputs), terms],
                );
                step(
                    Entry::Down,
                    vec![&self.jobs, taps, &self.across, &self.values],
                    [lanes(outputs), eights(lines), jobs],
                );
                if let Some((down, across)) = refine {
                    step(
                        Entry::Refine,
                        vec![&self.jobs, down, across, &self.values],
                        [lanes(most(|j| j.height)), eights(most(|j| j.width)), jobs],
                    );
                }
            }
            Tables::Edge { taps, rows } => step(
                Entry::Convolve,
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

    fn draw(&self, encoder: &mut CommandEncoder, batch: &Batch) -> Result<(), Failure> {
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        let steps = self.steps(batch);
        steps.iter().try_for_each(|step| self.run(&mut pass, step))
    }
}

/// One dispatch.
struct Step<'a> {
    entry: Entry,
    buffers: Vec<&'a Buffer>,
    groups: [u32; 3],
}
