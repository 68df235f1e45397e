//! Batches: pictures that are drawn together, and the position of each in the device's buffers.

use super::health::FallbackReason;
use super::layout::{GpuJob, GpuPlace, WorkItem};
use super::pipelines::EntryPoint;
use super::plan::{GpuPlan, GpuPlanKind};
use super::prepare::Prepared;
use heatsplat_points::Point;
use std::collections::VecDeque;
use std::sync::{Arc, mpsc};

/// The greatest number of pictures in one batch.
pub(super) const MOST: usize = 64;

/// The greatest number of cells that one workgroup deposits.
const STRETCH: u32 = 256;

/// The greatest number of cells that are deposited in one submission. It is chosen so that a slow
/// device takes about 10 ms.
const UPLOAD: usize = 1 << 21;

/// The greatest number of workgroups in one dispatch.
const MOST_ITEMS: usize = 1 << 15;

/// The greatest number of multiplications in one submission. It is chosen so that a slow device
/// takes about 10 ms.
const MOST_WORK: u64 = 1 << 30;

/// A block of a picture, for which a caller waits.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) prepared: Prepared,
    /// The block's number among the blocks of the caller's job.
    pub(super) number: usize,
    pub(super) answer: mpsc::Sender<TaskResult>,
}

/// The number of a block among the blocks of its job, and the block's output in words of 32 bits.
/// If the device has failed, the reason takes the place of the output.
pub(super) type TaskResult = (usize, Result<Vec<u32>, FallbackReason>);

impl Task {
    /// Sends the result. It is ignored if the receiver was dropped.
    pub(super) fn answer(self, result: Result<Vec<u32>, FallbackReason>) {
        let _ = self.answer.send((self.number, result));
    }
}

/// The number of elements that a batch needs in each buffer. A batch may grow until one of its
/// buffers would be too large.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct BatchSizes {
    pub(super) bins: u32,
    pub(super) across: u32,
    pub(super) values: u32,
    pub(super) picture: u32,
}

impl BatchSizes {
    fn with(self, job: &GpuJob) -> Self {
        let outputs = if job.coarser > 1 {
            job.stride * job.lines
        } else {
            0
        };
        Self {
            bins: self.bins + job.bin_count,
            across: self.across + job.terms * job.inner_rows * job.stride,
            values: self.values + outputs + job.pitch * job.height,
            picture: self.picture + job.words,
        }
    }

    /// Returns true if every buffer has at most `most` bytes.
    fn fit(self, most: u64) -> bool {
        let bytes = |elements: u32, size: u64| u64::from(elements) * size;
        bytes(self.bins, 8) <= most
            && bytes(self.across, 4) <= most
            && bytes(self.values, 4) <= most
            && bytes(self.picture, 4) <= most
    }
}

/// Cells that one dispatch deposits. They all lie in one buffer of points that is on the device, or
/// they are all sent with the batch. Each upload is a submission of its own, so that the device is
/// never busy for long.
#[derive(Debug)]
pub(super) struct CellUpload {
    /// The buffer of points on the device; `None` if the cells are sent with the batch.
    pub(super) buffer: Option<wgpu::Buffer>,
    pub(super) items: Vec<WorkItem>,
    pub(super) cells: Vec<Point>,
    count: usize,
}

impl CellUpload {
    fn has_room(&self, cells: usize) -> bool {
        self.count + cells <= UPLOAD && self.items.len() < MOST_ITEMS
    }

    fn push(&mut self, item: WorkItem) {
        self.count += item.count as usize;
        self.items.push(item);
    }
}

/// Pictures with the same plan that are drawn together.
#[derive(Debug)]
pub(super) struct DrawBatch {
    pub(super) plan: Arc<GpuPlan>,
    pub(super) entry: EntryPoint,
    /// True if the pictures stay on the device, false if they are read back.
    pub(super) stays: bool,
    pub(super) tasks: Vec<Task>,
    pub(super) jobs: Vec<GpuJob>,
    pub(super) places: Vec<GpuPlace>,
    pub(super) thresholds: Vec<u32>,
    pub(super) uploads: Vec<CellUpload>,
    pub(super) sizes: BatchSizes,
    work: u64,
}

