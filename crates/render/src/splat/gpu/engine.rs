//! The engine: it submits batches of pictures to the device, and receives the finished pictures in
//! readback buffers. One batch is read while the next one is drawn.

use super::arenas::{Arenas, Sections, sums_bytes, whole};
use super::batch::{DrawBatch, Task};
use super::counters::Counters;
use super::device::DeviceContext;
use super::grow_buffer::GrowBuffer;
use super::health::{FallbackReason, Health, PassTimer};
use super::layout::{EACH, EDGE, GROUP, GpuJob, OUTPUTS, SPREAD, WORDS};
use super::pass_stamps::PassStamps;
use super::pipelines::{EntryPoint, Pipelines};
use super::point_buffers::PointBuffers;
use super::readings::{Answer, PicturePart, Readings, SUMS, SpareWords};
use std::sync::{Arc, mpsc};
use std::time::Instant;
use wgpu::{CommandEncoder, ComputePass};

/// The greatest number of bytes of each buffer that a batch fills. It is a choice; a device may
/// allow less.
const ARENA: u64 = 96 << 20;

/// An open device with its pipelines and buffers.
#[derive(Debug)]
pub(super) struct Engine {
    context: DeviceContext,
    pipelines: Pipelines,
    arenas: Arenas,
    spare: Vec<GrowBuffer>,
    spare_words: Arc<SpareWords>,
    health: Arc<Health>,
    /// The number of this device. A device that fails is opened again, and gets a new number each
    /// time.
    pub(super) number: u64,
}

/// A batch that was submitted and is not finished.
#[derive(Debug)]
pub(super) struct Submission {
    tasks: Vec<Task>,
    /// The position of each task's picture among the words that are read back.
    parts: Vec<PicturePart>,
    readback: Readback,
}

/// A buffer on the device into which a submission copies its results. The host can read it when the
/// submission is finished.
#[derive(Debug)]
struct Readback {
    staging: GrowBuffer,
    bytes: u64,
    submission: wgpu::SubmissionIndex,
    mapped: mpsc::Receiver<Result<(), wgpu::BufferAsyncError>>,
}

impl Submission {
    /// Sends the reason of a failure to the callers of all tasks.
    pub(super) fn fail(self, reason: FallbackReason) {
        self.tasks.into_iter().for_each(|task| task.fail(reason));
    }
}

impl Engine {
    /// Makes the engine of a device: compiles the shaders, and makes the device the one to which
    /// points are uploaded.
    ///
    /// # Errors
    /// An error that the device reports while the shaders are compiled.
    pub(super) fn new(
        context: DeviceContext,
        health: Arc<Health>,
        point_buffers: &PointBuffers,
    ) -> Result<Self, FallbackReason> {
        let pipelines = context.guarded(|| Ok(Pipelines::new(&context.device)))?;
        point_buffers.attach(Some(context.clone()));
        Ok(Self {
            context,
            pipelines,
            arenas: Arenas::new(),
            spare: Vec::new(),
            spare_words: Arc::default(),
            health,
            number: point_buffers.number(),
        })
    }

