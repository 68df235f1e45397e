//! Batches: pictures that are drawn together, and the position of each in the device's buffers.

use super::health::FallbackReason;
use super::layout::{EDGE, GpuJob, GpuPlace, SPREAD, WorkItem};
use super::pipelines::EntryPoint;
use super::plan::{GpuPlan, GpuPlanKind};
use super::prepare::PreparedBlock;
use super::readings::{Answer, AnswerSender};
use heatsplat_points::Point;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

/// The greatest number of pictures in one batch.
pub(super) const MOST: usize = 64;

/// The greatest number of additions to bins in one submission. It is chosen so that a slow device
/// takes about 10 ms.
const MOST_ADDITIONS: u64 = 9 << 21;

/// The greatest number of items that one submission deposits. An item is up to 256 consecutive
/// cells. Each item takes a workgroup, and a dispatch may have only a limited number of workgroups.
const MOST_ITEMS: usize = 1 << 15;

/// The greatest number of multiplications in one submission. It is chosen so that a slow device
/// takes about 10 ms.
const MOST_WORK: u64 = 1 << 30;

/// The items of a dispatch begin at a multiple of this number in the list of all items, since
/// buffers are bound from a multiple of 256 bytes on. (An item is consecutive cells that one
/// workgroup deposits.)
pub(super) const ITEM_STEP: usize = 256 / size_of::<WorkItem>();

/// A block of a picture, for which a caller waits.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) prepared: PreparedBlock,
    /// The block's number, counted from 0, among all blocks that the caller has sent in one call.
    pub(super) number: usize,
    pub(super) caller: AnswerSender,
}

impl Task {
    /// Sends the reason of a failure to the caller. This has no effect if the caller no longer
    /// waits.
    pub(super) fn fail(self, reason: FallbackReason) {
        let _ = self.caller.send(Answer::Failed(self.number, reason));
    }
}

/// The number of elements that a batch needs in each buffer. A batch may grow until one of its
/// buffers would be too large.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct BatchSizes {
    pub(super) bins: u32,
    pub(super) across: u32,
    pub(super) values: u32,
    /// The number of 32-bit words of all pictures that are read back.
    pub(super) picture: u32,
}

impl BatchSizes {
    fn with(self, job: &GpuJob, is_kept: bool) -> Self {
        let outputs = if job.coarser > 1 {
            job.stride * job.lines
        } else {
            0
        };
        Self {
            bins: self.bins + job.bin_count,
            across: self.across + job.terms * job.inner_rows * job.stride,
            values: self.values + outputs + job.pitch * job.height,
            picture: self.picture + if is_kept { 0 } else { job.words },
        }
    }

    /// Returns true if none of the buffers would have more than `most` bytes with these sizes.
    fn fit(self, most: u64) -> bool {
        let bytes = |elements: u32, size: u64| u64::from(elements) * size;
        bytes(self.bins, 8) <= most
            && bytes(self.across, 4) <= most
            && bytes(self.values, 4) <= most
            && bytes(self.picture, 4) <= most
    }
}

/// Items that one dispatch deposits: each is up to 256 consecutive cells. All cells lie in one
/// buffer of points that is on the device, or all are sent with the batch.
#[derive(Debug)]
pub(super) struct CellDispatch {
    pub(super) entry: EntryPoint,
    /// The buffer of points on the device that has the cells. `None` if the cells are sent with the
    /// batch.
    pub(super) buffer: Option<wgpu::Buffer>,
    pub(super) items: Vec<WorkItem>,
}

/// Cells that one submission deposits. A batch with many cells has several submissions, so that the
/// device is never busy for long.
#[derive(Debug, Default)]
pub(super) struct SubmissionLoad {
    pub(super) dispatches: Vec<CellDispatch>,
    /// The cells that are sent to the device with this submission, because no buffer of points
    /// there has them.
    pub(super) cells: Vec<Point>,
    additions: u64,
    items: usize,
}

impl SubmissionLoad {
    fn has_room(&self, additions: u64) -> bool {
        self.additions + additions <= MOST_ADDITIONS && self.items < MOST_ITEMS
    }