impl DrawBatch {
    /// Takes the first waiting picture, and all other waiting pictures that can be drawn with it in
    /// buffers of at most `most` bytes each; at most `pictures` in all. `None` if no picture waits.
    pub(super) fn gather(waiting: &mut VecDeque<Task>, most: u64, pictures: usize) -> Option<Self> {
        let first = waiting.pop_front()?;
        let mut batch = Self {
            plan: Arc::clone(&first.prepared.plan),
            entry: first.prepared.target.entry(),
            stays: first.prepared.target.kept().is_some(),
            tasks: Vec::new(),
            jobs: Vec::new(),
            places: Vec::new(),
            thresholds: Vec::new(),
            uploads: Vec::new(),
            sizes: BatchSizes::default(),
            work: 0,
        };
        batch.add(first);
        let mut others = VecDeque::with_capacity(waiting.len());
        while let Some(task) = waiting.pop_front() {
            if batch.tasks.len() < pictures && batch.takes(&task, most) {
                batch.add(task);
            } else {
                others.push_back(task);
            }
        }
        *waiting = others;
        Some(batch)
    }

    /// The number of bytes that are sent to the device with the batch.
    pub(super) fn staged_bytes(&self) -> usize {
        let cells = self.uploads.iter().map(|upload| {
            size_of_val(upload.items.as_slice()) + size_of_val(upload.cells.as_slice())
        });
        size_of_val(self.jobs.as_slice())
            + size_of_val(self.places.as_slice())
            + size_of_val(self.thresholds.as_slice())
            + cells.sum::<usize>()
    }

    fn takes(&self, task: &Task, most: u64) -> bool {
        let prepared = &task.prepared;
        prepared.plan.id == self.plan.id
            && prepared.target.entry() == self.entry
            && prepared.target.kept().is_some() == self.stays
            && self.sizes.with(&prepared.job).fit(most)
            && self.work + work(&prepared.job, &self.plan) <= MOST_WORK
    }

    fn add(&mut self, mut task: Task) {
        let number = self.jobs.len() as u32;
        let prepared = &mut task.prepared;
        let job = &mut prepared.job;
        let free = self.sizes;
        self.sizes = free.with(job);
        job.bins = free.bins;
        job.across = free.across;
        job.picture = free.picture;
        job.density = if matches!(self.plan.kind, GpuPlanKind::Direct { .. }) {
            free.bins
        } else {
            free.values
        };
        job.spread = job.density;
        if job.coarser > 1 {
            job.spread = free.values + job.pitch * job.height;
        }
        self.work += work(job, &self.plan);
        job.thresholds = self.thresholds.len() as u32;
        self.thresholds.extend_from_slice(prepared.target.table());
        let place = self.places.len() as u32;
        self.places.append(&mut prepared.places);
        for run in &prepared.runs {
            let resident = prepared.resident.as_deref().zip(run.buffer);
            let buffer = resident.and_then(|(points, number)| points.buffer(number));
            let mut first = run.first;
            let end = run.first + run.count;
            while first < end {
                let count = (end - first).min(STRETCH);
                let upload = upload_with_room(&mut self.uploads, buffer, count as usize);
                let item = WorkItem {
                    job: number,
                    first,
                    count,
                    place: place + run.place,
                };
                if buffer.is_some() {
                    upload.push(item);
                } else {
                    let from = upload.cells.len() as u32;
                    let range = first as usize..(first + count) as usize;
                    let cells = prepared.cells.get(range).unwrap_or_default();
                    upload.cells.extend_from_slice(cells);
                    upload.push(WorkItem {
                        first: from,
                        ..item
                    });
                }
                first += count;
            }
        }
        self.jobs.push(*job);
        self.tasks.push(task);
    }
}

/// An estimate of the number of multiplications in a picture's convolutions.
fn work(job: &GpuJob, plan: &GpuPlan) -> u64 {
    let outputs = u64::from(job.outputs) * u64::from(job.lines);
    match &plan.kind {
        GpuPlanKind::Direct { .. } | GpuPlanKind::Beyond => outputs,
        GpuPlanKind::Spread { .. } => 3 * outputs * u64::from(job.terms) * u64::from(job.span),
        GpuPlanKind::Edge { reach, deposit, .. } => {
            let taps = 4 * u64::from(*reach) * u64::from(*reach) * deposit.rows() as u64;
            outputs * taps
        }
    }
}

/// The last upload that reads `buffer` and has room for `cells` more cells. With `None` as
/// `buffer`, it is an upload whose cells are sent with the batch. If no upload has room, a new one
/// is added.
#[allow(
    clippy::indexing_slicing,
    reason = "an upload is added if none is found"
)]
fn upload_with_room<'a>(
    uploads: &'a mut Vec<CellUpload>,
    buffer: Option<&wgpu::Buffer>,
    cells: usize,
) -> &'a mut CellUpload {
    let fits = |upload: &CellUpload| upload.buffer.as_ref() == buffer && upload.has_room(cells);
    let found = uploads.iter().rposition(fits).unwrap_or(uploads.len());
    if found == uploads.len() {
        uploads.push(CellUpload {
            buffer: buffer.cloned(),
            items: Vec::new(),
            cells: Vec::new(),
            count: 0,
        });
    }
    &mut uploads[found]
}