    /// The greatest number of bytes that a batch may use of each buffer.
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
            context.guarded(|| self.send(&mut batch, &tasks))
        };
        match sent {
            Ok(readback) => Ok(Submission {
                parts: parts(&batch, &tasks),
                tasks,
                readback,
            }),
            Err(reason) => Err((reason, tasks)),
        }
    }

    /// Encodes the compute passes of a batch and submits them. Returns the buffer in which the host
    /// can later read the pictures.
    fn send(&mut self, batch: &mut DrawBatch, tasks: &[Task]) -> Result<Readback, FallbackReason> {
        let DeviceContext { device, queue, .. } = self.context.clone();
        let picture_bytes = u64::from(batch.sizes.picture) * 4;
        let bytes = picture_bytes + sums_bytes(batch);
        let spare = self.spare.pop();
        let mut staging = spare.unwrap_or_else(|| GrowBuffer::readback("readback"));
        let back = staging.at_least(&device, bytes).clone();

        let health = Arc::clone(&self.health);
        let counters = &health.counters;
        let timer = health.timer();
        let stamps = timer
            .as_ref()
            .and_then(|_| PassStamps::new(&device, &queue));
        if let Some(timer) = &timer {
            timer.lap("plan");
        }
        let (sections, staged) = self.arenas.write(&device, &queue, batch, tasks);
        counters.staged_bytes.add(staged);
        let mut passes = Passes {
            device: &device,
            queue: &queue,
            pipelines: &self.pipelines,
            arenas: &mut self.arenas,
            counters,
            timer,
            stamps,
            batch,
            sections,
        };
        let mut encoder = passes.deposit_all()?;
        encoder = passes.draw(encoder)?;
        let arenas = &self.arenas;
        let (picture, sums) = (arenas.picture.get(), arenas.sums.get());
        let (Some(picture), Some(sums)) = (picture, sums) else {
            return Err(FallbackReason::OutOfMemory);
        };
        if picture_bytes > 0 {
            encoder.copy_buffer_to_buffer(picture, 0, &back, 0, picture_bytes);
            counters.copies.add(1);
        }
        encoder.copy_buffer_to_buffer(sums, 0, &back, picture_bytes, sums_bytes(batch));
        let submission = queue.submit([encoder.finish()]);
        counters.submissions.add(1);
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

    /// Waits for a batch, and sends its pictures to the callers that wait for them. The callers
    /// check the pictures' counters and checksums, so that this thread is free for the next batch.
    pub(super) fn finish(&mut self, submission: Submission) -> Result<(), FallbackReason> {
        let Submission {
            tasks,
            parts,
            readback,
        } = submission;
        let read = self.read(readback);
        match read {
            Ok(readings) => {
                self.health.counters.batches.add(1);
                answer(&Arc::new(readings), tasks, parts);
                Ok(())
            }
            Err(reason) => {
                tasks.into_iter().for_each(|task| task.fail(reason));
                Err(reason)
            }
        }
    }

    /// Waits for a batch and copies its results from the device's memory. Callers can't read them
    /// there, since the memory is gone once a device is lost.
    fn read(&mut self, readback: Readback) -> Result<Readings, FallbackReason> {
        let Readback {
            mut staging,
            bytes,
            submission,
            mapped,
        } = readback;
        let context = self.context.clone();
        let until = Instant::now() + context.timeout;
        let wait = wgpu::PollType::Wait {
            submission_index: Some(submission),
            timeout: Some(context.timeout),
        };
        let health = Arc::clone(&self.health);
        let readings = context.guarded(|| {
            if health.fails(FallbackReason::TimedOut) {
                return Err(FallbackReason::TimedOut);
            }
            context.device.poll(wait).map_err(|e| match e {
                wgpu::PollError::Timeout => FallbackReason::TimedOut,
                _ => FallbackReason::Lost,
            })?;
            let left = until.saturating_duration_since(Instant::now());
            let answer = mapped.recv_timeout(left).map_err(|e| match e {
                mpsc::RecvTimeoutError::Timeout => FallbackReason::TimedOut,
                // The callback was dropped, which happens when the device is dropped.
                mpsc::RecvTimeoutError::Disconnected => FallbackReason::Lost,
            })?;
            answer.map_err(|_| FallbackReason::Lost)?;
            let buffer = staging.at_least(&context.device, bytes);
            let view = buffer
                .get_mapped_range(0..bytes)
                .map_err(|_| FallbackReason::Lost)?;
            let mut readings = Readings::new(&view, &self.spare_words, self.number);
            drop(view);
            buffer.unmap();
            if health.fails(FallbackReason::WrongSum) {
                readings.corrupt();
            }
            Ok(readings)
        })?;
        self.spare.push(staging);
        Ok(readings)
    }
}

/// Returns, for each picture of a batch, the position of its pixels and of its counters among the
/// 32-bit words that are read back.
fn parts(batch: &DrawBatch, tasks: &[Task]) -> Vec<PicturePart> {
    let sums = batch.sizes.picture as usize;
    let is_read = batch.target.is_none();
    let jobs = batch.jobs.iter().zip(tasks).enumerate();
    let part = |(i, (job, task)): (usize, (&GpuJob, &Task))| PicturePart {
        number: task.number,
        first: if is_read { job.picture as usize } else { 0 },
        words: if is_read { job.words as usize } else { 0 },
        sums: sums + i * SUMS as usize,
        cells: task.prepared.cells_of_runs(),
    };
    jobs.map(part).collect()
}