    /// Finds the dispatch that runs `entry` on the cells of `buffer`, or adds it if there is none.
    /// With `None` the cells are those that are sent with the batch.
    fn dispatch(&mut self, entry: EntryPoint, buffer: Option<&wgpu::Buffer>) -> &mut CellDispatch {
        let is_it = |d: &CellDispatch| d.entry == entry && d.buffer.as_ref() == buffer;
        let found = self.dispatches.iter().rposition(is_it);
        let number = found.unwrap_or(self.dispatches.len());
        if found.is_none() {
            self.dispatches.push(CellDispatch {
                entry,
                buffer: buffer.cloned(),
                items: Vec::new(),
            });
        }
        #[allow(clippy::indexing_slicing, reason = "it is added if none is found")]
        &mut self.dispatches[number]
    }

    /// Lists the dispatches, each with the index of its first item in a list of the items of all
    /// dispatches. In this list the items of each dispatch begin at a multiple of `ITEM_STEP`.
    pub(super) fn items(&self) -> impl Iterator<Item = (usize, &CellDispatch)> {
        self.dispatches.iter().scan(0, |next, dispatch| {
            let first = *next;
            *next += dispatch.items.len().next_multiple_of(ITEM_STEP);
            Some((first, dispatch))
        })
    }
}

/// The picture on the device into which a batch is written.
#[derive(Debug)]
pub(super) struct BatchTarget {
    pub(super) buffer: wgpu::Buffer,
    /// The range of the buffer's 32-bit words that the batch may write.
    pub(super) words: Range<u64>,
}

impl BatchTarget {
    /// The index of the first 32-bit word of the buffer that shaders can access. It is the first
    /// word of `words`, rounded down so that its offset is a multiple of 256 bytes, as bindings
    /// require.
    pub(super) fn base(&self) -> u64 {
        self.words.start / 64 * 64
    }
}

/// Pictures that are drawn together. They may have different kernels.
#[derive(Debug)]
pub(super) struct DrawBatch {
    pub(super) entry: EntryPoint,
    /// The picture that stays on the device, of which all pictures of the batch are blocks. `None`
    /// if the pictures are read back.
    pub(super) target: Option<BatchTarget>,
    pub(super) tasks: Vec<Task>,
    pub(super) jobs: Vec<GpuJob>,
    pub(super) places: Vec<GpuPlace>,
    pub(super) thresholds: Vec<u32>,
    pub(super) loads: Vec<SubmissionLoad>,
    pub(super) sizes: BatchSizes,
    /// The tables of thresholds in `thresholds`, each with the index there of its first threshold.
    /// Pictures of one scale share a table.
    scales: Vec<(u32, Arc<[u32]>)>,
    work: u64,
}

impl DrawBatch {
    /// Takes the first waiting picture, and all other waiting pictures that can be drawn together
    /// with it: at most `pictures` in all, and at most `most` bytes in each buffer. `None` if no
    /// picture waits.
    pub(super) fn gather(waiting: &mut VecDeque<Task>, most: u64, pictures: usize) -> Option<Self> {
        let first = waiting.pop_front()?;
        let mut batch = Self::new(&first.prepared);
        batch.add(first);
        let mut others = VecDeque::new();
        while batch.tasks.len() < pictures.min(MOST)
            && let Some(task) = waiting.pop_front()
        {
            if batch.takes(&task, most) {
                batch.add(task);
            } else {
                others.push_back(task);
            }
        }
        others.append(waiting);
        *waiting = others;
        let most_terms = batch.jobs.iter().map(|job| job.terms).max();
        for job in &mut batch.jobs {
            job.most_terms = most_terms.unwrap_or(0).max(1);
            if let Some(target) = &batch.target {
                job.picture -= target.base() as u32;
            }
        }
        Some(batch)
    }

    fn new(first: &PreparedBlock) -> Self {
        let kept = first.target.kept();
        Self {
            entry: first.target.entry(),
            target: kept.map(|kept| BatchTarget {
                buffer: kept.buffer.clone(),
                words: kept.words(&first.job),
            }),
            tasks: Vec::new(),
            jobs: Vec::new(),
            places: Vec::new(),
            thresholds: Vec::new(),
            loads: vec![SubmissionLoad::default()],
            sizes: BatchSizes::default(),
            scales: Vec::new(),
            work: 0,
        }
    }

    /// Returns the range of 32-bit words that the batch would write in its target if it had this
    /// task as well. The range is empty if the batch has no target and the task's picture is read
    /// back too. `None` if the task has another target than the batch.
    fn target_with(&self, task: &Task) -> Option<Range<u64>> {
        let prepared = &task.prepared;
        match (&self.target, prepared.target.kept()) {
            (None, None) => Some(0..0),
            (Some(ours), Some(theirs)) if ours.buffer == theirs.buffer => {
                let more = theirs.words(&prepared.job);
                Some(ours.words.start.min(more.start)..ours.words.end.max(more.end))
            }
            _ => None,
        }
    }