/// Sends the finished pictures of a batch to their callers. Successive pictures of one call are
/// sent as one answer.
fn answer(readings: &Arc<Readings>, tasks: Vec<Task>, parts: Vec<PicturePart>) {
    let mut open: Option<(_, Vec<PicturePart>)> = None;
    let send = |(caller, parts): (Arc<mpsc::Sender<Answer>>, _)| {
        // A receiver that was dropped is ignored.
        let _ = caller.send(Answer::Finished(Arc::clone(readings), parts));
    };
    for (task, part) in tasks.into_iter().zip(parts) {
        match &mut open {
            Some((caller, parts)) if Arc::ptr_eq(caller, &task.caller) => parts.push(part),
            _ => {
                if let Some(finished) = open.replace((task.caller, vec![part])) {
                    send(finished);
                }
            }
        }
    }
    if let Some(finished) = open {
        send(finished);
    }
}

/// The state in which the compute passes of a batch are encoded and submitted.
struct Passes<'a> {
    device: &'a wgpu::Device,
    queue: &'a wgpu::Queue,
    pipelines: &'a Pipelines,
    arenas: &'a mut Arenas,
    counters: &'a Counters,
    /// The timer of the passes; `None` if they are not timed.
    timer: Option<Arc<PassTimer>>,
    stamps: Option<PassStamps>,
    batch: &'a DrawBatch,
    sections: Sections,
}

impl Passes<'_> {
    fn encoder(&self) -> CommandEncoder {
        let descriptor = wgpu::CommandEncoderDescriptor::default();
        let mut encoder = self.device.create_command_encoder(&descriptor);
        if let Some(stamps) = &self.stamps {
            stamps.begin(&mut encoder);
        }
        encoder
    }

    fn submit(&self, encoder: CommandEncoder) {
        self.queue.submit([encoder.finish()]);
        self.counters.submissions.add(1);
    }

    /// Ends a timed pass: submits the commands of `encoder`, waits until they have run, and adds
    /// the time to the sum for passes called `name`. Returns an encoder for the commands that
    /// follow. If passes are not timed, returns `encoder` unchanged.
    fn lap(&self, mut encoder: CommandEncoder, name: &'static str) -> CommandEncoder {
        let Some(timer) = &self.timer else {
            return encoder;
        };
        if let Some(stamps) = &self.stamps {
            stamps.end(&mut encoder);
        }
        self.submit(encoder);
        let _ = self.device.poll(wgpu::PollType::wait_indefinitely());
        let took = self.stamps.as_ref().and_then(|s| s.read(self.device));
        timer.lap_on_device(name, took);
        self.encoder()
    }

    /// Clears the bins and deposits all cells, submission by submission. All submissions but the
    /// last are sent immediately and one by one, so that the device is never busy for long. Returns
    /// the encoder with the commands of the last one.
    fn deposit_all(&mut self) -> Result<CommandEncoder, FallbackReason> {
        let batch = self.batch;
        let mut encoder = self.encoder();
        let bins = u64::from(batch.sizes.bins) * 8;
        let cleared = [
            (self.arenas.bins.get(), bins),
            (self.arenas.sums.get(), sums_bytes(batch)),
        ];
        for (buffer, bytes) in cleared {
            if let Some(buffer) = buffer
                && bytes > 0
            {
                encoder.clear_buffer(buffer, 0, Some(bytes));
            }
        }
        encoder = self.lap(encoder, "upload");
        for (i, load) in batch.loads.iter().enumerate() {
            if i > 0 {
                self.submit(encoder);
                encoder = self.encoder();
                let (device, queue) = (self.device, self.queue);
                let staged = self.arenas.write_load(device, queue, self.sections, load);
                self.counters.staged_bytes.add(staged);
            }
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            for (first, dispatch) in load.items() {
                let cells = dispatch.buffer.as_ref().or(self.arenas.cells.get());
                let pipeline = self.pipelines.get(dispatch.entry);
                let cells = cells
                    .zip(pipeline)
                    .and_then(|(cells, pipeline)| pipeline.bind(self.device, 1, &[whole(cells)]));
                let cells = cells.ok_or(FallbackReason::Lost)?;
                pass.set_bind_group(1, &cells, &[]);
                let groups = [dispatch.items.len() as u32, 1, 1];
                self.run(&mut pass, dispatch.entry, groups, first)?;
            }
        }
        Ok(self.lap(encoder, "bin"))
    }

    fn run(
        &mut self,
        pass: &mut ComputePass<'_>,
        entry: EntryPoint,
        [x, y, z]: [u32; 3],
        first_item: usize,
    ) -> Result<(), FallbackReason> {
        if x == 0 || y == 0 || z == 0 {
            return Ok(());
        }
        let pipeline = self.pipelines.get(entry).ok_or(FallbackReason::Lost)?;
        let bound = self.arenas.bind(
            self.device,
            self.pipelines,
            entry,
            self.sections,
            self.batch,
            first_item,
        );
        pass.set_pipeline(&pipeline.pipeline);
        pass.set_bind_group(0, &bound.ok_or(FallbackReason::Lost)?, &[]);
        pass.dispatch_workgroups(x, y, z);
        Ok(())
    }

    /// Appends the shader stages that turn the bins into pictures to `encoder`.
    fn draw(&mut self, mut encoder: CommandEncoder) -> Result<CommandEncoder, FallbackReason> {
        let descriptor = wgpu::ComputePassDescriptor::default();
        let steps = steps(self.batch);
        if self.timer.is_none() {
            let mut pass = encoder.begin_compute_pass(&descriptor);
            for (entry, groups) in steps {
                self.run(&mut pass, entry, groups, 0)?;
            }
            drop(pass);
            return Ok(encoder);
        }
        for (entry, groups) in steps {
            if groups.contains(&0) {
                continue;
            }
            let mut pass = encoder.begin_compute_pass(&descriptor);
            self.run(&mut pass, entry, groups, 0)?;
            drop(pass);
            encoder = self.lap(encoder, entry.name());
        }
        Ok(encoder)
    }
}

/// The entry points that turn the bins into pictures, in the order in which they run, each with its
/// number of workgroups along three axes. An entry point visits all jobs of the batch, and leaves
/// out the jobs that don't need it.
fn steps(batch: &DrawBatch) -> [(EntryPoint, [u32; 3]); 6] {
    let all = batch.jobs.len() as u32;
    let most = |needs: fn(&GpuJob) -> bool, of: fn(&GpuJob) -> u32| {
        let jobs = batch.jobs.iter().filter(|job| needs(job));
        jobs.map(of).max().unwrap_or(0)
    };
    let any = |_: &GpuJob| true;
    let spread = |job: &GpuJob| job.plan == SPREAD;
    let edge = |job: &GpuJob| job.plan == EDGE;
    let coarse = |job: &GpuJob| job.coarser > 1;
    let lanes = |n: u32| n.div_ceil(GROUP);
    let eights = |n: u32| n.div_ceil(OUTPUTS);
    let terms = most(any, |j| j.most_terms);
    [
        (
            EntryPoint::Settle,
            [most(any, |j| j.bin_count).div_ceil(GROUP * EACH), 1, all],
        ),
        (
            EntryPoint::Across,
            [
                lanes(most(spread, |j| j.inner_rows)),
                eights(most(spread, |j| j.outputs)),
                all * terms,
            ],
        ),
        (
            EntryPoint::Down,
            [
                lanes(most(spread, |j| j.outputs)),
                eights(most(spread, |j| j.lines)),
                all,
            ],
        ),
        (
            EntryPoint::Refine,
            [
                lanes(most(coarse, |j| j.width)),
                eights(most(coarse, |j| j.height)),
                all,
            ],
        ),
        (
            EntryPoint::Convolve,
            [
                lanes(most(edge, |j| j.lines)),
                eights(most(edge, |j| j.outputs)),
                all,
            ],
        ),
        (
            batch.entry,
            [most(any, |j| j.words).div_ceil(GROUP * WORDS), 1, all],
        ),
    ]
}