    fn takes(&self, task: &Task, most: u64) -> bool {
        let prepared = &task.prepared;
        let is_kept = self.target.is_some();
        prepared.target.entry() == self.entry
            && self
                .target_with(task)
                .is_some_and(|words| (words.end - words.start) * 4 <= most)
            && self.sizes.with(&prepared.job, is_kept).fit(most)
            && self.work + work(&prepared.job, &prepared.plan) <= MOST_WORK
    }

    fn add(&mut self, mut task: Task) {
        let words = self.target_with(&task);
        let number = self.jobs.len() as u32;
        let prepared = &mut task.prepared;
        let job = &mut prepared.job;
        let free = self.sizes;
        self.sizes = free.with(job, self.target.is_some());
        job.bins = free.bins;
        job.across = free.across;
        job.density = free.values;
        job.spread = free.values;
        if job.coarser > 1 {
            job.spread += job.pitch * job.height;
        }
        match (&mut self.target, words) {
            (Some(target), Some(words)) => target.words = words,
            _ => job.picture = free.picture,
        }
        self.work += work(job, &prepared.plan);
        job.thresholds = scale(
            &mut self.thresholds,
            &mut self.scales,
            prepared.target.table(),
        );
        let place = self.places.len() as u32;
        self.places.append(&mut prepared.places);
        self.jobs.push(*job);
        self.add_cells(prepared, number, place);
        self.tasks.push(task);
    }

    /// Adds the cells of a job to the batch's last load, the cells of one submission. Begins
    /// another load whenever the last one is full.
    fn add_cells(&mut self, prepared: &PreparedBlock, job: u32, place: u32) {
        let (entry, each) = match prepared.plan.kind {
            GpuPlanKind::Direct { margin } => {
                (EntryPoint::Stamp, (2 * u64::from(margin) + 1).pow(2))
            }
            _ => (EntryPoint::Deposit, 9),
        };
        for run in &prepared.runs {
            let resident = prepared.resident.as_deref().zip(run.buffer);
            let buffer = resident.and_then(|(points, number)| points.buffer(number));
            let additions = u64::from(run.count) * each;
            if !self.loads.last().is_some_and(|l| l.has_room(additions)) {
                self.loads.push(SubmissionLoad::default());
            }
            let Some(load) = self.loads.last_mut() else {
                return;
            };
            load.additions += additions;
            load.items += 1;
            let mut first = run.first;
            if buffer.is_none() {
                first = load.cells.len() as u32;
                let range = run.first as usize..(run.first + run.count) as usize;
                let cells = prepared.cells.get(range).unwrap_or_default();
                load.cells.extend_from_slice(cells);
            }
            load.dispatch(entry, buffer).items.push(WorkItem {
                job,
                first,
                count: run.count,
                place: place + run.place,
            });
        }
    }
}

/// Returns the index in `thresholds` of the first threshold of a picture's table, or 0 if the
/// picture needs no table. A table that is not in the list `scales` is appended to `thresholds` and
/// to the list.
fn scale(
    thresholds: &mut Vec<u32>,
    scales: &mut Vec<(u32, Arc<[u32]>)>,
    table: Option<&Arc<[u32]>>,
) -> u32 {
    let Some(table) = table else { return 0 };
    let known = |(_, other): &&(u32, Arc<[u32]>)| Arc::ptr_eq(table, other) || table == other;
    if let Some((at, _)) = scales.iter().find(known) {
        return *at;
    }
    let at = thresholds.len() as u32;
    thresholds.extend_from_slice(table);
    scales.push((at, Arc::clone(table)));
    at
}

/// An estimate of the number of multiplications in a picture's convolutions.
fn work(job: &GpuJob, plan: &GpuPlan) -> u64 {
    let outputs = u64::from(job.outputs) * u64::from(job.lines);
    match (job.plan, &plan.kind) {
        (SPREAD, _) => 3 * outputs * u64::from(job.terms) * u64::from(job.span),
        (EDGE, GpuPlanKind::Edge { reach, deposit }) => {
            let taps = 4 * u64::from(*reach) * u64::from(*reach) * deposit.rows() as u64;
            outputs * taps
        }
        _ => outputs,
    }
}
